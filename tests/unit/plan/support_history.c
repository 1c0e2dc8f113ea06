/* See support_history.h. */

#include "support_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

bool runs(const struct pod_view *view) {
    return view->state == POD_PENDING || view->state == POD_RUNNING;
}

size_t index_of(const struct pod_view *view) {
    return (size_t)(view->task[0] - 'a');
}

static size_t running_attempts(const struct world *world) {
    size_t running = 0;
    for (size_t i = 0; i < world->pod_count; i++)
        running += world->pods[i].view.attempts && runs(&world->pods[i].view);
    return running;
}

size_t running_pods(const struct world *world) {
    size_t running = 0;
    for (size_t i = 0; i < world->pod_count; i++)
        running += runs(&world->pods[i].view);
    return running;
}

/* One that was given up, as a stuck one of a deleted run is, may run on. */
static bool works(const struct world *world, const struct pod_view *view) {
    int64_t patience = view->cleans ? PLAN_CLEANER_SLACK_MS : PLAN_CLEANUP_DEADLINE_MS;
    bool stuck = view->deleting && world->now >= view->deleting_until + patience;
    return runs(view) && !(stuck && (world->deleting || view->cleans));
}

/* Never two attempts of a task at once, never two cleaners, never one beside the other. */
void check_pods(struct history *history) {
    struct world *world = &history->world;
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct pod_view *one = &world->pods[i].view;
        for (size_t j = 0; j < i && works(world, one); j++)
            CHECK(history, !works(world, &world->pods[j].view) || index_of(&world->pods[j].view) != index_of(one));
    }
    int64_t limit = world->spec.parallelism;
    CHECK(history, !history->fresh || limit == 0 || running_attempts(world) <= (size_t)limit);
}

void check_status(struct history *history) {
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status status;
    world_decode(&history->world, &status, &arena);
    for (size_t i = 0; i < status.task_count; i++) {
        size_t index = (size_t)(status.tasks[i].name[0] - 'a');
        CHECK(history, history->final[index] == TASK_None || history->final[index] == status.tasks[i].phase);
        if (task_phase_final(status.tasks[i].phase))
            history->final[index] = status.tasks[i].phase;
        CHECK(history, status.tasks[i].failures <= (int64_t)history->failed[index]);
        CHECK(history, status.tasks[i].losses <= (int64_t)history->lost[index]);
    }
}

static const struct task_status *entry(const struct run_status *status, const char *name) {
    for (size_t i = 0; i < status->task_count; i++)
        if (strcmp(status->tasks[i].name, name) == 0)
            return &status->tasks[i];
    return NULL;
}

static bool is_recorded(const struct run_status *status, const struct pod_view *view) {
    const struct task_status *task = entry(status, view->task);
    if (task == NULL)
        return false;
    bool recorded = task->attempt > view->attempt || task_phase_final(task->phase);
    for (size_t i = 0; i < task->attempt_count; i++)
        recorded = recorded || strcmp(task->attempts[i].pod_uid, view->uid) == 0;
    return recorded;
}

bool unclear(const struct pod_view *view) {
    return view->remote[0] != '\0' && !view->clear && view->ran;
}

static bool looked_after(const struct world *world, const struct action *action, const struct run_status *recorded,
                         const struct pod_view *view) {
    const struct task_status *task = entry(recorded, view->task);
    enum cleanup_phase phase = task != NULL ? task->cleanup.phase : CLEANUP_None;
    if (action->left != NULL || phase == CLEANUP_Done || phase == CLEANUP_Failed)
        return true;
    for (size_t i = 0; i < world->run.pod_count; i++) {
        const struct pod_view *other = &world->run.pods[i];
        bool later = other->attempts && other->attempt > view->attempt && other->remote[0] != '\0';
        bool cleaned = other->cleans && other->state == POD_SUCCEEDED;
        if (strcmp(other->task, view->task) == 0 && (later || cleaned))
            return true;
    }
    bool waited = view->deleting && world->now >= view->deleting_until + PLAN_LEFT_HOLD_MS;
    return waited && task != NULL && !task_phase_final(task->phase) && phase == CLEANUP_Pending;
}

