/* Turns the actions of a plan into requests and their answers into what the next pass will see: every answer goes into
 * the cache (we read our own writes), and what only a live request could tell into the run's memory. No write is ever
 * repeated blindly: names are a function of run and attempt, so "exists already" is looked at and adopted. */

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/internal.h"
#include "kube/apply.h"

#include <stdlib.h>
#include <string.h>

static struct metric edge_seconds = {
    .name = "weir_edge_seconds",
    .help = "From the end of the last upstream pod, as seen here, to the answered creation of the downstream pod.",
    .type = METRIC_HISTOGRAM,
    .buckets = metric_seconds,
    .bucket_count = sizeof metric_seconds / sizeof *metric_seconds};

/* One request on its way. */
struct call {
    struct pass *pass;
    char *pod, *pod_uid, *task;
    int64_t edge_from; /* boot ms; 0: not an edge */
};

static char *copy(const char *text) {
    char *copied = strdup(text == NULL ? "" : text);
    if (copied == NULL)
        abort();
    return copied;
}

static struct call *call_new(struct pass *pass, const char *pod, const char *pod_uid, const char *task) {
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        abort();
    *call = (struct call){.pass = pass, .pod = copy(pod), .pod_uid = copy(pod_uid), .task = copy(task)};
    pass->pending++;
    return call;
}

static void call_end(struct call *call) {
    pass_end(call->pass);
    free(call->pod);
    free(call->pod_uid);
    free(call->task);
    free(call);
}

static struct kube_ref pod_ref(const struct call *call) {
    return (struct kube_ref){&kube_pods, call->pass->namespace, call->pod};
}

static struct kube_ref pipeline_ref(const struct pass *pass) {
    return (struct kube_ref){&kube_pipelines, pass->namespace, pass->pipeline};
}

static struct cache *cache_of(const struct pass *pass, const struct kube_resource *resource) {
    const struct scope *scope = controller_scope(pass->controller, pass->namespace);
    return resource == &kube_pods ? scope->pods : scope->pipelines;
}

static void again(const struct call *call) {
    worker_add(call->pass->controller->worker, call->pass->key);
}

static void say_failed(const struct call *call, const char *what, const struct kube_answer *answer) {
    log_warn("controller", what, {"pipeline", call->pass->key}, {"pod", call->pod}, {"err", answer->err.text});
}

/* The usual end of a write: the answer is the news, a conflict means look again, a missing object is as good as done. */
static void settle(struct call *call, struct kube_answer *answer, const struct kube_resource *resource, const char *what) {
    struct cache *cache = cache_of(call->pass, resource);
    switch (answer->err.code) {
    case ERROR_NONE:
        if (answer->doc != NULL)
            cache_put(cache, yyjson_doc_get_root(answer->doc));
        break;
    case ERROR_NOT_FOUND:
        cache_drop(cache, call->pass->namespace, resource == &kube_pods ? call->pod : call->pass->pipeline,
                   call->pod_uid[0] == '\0' ? NULL : call->pod_uid);
        break;
    case ERROR_CONFLICT:
        pass_failed(call->pass, answer);
        break;
    case ERROR_TRANSIENT:
    case ERROR_GONE:
    case ERROR_EXISTS:
    case ERROR_FORBIDDEN:
    case ERROR_INVALID:
    default:
        say_failed(call, what, answer);
        pass_failed(call->pass, answer);
        break;
    }
}

/* --- creating pods --- */

static bool adoptable(yyjson_val *pod, const struct call *call) {
    yyjson_val *metadata = yyjson_obj_get(pod, "metadata");
    size_t i, count;
    yyjson_val *owner;
    yyjson_arr_foreach(yyjson_obj_get(metadata, "ownerReferences"), i, count, owner) {
        if (json_bool(owner, "controller", false))
            return text_equal(json_text(owner, "uid", ""), call->pass->run_uid) &&
                   text_equal(json_text(yyjson_obj_get(metadata, "labels"), LABEL_TASK, ""), call->task);
    }
    return false;
}

