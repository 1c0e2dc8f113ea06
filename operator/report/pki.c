/* See pki.h. The decisions, and the PEM texts; what a certificate says is pki_make.c's. No I/O, no clock, no logging;
 * keys are freed by OpenSSL, which overwrites them. */

#include "report/pki.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "report/pki_make.h"

/* ---- time and names ---- */

static int64_t time_ms(const ASN1_TIME *time) {
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static int64_t left_ms(const X509 *certificate, int64_t now) {
    return time_ms(X509_get0_notAfter(certificate)) - now;
}

static bool has_begun(const X509 *certificate, int64_t now) {
    return time_ms(X509_get0_notBefore(certificate)) <= now;
}

static bool is_for(X509 *certificate, const char *name) {
    return X509_check_ip_asc(certificate, name, 0) == 1 ||
           X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

static bool two_thirds_over(const X509 *certificate, int64_t now) {
    int64_t begin = time_ms(X509_get0_notBefore(certificate));
    int64_t end = time_ms(X509_get0_notAfter(certificate));
    return now - begin >= (end - begin) / 3 * 2;
}

/* ---- decisions ---- */

/* The oldest that is valid and not retired: launchers older than a newer one know only this one. Else the newest that
 * is valid, if any is. */
static const struct pki_pair *signer(const struct pki *pki, int64_t now) {
    const struct pki_pair *found = &pki->cas[pki->ca_count - 1];
    for (size_t i = 0; i < pki->ca_count; i++) {
        if (!has_begun(pki->cas[i].certificate, now))
            continue;
        found = &pki->cas[i];
        if (left_ms(found->certificate, now) > PKI_CA_OVERLAP_MS)
            break;
    }
    return found;
}

static bool signed_by(X509 *leaf, const struct pki_pair *ca) {
    bool good = X509_verify(leaf, X509_get0_pubkey(ca->certificate)) == 1;
    ERR_clear_error();
    return good;
}

/* Why a new CA is due, or NULL. What a wrong clock has made does not count until its time has come. */
static const char *ca_reason(const struct pki *pki, int64_t now) {
    bool begun = false;
    for (size_t i = 0; i < pki->ca_count; i++) {
        const X509 *ca = pki->cas[i].certificate;
        begun = begun || has_begun(ca, now);
        if (has_begun(ca, now) && left_ms(ca, now) >= 2 * PKI_CA_OVERLAP_MS)
            return NULL;
    }
    return pki->ca_count == 0 ? "there is no CA"
           : begun            ? "the newest CA is near its end"
                              : "no CA is valid yet: a clock was wrong";
}

static const char *leaf_reason(const struct pki *pki, const char *const *names, int64_t now) {
    X509 *leaf = pki->leaf.certificate;
    if (leaf == NULL)
        return "there is no server certificate";
    for (; *names != NULL; names++)
        if (!is_for(leaf, *names))
            return "the server certificate lacks a name";
    if (!has_begun(leaf, now))
        return "the server certificate is not valid yet: a clock was wrong";
    if (two_thirds_over(leaf, now))
        return "two thirds of the server certificate's life are over";
    if (pki->ca_count > 0 && !signed_by(leaf, signer(pki, now)))
        return "another CA is to sign the server certificate";
    return NULL;
}

struct pki_due pki_due(const struct pki *pki, const char *const *names, int64_t now) {
    const char *ca = ca_reason(pki, now), *leaf = leaf_reason(pki, names, now);
    return (struct pki_due){.ca = ca != NULL, .leaf = leaf != NULL, .reason = ca != NULL ? ca : leaf};
}

static void pair_fini(struct pki_pair *pair) {
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    *pair = (struct pki_pair){0};
}

/* One look at the clock is no proof: what seems to have ended goes only when something else takes its place. */
static void make_room(struct pki *pki, int64_t now) {
    size_t kept = 0, count = pki->ca_count;
    for (size_t i = 0; i < count; i++) {
        if (pki->ca_count >= PKI_CA_KEEP && left_ms(pki->cas[i].certificate, now) <= 0) {
            pair_fini(&pki->cas[i]);
            pki->ca_count--;
        } else {
            pki->cas[kept++] = pki->cas[i];
        }
    }
}

static int add_ca(struct pki *pki, int64_t now, struct error *err) {
    make_room(pki, now);
    if (pki->ca_count == PKI_CA_MAX)
        return error_set(err, ERROR_INVALID, "there are %d CAs already: delete the Secret to begin anew", PKI_CA_MAX);
    if (pki_make_ca(&pki->cas[pki->ca_count], now, err) != 0)
        return -1;
    pki->ca_count++;
    return 0;
}

int pki_renew(struct pki *pki, const char *const *names, int64_t now, struct error *err) {
    if (pki_due(pki, names, now).ca && add_ca(pki, now, err) != 0)
        return -1;
    if (!pki_due(pki, names, now).leaf) /* the new CA may be the one to sign */
        return 0;
    struct pki_pair leaf;
    if (pki_make_leaf(&leaf, signer(pki, now), names, now, err) != 0)
        return -1;
    pair_fini(&pki->leaf);
    pki->leaf = leaf;
    return 0;
}

void pki_fini(struct pki *pki) {
    for (size_t i = 0; i < pki->ca_count; i++)
        pair_fini(&pki->cas[i]);
    pair_fini(&pki->leaf);
    pki->ca_count = 0;
}

/* ---- from PEM ---- */

static BIO *reader(const char *text) {
    return text != NULL ? BIO_new_mem_buf(text, -1) : NULL;
}

/* Keys with a passphrase are not ours: OpenSSL tries this one instead of asking on a terminal. */
static char no_passphrase[] = "";

/* The next certificate and key of the two texts. False at the end of both, and when they do not belong together. */
static bool read_pair(BIO *certificates, BIO *keys, const char *what, struct pki_pair *ret_pair,
                      struct error *problem) {
    struct pki_pair pair = {0};
    if (certificates != NULL)
        pair.certificate = PEM_read_bio_X509(certificates, NULL, NULL, no_passphrase);
    if (keys != NULL)
        pair.key = PEM_read_bio_PrivateKey(keys, NULL, NULL, no_passphrase);
    bool good = pair.certificate != NULL && pair.key != NULL && X509_check_private_key(pair.certificate, pair.key) == 1;
    ERR_clear_error();
    if (good) {
        *ret_pair = pair;
        return true;
    }
    if (pair.certificate != NULL || pair.key != NULL)
        error_set(problem, ERROR_INVALID, "%s: a certificate and its key do not belong together", what);
    pair_fini(&pair);
    return false;
}

static bool signed_by_any(const struct pki *pki, X509 *leaf) {
    bool found = false;
    for (size_t i = 0; i < pki->ca_count && !found; i++)
        found = signed_by(leaf, &pki->cas[i]);
    return found;
}

static bool text_there(const char *text) {
    return text != NULL && text[0] != '\0';
}

void pki_load(struct pki *pki, const struct pki_texts *texts, struct error *problem) {
    *problem = (struct error){0};
    BIO *certificates = reader(texts->ca_crt), *keys = reader(texts->ca_key);
    while (pki->ca_count < PKI_CA_MAX &&
           read_pair(certificates, keys, "ca.crt and ca.key", &pki->cas[pki->ca_count], problem))
        pki->ca_count++;
    BIO_free(certificates);
    BIO_free(keys);
    if (pki->ca_count == 0 && text_there(texts->ca_crt))
        error_set(problem, ERROR_INVALID, "ca.crt and ca.key: no certificate with its key in them");

    certificates = reader(texts->tls_crt), keys = reader(texts->tls_key);
    read_pair(certificates, keys, "tls.crt and tls.key", &pki->leaf, problem);
    BIO_free(certificates);
    BIO_free(keys);
    if (pki->leaf.certificate != NULL && !signed_by_any(pki, pki->leaf.certificate)) {
        error_set(problem, ERROR_INVALID, "tls.crt: not signed by a CA of ca.crt");
        pair_fini(&pki->leaf);
    }
}

/* ---- to PEM ---- */

static char *take_text(BIO *bio, bool good) {
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    char *text = good && length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL) {
        memcpy(text, bytes, (size_t)length);
        text[length] = '\0';
    }
    BIO_free(bio); /* overwrites */
    return text;
}

static char *certificates_text(const struct pki_pair *pairs, size_t count) {
    BIO *bio = BIO_new(BIO_s_mem());
    bool good = bio != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = PEM_write_bio_X509(bio, pairs[i].certificate) == 1;
    return take_text(bio, good);
}

static char *keys_text(const struct pki_pair *pairs, size_t count) {
    BIO *bio = BIO_new(BIO_s_mem());
    bool good = bio != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = PEM_write_bio_PKCS8PrivateKey(bio, pairs[i].key, NULL, NULL, 0, NULL, NULL) == 1;
    return take_text(bio, good);
}

char *pki_ca_certificates(const struct pki *pki) {
    return certificates_text(pki->cas, pki->ca_count);
}

char *pki_ca_keys(const struct pki *pki) {
    return keys_text(pki->cas, pki->ca_count);
}

char *pki_leaf_certificate(const struct pki *pki) {
    return certificates_text(&pki->leaf, 1);
}

char *pki_leaf_key(const struct pki *pki) {
    return keys_text(&pki->leaf, 1);
}

void pki_clear(char **text) {
    if (*text != NULL)
        OPENSSL_cleanse(*text, strlen(*text));
    free(*text);
    *text = NULL;
}
