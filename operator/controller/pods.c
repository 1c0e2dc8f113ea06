/* Deleting pods, letting them go, and looking for those that are not seen. Every answer goes into the cache (we read
 * our own writes), and what only a live look could tell into what is remembered of the run. */

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/request.h"
#include "kube/verbs.h"
#include "pipeline/reasons.h"

static struct metric hidden_metric = {
    .name = "weir_pods_hidden_total",
    .help = "Live looks that found a pod whose labels or owner were changed, so that its watch does not show it.",
    .type = METRIC_COUNTER};

static void answered(const struct request *request, enum asked asked) {
    struct run_state *run = request_run(request);
    if (run != NULL)
        run_answered(run, asked, request->pod_uid);
}

static bool ask(const struct pass_scope *scope, enum asked asked, const struct action *action) {
    struct run_state *run = runs_want(&scope->controller->runs, scope->run_uid);
    return request_may(scope, run, asked, action->pod_uid, action->attempt);
}

/* --- delete --- */

static void deleted(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    answered(request, ASKED_DELETE);
    request_settle_pod(request, answer, "cannot delete pod");
    request_end(request);
}

static void send_delete(struct request *request) {
    struct kube_delete options = {.uid = request->pod_uid, .grace_s = -1};
    kube_delete(request->controller->config.api, request_pod(request), &options, deleted, request);
}

void pods_delete(const struct pass_scope *scope, const struct action *action) {
    if (ask(scope, ASKED_DELETE, action))
        send_delete(request_new(scope, action->pod, action->pod_uid, NULL));
}

/* --- release --- */

static void released(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct cache *pods = request_cache(request, &kube_pods);
    struct run_state *run = request_run(request);
    bool well = answer->err.code == ERROR_NONE;
    if (well && request->left != NULL)
        request_tell_left(request, request->late ? "CleanupTimedOut" : REASON(CleanupFailed), request->left);
    answered(request, ASKED_RELEASE);
    request_settle_pod(request, answer, "cannot drop the pod's finalizer");
    if (run != NULL && (well || answer->err.code == ERROR_NOT_FOUND))
        run_drop_stray(run, request->pod_uid);
    /* Taking the last finalizer off a pod that has ended and is being deleted removes it; the answer has its old
     * version. One that runs on stays until its kubelet says that it has ended. */
    if (well && request->deleting && !request->late)
        cache_drop(pods, request->namespace, request->pod, request->pod_uid, NULL);
    bool then_delete = well && !request->keep && !request->deleting;
    if (!then_delete || (run != NULL && !run_ask(run, ASKED_DELETE, request->pod_uid, 0)))
        request_end(request);
    else
        send_delete(request);
}

void pods_release(const struct pass_scope *scope, const struct action *action) {
    if (!ask(scope, ASKED_RELEASE, action))
        return;
    struct request *request = request_new(scope, action->pod, action->pod_uid, NULL);
    request->keep = action->keep;
    request->deleting = action->deleting;
    request->late = action->late;
    request->left = action->left != NULL ? strdup(action->left) : NULL;
    kube_finalizer_drop(scope->controller->config.api, request_pod(request), request->pod_uid, FINALIZER_RESULT,
                        request->keep ? LABEL_DONE : NULL, released, request);
}

/* --- look --- */

/* Gone, or let go: before that counts, the Pipeline is read live too, since its record may be newer than what we have.
 */
static void read_pipeline(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    answered(request, ASKED_LOOK);
    if (answer->err.code == ERROR_NONE) {
        cache_put(request_cache(request, &kube_pipelines), yyjson_doc_get_root(answer->doc));
        if (run != NULL && !request->keep)
            run_looked(run, request->pod_uid, true, clock_boot_ms());
        request_again(request);
    } else if (answer->err.code == ERROR_NOT_FOUND) {
        cache_drop(request_cache(request, &kube_pipelines), request->namespace, request->pipeline, request->run_uid,
                   NULL);
        request_again(request);
    } else {
        request_failed(request, answer, run != NULL ? &run->tidy : NULL);
    }
    request_end(request);
}

static void read_pipeline_too(struct request *request) {
    kube_get(request->controller->config.api, request_pipeline(request), read_pipeline, request);
}

/* It exists and the watch does not show it: followed by a look now and then. */
static void found_hidden(struct request *request, struct pod_object *pod) {
    struct run_state *run = request_run(request);
    bool ended = pod_facts_ended(pod->facts);
    if (!ended) {
        metric_add(&hidden_metric, 1);
        log_warn("controller", "the pod is there, but its labels or owner were changed: it is looked for now and then",
                 {"pipeline", request->key}, {"pod", request->pod});
    }
    if (run != NULL && ended)
        run_stray(run, request->pod, request->pod_uid, pod);
    else
        pod_object_free(pod);
    if (run != NULL && !ended)
        run_looked(run, request->pod_uid, false, clock_boot_ms());
    answered(request, ASKED_LOOK);
    request_again(request);
    request_end(request);
}

static bool seen_by(const struct request *request) {
    const struct cache_entry *entry = cache_get(request_cache(request, &kube_pods), request->namespace, request->pod);
    if (entry == NULL || !text_equal(entry->uid, request->pod_uid))
        return false;
    const struct pod_object *pod = entry->object;
    return text_equal(pod->key, request->key) && text_equal(pod_object_run(pod), request->run_uid);
}

static void found(struct request *request, yyjson_val *root) {
    struct pod_object *pod = pod_object_any(root);
    cache_put(request_cache(request, &kube_pods), root);
    if (seen_by(request)) {
        pod_object_free(pod);
        answered(request, ASKED_LOOK);
        request_again(request);
        request_end(request);
    } else if (pod->facts->done && pod_facts_ended(pod->facts) && request_run(request) != NULL) {
        run_stray(request_run(request), request->pod, request->pod_uid, pod);
        request->keep = true; /* it is evidence, should the Pipeline's record not know of it */
        read_pipeline_too(request);
    } else {
        found_hidden(request, pod);
    }
}

static void looked(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    yyjson_val *root = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    const char *uid = json_text(json_at(root, "metadata", NULL), "uid", "");
    bool another = uid[0] != '\0' && !text_equal(uid, request->pod_uid);
    if (root != NULL && !another) {
        found(request, root);
    } else if (answer->err.code == ERROR_NOT_FOUND || another) {
        cache_drop(request_cache(request, &kube_pods), request->namespace, request->pod, request->pod_uid, NULL);
        read_pipeline_too(request);
    } else {
        struct run_state *run = request_run(request);
        answered(request, ASKED_LOOK);
        request_failed(request, answer, run != NULL ? &run->tidy : NULL);
        request_end(request);
    }
}

void pods_verify(const struct pass_scope *scope, const struct action *action) {
    if (!ask(scope, ASKED_LOOK, action))
        return;
    struct request *request = request_new(scope, action->pod, action->pod_uid, NULL);
    kube_get(scope->controller->config.api, request_pod(request), looked, request);
}
