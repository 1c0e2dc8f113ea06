/* Makes a CA and a server certificate: X.509 v3, EC P-256, SHA-256, random serial numbers (RFC 5280). Relies on OpenSSL
 * alone; reads no configuration file. Certificates begin an hour early, so that a node whose clock is a little slow
 * takes them too. */

#include "report/pki_make.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/strbuf.h"

enum { SERIAL_BYTES = 16, EARLY_MS = 60 * 60 * 1000 };

static int fail(struct error *err, const char *what) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(err, ERROR_TRANSIENT, "%s: %s", what, reason != NULL ? reason : "refused by OpenSSL");
}

static bool set_serial(X509 *certificate, unsigned char bytes[SERIAL_BYTES]) {
    if (RAND_bytes(bytes, SERIAL_BYTES) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and of one length */
    BIGNUM *number = BN_bin2bn(bytes, SERIAL_BYTES, NULL);
    bool good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return good;
}

static bool set_life(X509 *certificate, int64_t now, int64_t life_ms) {
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (now - EARLY_MS) / 1000) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (now + life_ms) / 1000) != NULL;
}

static bool set_names(X509 *certificate, const char *subject, const X509 *issuer) {
    X509_NAME *name = X509_NAME_new();
    bool good = name != NULL &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0) == 1 &&
                X509_set_subject_name(certificate, name) == 1 &&
                X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : name) == 1;
    X509_NAME_free(name);
    return good;
}

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer != NULL ? issuer : certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

struct extension {
    int kind;
    const char *value;
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
    {0, NULL},
};

static const struct extension leaf_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid"},
    {0, NULL},
};

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *extensions) {
    bool good = true;
    for (; extensions->value != NULL && good; extensions++)
        good = add_extension(certificate, issuer, extensions->kind, extensions->value);
    return good;
}

int pki_make_ca(struct pki_pair *ret_pair, int64_t now, struct error *err) {
    struct pki_pair pair = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    unsigned char serial[SERIAL_BYTES];
    char subject[32];
    bool good = pair.certificate != NULL && pair.key != NULL &&
                X509_set_version(pair.certificate, X509_VERSION_3) == 1 && set_serial(pair.certificate, serial);
    if (good) /* each CA has a name of its own, so that a verifier finds the right one of the bundle */
        snprintf(subject, sizeof subject, "weir CA %02x%02x%02x%02x", serial[0], serial[1], serial[2], serial[3]);
    good = good && set_names(pair.certificate, subject, NULL) && set_life(pair.certificate, now, PKI_CA_LIFE_MS) &&
           X509_set_pubkey(pair.certificate, pair.key) == 1 && add_extensions(pair.certificate, NULL, ca_extensions) &&
           X509_sign(pair.certificate, pair.key, EVP_sha256()) > 0;
    if (!good) {
        X509_free(pair.certificate);
        EVP_PKEY_free(pair.key);
        return fail(err, "make a CA");
    }
    *ret_pair = pair;
    return 0;
}

/* "DNS:a,DNS:b,IP:10.0.0.1": OpenSSL reads it as a list, so a name must not hold what separates. */
static int alternative_names(const char *const *names, struct strbuf *out, struct error *err) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    unsigned char address[16];
    for (; *names != NULL; names++) {
        bool ip = inet_pton(AF_INET, *names, address) == 1 || inet_pton(AF_INET6, *names, address) == 1;
        if (!ip && ((*names)[0] == '\0' || (*names)[strspn(*names, allowed)] != '\0'))
            return error_set(err, ERROR_INVALID, "certificate name \"%s\": not a DNS name or IP address", *names);
        strbuf_printf(out, "%s%s:%s", out->length > 0 ? "," : "", ip ? "IP" : "DNS", *names);
    }
    return out->length > 0 ? 0 : error_set(err, ERROR_INVALID, "a server certificate needs a name");
}

int pki_make_leaf(struct pki_pair *ret_pair, const struct pki_pair *ca, const char *const *names, int64_t now,
                  struct error *err) {
    AUTO_STRBUF list = STRBUF_MAX(8192);
    if (alternative_names(names, &list, err) != 0)
        return -1;
    struct pki_pair pair = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    unsigned char serial[SERIAL_BYTES];
    bool good = pair.certificate != NULL && pair.key != NULL && !strbuf_failed(&list) &&
                X509_set_version(pair.certificate, X509_VERSION_3) == 1 && set_serial(pair.certificate, serial) &&
                set_names(pair.certificate, "weir", ca->certificate) &&
                set_life(pair.certificate, now, PKI_LEAF_LIFE_MS) && X509_set_pubkey(pair.certificate, pair.key) == 1 &&
                add_extensions(pair.certificate, ca->certificate, leaf_extensions) &&
                add_extension(pair.certificate, ca->certificate, NID_subject_alt_name, strbuf_text(&list)) &&
                X509_sign(pair.certificate, ca->key, EVP_sha256()) > 0;
    if (!good) {
        X509_free(pair.certificate);
        EVP_PKEY_free(pair.key);
        return fail(err, "make a server certificate");
    }
    *ret_pair = pair;
    return 0;
}
