/* Creating the pod of an attempt. Its name is a function of run and attempt, so "exists already" and an answer that was
 * lost are settled the same way: look, and adopt what is ours. Never creates the same attempt under another name. */

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/request.h"
#include "kube/verbs.h"
#include "pipeline/reasons.h"

static struct metric edge_seconds = {
    .name = "weir_edge_seconds",
    .help = "From the end of the last upstream pod, as seen here, to the answered creation of the downstream pod.",
    .type = METRIC_HISTOGRAM,
    .buckets = metric_seconds,
    .bucket_count = sizeof metric_seconds / sizeof *metric_seconds};

static void answered(const struct request *request) {
    struct run_state *run = request_run(request);
    if (run != NULL)
        run_answered(run, ASKED_CREATE, request->task);
}

/* --- refusals --- */

static bool says(const struct kube_answer *answer, const char *words) {
    return strstr(answer->err.text, words) != NULL;
}

static void refused(const struct request *request, const struct kube_answer *answer) {
    struct run_state *run = request_run(request);
    bool quota = says(answer, "exceeded quota");
    bool passing = answer->err.code == ERROR_TRANSIENT && !quota;
    const struct refusal refusal = {.task = request->task,
                                    .attempt = request->attempt,
                                    .reason = quota ? REASON(QuotaExceeded) : REASON(CreateFailed),
                                    .message = answer->err.text,
                                    .passing = passing,
                                    .not_before_ms = answer->retry_after_ms};
    if (answer->malformed) {
        request_refuse(request, answer);
        return;
    }
    request_say(request, "cannot create pod", answer);
    if (answer->err.code == ERROR_FORBIDDEN)
        controller_forbidden(request->controller, request->namespace);
    if (run != NULL)
        run_refused(run, &refusal, request->generation, clock_boot_ms());
}

/* --- one that is there already --- */

static bool ours(yyjson_val *pod, const struct request *request) {
    struct pod_object *object = pod_object_any(pod);
    bool same = text_equal(pod_fact(object->facts, FACT_OWNER), request->run_uid) &&
                text_equal(pod_fact(object->facts, FACT_TASK), request->task);
    pod_object_free(object);
    return same;
}

/* Of one that is done, or over, the number is used up. One that only lost its label runs the attempt. */
static void taken_out_of_sight(const struct request *request, struct run_state *run, yyjson_val *pod) {
    struct pod_object *object = pod_object_any(pod);
    if (object->facts->done) {
        run_taken(run, request->task, request->attempt);
        pod_object_free(object);
    } else {
        run_stray(run, request->pod, json_text(json_at(pod, "metadata", NULL), "uid", ""), object);
    }
}

static void looked_for_ours(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    yyjson_val *pod = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    if (pod != NULL && ours(pod, request)) {
        struct cache *pods = request_cache(request, &kube_pods);
        cache_put(pods, pod);
        if (cache_get(pods, request->namespace, request->pod) != NULL)
            log_info("controller", "adopted pod", {"pipeline", request->key}, {"pod", request->pod});
        else if (run != NULL)
            taken_out_of_sight(request, run, pod);
        if (run != NULL)
            run_created(run, request->task);
    } else if (pod != NULL && run != NULL) {
        run_collision(run, request->pod);
    } else if (pod == NULL && run != NULL) { /* it was lost on its way, or nobody can tell */
        const struct refusal lost = {.task = request->task,
                                     .attempt = request->attempt,
                                     .reason = REASON(CreateFailed),
                                     .message = answer->err.text,
                                     .passing = true};
        run_refused(run, &lost, request->generation, clock_boot_ms());
    }
    answered(request);
    request_again(request);
    request_end(request);
}

static void created(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    if (answer->err.code == ERROR_EXISTS || answer->unsure) {
        kube_get(request->controller->config.api, request_pod(request), looked_for_ours, request);
        return;
    }
    answered(request);
    if (answer->fenced) {
        request_failed(request, answer, NULL);
        request_end(request);
        return;
    }
    if (answer->err.code == ERROR_NONE) {
        if (request->ended_seen != 0)
            metric_observe(&edge_seconds, (double)(clock_boot_ms() - request->ended_seen) / 1000.0);
        if (run != NULL)
            run_created(run, request->task);
        cache_put(request_cache(request, &kube_pods), yyjson_doc_get_root(answer->doc));
    } else {
        refused(request, answer);
    }
    request_again(request);
    request_end(request);
}

void pods_create(const struct pass_scope *scope, const struct observation *seen, const struct action *action) {
    const struct task *task = &seen->run.spec->tasks[action->task];
    struct controller *controller = scope->controller;
    yyjson_mut_doc *doc = json_new(scope->arena);
    yyjson_mut_val *pod = NULL;
    struct error err;
    if (!run_ask(seen->state, ASKED_CREATE, task->name, action->attempt))
        return;
    if (executor_pod(&seen->run, task, action->attempt, action->known, controller->config.launch, doc, &pod, &err) !=
        0) {
        run_answered(seen->state, ASKED_CREATE, task->name);
        run_refuse(seen->state, seen->run.generation, err.text);
        controller_wake(controller, scope->key);
        return;
    }
    size_t length = 0;
    const char *body = json_write(pod, scope->arena, &length);
    struct request *request = request_new(scope, action->pod, NULL, task->name);
    request->index = action->task;
    request->attempt = action->attempt;
    request->generation = seen->run.generation;
    request->ended_seen = action->ended_seen;
    kube_create(controller->config.api, request_pod(request), &(struct kube_create){.urgency = URGENCY_URGENT}, body,
                length, created, request);
}
