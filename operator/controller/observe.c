/* Builds the planner's input from the caches and from what is remembered of the run: nothing is fetched and nothing is
 * decided here. */

#include <string.h>

#include "controller/internal.h"

static struct strings pod_names(const struct pod_group *groups, struct arena *arena) {
    size_t count = 0;
    struct strings names = {0};
    for (const struct pod_group *group = groups; group != NULL; group = group->next)
        count += group->count;
    names.items = ARENA_NEW_ARRAY(arena, count, const char *);
    for (const struct pod_group *group = groups; group != NULL; group = group->next)
        for (size_t i = 0; i < group->count; i++)
            if (plan_waits_for(&group->views[i]))
                names.items[names.count++] = group->views[i].name;
    return names;
}

/* The plan's input for a Pipeline that goes on. */
static void observe_spec(struct controller *controller, struct observation *seen) {
    const struct pipeline_object *object = seen->object;
    struct run_state *state = seen->state;
    struct run *run = &seen->run;
    bool stale = state->spec != NULL && state->spec->generation != object->generation;
    if (stale && spec_sound(state->spec)) {
        specs_drop(&controller->runs.specs, &state->last_valid);
        specs_move(&state->spec, &state->last_valid);
    }
    struct spec *spec =
        specs_get(&controller->runs.specs, &state->spec, yyjson_doc_get_root(object->doc), object->generation);
    if (state->refused_generation == object->generation)
        spec_refuse(spec, state->refused);
    run->spec = spec->pipeline;
    run->problems = &spec->problems;
    run->warnings = &spec->warnings;
    run->order = spec->order;
    run->unchecked = state->checked_generation != object->generation;
    if (spec_sound(spec))
        specs_drop(&controller->runs.specs, &state->last_valid);
    if (spec->refused)
        run->last_spec = spec->pipeline;
    else if (state->last_valid != NULL)
        run->last_spec = state->last_valid->pipeline;
}

static void observe_pipeline(struct controller *controller, struct observation *seen, struct arena *arena) {
    const struct pipeline_object *object = seen->object;
    struct run *run = &seen->run;
    run->name = seen->pipeline->name;
    run->namespace = seen->pipeline->namespace;
    run->uid = seen->pipeline->uid;
    run->generation = object->generation;
    run->deleting = object->deleting;
    run->old_finalizer = object->old_finalizer;
    run->finished = pipeline_object_finished(object);
    run->recorded.recorded = run->finished;
    run->recorded.phase = object->phase;
    run->recorded.finished_at = object->finished_at;
    run->pod_retention = object->pod_retention;
    run->ttl_seconds_after_finished = object->ttl_seconds_after_finished >= 0
                                          ? object->ttl_seconds_after_finished
                                          : controller->config.ttl_seconds_after_finished;
    if (run->finished)
        return;
    status_decode(yyjson_obj_get(yyjson_doc_get_root(object->doc), "status"), &run->recorded, arena);
    seen->state->had_status = seen->state->had_status || run->recorded.recorded;
    observe_spec(controller, seen);
}

static void view_pod(const char *name, const char *uid, const struct pod_object *pod, int64_t now, struct arena *arena,
                     struct pod_view *ret_view) {
    struct record record = RECORD_INIT;
    struct error err;
    bool reported = pod->report != NULL && record_decode(pod->report, pod->report_length, &record, arena, &err) == 0;
    executor_view(pod->facts, reported ? &record : NULL, now, arena, ret_view);
    ret_view->name = name;
    ret_view->uid = uid;
    ret_view->ended_seen = pod->ended_seen;
}

static struct pod_group *group_of(struct pod_group **groups, const char *run_uid, size_t most, struct arena *arena) {
    for (struct pod_group *group = *groups; group != NULL; group = group->next)
        if (strcmp(group->run_uid, run_uid) == 0)
            return group;
    struct pod_group *group = ARENA_NEW(arena, struct pod_group);
    *group = (struct pod_group){.run_uid = run_uid, .next = *groups};
    group->entries = ARENA_NEW_ARRAY(arena, most, const struct cache_entry *);
    group->views = ARENA_NEW_ARRAY(arena, most, struct pod_view);
    *groups = group;
    return group;
}

/* What the pods of the key are to this run: its own, or another's. */
static void observe_pods(const struct scope *scope, const char *key, int64_t wall, struct arena *arena,
                         struct observation *seen) {
    const struct cache *pods = scope->kinds[SCOPE_PODS].cache;
    const struct stray *strays = seen->state != NULL ? seen->state->strays : NULL;
    size_t most = 0;
    const struct cache_entry *entry;
    for (entry = cache_group_first(pods, key); entry != NULL; entry = cache_group_next(pods, entry))
        most++;
    for (const struct stray *stray = strays; stray != NULL; stray = stray->next)
        most++;
    struct pod_view *own = ARENA_NEW_ARRAY(arena, most, struct pod_view);
    for (entry = cache_group_first(pods, key); entry != NULL; entry = cache_group_next(pods, entry)) {
        const struct pod_object *pod = entry->object;
        const char *run_uid = pod_object_run(pod);
        struct pod_view *view = &own[seen->run.pod_count];
        if (seen->pipeline != NULL && text_equal(run_uid, seen->pipeline->uid)) {
            seen->run.pod_count++;
        } else {
            struct pod_group *group = group_of(&seen->others, run_uid, most, arena);
            view = &group->views[group->count];
            group->entries[group->count++] = entry;
        }
        view_pod(entry->name, entry->uid, pod, wall, arena, view);
    }
    for (const struct stray *stray = strays; stray != NULL; stray = stray->next) {
        entry = cache_get(pods, seen->pipeline->namespace, stray->name);
        if (entry == NULL || strcmp(entry->uid, stray->uid) != 0) /* else it is seen again */
            view_pod(stray->name, stray->uid, stray->pod, wall, arena, &own[seen->run.pod_count++]);
    }
    seen->run.pods = own;
}

static void mark_asked(struct observation *seen) {
    struct pod_view *views = (struct pod_view *)(uintptr_t)seen->run.pods;
    if (seen->state == NULL || !run_asks(seen->state))
        return;
    for (size_t i = 0; i < seen->run.pod_count; i++) {
        views[i].asked_delete = run_asked(seen->state, ASKED_DELETE, views[i].uid);
        views[i].asked_release = run_asked(seen->state, ASKED_RELEASE, views[i].uid);
    }
}

void observe(struct controller *controller, const char *key, int64_t wall, int64_t boot, struct arena *arena,
             struct observation *seen) {
    if (seen->pipeline != NULL) {
        seen->object = seen->pipeline->object;
        seen->state = runs_want(&controller->runs, seen->pipeline->uid);
        observe_pipeline(controller, seen, arena);
    }
    observe_pods(seen->scope, key, wall, arena, seen);
    mark_asked(seen);
    seen->run.former = pod_names(seen->others, arena);
    if (seen->state != NULL)
        runs_fill(&controller->runs, seen->state, wall, boot, arena, &seen->run);
}
