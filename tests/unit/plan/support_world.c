/* See support_world.h. */

#include "support_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t start_of_time = 1800000000000;

void world_init(struct world *world) {
    *world = (struct world){.now = start_of_time, .generation = 1, .exists = true};
    world->spec = (struct pipeline){.ttl_seconds_after_finished = -1, .pod_retention = RETAIN_ALWAYS};
    world->spec.tasks = world->tasks;
}

void world_fini(struct world *world) {
    arena_fini(&world->pass);
    arena_fini(&world->arena);
}

struct task *world_task(struct world *world, const char *name) {
    for (size_t i = 0; i < world->spec.task_count; i++)
        if (strcmp(world->tasks[i].name, name) == 0)
            return &world->tasks[i];
    return NULL;
}

struct task *world_add_task(struct world *world, const char *name) {
    assert_true(world->spec.task_count < WORLD_TASKS);
    struct task *task = &world->tasks[world->spec.task_count++];
    *task = (struct task){.name = arena_strdup(&world->arena, name)};
    task->retry = ARENA_NEW(&world->arena, struct retry);
    task->retry->infra_limit = 5;
    task->retry->backoff = ARENA_NEW(&world->arena, struct retry_backoff);
    *task->retry->backoff = (struct retry_backoff){.initial_ms = 10000, .factor = 2, .max_ms = 600000};
    return task;
}

struct world_pod *world_pod(struct world *world, const char *task, int64_t attempt) {
    for (size_t i = 0; i < world->pod_count; i++)
        if (strcmp(world->pods[i].view.task, task) == 0 && world->pods[i].view.attempt == attempt &&
            world->pods[i].view.attempts)
            return &world->pods[i];
    return NULL;
}

struct world_pod *world_cleaner(struct world *world, const char *task, int64_t attempt, int64_t turn) {
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct pod_view *view = &world->pods[i].view;
        if (view->cleans && strcmp(view->task, task) == 0 && view->attempt == attempt && view->turn == turn)
            return &world->pods[i];
    }
    return NULL;
}

struct world_pod *world_add_pod(struct world *world, const char *task, int64_t attempt) {
    assert_true(world->pod_count < WORLD_PODS);
    struct world_pod *pod = &world->pods[world->pod_count++];
    *pod = (struct world_pod){.view = {.task = arena_strdup(&world->arena, task), .attempt = attempt}};
    world->pods_made++;
    pod->view.uid = world->lagging ? arena_printf(&world->arena, "%s/%d#%zu", task, (int)attempt, world->pods_made)
                                   : arena_printf(&world->arena, "%s/%d", task, (int)attempt);
    pod->view.name = names_pod("pl", "run-uid", task, attempt, &world->arena);
    pod->view.state = POD_PENDING;
    pod->view.attempts = true;
    const struct task *named = world_task(world, task);
    pod->view.remote = named != NULL && world->remote[named - world->tasks] ? "yarn" : "";
    pod->view.remains = "";
    pod->view.hash = named != NULL ? named->hash : NULL;
    pod->view.held = true;
    pod->view.reason = pod->view.message = "";
    pod->view.percent = -1;
    pod->view.created_at = world->now;
    return pod;
}

void world_end_pod(struct world *world, struct world_pod *pod, enum pod_state state, const char *reason,
                   int exit_code) {
    pod->view.state = state;
    pod->view.reason = arena_strdup(&world->arena, reason);
    pod->view.has_exit_code = exit_code >= 0;
    pod->view.exit_code = exit_code;
    pod->view.finished_at = world->now;
    world_sweep(world);
}

void world_drop_pod(struct world *world, struct world_pod *pod) {
    size_t index = (size_t)(pod - world->pods);
    memmove(pod, pod + 1, (world->pod_count - index - 1) * sizeof *pod);
    world->pod_count--;
}

void world_sweep(struct world *world) {
    for (size_t i = 0; i < world->pod_count;) {
        const struct pod_view *view = &world->pods[i].view;
        if (view->deleting && !view->held && view->state != POD_PENDING && view->state != POD_RUNNING)
            world_drop_pod(world, &world->pods[i]);
        else
            i++;
    }
    world->exists = !world->deleting || world->pod_count > 0;
}

static void decode(const char *text, struct run_status *ret_status, struct arena *arena) {
    struct error err = {0};
    AUTO_JSON *doc = NULL;
    if (text != NULL && json_parse(text, strlen(text), &doc, &err) != 0)
        fail_msg("status: %s", err.text);
    status_decode(doc != NULL ? yyjson_doc_get_root(doc) : NULL, ret_status, arena);
}

void world_decode(struct world *world, struct run_status *ret_status, struct arena *arena) {
    decode(world->status, ret_status, arena);
}

void world_sync_pods(struct world *world) {
    memcpy(world->cache, world->pods, world->pod_count * sizeof *world->pods);
    world->cache_count = world->pod_count;
    world->creating_count = world->cleaning_count = 0;
}

