/* See secret.h. Relies on names that are DNS labels: they go into JSON as they are. Never logs. */

#include "report/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

static char *decode(const char *text) {
    return text != NULL ? base64_decode_padded(text, strlen(text)) : NULL;
}

static char *encode(char *text) {
    char *packed = text != NULL ? base64_encode(text, strlen(text)) : NULL;
    pki_clear(&text);
    return packed;
}

void secret_read(yyjson_val *object, struct secret_texts *ret_texts) {
    yyjson_val *data = json_at(object, "data", NULL);
    *ret_texts = (struct secret_texts){
        .ca_crt = decode(json_text(data, "ca.crt", NULL)),
        .ca_key = decode(json_text(data, "ca.key", NULL)),
        .tls_crt = decode(json_text(data, "tls.crt", NULL)),
        .tls_key = decode(json_text(data, "tls.key", NULL)),
    };
}

void secret_fini(struct secret_texts *texts) {
    pki_clear(&texts->ca_crt);
    pki_clear(&texts->ca_key);
    pki_clear(&texts->tls_crt);
    pki_clear(&texts->tls_key);
}

/* One allocation of the right size, so that no copy of a key is left behind by a growing buffer. */
static char *format_body(const char *namespace, const char *name, const char *version, char *const data[4]) {
    static const char format[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"metadata\":{\"namespace\":\"%s\","
        "\"name\":\"%s\"%s%s%s,\"labels\":{\"app.kubernetes.io/name\":\"weir\",\"app.kubernetes.io/managed-by\":"
        "\"weir\"}},\"data\":{\"ca.crt\":\"%s\",\"ca.key\":\"%s\",\"tls.crt\":\"%s\",\"tls.key\":\"%s\"}}";
    bool replace = version[0] != '\0';
    size_t size = sizeof format + strlen(namespace) + strlen(name) + strlen(version) + 32;
    for (size_t i = 0; i < 4; i++)
        size += strlen(data[i]);
    char *body = malloc(size);
    if (body != NULL)
        snprintf(body, size, format, namespace, name, replace ? ",\"resourceVersion\":\"" : "", version,
                 replace ? "\"" : "", data[0], data[1], data[2], data[3]);
    return body;
}

char *secret_body(const struct pki *pki, const char *namespace, const char *name, const char *version) {
    char *data[4] = {encode(pki_ca_certificates(pki)), encode(pki_ca_keys(pki)), encode(pki_leaf_certificate(pki)),
                     encode(pki_leaf_key(pki))};
    char *body = NULL;
    if (data[0] != NULL && data[1] != NULL && data[2] != NULL && data[3] != NULL)
        body = format_body(namespace, name, version, data);
    for (size_t i = 0; i < 4; i++)
        pki_clear(&data[i]);
    return body;
}
