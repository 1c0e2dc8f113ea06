#pragma once

/* Who holds a token: TokenReview by the API server, remembered (memory.h) until the pod is forgotten or time has
 * passed.
 *
 * REVIEW_FLIGHT_MAX questions are asked at once, as many a second as rate.h allows, in a pool of their own; a few more
 * wait in line, and whoever would have to wait longer is told when to come again (turns.h). All of it on the loop's
 * thread. */

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/error.h"
#include "kube/api.h"
#include "report/identity.h"
#include "report/turns.h"

enum { REVIEW_DEADLINE_MS = 5 * 1000, REVIEW_FLIGHT_MAX = 8 };

struct review_config {
    uv_loop_t *loop;
    struct kube_api *kube;
    const char *audience; /* copied */
    double per_second;    /* reviews at most; 0: RATE_MAX */
};

/* Valid during the call only. */
struct review_answer {
    const struct identity *identity; /* NULL: not known */
    /* Then why: 401 the token is not good (bad, expired, of another audience, not of a pod); 429 the pod asks too much;
     * 503 it cannot be told now. */
    int status;
    int retry_after_s; /* 429, 503 */
    const char *text;
};
typedef void review_done(void *arg, const struct review_answer *answer);

struct review;
struct review_call;

struct review *review_new(const struct review_config *config);
/* With no call pending; its memory goes when the loop turns. Takes NULL. */
void review_free(struct review *review);

/* `asker` is copied. `done` is called once: before this returns (then NULL is returned), or later, unless cancelled. */
struct review_call *review_start(struct review *review, const char *token, const struct turn_asker *asker, int64_t now,
                                 review_done *done, void *arg);
void review_cancel(struct review_call *call); /* `done` is not called; takes NULL */

void review_forget(struct review *review, const char *pod_uid); /* no-op when not known */
const char *review_audience(const struct review *review);
