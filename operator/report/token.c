/* See token.h. A JSON web token (RFC 7519): header, payload and signature in base64, with dots between them. Only the
 * payload is looked at. Never logs; error texts hold no part of a token. */

#include "report/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "report/identity.h"

/* The payload as a document, or NULL. */
static yyjson_doc *read_payload(const char *token) {
    const char *begin = strchr(token, '.');
    const char *end = begin != NULL ? strchr(begin + 1, '.') : NULL;
    if (end == NULL || strchr(end + 1, '.') != NULL || begin == token || end[1] == '\0')
        return NULL;
    size_t length = 0;
    char *text = base64_decode(begin + 1, (size_t)(end - begin - 1), &length);
    yyjson_doc *doc = NULL;
    struct error err;
    if (text != NULL && json_parse(text, length, &doc, &err) != 0)
        doc = NULL;
    free(text);
    return doc;
}

/* One text, or a list of them. */
static bool names_audience(yyjson_val *payload, const char *audience) {
    return text_equal(json_text(payload, "aud", NULL), audience) || json_lists(payload, "aud", audience);
}

int token_read(const char *token, const char *audience, int64_t now, struct arena *arena,
               struct token_claims *ret_claims, struct error *err) {
    AUTO_JSON *doc = identity_token_plausible(token) ? read_payload(token) : NULL;
    if (doc == NULL)
        return error_set(err, ERROR_FORBIDDEN, "not a service account token");
    yyjson_val *payload = yyjson_doc_get_root(doc);
    yyjson_val *about = json_at(payload, "kubernetes.io", NULL);
    if (!names_audience(payload, audience))
        return error_set(err, ERROR_FORBIDDEN, "the token is not for audience \"%s\"", audience);
    if (json_int(payload, "exp", 0) <= (now - TOKEN_SKEW_MS) / 1000)
        return error_set(err, ERROR_FORBIDDEN, "the token has expired");
    struct token_claims claims = {
        .namespace = arena_strdup(arena, json_text(about, "namespace", NULL)),
        .pod_name = arena_strdup(arena, json_text(json_at(about, "pod", NULL), "name", NULL)),
        .pod_uid = arena_strdup(arena, json_text(json_at(about, "pod", NULL), "uid", NULL)),
    };
    if (text_empty(claims.namespace) || text_empty(claims.pod_name) || text_empty(claims.pod_uid))
        return error_set(err, ERROR_FORBIDDEN, "the token is not bound to a pod");
    *ret_claims = claims;
    return 0;
}
