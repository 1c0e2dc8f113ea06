#pragma once

/* Who holds a token: TokenReview by the API server, remembered (memory.h) until the pod is forgotten or time has
 * passed.
 *
 * REVIEW_FLIGHT_MAX questions are asked at once, so that who asks much cannot keep the controller's own requests
 * waiting; REVIEW_QUEUE_MAX more wait in line. All of it on the loop's thread. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kube/api.h"
#include "report/identity.h"

enum { REVIEW_DEADLINE_MS = 5 * 1000, REVIEW_FLIGHT_MAX = 8, REVIEW_QUEUE_MAX = 256 };

/* Exactly one is not NULL: who it is (valid during the call), or why not: ERROR_FORBIDDEN when the token is not good
 * (bad, expired, of another audience, not of a pod), ERROR_TRANSIENT when that cannot be told now. */
typedef void review_done(void *arg, const struct identity *identity, const struct error *err);

struct review;
struct review_call;

struct review *review_new(struct kube_api *kube, const char *audience); /* copies the audience */
void review_free(struct review *review);                                /* with no call pending; takes NULL */

/* `done` is called once: before this returns (then NULL is returned), or later, unless cancelled. */
struct review_call *review_start(struct review *review, const char *token, int64_t now, review_done *done, void *arg);
void review_cancel(struct review_call *call); /* `done` is not called; takes NULL */

void review_forget(struct review *review, const char *pod_uid); /* no-op when not known */
const char *review_audience(const struct review *review);