void world_sync_status(struct world *world) {
    world->seen_status = world->status;
}

static void see_pods(struct world *world, struct run *run) {
    const struct world_pod *pods = world->lagging ? world->cache : world->pods;
    size_t count = world->lagging ? world->cache_count : world->pod_count;
    struct pod_view *views = ARENA_NEW_ARRAY(&world->pass, count + 1, struct pod_view);
    for (size_t i = 0; i < count; i++)
        if (!pods[i].hidden && !pods[i].view.done) /* the watch's selector leaves those out */
            views[run->pod_count++] = pods[i].view;
    run->pods = views;
}

static void make_run(struct world *world) {
    struct arena *arena = &world->pass;
    struct problems problems = {.arena = arena};
    struct pipeline *spec = ARENA_NEW(arena, struct pipeline);
    *spec = world->spec;
    graph_link(spec, arena, &problems);
    for (size_t i = 0; i < problems.count && world->problems.total == 0; i++)
        fail_msg("%s", problems.items[i]);
    struct run *run = &world->run;
    *run = (struct run){.name = "pl", .namespace = "ns", .uid = "run-uid", .generation = world->generation};
    run->spec = spec;
    run->problems = &world->problems;
    run->old_finalizer = world->old_finalizer;
    run->unchecked = world->unchecked;
    run->deleting = world->deleting;
    run->last_spec = world->problems.total > 0 && world->last_valid ? spec : NULL;
    run->changed_at = world->changed_at;
    run->window_ms = world->window_ms;
    run->writing = world->writing;
    run->small = true;
    run->create_room = WORLD_PODS;
    run->looks = world->looks;
    run->look_count = world->look_count;
    run->failures = world->failures;
    run->failure_count = world->failure_count;
    run->taken = world->taken;
    run->taken_count = world->taken_count;
    run->creating = world->creating;
    run->creating_count = world->creating_count;
    run->cleaner_failures = world->cleaner_failures;
    run->cleaner_failure_count = world->cleaner_failure_count;
    run->cleaning = world->cleaning;
    run->cleaning_count = world->cleaning_count;
    run->collisions = (struct strings){.items = world->collisions, .count = world->collision_count};
    run->former = (struct strings){.items = world->former, .count = world->former_count};
    decode(world->lagging ? world->seen_status : world->status, &run->recorded, arena);
    run->finished = run_phase_final(run->recorded.phase) && run->recorded.observed_generation == world->generation;
    run->pod_retention = spec->pod_retention;
    run->ttl_seconds_after_finished = spec->ttl_seconds_after_finished;
    see_pods(world, run);
}

void world_plan(struct world *world) {
    arena_fini(&world->pass);
    make_run(world);
    if (world->gone)
        plan_orphans(&world->run, world->now, &world->pass, &world->plan);
    else
        plan_run(&world->run, world->now, &world->pass, &world->plan);
    world->changed_at = !world->plan.unrecorded ? 0 : world->changed_at != 0 ? world->changed_at : world->now;
}

bool world_idle(const struct world *world) {
    const struct plan *plan = &world->plan;
    return plan->count == 0 || (plan->count == 1 && plan->actions[0].type == ACTION_WAKE);
}

void world_write(struct world *world, const struct run_status *status) {
    yyjson_mut_doc *doc = json_new(&world->pass);
    const char *text = json_write(status_encode(status, world->spec.task_count, 0, doc), &world->pass, NULL);
    assert_non_null(text);
    world->status = arena_strdup(&world->arena, text);
    world->changed_at = 0;
    world->status_writes++;
}

struct world_pod *world_pod_by_uid(struct world *world, const char *uid) {
    for (size_t i = 0; i < world->pod_count; i++)
        if (strcmp(world->pods[i].view.uid, uid) == 0)
            return &world->pods[i];
    return NULL;
}

static void apply_verify(struct world *world, const struct action *action) {
    struct world_pod *pod = world_pod_by_uid(world, action->pod_uid);
    if (pod != NULL && pod->stray && world->look_count < WORLD_TEXTS)
        world->looks[world->look_count++] =
            (struct look){arena_strdup(&world->arena, action->pod_uid), false, world->now + 1000};
    else if (pod != NULL)
        pod->hidden = false;
    else if (world->look_count < WORLD_TEXTS)
        world->looks[world->look_count++] = (struct look){arena_strdup(&world->arena, action->pod_uid), true, 0};
    world_sync_pods(world);
}

static void delete_pod(struct world *world, struct world_pod *pod) {
    if (pod == NULL || pod->view.deleting)
        return;
    pod->view.deleting = true;
    pod->view.deleting_since = pod->view.deleting_until = world->now;
}

static void apply_to_pod(struct world *world, const struct action *action) {
    struct world_pod *pod = world_pod_by_uid(world, action->pod_uid);
    if (action->type == ACTION_DELETE_POD)
        delete_pod(world, pod);
    if (action->type == ACTION_RELEASE_POD && pod != NULL) {
        pod->view.held = false;
        pod->view.done = action->keep;
        if (!action->keep)
            delete_pod(world, pod);
    }
    world_sweep(world);
}

