/* The certificate authority through the years: what is made verifies, what is renewed goes on verifying for everyone
 * who holds an older bundle. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "report/pki.h"

static const char *const names[] = {"weir.flows.svc", "weir.flows.svc.cluster.local", "10.1.2.3", "fd00::1", NULL};
static const int64_t start = 1763640000000; /* 2025-11-20 */

/* Would a launcher with this bundle trust this certificate for this name at this time? NULL, or why not. */
static const char *distrust(const char *bundle, X509 *leaf, const char *name, int64_t now) {
    X509_STORE *store = X509_STORE_new();
    BIO *bio = BIO_new_mem_buf(bundle, -1);
    for (X509 *ca; (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; X509_free(ca))
        X509_STORE_add_cert(store, ca);
    BIO_free(bio);
    ERR_clear_error();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, leaf, NULL);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, now / 1000);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) != 1)
        X509_VERIFY_PARAM_set1_host(param, name, 0);
    ERR_clear_error();
    const char *why =
        X509_verify_cert(context) == 1 ? NULL : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return why;
}

static void renew(struct pki *pki, int64_t now) {
    struct error err;
    if (pki_renew(pki, names, now, &err) != 0)
        fail_msg("%s", err.text);
}

/* Through PEM and back, as through the Secret. */
static void reload(struct pki *pki) {
    AUTO_PEM ca_crt = pki_ca_certificates(pki);
    AUTO_PEM ca_key = pki_ca_keys(pki);
    AUTO_PEM tls_crt = pki_leaf_certificate(pki);
    AUTO_PEM tls_key = pki_leaf_key(pki);
    pki_fini(pki);
    struct error problem;
    pki_load(pki, &(struct pki_texts){ca_crt, ca_key, tls_crt, tls_key}, &problem);
    assert_string_equal(problem.text, "");
}

static void what_is_made_verifies_for_its_names_only(void **state) {
    (void)state;
    struct pki pki = {0};
    struct pki_due due = pki_due(&pki, names, start);
    assert_true(due.ca && due.leaf);
    assert_string_equal(due.reason, "there is no CA");
    renew(&pki, start);
    reload(&pki);
    assert_int_equal(pki.ca_count, 1);
    assert_null(pki_due(&pki, names, start).reason);

    AUTO_PEM bundle = pki_ca_certificates(&pki);
    for (size_t i = 0; names[i] != NULL; i++)
        assert_null(distrust(bundle, pki.leaf.certificate, names[i], start));
    assert_string_equal(distrust(bundle, pki.leaf.certificate, "weir.other.svc", start), "hostname mismatch");
    assert_string_equal(distrust(bundle, pki.leaf.certificate, "10.1.2.4", start), "IP address mismatch");
    assert_string_equal(distrust(bundle, pki.leaf.certificate, names[0], start + PKI_LEAF_LIFE_MS + 1000),
                        "certificate has expired");
    assert_null(distrust(bundle, pki.leaf.certificate, names[0], start - 30 * 60 * 1000)); /* a slow clock */

    struct pki other = {0};
    renew(&other, start);
    AUTO_PEM foreign = pki_ca_certificates(&other);
    assert_non_null(distrust(foreign, pki.leaf.certificate, names[0], start));
    pki_fini(&other);
    pki_fini(&pki);
}

static void the_leaf_is_renewed_at_two_thirds(void **state) {
    (void)state;
    struct pki pki = {0};
    renew(&pki, start);
    assert_null(pki_due(&pki, names, start + 59 * PKI_DAY_MS).reason);
    struct pki_due due = pki_due(&pki, names, start + 60 * PKI_DAY_MS);
    assert_true(due.leaf && !due.ca);
    assert_string_equal(due.reason, "two thirds of the server certificate's life are over");
    X509 *ca = pki.cas[0].certificate;
    renew(&pki, start + 60 * PKI_DAY_MS);
    assert_ptr_equal(pki.cas[0].certificate, ca);
    assert_null(pki_due(&pki, names, start + 60 * PKI_DAY_MS).reason);
    pki_fini(&pki);
}

static void a_new_name_makes_a_new_leaf(void **state) {
    (void)state;
    static const char *const more[] = {"weir.flows.svc", "10.1.2.3", "192.0.2.7", NULL};
    struct pki pki = {0};
    renew(&pki, start);
    struct pki_due due = pki_due(&pki, more, start);
    assert_true(due.leaf && !due.ca);
    assert_string_equal(due.reason, "the server certificate lacks a name");
    pki_fini(&pki);
}

