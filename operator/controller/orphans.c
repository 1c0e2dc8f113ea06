/* Pods whose run is gone: the Pipeline was deleted (garbage collection stops them, or they were orphaned on purpose),
 * or another one has its name now. "Not in the cache" is not "gone": unless its going was seen, the API server is asked
 * first, once a run. */

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

static uint64_t hash_of(const char *uid) {
    return hash_text(HASH_INIT, uid);
}

void orphans_expect(struct controller *controller, const char *run_uid) {
    hashes_add(&controller->gone, hash_of(run_uid));
}

bool orphans_known(const struct controller *controller, const char *run_uid) {
    return hashes_have(&controller->gone, hash_of(run_uid));
}

static bool is_told_of(const struct scope *scope, const char *key, const char *run_uid, const char *task) {
    const struct cache *pods = scope->kinds[SCOPE_PODS].cache;
    for (const struct cache_entry *entry = cache_group_first(pods, key); entry != NULL;
         entry = cache_group_next(pods, entry)) {
        const struct pod_object *pod = entry->object;
        if (pod->facts->held && text_equal(pod_object_run(pod), run_uid) &&
            text_equal(pod_fact(pod->facts, FACT_TASK), task))
            return true;
    }
    return false;
}

void orphans_say_left(const struct scope *scope, const char *key, const struct cache_entry *pipeline) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct pipeline_object *object = pipeline->object;
    struct run_status status;
    if (object->doc == NULL || !scope_works(scope))
        return;
    status_decode(json_at(yyjson_doc_get_root(object->doc), "status", NULL), &status, &arena);
    for (size_t i = 0; i < status.task_count; i++) {
        const struct task_status *task = &status.tasks[i];
        if (task->cleanup.phase == CLEANUP_Pending && !is_told_of(scope, key, pipeline->uid, task->name))
            left_behind(key, task->pod,
                        arena_printf(&arena, "the Pipeline was deleted while task %s waited to be tried again: %s",
                                     task->name, task->cleanup.message));
    }
}

static void asked_for_run(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct controller *controller = request->controller;
    struct run_state *run = request_run(request);
    yyjson_val *root = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    bool there = text_equal(json_text(json_at(root, "metadata", NULL), "uid", ""), request->run_uid);
    if (run != NULL)
        run_answered(run, ASKED_LOOK, request->run_uid);
    if (root != NULL)
        cache_put(request_cache(request, &kube_pipelines), root);
    if (there) { /* it is there after all, or its pods bear the name of another */
        if (run != NULL)
            request_failed(request, answer, &run->tidy);
    } else if (root != NULL || answer->err.code == ERROR_NOT_FOUND) {
        orphans_expect(controller, request->run_uid); /* forgotten with the request */
        request_again(request);
    } else {
        request_failed(request, answer, run != NULL ? &run->tidy : NULL);
    }
    request_end(request);
}

const struct pod_object *orphans_speaker(const struct pod_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        const struct pod_object *pod = group->entries[i]->object;
        if (!text_empty(pod_fact(pod->facts, FACT_OWNER)))
            return pod;
    }
    return group->entries[0]->object; /* cleaners have none */
}

/* Without an owner and with a name too long for its label, it can only be looked for among all. */
static bool known_by_uid(const struct scope *scope, const char *uid) {
    const struct cache *cache = scope->kinds[SCOPE_PIPELINES].cache;
    for (const struct cache_entry *entry = cache_first(cache); entry != NULL; entry = cache_next(cache, entry))
        if (text_equal(entry->uid, uid))
            return true;
    return false;
}

bool orphans_confirmed(const struct pass_scope *scope, const struct pod_group *group) {
    struct controller *controller = scope->controller;
    if (orphans_known(controller, group->run_uid))
        return true;
    const struct pod_object *first = orphans_speaker(group);
    bool nameless = text_empty(pod_fact(first->facts, FACT_OWNER)) && strlen(scope->pipeline) == KEY_LABEL_MAX;
    if (nameless && !known_by_uid(controller_scope(controller, scope->namespace), group->run_uid))
        return true;
    struct run_state *run = runs_want(&controller->runs, group->run_uid);
    if (request_may(scope, run, ASKED_LOOK, group->run_uid, 0)) {
        struct request *request = request_new(scope, NULL, NULL, NULL);
        kube_get(controller->config.api, request_pipeline(request), asked_for_run, request);
    }
    return false;
}
