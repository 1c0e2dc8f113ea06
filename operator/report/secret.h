#pragma once

/* The Secret's object and our texts: JSON and base64, both ways. Pure. What holds keys is overwritten when freed. */

#include "base/json.h"
#include "report/pki.h"

struct secret_texts {
    char *ca_crt, *ca_key, *tls_crt, *tls_key; /* on the heap; NULL when absent or not base64 */
};

void secret_read(yyjson_val *object, struct secret_texts *ret_texts);
void secret_fini(struct secret_texts *texts);

/* The object to be written, on the heap; release by pki_clear(). `version` is the resource version to replace, "" to
 * create. NULL when memory ends. */
char *secret_body(const struct pki *pki, const char *namespace, const char *name, const char *version);
