#pragma once

/* Where launchers report: POST /v1/report on the TLS port, `Authorization: Bearer <projected token>`, body: the record.
 *
 * Who speaks is known from the token alone (TokenReview), so a launcher can only speak for its own pod. Answers: 200
 * {"intervalSeconds":N}, and to a launcher that stops "decision" when it is known; 400 not a record; 401 no token or
 * not valid; 403 not a pod of ours; 415 not JSON; 421 this replica stands by, another one leads: ask again; with
 * Retry-After 429 when the pod asks too much, and 503 when too many ask at once (review.h), this replica takes no
 * reports yet or any more, or the API server cannot say who speaks. Others (411, 413 …) come from the web server. */

#include <stddef.h>

#include "record/record.h"
#include "report/review.h"
#include "web/server.h"

enum { REPORT_BODY_MAX = RECORD_MAX, REPORT_DEADLINE_MS = 10 * 1000 };
#define REPORT_PATH "/v1/report"

struct endpoint_config {
    struct review *review; /* outlives the endpoint */
    /* NULL when this replica takes reports, else why not ("weir-operator-7d4 leads", "caches are not synced yet"): for
     * the log, since whoever asks has not been asked who he is. */
    const char *(*refusal)(void *arg);
    bool (*stands_by)(void *arg); /* asked then: does another replica take them, or will it? NULL: no */
    /* False when there is certainly no such pod of ours that has not ended: 403 without a review. Texts from outside.
     * NULL: not asked. */
    bool (*knows_pod)(void *arg, const char *namespace, const char *pod, const char *uid);
    /* A pod spoke. All arguments are valid during the call only. Returns 200; 403 when it is no launcher of ours; 409
     * when the pod is known with another UID; 503 when it cannot be told yet. */
    int (*accept)(void *arg, const struct identity *pod, const struct record *record, const char *body, size_t length);
    /* A launcher whose report was taken was told to stop and has not ended: "stop", its remote side is to end with it;
     * "leave", another attempt follows; NULL: not known yet. NULL as a whole: never known. */
    const char *(*decide)(void *arg, const struct identity *pod);
    /* Running launchers: the more, the less often each is asked to report. */
    size_t (*running)(void *arg);
    void *arg;
};

struct endpoint;
struct endpoint *endpoint_new(const struct endpoint_config *config);
void endpoint_free(struct endpoint *endpoint); /* after web_server_stop(); takes NULL */

/* The route's handler; arg: struct endpoint. */
void endpoint_handle(void *arg, struct web_request *request);

/* Seconds between two reports of one launcher, 5 to 60: together they report about 20 times a second. */
int report_interval_s(size_t running);