static void looked_for_ours(struct kube_answer *answer, void *arg) {
    struct call *call = arg;
    if (answer->err.code == ERROR_NONE && adoptable(yyjson_doc_get_root(answer->doc), call)) {
        log_info("controller", "adopted pod", {"pipeline", call->pass->key}, {"pod", call->pod});
        cache_put(cache_of(call->pass, &kube_pods), yyjson_doc_get_root(answer->doc));
        again(call);
    } else if (answer->err.code == ERROR_NONE) {
        memory_collision(call->pass->controller->memory, call->pass->run_uid, call->pod);
        again(call);
    } else {
        pass_failed(call->pass, answer); /* also when it is not there after all: plan again */
    }
    call_end(call);
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
    struct call *call = arg;
    struct pass *pass = call->pass;
    if (answer->err.code == ERROR_NONE) {
        if (call->edge_from != 0)
            metric_observe(&edge_seconds, (double)(clock_boot_ms() - call->edge_from) / 1000.0);
        cache_put(cache_of(pass, &kube_pods), yyjson_doc_get_root(answer->doc));
    } else if (answer->err.code == ERROR_EXISTS || answer->unsure) {
        kube_get(pass->controller->config.api, pod_ref(call), looked_for_ours, call);
        return;
    } else if (refused_for_good(answer)) {
        say_failed(call, "pod refused", answer);
        memory_refusal(pass->controller->memory, pass->run_uid, pass->generation, call->task, answer->err.text);
        again(call);
    } else if (strstr(answer->err.text, "being terminated") == NULL) { /* a namespace that ends takes all with it */
        say_failed(call, "cannot create pod", answer);
        pass_failed(pass, answer);
    }
    call_end(call);
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

static void create_pod(struct pass *pass, const struct observation *seen, const struct action *action,
                       struct arena *arena) {
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
    struct call *call = call_new(pass, action->pod, NULL, task->name);
    call->edge_from = action->attempt == 1 ? edge_from(seen, task) : 0;
    kube_create(controller->config.api, pod_ref(call), NULL, body, length, created, call);
}

/* --- the other actions --- */

static void verified(struct kube_answer *answer, void *arg) {
    struct call *call = arg;
    struct cache *pods = cache_of(call->pass, &kube_pods);
    if (answer->err.code == ERROR_NONE)
        cache_put(pods, yyjson_doc_get_root(answer->doc));
    const char *uid = answer->err.code == ERROR_NONE
                          ? json_text(json_at(yyjson_doc_get_root(answer->doc), "metadata", NULL), "uid", "")
                          : "";
    if (answer->err.code == ERROR_NOT_FOUND || (uid[0] != '\0' && !text_equal(uid, call->pod_uid))) {
        cache_drop(pods, call->pass->namespace, call->pod, call->pod_uid);
        memory_gone(call->pass->controller->memory, call->pass->run_uid, call->pod_uid);
    } else if (answer->err.code != ERROR_NONE) {
        pass_failed(call->pass, answer);
    }
    again(call);
    call_end(call);
}

static void verify_pod(struct pass *pass, const struct action *action) {
    struct call *call = call_new(pass, action->pod, action->pod_uid, NULL);
    kube_get(pass->controller->config.api, pod_ref(call), verified, call);
}

static void pod_deleted(struct kube_answer *answer, void *arg) {
    struct call *call = arg;
    settle(call, answer, &kube_pods, "cannot delete pod");
    call_end(call);
}

static void delete_pod(struct pass *pass, const struct action *action) {
    struct call *call = call_new(pass, action->pod, action->pod_uid, NULL);
    struct kube_delete options = {.uid = call->pod_uid, .grace_s = -1};
    kube_delete(pass->controller->config.api, pod_ref(call), &options, pod_deleted, call);
}

static void pod_released(struct kube_answer *answer, void *arg) {
    struct call *call = arg;
    settle(call, answer, &kube_pods, "cannot drop the pod's finalizer");
    call_end(call);
}

static void release_pod(struct pass *pass, const struct action *action) {
    struct call *call = call_new(pass, action->pod, action->pod_uid, NULL);
    kube_finalizer_drop(pass->controller->config.api, pod_ref(call), call->pod_uid, FINALIZER_RESULT, pod_released, call);
}

static void status_written(struct kube_answer *answer, void *arg) {
    struct call *call = arg;
    if (answer->err.code == ERROR_NONE)
        memory_recorded(call->pass->controller->memory, call->pass->run_uid, clock_wall_ms());
    settle(call, answer, &kube_pipelines, "cannot write status");
    call_end(call);
}

static void write_status(struct pass *pass, const struct observation *seen, const struct plan *plan,
                         struct arena *arena) {
    yyjson_mut_doc *doc = json_new(arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, root, "apiVersion", WEIR_API_VERSION);
    yyjson_mut_obj_add_str(doc, root, "kind", kube_pipelines.kind);
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, root, "metadata");
    yyjson_mut_obj_add_str(doc, metadata, "name", seen->run.name);
    yyjson_mut_obj_add_str(doc, metadata, "namespace", seen->run.namespace);
    yyjson_mut_obj_add_str(doc, metadata, "uid", seen->run.uid);
    yyjson_mut_obj_add_str(doc, metadata, "resourceVersion", seen->pipeline->version);
    size_t total = seen->run.spec == NULL ? 0 : seen->run.spec->task_count;
    yyjson_mut_obj_add_val(doc, root, "status", status_encode(&plan->status, total, doc));
    size_t length = 0;
    const char *body = json_write(root, arena, &length);
    struct call *call = call_new(pass, NULL, NULL, NULL);
    kube_put(pass->controller->config.api, pipeline_ref(pass), "status", body, length, status_written, call);
}