static void names_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"weir.svc,DNS:*.svc", "", "a b", "a:b", "*"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const list[] = {bad[i], NULL};
        struct pki pki = {0};
        struct error err;
        assert_int_equal(pki_renew(&pki, list, start, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.text, "not a DNS name or IP address"));
        pki_fini(&pki);
    }
}

/* What a leader does at each look. */
static void look(struct pki *pki, int64_t now) {
    if (pki_due(pki, names, now).reason != NULL)
        renew(pki, now);
    reload(pki);
    assert_null(pki_due(pki, names, now).reason);
}

/* Fifty years, looked at every ten days. Launchers keep the bundle they were made with for a year; each must trust the
 * certificate that is served, all the time. */
static void every_launcher_goes_on_trusting(void **state) {
    (void)state;
    enum { STEP_DAYS = 10, YEAR_STEPS = 365 / STEP_DAYS, STEPS = 50 * YEAR_STEPS };
    static char *bundles[STEPS];
    size_t most = 0;
    struct pki pki = {0};
    for (int step = 0; step < STEPS; step++) {
        int64_t now = start + step * STEP_DAYS * PKI_DAY_MS;
        if (pki_due(&pki, names, now).reason != NULL)
            renew(&pki, now);
        most = pki.ca_count > most ? pki.ca_count : most;
        bundles[step] = pki_ca_certificates(&pki);
        for (int made = step; made >= 0 && made >= step - YEAR_STEPS; made -= YEAR_STEPS / 4) {
            const char *why = distrust(bundles[made], pki.leaf.certificate, names[0], now);
            if (why != NULL)
                fail_msg("day %d: a launcher of day %d says: %s", step * STEP_DAYS, made * STEP_DAYS, why);
        }
    }
    assert_int_equal(most, PKI_CA_KEEP);
    for (int step = 0; step < STEPS; step++)
        free(bundles[step]);
    pki_fini(&pki);
}

static void what_begins_in_the_future_is_made_anew(void **state) {
    (void)state;
    struct pki pki = {0};
    look(&pki, start + 300 * PKI_DAY_MS); /* the clock is ahead */
    struct pki_due due = pki_due(&pki, names, start);
    assert_true(due.ca && due.leaf);
    assert_string_equal(due.reason, "no CA is valid yet: a clock was wrong");
    look(&pki, start);
    AUTO_PEM bundle = pki_ca_certificates(&pki);
    assert_null(distrust(bundle, pki.leaf.certificate, names[0], start));
    look(&pki, start + 301 * PKI_DAY_MS); /* both are valid now: those who know the first one only are served again */
    assert_null(distrust(bundle, pki.leaf.certificate, names[0], start + 301 * PKI_DAY_MS));
    pki_fini(&pki);
}

static void a_leaf_of_the_future_is_made_anew_by_the_same_ca(void **state) {
    (void)state;
    struct pki pki = {0};
    look(&pki, start);
    AUTO_PEM bundle = pki_ca_certificates(&pki);
    look(&pki, start + 100 * PKI_DAY_MS);
    struct pki_due due = pki_due(&pki, names, start + PKI_DAY_MS);
    assert_true(due.leaf && !due.ca);
    assert_string_equal(due.reason, "the server certificate is not valid yet: a clock was wrong");
    look(&pki, start + PKI_DAY_MS);
    assert_null(distrust(bundle, pki.leaf.certificate, names[0], start + PKI_DAY_MS));
    pki_fini(&pki);
}

/* One look at a wrong clock, however wrong, costs no launcher its trust for longer than that lasts. */
static void a_wrong_clock_is_got_over(void **state) {
    (void)state;
    static const int days[] = {-20 * 365, -400, -1, 1, 80, 400, 9 * 365, 11 * 365, 25 * 365};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        struct pki pki = {0};
        look(&pki, start);
        AUTO_PEM before = pki_ca_certificates(&pki);
        look(&pki, start + days[i] * PKI_DAY_MS);
        AUTO_PEM meanwhile = pki_ca_certificates(&pki);
        look(&pki, start + PKI_DAY_MS);
        AUTO_PEM after = pki_ca_certificates(&pki);
        const char *const bundles[] = {before, meanwhile, after};
        for (size_t k = 0; k < 3; k++) {
            const char *why = distrust(bundles[k], pki.leaf.certificate, names[0], start + PKI_DAY_MS);
            if (why != NULL)
                fail_msg("%d days: bundle %zu: %s", days[i], k, why);
        }
        pki_fini(&pki);
    }
}

