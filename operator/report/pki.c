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

struct pki_due pki_due(const struct pki *pki, const char *const *names, int64_t now) {
    struct pki_due due = {0};
    if (pki->ca_count == 0)
        due = (struct pki_due){.ca = true, .leaf = true, .reason = "there is no CA"};
    else if (left_ms(pki->cas[pki->ca_count - 1].certificate, now) < 2 * PKI_CA_OVERLAP_MS)
        due = (struct pki_due){.ca = true, .reason = "the newest CA is near its end"};

    if (pki->leaf.certificate == NULL) {
        due.leaf = true;
        due.reason = due.reason != NULL ? due.reason : "there is no server certificate";
        return due;
    }
    for (; *names != NULL && !due.leaf; names++) {
        due.leaf = !is_for(pki->leaf.certificate, *names);
        if (due.leaf)
            due.reason = "the server certificate lacks a name";
    }
    if (!due.leaf && two_thirds_over(pki->leaf.certificate, now)) {
        due.leaf = true;
        due.reason = "two thirds of the server certificate's life are over";
    }
    return due;
}

/* The oldest that is not retired: launchers older than a newer one know only this one. */
static const struct pki_pair *signer(const struct pki *pki, int64_t now) {
    for (size_t i = 0; i < pki->ca_count; i++)
        if (left_ms(pki->cas[i].certificate, now) > PKI_CA_OVERLAP_MS)
            return &pki->cas[i];
    return &pki->cas[pki->ca_count - 1];
}

static void pair_fini(struct pki_pair *pair) {
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    *pair = (struct pki_pair){0};
}

static void drop_ended(struct pki *pki, int64_t now) {
    size_t kept = 0;
    for (size_t i = 0; i < pki->ca_count; i++) {
        if (left_ms(pki->cas[i].certificate, now) <= 0)
            pair_fini(&pki->cas[i]);
        else
            pki->cas[kept++] = pki->cas[i];
    }
    pki->ca_count = kept;
}

int pki_renew(struct pki *pki, const char *const *names, int64_t now, struct error *err) {
    drop_ended(pki, now);
    struct pki_due due = pki_due(pki, names, now);
    if (due.ca) {
        if (pki->ca_count == PKI_CA_MAX)
            return error_set(err, ERROR_INVALID, "there are %d CAs already: delete the Secret to begin anew",
                             PKI_CA_MAX);
        if (pki_make_ca(&pki->cas[pki->ca_count], now, err) != 0)
            return -1;
        pki->ca_count++;
    }
    if (!due.leaf)
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

/* Keys with a passphrase are not ours: never ask on a terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *arg) {
    (void)buffer, (void)size, (void)writing, (void)arg;
    return -1;
}

/* The next certificate and key of the two texts. False at the end of both, and when they do not belong together. */
static bool read_pair(BIO *certificates, BIO *keys, const char *what, struct pki_pair *ret_pair,
                      struct error *problem) {
    struct pki_pair pair = {0};
    if (certificates != NULL)
        pair.certificate = PEM_read_bio_X509(certificates, NULL, no_passphrase, NULL);
    if (keys != NULL)
        pair.key = PEM_read_bio_PrivateKey(keys, NULL, no_passphrase, NULL);
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
        found = X509_verify(leaf, X509_get0_pubkey(pki->cas[i].certificate)) == 1;
    ERR_clear_error();
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
