/* What a launcher that was told to stop is to do with its remote side, asked between passes: by the plan, on what is
 * known just now. What a pass is not allowed to look at is not looked at here. That is work for the whole run, and
 * whoever has a pod's token may ask as often as it likes: the plan's word is good for a moment. */

#include "base/clock.h"
#include "controller/internal.h"

enum { DECIDED_MS = 400 }; /* less than after which a launcher asks again */

/* A run that is in no cache may be unseen yet: a pass asks the API server. */
static enum decision decide_orphan(struct controller *controller, const struct pod_object *pod) {
    if (orphans_known(controller, pod_object_run(pod)))
        return DECISION_STOP;
    controller_wake(controller, pod->key);
    return DECISION_UNKNOWN;
}

static enum decision decide(struct controller *controller, struct observation *seen, struct pod_object *pod,
                            const char *pod_uid) {
    AUTO_ARENA arena = ARENA_INIT;
    int64_t wall = clock_wall_ms();
    int64_t boot = clock_boot_ms();
    if (pod->decided_at != 0 && boot - pod->decided_at < DECIDED_MS)
        return (enum decision)pod->decided;
    const struct pipeline_object *pipeline = seen->pipeline->object;
    guard_enter(controller->guard, seen->pipeline->uid, pipeline->generation);
    observe(controller, pod->key, wall, boot, &arena, seen);
    bool surveyed = seen->run.recorded.recorded || seen->state->survey == SURVEY_DONE;
    enum decision decision = surveyed ? plan_decide(&seen->run, pod_uid, wall, &arena) : DECISION_UNKNOWN;
    guard_leave(controller->guard);
    pod->decided = (unsigned char)decision;
    pod->decided_at = boot;
    return decision;
}

enum decision controller_decide(struct controller *controller, const char *namespace, const char *pod,
                                const char *uid) {
    struct observation seen = {.scope = controller_scope(controller, namespace)};
    const struct cache_entry *entry = NULL;
    if (seen.scope != NULL && scope_works(seen.scope))
        entry = cache_get(scope_cache(seen.scope, &kube_pods), namespace, pod);
    struct pod_object *object = entry != NULL ? entry->object : NULL;
    if (object == NULL || object->key == NULL || !text_equal(entry->uid, uid))
        return DECISION_UNKNOWN;
    seen.pipeline = scope_pipeline(seen.scope, object->key);
    if (seen.pipeline == NULL || !text_equal(seen.pipeline->uid, pod_object_run(object)))
        return decide_orphan(controller, object);
    const struct pipeline_object *pipeline = seen.pipeline->object;
    if (pipeline->bare || guard_holds(controller->guard, seen.pipeline->uid, pipeline->generation))
        return DECISION_UNKNOWN;
    if (pipeline->deleting)
        return DECISION_STOP;
    return decide(controller, &seen, object, uid);
}