static void what_does_not_belong_together_is_made_anew(void **state) {
    (void)state;
    struct pki one = {0}, two = {0};
    renew(&one, start);
    renew(&two, start);
    AUTO_PEM one_ca = pki_ca_certificates(&one);
    AUTO_PEM one_ca_key = pki_ca_keys(&one);
    AUTO_PEM one_leaf = pki_leaf_certificate(&one);
    AUTO_PEM one_key = pki_leaf_key(&one);
    AUTO_PEM two_ca_key = pki_ca_keys(&two);
    AUTO_PEM two_leaf = pki_leaf_certificate(&two);
    AUTO_PEM two_key = pki_leaf_key(&two);
    pki_fini(&one);
    pki_fini(&two);
    const struct {
        struct pki_texts texts;
        const char *problem;
        bool ca, leaf; /* due */
    } cases[] = {
        {{one_ca, one_ca_key, one_leaf, one_key}, "", false, false},
        {{NULL, NULL, NULL, NULL}, "", true, true},
        {{"", "", "", ""}, "", true, true},
        {{one_ca, one_ca_key, NULL, NULL}, "", false, true},
        {{one_ca, two_ca_key, one_leaf, one_key}, "tls.crt: not signed by a CA of ca.crt", true, true},
        {{one_ca, NULL, one_leaf, one_key}, "tls.crt: not signed by a CA of ca.crt", true, true},
        {{one_ca, one_ca_key, one_leaf, two_key},
         "tls.crt and tls.key: a certificate and its key do not belong together",
         false,
         true},
        {{one_ca, one_ca_key, two_leaf, two_key}, "tls.crt: not signed by a CA of ca.crt", false, true},
        {{"rubbish", one_ca_key, NULL, NULL}, "ca.crt and ca.key: no certificate with its key in them", true, true},
        {{one_ca, one_ca_key, one_leaf, "rubbish"},
         "tls.crt and tls.key: a certificate and its key do not belong together",
         false,
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pki pki = {0};
        struct error problem;
        pki_load(&pki, &cases[i].texts, &problem);
        assert_string_equal(problem.text, cases[i].problem);
        struct pki_due due = pki_due(&pki, names, start);
        assert_int_equal(due.ca, cases[i].ca);
        assert_int_equal(due.leaf, cases[i].leaf);
        renew(&pki, start);
        assert_null(pki_due(&pki, names, start).reason);
        pki_fini(&pki);
    }
}

/* Nobody is asked on a terminal. */
static void a_key_with_a_passphrase_is_refused(void **state) {
    (void)state;
    static const char passphrase[] = "secret";
    struct pki pki = {0};
    struct error problem;
    renew(&pki, start);
    AUTO_PEM ca = pki_ca_certificates(&pki);
    AUTO_PEM leaf = pki_leaf_certificate(&pki);
    BIO *bio = BIO_new(BIO_s_mem());
    char *locked = NULL;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pki.cas[0].key, EVP_aes_128_cbc(), passphrase, 6, NULL, NULL),
                     1);
    BIO_write(bio, "", 1);
    BIO_get_mem_data(bio, &locked);
    pki_fini(&pki);
    pki_load(&pki, &(struct pki_texts){ca, locked, leaf, locked}, &problem);
    assert_int_equal(pki.ca_count, 0);
    assert_string_equal(problem.text, "tls.crt and tls.key: a certificate and its key do not belong together");
    BIO_free(bio);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_verifies_for_its_names_only),
        cmocka_unit_test(the_leaf_is_renewed_at_two_thirds),
        cmocka_unit_test(a_new_name_makes_a_new_leaf),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(every_launcher_goes_on_trusting),
        cmocka_unit_test(what_begins_in_the_future_is_made_anew),
        cmocka_unit_test(a_leaf_of_the_future_is_made_anew_by_the_same_ca),
        cmocka_unit_test(a_wrong_clock_is_got_over),
        cmocka_unit_test(what_does_not_belong_together_is_made_anew),
        cmocka_unit_test(a_key_with_a_passphrase_is_refused),
    };
    return cmocka_run_group_tests_name("pki", tests, NULL, NULL);
}
