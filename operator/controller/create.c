/* Creating the pod of an attempt. Its name is a function of run and attempt, so "exists already" and an answer that was
 * lost are settled the same way: look, and adopt what is ours. Never creates the same attempt under another name. */

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/request.h"
#include "kube/verbs.h"

static struct metric edge_seconds = {
    .name = "weir_edge_seconds",
    .help = "From the end of the last upstream pod, as seen here, to the answered creation of the downstream pod.",
    .type = METRIC_HISTOGRAM,
    .buckets = metric_seconds,
    .bucket_count = sizeof metric_seconds / sizeof *metric_seconds};

static bool adoptable(yyjson_val *pod, const struct request *request) {
    yyjson_val *metadata = yyjson_obj_get(pod, "metadata");
    size_t i, count;
    yyjson_val *owner;
    yyjson_arr_foreach(yyjson_obj_get(metadata, "ownerReferences"), i, count, owner) {
        if (json_bool(owner, "controller", false))
            return text_equal(json_text(owner, "uid", ""), request->pass->run_uid) &&
                   text_equal(json_text(yyjson_obj_get(metadata, "labels"), LABEL_TASK, ""), request->task);
    }
    return false;
}

static void looked_for_ours(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    if (answer->err.code == ERROR_NONE && adoptable(yyjson_doc_get_root(answer->doc), request)) {
        log_info("controller", "adopted pod", {"pipeline", request->pass->key}, {"pod", request->pod});
        cache_put(pass_cache(request->pass, &kube_pods), yyjson_doc_get_root(answer->doc));
        request_again(request);
    } else if (answer->err.code == ERROR_NONE) {
        memory_collision(request->pass->controller->memory, request->pass->run_uid, request->pod);
        request_again(request);
    } else {
        pass_failed(request->pass, answer); /* also when it is not there after all: plan again */
    }
    request_end(request);
}

/* A quota frees itself and rights are granted; what admission says of the pod itself stays. */
static bool refused_for_good(const struct kube_answer *answer) {
    if (answer->err.code == ERROR_INVALID)
        return true;
    return answer->err.code == ERROR_FORBIDDEN && answer->status == 403 &&
           (strstr(answer->err.text, "violates PodSecurity") != NULL ||
            strstr(answer->err.text, "denied the request") != NULL);
}

static void created(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct pass *pass = request->pass;
    if (answer->err.code == ERROR_NONE) {
        if (request->edge_from != 0)
            metric_observe(&edge_seconds, (double)(clock_boot_ms() - request->edge_from) / 1000.0);
        cache_put(pass_cache(pass, &kube_pods), yyjson_doc_get_root(answer->doc));
    } else if (answer->err.code == ERROR_EXISTS || answer->unsure) {
        kube_get(pass->controller->config.api, request_pod(request), looked_for_ours, request);
        return;
    } else if (refused_for_good(answer)) {
        request_say(request, "pod refused", answer);
        memory_refusal(pass->controller->memory, pass->run_uid, pass->generation, request->task, answer->err.text);
        request_again(request);
    } else if (strstr(answer->err.text, "being terminated") == NULL) { /* a namespace that ends takes all with it */
        request_say(request, "cannot create pod", answer);
        pass_failed(pass, answer);
    }
    request_end(request);
}

/* When the last upstream pod was seen to end; 0 when that is not known or there is none. */
static int64_t edge_from(const struct observation *seen, const struct task *task) {
    int64_t last = 0;
    for (size_t i = 0; i < task->upstream_count; i++) {
        const char *upstream = seen->run.spec->tasks[task->upstream[i]].name;
        for (size_t p = 0; p < seen->run.pod_count; p++) {
            if (seen->objects[p]->ended_seen > last && text_equal(seen->run.pods[p].task, upstream))
                last = seen->objects[p]->ended_seen;
        }
    }
    return last;
}

void apply_create(struct pass *pass, const struct observation *seen, const struct action *action, struct arena *arena) {
    const struct task *task = &seen->run.spec->tasks[action->task];
    struct controller *controller = pass->controller;
    yyjson_mut_doc *doc = json_new(arena);
    yyjson_mut_val *pod = NULL;
    struct error err;
    if (executor_pod(&seen->run, task, action->attempt, controller->config.launch, doc, &pod, &err) != 0) {
        memory_refusal(controller->memory, pass->run_uid, pass->generation, task->name, err.text);
        worker_add(controller->worker, pass->key);
        return;
    }
    size_t length = 0;
    const char *body = json_write(pod, arena, &length);
    struct request *request = request_new(pass, action->pod, NULL, task->name);
    request->edge_from = action->attempt == 1 ? edge_from(seen, task) : 0;
    kube_create(controller->config.api, request_pod(request), &(struct kube_create){.urgency = URGENCY_URGENT}, body,
                length, created, request);
}
