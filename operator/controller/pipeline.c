/* Writing to Pipelines: the status, whose events follow when it is recorded; the delete after a TTL; the finalizer of a
 * former version. */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"
#include "pipeline/reasons.h"

enum { FINALIZERS_MAX = 32, STATUS_LEAST = 64 * 1000 };

/* An event that waits for its status to be recorded. */
struct told {
    bool warning;
    char *reason, *note;
    struct told *next;
};

void pipeline_emit(const struct pass_scope *scope, const struct action *action) {
    recorder_emit(scope->controller->config.recorder,
                  &(struct event){.regarding = {&kube_pipelines, scope->namespace, scope->pipeline, scope->run_uid},
                                  .warning = action->warning,
                                  .reason = action->event_reason,
                                  .action = "Reconcile",
                                  .note = action->reason});
}

static void keep_events(struct request *request, const struct plan *plan) {
    struct told **last = &request->told;
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *action = &plan->actions[i];
        if (action->type != ACTION_EVENT)
            continue;
        struct told *told = calloc(1, sizeof *told);
        if (told == NULL)
            abort();
        *told = (struct told){action->warning, strdup(action->event_reason), strdup(action->reason), NULL};
        *last = told;
        last = &told->next;
    }
}

static void tell_events(struct request *request, bool recorded) {
    while (request->told != NULL) {
        struct told *told = request->told;
        request->told = told->next;
        if (recorded && reason_is(told->reason, REASON_CleanupFailed))
            request_tell_left(request, told->reason, told->note);
        else if (recorded)
            request_tell(request, told->warning, told->reason, told->note);
        free(told->reason);
        free(told->note);
        free(told);
    }
}

/* The usual end of a write to a Pipeline. */
static void settle(struct request *request, struct kube_answer *answer, const char *what, struct holdoff *holdoff);

/* What we have is old: the present one is read, rather than waiting for the watch. */
static void read_again(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    if (run != NULL)
        run->writing = false;
    settle(request, answer, "cannot read the Pipeline", run != NULL ? &run->write : NULL);
    request_end(request);
}

static void settle(struct request *request, struct kube_answer *answer, const char *what, struct holdoff *holdoff) {
    struct cache *pipelines = request_cache(request, &kube_pipelines);
    if (answer->err.code == ERROR_NONE) {
        if (answer->doc != NULL)
            cache_put(pipelines, yyjson_doc_get_root(answer->doc));
        request_again(request);
    } else if (answer->err.code == ERROR_NOT_FOUND) { /* with the UID: one of the same name may have come meanwhile */
        cache_drop(pipelines, request->namespace, request->pipeline, request->run_uid, NULL);
        request_again(request);
    } else {
        if (!answer->fenced)
            request_say(request, what, answer);
        request_failed(request, answer, holdoff);
    }
}

/* --- status --- */

static void written(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    bool well = answer->err.code == ERROR_NONE;
    tell_events(request, well);
    if (answer->err.code == ERROR_CONFLICT) {
        kube_get(request->controller->config.api, request_pipeline(request), read_again, request);
        return;
    }
    if (run != NULL)
        run->writing = false;
    if (run != NULL && well) {
        holdoff_clear(&run->write);
        run_recorded(run);
    }
    /* Too large for the server: with less detail, rather than the same again. */
    if (run != NULL && answer->err.code == ERROR_INVALID && run->status_bytes / 2 >= STATUS_LEAST)
        run->status_max = run->status_bytes / 2;
    settle(request, answer, "cannot write status", run != NULL ? &run->write : NULL);
    request_end(request);
}

void pipeline_record(const struct pass_scope *scope, const struct observation *seen, const struct plan *plan) {
    struct run_state *state = seen->state;
    yyjson_mut_doc *doc = json_new(scope->arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, root, "apiVersion", WEIR_API_VERSION);
    yyjson_mut_obj_add_str(doc, root, "kind", kube_pipelines.kind);
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, root, "metadata");
    yyjson_mut_obj_add_str(doc, metadata, "name", seen->run.name);
    yyjson_mut_obj_add_str(doc, metadata, "namespace", seen->run.namespace);
    yyjson_mut_obj_add_str(doc, metadata, "uid", seen->run.uid);
    yyjson_mut_obj_add_str(doc, metadata, "resourceVersion", seen->pipeline->version);
    size_t total = seen->run.spec == NULL ? 0 : seen->run.spec->task_count;
    yyjson_mut_obj_add_val(doc, root, "status", status_encode(&plan->status, total, state->status_max, doc));
    size_t length = 0;
    const char *body = json_write(root, scope->arena, &length);
    struct request *request = request_new(scope, NULL, NULL, NULL);
    keep_events(request, plan);
    state->writing = true;
    state->status_bytes = length;
    kube_put(scope->controller->config.api, request_pipeline(request), "status", body, length, written, request);
}

/* --- the rest --- */

static void pipeline_seen(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    if (run != NULL)
        run_answered(run, ASKED_DELETE, request->run_uid);
    settle(request, answer, "cannot write the Pipeline", run != NULL ? &run->tidy : NULL);
    request_end(request);
}

static void pipeline_written(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    if (answer->err.code == ERROR_CONFLICT) /* it was changed: look at it, then decide anew */
        kube_get(request->controller->config.api, request_pipeline(request), pipeline_seen, request);
    else
        pipeline_seen(answer, request);
}

void pipeline_delete(const struct pass_scope *scope, const struct observation *seen) {
    if (!request_may(scope, seen->state, ASKED_DELETE, scope->run_uid, 0))
        return;
    struct request *request = request_new(scope, NULL, NULL, NULL);
    struct kube_delete options = {
        .uid = request->run_uid, .version = seen->pipeline->version, .propagation = "Background", .grace_s = -1};
    kube_delete(scope->controller->config.api, request_pipeline(request), &options, pipeline_written, request);
}

static void finalizers_read(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    yyjson_val *metadata =
        answer->err.code == ERROR_NONE ? json_at(yyjson_doc_get_root(answer->doc), "metadata", NULL) : NULL;
    yyjson_val *list = yyjson_obj_get(metadata, "finalizers");
    const char *names[FINALIZERS_MAX];
    size_t kept = 0;
    size_t i, count;
    yyjson_val *item;
    bool ours = text_equal(json_text(metadata, "uid", ""), request->run_uid) && yyjson_is_arr(list);
    if (!ours || yyjson_arr_size(list) > FINALIZERS_MAX) {
        pipeline_written(answer, request);
        return;
    }
    yyjson_arr_foreach(list, i, count, item) {
        if (yyjson_is_str(item) && !yyjson_equals_str(item, FINALIZER_CLEANUP))
            names[kept++] = yyjson_get_str(item);
    }
    kube_finalizers_set(request->controller->config.api, request_pipeline(request), request->run_uid,
                        json_text(metadata, "resourceVersion", ""), names, kept, pipeline_written, request);
}

/* The cache does not keep finalizers: they are read, ours is taken out, others stay. */
void pipeline_drop_finalizer(const struct pass_scope *scope, const struct observation *seen) {
    if (!request_may(scope, seen->state, ASKED_DELETE, scope->run_uid, 0))
        return;
    struct request *request = request_new(scope, NULL, NULL, NULL);
    kube_get(scope->controller->config.api, request_pipeline(request), finalizers_read, request);
}
