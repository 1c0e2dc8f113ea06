/* One pass over one Pipeline: observe, plan, apply. Requests are made and not waited for: their answers change the
 * caches and what is remembered of the run, and that puts the key into the queue again. */

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/pace.h"
#include "controller/request.h"
#include "kube/verbs.h"

static struct metric reconcile_seconds = {.name = "weir_reconcile_seconds",
                                          .help = "One pass over one Pipeline; requests are not waited for.",
                                          .type = METRIC_HISTOGRAM,
                                          .buckets = metric_seconds,
                                          .bucket_count = sizeof metric_seconds / sizeof *metric_seconds};

static void say(const struct pass_scope *scope, const struct action *action) {
    if (action->type == ACTION_WAKE || action->type == ACTION_EVENT)
        return;
    log_write(action->type == ACTION_WRITE_STATUS ? LOG_DEBUG : LOG_INFO, "controller",
              LOG_FIELDS({"pipeline", scope->key}, {"action", action_type_name(action->type)}, {"pod", action->pod}),
              "%s", action->reason == NULL ? "" : action->reason);
}

static bool records(const struct plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].type == ACTION_WRITE_STATUS)
            return true;
    return false;
}

void apply_plan(const struct pass_scope *scope, const struct observation *seen, const struct plan *plan) {
    bool recorded = records(plan);
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *action = &plan->actions[i];
        say(scope, action);
        switch (action->type) {
        case ACTION_CHECK_PODS: check_pods(scope, seen); break;
        case ACTION_CREATE_POD: pods_create(scope, seen, action); break;
        case ACTION_CREATE_CLEANER: pods_clean(scope, seen, action); break;
        case ACTION_DELETE_POD: pods_delete(scope, action); break;
        case ACTION_RELEASE_POD: pods_release(scope, action); break;
        case ACTION_VERIFY_POD: pods_verify(scope, action); break;
        case ACTION_WRITE_STATUS: pipeline_record(scope, seen, plan); break;
        case ACTION_EVENT:
            if (!recorded) /* else it follows when the status is */
                pipeline_emit(scope, action);
            break;
        case ACTION_WAKE: break;
        case ACTION_DROP_FINALIZER: pipeline_drop_finalizer(scope, seen); break;
        case ACTION_DELETE_PIPELINE: pipeline_delete(scope, seen); break;
        }
    }
}

/* When the plan wants to be made again; -1: no need. */
static int64_t wake_ms(const struct plan *plan, int64_t wall) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->actions[i].type == ACTION_WAKE)
            return plan->actions[i].at > wall ? plan->actions[i].at - wall : 0;
    return -1;
}

