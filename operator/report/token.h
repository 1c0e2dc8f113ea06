#pragma once

/* What a token says of itself, before anybody has vouched for it: enough to turn down what is not worth asking the API
 * server about, and never enough to believe it. Pure. */

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { TOKEN_SKEW_MS = 60 * 60 * 1000 }; /* so wrong may our clock be: what it lets through, the API server refuses */

struct token_claims {
    const char *namespace, *pod_name, *pod_uid;
};

/* `now`: wall ms. The texts live in the arena. ERROR_FORBIDDEN when it is no token of a service account, not for our
 * audience, has expired, or is not bound to a pod. */
int token_read(const char *token, const char *audience, int64_t now, struct arena *arena,
               struct token_claims *ret_claims, struct error *err);
