/* See identity.h. Trusts the API server's word, and only what it says in full: a token that is not bound to a pod says
 * nothing about which pod speaks. Never logs; error texts hold no part of a token. */

#include "report/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define USER_PREFIX    "system:serviceaccount:"
#define EXTRA_POD_NAME "authentication.kubernetes.io/pod-name"
#define EXTRA_POD_UID  "authentication.kubernetes.io/pod-uid"

enum { TOKEN_MIN = 8, TOKEN_MAX = 6 * 1024 };

bool identity_token_plausible(const char *token) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
    size_t length = strnlen(token, TOKEN_MAX + 1);
    return length >= TOKEN_MIN && length <= TOKEN_MAX && strspn(token, allowed) == length;
}

char *identity_review_body(const char *token, const char *audience) {
    static const char format[] = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\","
                                 "\"spec\":{\"token\":\"%s\",\"audiences\":[\"%s\"]}}";
    size_t size = sizeof format + strlen(token) + strlen(audience);
    char *body = malloc(size);
    if (body != NULL)
        snprintf(body, size, format, token, audience);
    return body;
}

/* The first value of a member of `extra`, each a list of texts. */
static const char *extra_text(yyjson_val *user, const char *name) {
    return yyjson_get_str(yyjson_arr_get_first(json_at(user, "extra", name, NULL)));
}

static bool names_audience(yyjson_val *status, const char *audience) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_at(status, "audiences", NULL), index, count, item) {
        if (text_equal(yyjson_get_str(item), audience))
            return true;
    }
    return false;
}

/* "system:serviceaccount:NAMESPACE:NAME" */
static bool split_user(const char *user, struct arena *arena, struct identity *identity) {
    if (user == NULL || !text_starts_with(user, USER_PREFIX))
        return false;
    const char *namespace = user + strlen(USER_PREFIX);
    const char *colon = strchr(namespace, ':');
    if (colon == NULL || colon == namespace || colon[1] == '\0' || strchr(colon + 1, ':') != NULL)
        return false;
    identity->namespace = arena_strndup(arena, namespace, (size_t)(colon - namespace));
    identity->service_account = colon + 1;
    return true;
}

int identity_judge(yyjson_val *answer, const char *audience, struct arena *arena, struct identity *ret_identity,
                   struct error *err) {
    yyjson_val *status = json_at(answer, "status", NULL);
    yyjson_val *user = json_at(status, "user", NULL);
    if (!json_bool(status, "authenticated", false))
        return error_set(err, ERROR_FORBIDDEN, "the token is not valid (any more)");
    if (!names_audience(status, audience))
        return error_set(err, ERROR_FORBIDDEN, "the token is not for audience \"%s\"", audience);
    struct identity identity = {.pod_name = extra_text(user, EXTRA_POD_NAME),
                                .pod_uid = extra_text(user, EXTRA_POD_UID)};
    if (!split_user(json_text(user, "username", NULL), arena, &identity))
        return error_set(err, ERROR_FORBIDDEN, "the token is not a service account's");
    if (text_empty(identity.pod_name) || text_empty(identity.pod_uid))
        return error_set(err, ERROR_FORBIDDEN, "the token is not bound to a pod");
    *ret_identity = identity;
    return 0;
}
