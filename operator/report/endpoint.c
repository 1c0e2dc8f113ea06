/* See endpoint.h. One report: may we take it, who speaks, what does it say, hand it over.
 *
 * Relies on the web server for bounds and deadlines. A pod's identity is what the API server says of its token, never
 * what the report says; what the token says of itself serves to refuse it only. Keeps nothing between reports. Tells
 * nobody who is not known how things are here. */

#include "report/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "report/token.h"

enum {
    INTERVAL_MIN_S = 5,
    INTERVAL_MAX_S = 60,
    REPORTS_PER_SECOND = 20, /* of all launchers together: some 2 % of a core */
    RETRY_AWAY_S = 2,
    RETRY_BUSY_S = 5,
};

struct endpoint {
    struct endpoint_config config;
};

/* A report whose speaker is not known yet. */
struct pending {
    struct endpoint *endpoint;
    struct web_request *request;
    struct review_call *call;
};

static struct metric reports_total = {.name = "weir_reports_total",
                                      .help = "Reports of launchers, by HTTP status of the answer.",
                                      .type = METRIC_COUNTER,
                                      .labels = {"code"}};

struct endpoint *endpoint_new(const struct endpoint_config *config) {
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (endpoint == NULL)
        abort();
    endpoint->config = *config;
    return endpoint;
}

void endpoint_free(struct endpoint *endpoint) {
    free(endpoint);
}

int report_interval_s(size_t running) {
    if (running > INTERVAL_MAX_S * REPORTS_PER_SECOND)
        return INTERVAL_MAX_S;
    int seconds = (int)running / REPORTS_PER_SECOND;
    return seconds > INTERVAL_MIN_S ? seconds : INTERVAL_MIN_S;
}

/* ---- answers ---- */

static void count(int status) {
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    metric_add(&reports_total, 1, code);
}

static void answer(struct web_request *request, int status, const char *text, int retry_after) {
    count(status);
    char body[320];
    int length = snprintf(body, sizeof body, "%s\n", text);
    web_answer(request, &(struct web_answer){.status = status,
                                             .body = body,
                                             .length = (size_t)length < sizeof body ? (size_t)length : sizeof body - 1,
                                             .retry_after = retry_after});
}

/* `decision` NULL: none. */
static void answer_taken(const struct endpoint *endpoint, struct web_request *request, const char *decision) {
    count(200);
    char body[80];
    int interval = report_interval_s(endpoint->config.running(endpoint->config.arg));
    int length = decision == NULL ? snprintf(body, sizeof body, "{\"intervalSeconds\":%d}\n", interval)
                                  : snprintf(body, sizeof body, "{\"intervalSeconds\":%d,\"decision\":\"%s\"}\n",
                                             interval, decision);
    web_answer(request,
               &(struct web_answer){.status = 200, .type = "application/json", .body = body, .length = (size_t)length});
}

static const char *refusal_text(int status) {
    switch (status) {
    case 403: return "not a launcher of this operator";
    case 409: return "the pod of that name is another one";
    default: return "not ready for this report";
    }
}

/* ---- one report ---- */

static const char *decision_of(const struct endpoint_config *config, const struct identity *pod,
                               const struct record *record) {
    bool stops = !record->final && strcmp(record->phase, "Stopping") == 0;
    return stops && config->decide != NULL ? config->decide(config->arg, pod) : NULL;
}

static void take(const struct endpoint *endpoint, struct web_request *request, const struct identity *pod) {
    AUTO_ARENA arena = ARENA_INIT;
    struct record record = RECORD_INIT;
    struct error err;
    if (record_decode(request->body, request->length, &record, &arena, &err) != 0) {
        log_warn("report", "a report is no record", {"namespace", pod->namespace}, {"pod", pod->pod_name},
                 {"err", err.text});
        answer(request, 400, err.text, 0);
        return;
    }
    int status = endpoint->config.accept(endpoint->config.arg, pod, &record, request->body, request->length);
    if (status == 200) {
        answer_taken(endpoint, request, decision_of(&endpoint->config, pod, &record));
        return;
    }
    log_debug("report", refusal_text(status), {"namespace", pod->namespace}, {"pod", pod->pod_name});
    answer(request, status, refusal_text(status), status == 503 ? RETRY_AWAY_S : 0);
}

