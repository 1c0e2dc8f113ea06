/* Requests on their way: what they are about, and what their answers mean for the caches. */

#include "controller/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

static struct metric left_metric = {
    .name = "weir_remote_left_total",
    .help = "Attempts whose remote side may still run, since neither a launcher nor a cleaner could end it.",
    .type = METRIC_COUNTER};

enum { FAILED_FIRST_MS = 50, FAILED_MOST_MS = 60 * 1000 };

static char *copy(const char *text) {
    char *copied = strdup(text == NULL ? "" : text);
    if (copied == NULL)
        abort();
    return copied;
}

struct request *request_new(const struct pass_scope *scope, const char *pod, const char *pod_uid, const char *task) {
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        abort();
    *request = (struct request){.controller = scope->controller,
                                .key = copy(scope->key),
                                .namespace = copy(scope->namespace),
                                .pipeline = copy(scope->pipeline),
                                .run_uid = copy(scope->run_uid),
                                .pod = copy(pod),
                                .pod_uid = copy(pod_uid),
                                .task = copy(task)};
    controller_asks(scope->controller);
    return request;
}

/* What was known of a run that is gone goes with the last request for it. */
static void forget_gone(const struct request *request) {
    const struct run_state *run = request_run(request);
    if (run != NULL && !run_asks(run) && !run_holds_off(run, clock_boot_ms()) &&
        orphans_known(request->controller, request->run_uid))
        runs_forget(&request->controller->runs, request->run_uid);
}

void request_end(struct request *request) {
    forget_gone(request);
    char *const texts[] = {request->key, request->namespace, request->pipeline, request->run_uid,
                           request->pod, request->pod_uid,   request->task,     request->left};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    struct controller *controller = request->controller;
    free(request);
    controller_answered(controller);
}

struct kube_ref request_pod(const struct request *request) {
    return (struct kube_ref){&kube_pods, request->namespace, request->pod};
}

struct kube_ref request_pipeline(const struct request *request) {
    return (struct kube_ref){&kube_pipelines, request->namespace, request->pipeline};
}

struct cache *request_cache(const struct request *request, const struct kube_resource *resource) {
    return scope_cache(controller_scope(request->controller, request->namespace), resource);
}

struct run_state *request_run(const struct request *request) {
    return runs_find(&request->controller->runs, request->run_uid);
}

void request_again(const struct request *request) {
    controller_wake(request->controller, request->key);
}

void request_say(const struct request *request, const char *what, const struct kube_answer *answer) {
    log_warn("controller", what, {"pipeline", request->key}, {"pod", request->pod}, {"err", answer->err.text});
}

void request_tell(const struct request *request, bool warning, const char *reason, const char *note) {
    const struct controller_config *config = &request->controller->config;
    recorder_emit(config->recorder, &(struct event){.regarding = {&kube_pipelines, request->namespace,
                                                                  request->pipeline, request->run_uid},
                                                    .warning = warning,
                                                    .reason = reason,
                                                    .action = "Reconcile",
                                                    .note = note});
}

void left_behind(const char *key, const char *pod, const char *note) {
    metric_add(&left_metric, 1);
    log_warn("controller", note, {"pipeline", key}, {"pod", pod});
}

void request_tell_left(const struct request *request, const char *reason, const char *note) {
    left_behind(request->key, request->pod, note);
    request_tell(request, true, reason, note);
}

void request_refuse(const struct request *request, const struct kube_answer *answer) {
    AUTO_ARENA arena = ARENA_INIT;
    struct run_state *run = request_run(request);
    bool init = strstr(answer->err.text, "spec.initContainers[") != NULL;
    request_say(request, "the API server does not take this pod", answer);
    if (run != NULL)
        run_refuse(run, request->generation,
                   arena_printf(&arena, "spec.tasks[%zu] (%s): the API server does not take its pod: %s%s",
                                request->index, request->task, answer->err.text,
                                init ? " (initContainers[0] is weir's own)" : ""));
}

void request_failed(const struct request *request, const struct kube_answer *answer, struct holdoff *holdoff) {
    if (answer->fenced) { /* the Lease is not ours, as far as we know: perhaps it will be again */
        worker_add_after(request->controller->worker, request->key, FENCED_MS);
        return;
    }
    if (answer->err.code == ERROR_FORBIDDEN)
        controller_forbidden(request->controller, request->namespace);
    if (holdoff == NULL) {
        request_again(request);
        return;
    }
    int64_t now = clock_boot_ms();
    holdoff_failed(holdoff, FAILED_FIRST_MS, FAILED_MOST_MS, answer->retry_after_ms, now);
    worker_add_after(request->controller->worker, request->key, holdoff->until - now);
}

bool request_may(const struct pass_scope *scope, struct run_state *run, enum asked asked, const char *what,
                 int64_t attempt) {
    int64_t now = clock_boot_ms();
    if (run->tidy.until <= now)
        return run_ask(run, asked, what, attempt);
    worker_add_after(scope->controller->worker, scope->key, run->tidy.until - now);
    return false;
}

void request_settle_pod(struct request *request, struct kube_answer *answer, const char *what) {
    struct cache *pods = request_cache(request, &kube_pods);
    struct run_state *run = request_run(request);
    if (answer->err.code == ERROR_NONE) {
        if (answer->doc != NULL)
            cache_put(pods, yyjson_doc_get_root(answer->doc));
        if (run != NULL)
            holdoff_clear(&run->tidy);
    } else if (answer->err.code == ERROR_NOT_FOUND) {
        cache_drop(pods, request->namespace, request->pod, request->pod_uid, NULL);
    } else {
        if (answer->err.code != ERROR_CONFLICT && !answer->fenced)
            request_say(request, what, answer);
        request_failed(request, answer, run != NULL ? &run->tidy : NULL);
        return;
    }
    request_again(request);
}