static void pipeline_written(struct kube_answer *answer, void *arg) {
    struct call *call = arg;
    settle(call, answer, &kube_pipelines, "cannot write the Pipeline");
    call_end(call);
}

/* Ours is put on or taken off; others' stay. */
static void set_finalizer(struct pass *pass, const struct observation *seen, bool wanted, struct arena *arena) {
    const struct pipeline_object *object = seen->pipeline->object;
    yyjson_val *list = json_at(yyjson_doc_get_root(object->doc), "metadata", "finalizers", NULL);
    const char **names = ARENA_NEW_ARRAY(arena, yyjson_arr_size(list) + 1, const char *);
    size_t at = 0;
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(list, i, count, item) {
        if (!yyjson_equals_str(item, FINALIZER_CLEANUP))
            names[at++] = yyjson_get_str(item);
    }
    if (wanted)
        names[at++] = FINALIZER_CLEANUP;
    struct call *call = call_new(pass, NULL, NULL, NULL);
    kube_finalizers_set(pass->controller->config.api, pipeline_ref(pass), seen->run.uid, seen->pipeline->version, names,
                        at, pipeline_written, call);
}

static void delete_pipeline(struct pass *pass) {
    struct call *call = call_new(pass, NULL, NULL, NULL);
    struct kube_delete options = {.uid = pass->run_uid, .propagation = "Background", .grace_s = -1};
    kube_delete(pass->controller->config.api, pipeline_ref(pass), &options, pipeline_written, call);
}

static void emit_event(struct pass *pass, const struct action *action) {
    recorder_emit(pass->controller->config.recorder,
                  &(struct event){.regarding = {&kube_pipelines, pass->namespace, pass->pipeline, pass->run_uid},
                                  .warning = action->warning,
                                  .reason = action->event_reason,
                                  .action = "Reconcile",
                                  .note = action->reason});
}

void apply_plan(struct pass *pass, const struct observation *seen, const struct plan *plan, struct arena *arena) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *action = &plan->actions[i];
        if (action->type != ACTION_WAKE)
            log_write(action->type == ACTION_WRITE_STATUS ? LOG_DEBUG : LOG_INFO, "controller",
                      LOG_FIELDS({"pipeline", pass->key}, {"action", action_type_name(action->type)},
                                 {"pod", action->pod}), "%s", action->reason == NULL ? "" : action->reason);
        switch (action->type) {
        case ACTION_ADD_FINALIZER: set_finalizer(pass, seen, true, arena); break;
        case ACTION_CREATE_POD: create_pod(pass, seen, action, arena); break;
        case ACTION_DELETE_POD: delete_pod(pass, action); break;
        case ACTION_RELEASE_POD: release_pod(pass, action); break;
        case ACTION_VERIFY_POD: verify_pod(pass, action); break;
        case ACTION_WRITE_STATUS: write_status(pass, seen, plan, arena); break;
        case ACTION_EVENT: emit_event(pass, action); break;
        case ACTION_WAKE: {
            int64_t delay = action->at - clock_wall_ms();
            pass->wake_ms = delay > 0 ? delay : 0;
            break;
        }
        case ACTION_DROP_FINALIZER: set_finalizer(pass, seen, false, arena); break;
        case ACTION_DELETE_PIPELINE: delete_pipeline(pass); break;
        }
    }
}