static void on_identity(void *arg, const struct review_answer *told) {
    struct pending pending = *(struct pending *)arg;
    free(arg);
    if (told->identity != NULL)
        take(pending.endpoint, pending.request, told->identity);
    else
        answer(pending.request, told->status, told->text, told->retry_after_s);
}

static void on_dropped(struct web_request *request) {
    struct pending *pending = request->state;
    metric_add(&reports_total, 1, "dropped");
    review_cancel(pending->call);
    free(pending);
}

/* The token after "Bearer " (any case: RFC 9110 11.1); NULL when there is none. */
static const char *bearer(const char *authorization) {
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *token = authorization + sizeof scheme - 1;
    return token + strspn(token, " ");
}

/* application/json, whatever parameters follow. */
static bool is_json(const char *type) {
    static const char json[] = "application/json";
    if (type == NULL || strncasecmp(type, json, sizeof json - 1) != 0)
        return false;
    const char *rest = type + sizeof json - 1;
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

/* 0 when the API server is worth asking about the token, else how to refuse it: anybody can send anything here. */
static int refuse_unasked(const struct endpoint *endpoint, const char *token, struct turn_asker *asker,
                          struct error *err) {
    const struct endpoint_config *config = &endpoint->config;
    AUTO_ARENA arena = ARENA_INIT;
    struct token_claims claims;
    if (token_read(token, review_audience(config->review), clock_wall_ms(), &arena, &claims, err) != 0)
        return 401;
    snprintf(asker->pod_uid, sizeof asker->pod_uid, "%s", claims.pod_uid);
    if (config->knows_pod == NULL || config->knows_pod(config->arg, claims.namespace, claims.pod_name, claims.pod_uid))
        return 0;
    error_set(err, ERROR_FORBIDDEN, "%s", refusal_text(403));
    return 403;
}

/* Whose last words these may be: cheap to see, and only believed so far that its turn comes first. */
static bool tells_an_end(const struct web_request *request) {
    AUTO_ARENA arena = ARENA_INIT;
    struct record record = RECORD_INIT;
    struct error err;
    return record_decode(request->body, request->length, &record, &arena, &err) == 0 &&
           (record.final || strcmp(record.phase, "Stopping") == 0);
}

static void review_speaker(struct endpoint *endpoint, struct web_request *request, const char *token,
                           const struct turn_asker *asker) {
    struct pending *pending = calloc(1, sizeof *pending);
    if (pending == NULL) {
        answer(request, 503, "out of memory", RETRY_BUSY_S);
        return;
    }
    *pending = (struct pending){.endpoint = endpoint, .request = request};
    request->state = pending;
    request->dropped = on_dropped;
    struct review_call *call =
        review_start(endpoint->config.review, token, asker, request->received_at, on_identity, pending);
    if (call != NULL) /* else the answer is given and `pending` gone */
        pending->call = call;
}

void endpoint_handle(void *arg, struct web_request *request) {
    struct endpoint *endpoint = arg;
    const struct endpoint_config *config = &endpoint->config;
    const char *refusal = config->refusal(config->arg);
    if (refusal != NULL) {
        bool stands_by = config->stands_by != NULL && config->stands_by(config->arg);
        log_debug("report", "a report is not taken", {"reason", refusal});
        answer(request, stands_by ? 421 : 503, "no reports are taken here now", stands_by ? 0 : RETRY_AWAY_S);
        return;
    }
    const char *token = bearer(request->authorization);
    if (token == NULL) {
        answer(request, 401, "send the pod's token: Authorization: Bearer ...", 0);
        return;
    }
    if (!is_json(request->content_type)) {
        answer(request, 415, "send Content-Type: application/json", 0);
        return;
    }
    struct error err;
    struct turn_asker asker = {.peer = request->peer};
    int status = refuse_unasked(endpoint, token, &asker, &err);
    if (status != 0) {
        answer(request, status, err.text, 0);
        return;
    }
    asker.urgent = tells_an_end(request);
    review_speaker(endpoint, request, token, &asker);
}