static int64_t sooner(int64_t a, int64_t b) {
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* --- a run that is left alone --- */

static const char left_alone[] =
    "the operator crashed while it worked on this Pipeline and leaves it alone now: its pods go on, nothing new is "
    "started; it is tried again when its spec changes, or by a newer operator in a new pod";

static void said(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    if (run != NULL)
        run->writing = false;
    if (answer->err.code == ERROR_NONE) {
        request_tell(request, true, "Quarantined", left_alone);
        if (run != NULL)
            run->left_generation = request->generation;
    } else {
        request_say(request, "cannot say in the status that a run is left alone", answer);
        request_failed(request, answer, run != NULL ? &run->write : NULL);
    }
    request_end(request);
}

/* The object is not looked into any more, so neither is its status: one member is set. Returns when to try again; -1:
 * no need. */
static int64_t leave_alone(struct controller *controller, const struct cache_entry *pipeline, const char *key,
                           int64_t generation) {
    struct run_state *state = runs_want(&controller->runs, pipeline->uid);
    int64_t now = clock_boot_ms();
    if (state->left_generation == generation || state->writing)
        return -1;
    if (state->write.until > now)
        return state->write.until - now;
    AUTO_ARENA arena = ARENA_INIT;
    const struct pass_scope scope = {.controller = controller,
                                     .key = key,
                                     .namespace = pipeline->namespace,
                                     .pipeline = pipeline->name,
                                     .run_uid = pipeline->uid,
                                     .arena = &arena};
    struct request *request = request_new(&scope, NULL, NULL, NULL);
    request->generation = generation;
    state->writing = true;
    log_error("controller", "a run is left alone: the operator crashed while it worked on it", {"pipeline", key});
    const char *body = arena_printf(&arena, "{\"status\":{\"message\":\"%s\"}}", left_alone);
    kube_patch(controller->config.api, request_pipeline(request), "status", PATCH_MERGE, body, strlen(body), said,
               request);
    return -1;
}

/* --- a pass --- */

/* All that is known of a run that is gone. */
static void observe_gone(const struct controller *controller, const struct pass_scope *scope,
                         const struct pod_group *group, int64_t wall, int64_t boot, struct run *ret_run) {
    const struct run_state *state = runs_find(&controller->runs, group->run_uid);
    *ret_run = (struct run){.name = scope->pipeline,
                            .namespace = scope->namespace,
                            .uid = group->run_uid,
                            .pods = group->views,
                            .pod_count = group->count};
    if (state == NULL)
        return;
    runs_fill(&controller->runs, state, wall, boot, scope->arena, ret_run);
    for (size_t i = 0; i < group->count; i++) {
        group->views[i].asked_delete = run_asked(state, ASKED_DELETE, group->views[i].uid);
        group->views[i].asked_release = run_asked(state, ASKED_RELEASE, group->views[i].uid);
    }
}

/* Pods of runs that are gone. */
static int64_t tidy_orphans(struct controller *controller, const char *key, const struct observation *seen,
                            int64_t wall, int64_t boot, struct arena *arena) {
    int64_t wake = -1;
    const char *slash = strchr(key, '/');
    for (const struct pod_group *group = seen->others; group != NULL; group = group->next) {
        const struct pod_object *speaker = orphans_speaker(group);
        struct pass_scope scope = {.controller = controller,
                                   .key = key,
                                   .namespace = arena_strndup(arena, key, (size_t)(slash - key)),
                                   .pipeline = speaker->owner != NULL ? speaker->owner : slash + 1,
                                   .run_uid = group->run_uid,
                                   .arena = arena};
        struct run run;
        struct plan plan;
        if (!orphans_confirmed(&scope, group))
            continue;
        observe_gone(controller, &scope, group, wall, boot, &run);
        plan_orphans(&run, wall, arena, &plan);
        apply_plan(&scope, NULL, &plan);
        wake = sooner(wake, wake_ms(&plan, wall));
    }
    return wake;
}

static int64_t tend_run(struct controller *controller, const char *key, const struct observation *seen, int64_t wall,
                        int64_t boot, struct arena *arena) {
    struct run_state *state = seen->state;
    struct pass_scope scope = {.controller = controller,
                               .key = key,
                               .namespace = seen->pipeline->namespace,
                               .pipeline = seen->pipeline->name,
                               .run_uid = seen->pipeline->uid,
                               .arena = arena};
    if (!seen->run.finished && !survey_done(&scope, seen))
        return -1;
    struct plan plan;
    plan_run(&seen->run, wall, arena, &plan);
    apply_plan(&scope, seen, &plan);
    runs_due(&controller->runs, state, plan.unrecorded && !state->writing, boot);
    int64_t wake = wake_ms(&plan, wall);
    bool idle = !run_asks(state) && state->checks == 0 && !state->writing && !run_holds_off(state, boot);
    if (seen->run.finished && idle) /* what is to be known of it is in its object */
        runs_forget(&controller->runs, seen->pipeline->uid);
    return wake;
}

static const struct scope *scope_of(const struct controller *controller, const char *key) {
    char namespace[KEY_MAX];
    object_key_namespace(key, namespace);
    return controller_scope(controller, namespace);
}

static int64_t pass(struct controller *controller, const char *key, struct arena *arena) {
    struct observation seen = {.scope = scope_of(controller, key)};
    int64_t wall = clock_wall_ms();
    int64_t boot = clock_boot_ms();
    if (seen.scope == NULL || !scope_works(seen.scope))
        return -1;
    seen.pipeline = scope_pipeline(seen.scope, key);
    const struct pipeline_object *object = seen.pipeline != NULL ? seen.pipeline->object : NULL;
    int64_t generation = object != NULL ? object->generation : 0;
    const char *in_work = seen.pipeline != NULL ? seen.pipeline->uid : key;
    if (object != NULL && (object->bare || guard_holds(controller->guard, in_work, generation)))
        return leave_alone(controller, seen.pipeline, key, generation);
    guard_enter(controller->guard, in_work, generation);
    observe(controller, key, wall, boot, arena, &seen);
    int64_t wake = object != NULL ? tend_run(controller, key, &seen, wall, boot, arena) : -1;
    wake = sooner(wake, tidy_orphans(controller, key, &seen, wall, boot, arena));
    guard_leave(controller->guard);
    specs_trim(&controller->runs.specs);
    return wake;
}

struct worked reconcile(const char *key, void *arg) {
    struct controller *controller = arg;
    AUTO_ARENA arena = ARENA_INIT;
    uint64_t began = uv_hrtime();
    int64_t wake = pass(controller, key, &arena);
    int64_t took_us = (int64_t)(uv_hrtime() - began) / 1000;
    metric_observe(&reconcile_seconds, (double)took_us / 1e6);
    return (struct worked){.after_ms = wake, .rest_ms = pace_rest_ms(took_us)};
}
