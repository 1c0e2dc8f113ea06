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
    world->spec = (struct pipeline){.ttl_seconds_after_finished = -1, .pod_retention = RETAIN_ON_FAILURE};
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
    task->retry->backoff = ARENA_NEW(&world->arena, struct backoff);
    *task->retry->backoff = (struct backoff){.initial_ms = 10000, .factor = 2, .max_ms = 600000};
    return task;
}

struct world_pod *world_pod(struct world *world, const char *task, int64_t attempt) {
    for (size_t i = 0; i < world->pod_count; i++)
        if (strcmp(world->pods[i].view.task, task) == 0 && world->pods[i].view.attempt == attempt)
            return &world->pods[i];
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
}

void world_sync_status(struct world *world) {
    world->seen_status = world->status;
}

static void see_pods(struct world *world, struct run *run) {
    const struct world_pod *pods = world->lagging ? world->cache : world->pods;
    size_t count = world->lagging ? world->cache_count : world->pod_count;
    struct pod_view *views = ARENA_NEW_ARRAY(&world->pass, count + 1, struct pod_view);
    for (size_t i = 0; i < count; i++)
        if (!pods[i].hidden)
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
    run->finalizer = world->finalizer;
    run->deleting = world->deleting;
    run->deleting_since = world->deleting_since;
    run->recorded_at = world->recorded_at;
    run->gone = (struct strings){.items = world->gone, .count = world->gone_count};
    run->collisions = (struct strings){.items = world->collisions, .count = world->collision_count};
    run->refusals = (struct pairs){.items = world->refusals, .count = world->refusal_count};
    decode(world->lagging ? world->seen_status : world->status, &run->recorded, arena);
    see_pods(world, run);
}

void world_plan(struct world *world) {
    arena_fini(&world->pass);
    make_run(world);
    plan_run(&world->run, world->now, &world->pass, &world->plan);
}

void world_write(struct world *world, const struct run_status *status) {
    yyjson_mut_doc *doc = json_new(&world->pass);
    const char *text = json_write(status_encode(status, world->spec.task_count, doc), &world->pass, NULL);
    assert_non_null(text);
    world->status = arena_strdup(&world->arena, text);
    world->recorded_at = world->now;
    world->status_writes++;
}

struct world_pod *world_pod_by_uid(struct world *world, const char *uid) {
    for (size_t i = 0; i < world->pod_count; i++)
        if (strcmp(world->pods[i].view.uid, uid) == 0)
            return &world->pods[i];
    return NULL;
}

static void apply_to_pod(struct world *world, const struct action *action) {
    struct world_pod *pod = world_pod_by_uid(world, action->pod_uid);
    if (action->type == ACTION_VERIFY_POD) {
        if (pod != NULL)
            pod->hidden = false;
        else if (world->gone_count < WORLD_TEXTS)
            world->gone[world->gone_count++] = arena_strdup(&world->arena, action->pod_uid);
        world_sync_pods(world);
    } else if (action->type == ACTION_RELEASE_POD && pod != NULL) {
        pod->view.held = false;
    } else if (pod != NULL && !pod->view.deleting) {
        pod->view.deleting = true;
        pod->view.deleting_since = world->now;
    }
    world_sweep(world);
}

/* AlreadyExists: it is adopted, that is, seen. */
static void apply_create(struct world *world, const struct action *action) {
    const char *task = world->run.spec->tasks[action->task].name;
    struct world_pod *pod = world_pod(world, task, action->attempt);
    if (pod == NULL)
        pod = world_add_pod(world, task, action->attempt);
    assert_string_equal(pod->view.name, action->pod);
    pod->hidden = false;
}

static void apply_one(struct world *world, const struct action *action) {
    switch (action->type) {
    case ACTION_ADD_FINALIZER: world->finalizer = true; break;
    case ACTION_CREATE_POD: apply_create(world, action); break;
    case ACTION_DELETE_POD:
    case ACTION_RELEASE_POD:
    case ACTION_VERIFY_POD: apply_to_pod(world, action); break;
    case ACTION_WRITE_STATUS:
        if (!world->lagging || world->seen_status == world->status)
            world_write(world, &world->plan.status);
        break;
    case ACTION_DROP_FINALIZER:
        world->finalizer = false;
        world->exists = !world->deleting;
        break;
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
    world->gone_count = world->collision_count = world->refusal_count = 0;
    world->recorded_at = 0;
}
