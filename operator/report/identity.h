#pragma once

/* Who a token speaks for, as TokenReview (authentication.k8s.io/v1) tells it. Pure. */

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct identity {
    const char *namespace, *service_account, *pod_name, *pod_uid;
};

/* Is it worth asking about? The characters of a JSON web token, not too many: so it also needs no quoting. */
bool identity_token_plausible(const char *token);

/* The request's body, on the heap. Holds the token: overwrite it before freeing. NULL when memory ends. The token is
 * plausible and the audience an ordinary word. */
char *identity_review_body(const char *token, const char *audience);

/* Reads the answer; the texts live in it and in the arena. ERROR_FORBIDDEN when the token is not good for us: not
 * authenticated, not for our audience, not a service account's, or not bound to a pod. */
int identity_judge(yyjson_val *answer, const char *audience, struct arena *arena, struct identity *ret_identity,
                   struct error *err);