/* No pod is let go whose remote side nobody has looked after, unless that is told. */
static void check_left(struct history *history, const struct action *action, const struct run_status *recorded) {
    const struct world *world = &history->world;
    for (size_t i = 0; i < world->run.pod_count; i++) {
        const struct pod_view *view = &world->run.pods[i];
        bool paid = history->soiled[index_of(view)] <= history->cleaned[index_of(view)]; /* by one that is gone */
        if (view->attempts && strcmp(view->uid, action->pod_uid) == 0 && unclear(view) && !paid)
            CHECK(history, looked_after(world, action, recorded, view));
    }
}

static void check_release(struct history *history, const struct action *action, const struct run_status *recorded) {
    const struct world_pod *pod = world_pod_by_uid(&history->world, action->pod_uid);
    if (pod == NULL || pod->view.cleans)
        return;
    CHECK(history, !runs(&pod->view));
    CHECK(history, is_recorded(recorded, &pod->view));
}

static void check_create(struct history *history, const struct action *action) {
    const struct world *world = &history->world;
    const struct task *task = &world->run.spec->tasks[action->task];
    CHECK(history, !world->spec.suspend && !world->deleting);
    /* What has run may run again, also when a crash made us forget for a moment what we knew of its predecessors. */
    for (size_t i = 0; i < task->upstream_count && action->attempt == 1; i++) {
        const struct task *upstream = &world->run.spec->tasks[task->upstream[i]];
        const struct task_status *status = entry(&world->plan.status, upstream->name);
        CHECK(history, status != NULL);
        if (status == NULL)
            return;
        bool ignored = status->phase == TASK_Failed && upstream->on_failure == ON_FAILURE_IGNORE;
        CHECK(history, status->phase == TASK_Succeeded || ignored);
    }
}

void check_actions(struct history *history) {
    static const int order[] = {
        [ACTION_DROP_FINALIZER] = 0, [ACTION_CREATE_POD] = 1,      [ACTION_CHECK_PODS] = 1, [ACTION_WRITE_STATUS] = 2,
        [ACTION_CREATE_CLEANER] = 3, [ACTION_RELEASE_POD] = 3,     [ACTION_DELETE_POD] = 3, [ACTION_VERIFY_POD] = 3,
        [ACTION_EVENT] = 3,          [ACTION_DELETE_PIPELINE] = 4, [ACTION_WAKE] = 5};
    AUTO_ARENA arena = ARENA_INIT;
    const struct plan *plan = &history->world.plan;
    struct run_status recorded;
    world_decode(&history->world, &recorded, &arena);
    for (size_t i = 0; i < plan->count; i++) {
        const struct action *action = &plan->actions[i];
        CHECK(history, !text_empty(action->reason));
        CHECK(history, i == 0 || order[plan->actions[i - 1].type] <= order[action->type]);
        CHECK(history, action->type != ACTION_WAKE || (action->at > history->world.now && i + 1 == plan->count));
        if (action->type == ACTION_RELEASE_POD && !history->world.deleting)
            check_release(history, action, &recorded);
        if (action->type == ACTION_RELEASE_POD)
            check_left(history, action, &recorded);
        if (action->type == ACTION_CREATE_POD)
            check_create(history, action);
    }
    bool ends = run_phase_final(plan->status.phase) && !run_phase_final(recorded.phase);
    CHECK(history, !history->fresh || !ends || running_attempts(&history->world) == 0);
}

/* The same input, the pods in another order: the same plan. */
void check_determinism(struct history *history) {
    AUTO_ARENA arena = ARENA_INIT;
    struct world *world = &history->world;
    struct run run = world->run;
    struct plan plan;
    struct pod_view *pods = ARENA_NEW_ARRAY(&arena, run.pod_count + 1, struct pod_view);
    for (size_t i = 0; i < run.pod_count; i++)
        pods[i] = run.pods[run.pod_count - 1 - i];
    run.pods = pods;
    plan_run(&run, world->now, &arena, &plan);
    CHECK(history, plan.count == world->plan.count);
    for (size_t i = 0; i < plan.count && !world->deleting && !run.finished; i++) {
        CHECK(history, plan.actions[i].type == world->plan.actions[i].type);
        CHECK(history, text_equal(plan.actions[i].reason, world->plan.actions[i].reason));
        CHECK(history, text_equal(plan.actions[i].pod_uid, world->plan.actions[i].pod_uid));
    }
}
