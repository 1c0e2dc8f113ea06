/* Turns the actions of a plan into requests and their answers into what the next pass will see: every answer goes into
 * the cache (we read our own writes), and what only a live request could tell into the run's memory. */

#include "base/clock.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

static void verified(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct pass *pass = request->pass;
    struct cache *pods = pass_cache(pass, &kube_pods);
    bool found = answer->err.code == ERROR_NONE;
    yyjson_val *pod = found ? yyjson_doc_get_root(answer->doc) : NULL;
    const char *uid = json_text(json_at(pod, "metadata", NULL), "uid", "");
    if (found)
        cache_put(pods, pod);
    if (answer->err.code == ERROR_NOT_FOUND || (uid[0] != '\0' && !text_equal(uid, request->pod_uid))) {
        cache_drop(pods, pass->namespace, request->pod, request->pod_uid, NULL);
        memory_gone(pass->controller->memory, pass->run_uid, request->pod_uid);
        request_again(request);
    } else if (found && cache_get(pods, pass->namespace, request->pod) != NULL) {
        request_again(request);
    } else {
        if (found)
            log_warn("controller", "the pod is there, but its labels or owner were changed: it cannot be followed",
                     {"pipeline", pass->key}, {"pod", request->pod});
        pass_failed(pass, answer);
    }
    request_end(request);
}

static void verify_pod(struct pass *pass, const struct action *action) {
    struct request *request = request_new(pass, action->pod, action->pod_uid, NULL);
    kube_get(pass->controller->config.api, request_pod(request), verified, request);
}

static void pod_deleted(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    request_settle(request, answer, &kube_pods, "cannot delete pod");
    request_end(request);
}

static void delete_pod(struct pass *pass, const struct action *action) {
    struct request *request = request_new(pass, action->pod, action->pod_uid, NULL);
    struct kube_delete options = {.uid = request->pod_uid, .grace_s = -1};
    kube_delete(pass->controller->config.api, request_pod(request), &options, pod_deleted, request);
}

static void pod_released(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    request_settle(request, answer, &kube_pods, "cannot drop the pod's finalizer");
    request_end(request);
}

static void release_pod(struct pass *pass, const struct action *action) {
    struct request *request = request_new(pass, action->pod, action->pod_uid, NULL);
    kube_finalizer_drop(pass->controller->config.api, request_pod(request), request->pod_uid, FINALIZER_RESULT, NULL,
                        pod_released, request);
}

static void status_written(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    if (answer->err.code == ERROR_NONE)
        memory_recorded(request->pass->controller->memory, request->pass->run_uid, clock_wall_ms());
    request_settle(request, answer, &kube_pipelines, "cannot write status");
    request_end(request);
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
    struct request *request = request_new(pass, NULL, NULL, NULL);
    kube_put(pass->controller->config.api, pass_pipeline(pass), "status", body, length, status_written, request);
}

static void pipeline_written(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    request_settle(request, answer, &kube_pipelines, "cannot write the Pipeline");
    request_end(request);
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
    struct request *request = request_new(pass, NULL, NULL, NULL);
    kube_finalizers_set(pass->controller->config.api, pass_pipeline(pass), seen->run.uid, seen->pipeline->version,
                        names, at, pipeline_written, request);
}

static void delete_pipeline(struct pass *pass) {
    struct request *request = request_new(pass, NULL, NULL, NULL);
    struct kube_delete options = {.uid = pass->run_uid, .propagation = "Background", .grace_s = -1};
    kube_delete(pass->controller->config.api, pass_pipeline(pass), &options, pipeline_written, request);
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
            log_write(
                action->type == ACTION_WRITE_STATUS ? LOG_DEBUG : LOG_INFO, "controller",
                LOG_FIELDS({"pipeline", pass->key}, {"action", action_type_name(action->type)}, {"pod", action->pod}),
                "%s", action->reason == NULL ? "" : action->reason);
        switch (action->type) {
        case ACTION_ADD_FINALIZER: set_finalizer(pass, seen, true, arena); break;
        case ACTION_CREATE_POD: apply_create(pass, seen, action, arena); break;
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
