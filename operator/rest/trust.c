/* See trust.h. Looks whether files can be read, never into them. */

#include "rest/trust.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Alpine, Arch */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL, Fedora, Amazon Linux */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* RHEL 6 and those like it */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine without the package */
};
static const char directory[] = "/etc/ssl/certs"; /* hashed links alone, in small images of SUSE */

static const char *from_environment(const char *name) {
    const char *value = getenv(name);
    return text_empty(value) ? NULL : value;
}

void trust_find(struct trust *ret_trust) {
    struct trust trust = {.file = from_environment("SSL_CERT_FILE"), .directory = from_environment("SSL_CERT_DIR")};
    bool told = trust.file != NULL || trust.directory != NULL;
    for (size_t i = 0; !told && trust.file == NULL && i < sizeof bundles / sizeof *bundles; i++)
        if (access(bundles[i], R_OK) == 0)
            trust.file = bundles[i];
    if (trust.file == NULL && trust.directory == NULL && access(directory, R_OK | X_OK) == 0)
        trust.directory = directory;
    *ret_trust = trust;
}
