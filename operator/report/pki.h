#pragma once

/* The operator's own small certificate authority: pure, in memory, with `now` (wall ms) as argument.
 *
 * Launchers get the bundle of CAs when their pod is made and keep it for the pod's life. So a new CA is put into the
 * bundle PKI_CA_OVERLAP_MS before it signs anything: by then every launcher older than it has ended. All keys EC P-256.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/error.h"

#define PKI_DAY_MS        (24LL * 60 * 60 * 1000)
#define PKI_CA_LIFE_MS    (3650 * PKI_DAY_MS)
#define PKI_CA_OVERLAP_MS (365 * PKI_DAY_MS)
#define PKI_LEAF_LIFE_MS  (90 * PKI_DAY_MS)
enum {
    PKI_CA_MAX = 8,
    PKI_CA_KEEP = 4, /* those that have ended stay as long as there are no more: the clock may be wrong, and go back */
};

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

/* The PEM texts of the Secret, each NULL when absent. */
struct pki_texts {
    const char *ca_crt, *ca_key, *tls_crt, *tls_key;
};

/* Into an empty `pki`. What cannot be read or does not belong together is left out: pki_due() then asks for a new one,
 * and `problem` says why (ERROR_NONE when all is well, or all is absent). */
void pki_load(struct pki *pki, const struct pki_texts *texts, struct error *problem);

/* What should be done at `now`; `reason` is for the log, NULL when nothing is due. */
struct pki_due {
    bool ca, leaf;
    const char *reason;
};
struct pki_due pki_due(const struct pki *pki, const char *const *names, int64_t now);
/* Does what is due. A new CA may take the place of one that has ended. ERROR_INVALID when a name is no DNS name and no
 * IP address. */
int pki_renew(struct pki *pki, const char *const *names, int64_t now, struct error *err);

/* PEM texts on the heap, all certificates or keys in order; NULL when memory ends. Release by pki_clear(). */
char *pki_ca_certificates(const struct pki *pki);
char *pki_ca_keys(const struct pki *pki);
char *pki_leaf_certificate(const struct pki *pki);
char *pki_leaf_key(const struct pki *pki);
void pki_clear(char **text); /* overwrites, frees, sets NULL; takes NULL: fits the cleanup attribute */
#define AUTO_PEM __attribute__((cleanup(pki_clear))) char *
