#pragma once

/* The operator's own small certificate authority: pure, in memory, with `now` (wall ms) as argument.
 *
 * Launchers get the bundle of CAs when their pod is made and keep it for the pod's life. So a new CA is put into the
 * bundle PKI_CA_OVERLAP_MS before it signs anything: by then every launcher older than it has ended. All keys EC P-256. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/error.h"
#include "base/strbuf.h"

#define PKI_DAY_MS (24LL * 60 * 60 * 1000)
#define PKI_CA_LIFE_MS (3650 * PKI_DAY_MS)
#define PKI_CA_OVERLAP_MS (365 * PKI_DAY_MS)
#define PKI_LEAF_LIFE_MS (90 * PKI_DAY_MS)
enum { PKI_CA_MAX = 8 };

struct pki_pair {
    X509 *certificate;
    EVP_PKEY *key;
};

struct pki {
    struct pki_pair cas[PKI_CA_MAX]; /* oldest first */
    size_t ca_count;
    struct pki_pair leaf;
};

void pki_fini(struct pki *pki); /* frees and clears; empty and usable again */

/* The four PEM texts of the Secret, each NULL when absent. What cannot be read or does not belong together is left out,
 * and `problem` (may be NULL) says what: pki_due() then asks for a new one. */
void pki_load(struct pki *pki, const char *ca_crt, const char *ca_key, const char *tls_crt, const char *tls_key,
              struct error *problem);

/* What should be done at `now`; the reason is for the log, NULL when nothing is due. */
struct pki_due {
    bool ca, leaf;
    const char *reason;
};
struct pki_due pki_due(const struct pki *pki, const char *const *names, int64_t now);
/* Does what is due, and drops CAs that have ended. */
int pki_renew(struct pki *pki, const char *const *names, int64_t now, struct error *err);

/* May `leaf` be served at `now`? */
bool pki_usable(const struct pki *pki, int64_t now);

/* PEM texts; what holds keys must be cleared by pki_clear(). */
void pki_ca_certificates(const struct pki *pki, struct strbuf *out);
void pki_ca_keys(const struct pki *pki, struct strbuf *out);
void pki_leaf_certificate(const struct pki *pki, struct strbuf *out);
void pki_leaf_key(const struct pki *pki, struct strbuf *out);
void pki_clear(struct strbuf *buf); /* overwrites and frees */