/* AlreadyExists: it is adopted, that is, seen; but one that was let go has used up its number. */
static void apply_create(struct world *world, const struct action *action) {
    const struct task *task = &world->run.spec->tasks[action->task];
    struct world_pod *pod = world_pod(world, task->name, action->attempt);
    if (pod == NULL) {
        pod = world_add_pod(world, task->name, action->attempt);
        pod->view.hash = task->hash;
    }
    assert_ptr_equal(action->known->name, task->name);
    assert_string_equal(pod->view.name, action->pod);
    pod->hidden = false;
    if (pod->view.done)
        world->taken[world->taken_count++] = (struct task_attempt){pod->view.task, action->attempt};
    else if (world->lagging)
        world->creating[world->creating_count++] = (struct task_attempt){pod->view.task, action->attempt};
}

/* Never two for one task, never beside an attempt; and again under the same name is the same. */
static bool runs(const struct pod_view *view) {
    return view->state == POD_PENDING || view->state == POD_RUNNING;
}

static void check_cleaner(const struct world *world, const struct cleaner *cleaner, const struct world_pod *pod) {
    const char *uid = pod != NULL ? pod->view.uid : "";
    for (size_t i = 0; i < world->run.pod_count; i++) {
        const struct pod_view *view = &world->run.pods[i];
        bool stuck = view->deleting && world->now >= view->deleting_until + PLAN_CLEANUP_DEADLINE_MS;
        if (runs(view) && !stuck && strcmp(view->uid, uid) != 0 && strcmp(view->task, cleaner->task) == 0)
            fail_msg("a cleaner of %s beside %s", cleaner->task, view->uid);
    }
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct pod_view *view = &world->pods[i].view;
        if (&world->pods[i] != pod && view->cleans && runs(view) && view->attempt == cleaner->attempt &&
            strcmp(view->task, cleaner->task) == 0)
            fail_msg("two cleaners of %s/%d", cleaner->task, (int)cleaner->attempt);
    }
}

static void apply_cleaner(struct world *world, const struct action *action) {
    const struct cleaner *cleaner = action->cleaner;
    struct world_pod *pod = world_cleaner(world, cleaner->task, cleaner->attempt, cleaner->turn);
    check_cleaner(world, cleaner, pod);
    if (pod != NULL)
        return;
    pod = world_add_pod(world, cleaner->task, cleaner->attempt);
    world->pods_made--;
    world->cleaners_made++;
    pod->view.attempts = false;
    pod->view.cleans = true;
    pod->view.turn = cleaner->turn;
    pod->view.remote = "";
    pod->view.name = arena_strdup(&world->arena, action->pod);
    pod->view.uid =
        arena_printf(&world->arena, "%s/%d-clean%d", cleaner->task, (int)cleaner->attempt, (int)cleaner->turn);
    if (world->lagging)
        world->cleaning[world->cleaning_count++] = (struct task_attempt){pod->view.task, cleaner->attempt};
}

static void apply_one(struct world *world, const struct action *action) {
    switch (action->type) {
    case ACTION_CHECK_PODS: world->unchecked = false; break;
    case ACTION_CREATE_POD: apply_create(world, action); break;
    case ACTION_CREATE_CLEANER: apply_cleaner(world, action); break;
    case ACTION_VERIFY_POD: apply_verify(world, action); break;
    case ACTION_DELETE_POD:
    case ACTION_RELEASE_POD: apply_to_pod(world, action); break;
    case ACTION_WRITE_STATUS:
        if (!world->lagging || world->seen_status == world->status)
            world_write(world, &world->plan.status);
        break;
    case ACTION_DROP_FINALIZER: world->old_finalizer = false; break;
    case ACTION_DELETE_PIPELINE:
        world->deleting = true;
        world->deleting_since = world->now;
        break;
    case ACTION_EVENT:
    case ACTION_WAKE: break;
    }
}

void world_apply(struct world *world, size_t first, size_t count) {
    for (size_t i = first; i < world->plan.count && i - first < count; i++)
        apply_one(world, &world->plan.actions[i]);
}

void world_crash(struct world *world) {
    world->cleaner_failure_count = world->cleaning_count = 0;
    world->look_count = world->failure_count = world->taken_count = world->creating_count = 0;
    world->collision_count = 0;
    world->changed_at = 0;
    world->last_valid = false;
}

int64_t world_asked_attempt(const struct world *world, const char *task) {
    int64_t attempt = 1;
    for (size_t i = 0; i < world->failure_count; i++)
        if (strcmp(world->failures[i].task, task) == 0)
            attempt = world->failures[i].attempt;
    for (size_t i = 0; i < world->creating_count; i++)
        if (strcmp(world->creating[i].task, task) == 0)
            attempt = world->creating[i].attempt;
    return attempt;
}
