/* Random histories, seeded: pods run, fail, are lost or deleted by somebody; the caches of pods and status lag; of a
 * plan's requests any subset comes through; the operator dies at any moment. What must hold whatever happens is checked
 * at each step. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/pass.h"
#include "support_world.h"

enum { SEEDS = 800, STEPS = 120, ROUNDS_TO_END = 400, TASKS_MAX = 8 };

struct history {
    struct world world;
    uint64_t seed, state;
    bool fresh;                       /* the caches never lag: then parallelism is kept exactly */
    enum task_phase final[TASKS_MAX]; /* by task; TASK_None: not yet */
    size_t failed[TASKS_MAX], lost[TASKS_MAX];
};

static uint64_t draw(struct history *history, uint64_t below) {
    history->state ^= history->state << 13;
    history->state ^= history->state >> 7;
    history->state ^= history->state << 17;
    return history->state % below;
}

static bool chance(struct history *history, unsigned percent) {
    return draw(history, 100) < percent;
}

#define CHECK(history, condition)                                                       \
    do {                                                                                \
        if (!(condition))                                                               \
            fail_msg("seed %llu: %s", (unsigned long long)(history)->seed, #condition); \
    } while (0)

/* --- a random pipeline --- */

static void make_task(struct history *history, size_t index) {
    struct world *world = &history->world;
    char name[2] = {(char)('a' + index), '\0'};
    struct task *task = world_add_task(world, name);
    task->depends_on.items = ARENA_NEW_ARRAY(&world->arena, TASKS_MAX, const char *);
    for (size_t i = 0; i < index; i++)
        if (chance(history, 30))
            task->depends_on.items[task->depends_on.count++] = world->tasks[i].name;
    task->retry->limit = (int64_t)draw(history, 3);
    task->retry->infra_limit = (int64_t)draw(history, 4);
    task->retry->backoff->initial_ms = (int64_t)draw(history, 3) * 1000;
    task->on_failure = chance(history, 20) ? ON_FAILURE_IGNORE : ON_FAILURE_FAIL;
    if (chance(history, 20))
        task->start_timeout_ms = 20000;
    if (chance(history, 20))
        task->timeout_ms = 30000;
}

static void make_pipeline(struct history *history) {
    struct world *world = &history->world;
    world_init(world);
    world->lagging = true;
    size_t count = 1 + draw(history, TASKS_MAX);
    for (size_t i = 0; i < count; i++)
        make_task(history, i);
    world->spec.failure_policy = chance(history, 50) ? FAIL_CONTINUE : FAIL_FAST;
    world->window_ms = chance(history, 50) ? 5000 : 0;
    world->spec.parallelism = (int64_t)draw(history, 4);
    world->spec.pod_retention = (int)draw(history, 3);
    if (chance(history, 15))
        world->spec.timeout_ms = 120000;
}

/* --- what must hold --- */

static bool runs(const struct pod_view *view) {
    return view->state == POD_PENDING || view->state == POD_RUNNING;
}

static size_t index_of(const struct pod_view *view) {
    return (size_t)(view->task[0] - 'a');
}

static size_t running_pods(const struct world *world) {
    size_t running = 0;
    for (size_t i = 0; i < world->pod_count; i++)
        running += runs(&world->pods[i].view);
    return running;
}

static void check_pods(struct history *history) {
    struct world *world = &history->world;
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct pod_view *one = &world->pods[i].view;
        for (size_t j = 0; j < i && runs(one); j++)
            CHECK(history, !runs(&world->pods[j].view) || index_of(&world->pods[j].view) != index_of(one));
    }
    int64_t limit = world->spec.parallelism;
    CHECK(history, !history->fresh || limit == 0 || running_pods(world) <= (size_t)limit);
}

static void check_status(struct history *history) {
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

static void check_release(struct history *history, const struct action *action, const struct run_status *recorded) {
    const struct world_pod *pod = world_pod_by_uid(&history->world, action->pod_uid);
    if (pod == NULL)
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

static void check_actions(struct history *history) {
    static const int order[] = {
        [ACTION_DROP_FINALIZER] = 0,  [ACTION_CREATE_POD] = 1, [ACTION_CHECK_PODS] = 1, [ACTION_WRITE_STATUS] = 2,
        [ACTION_RELEASE_POD] = 3,     [ACTION_DELETE_POD] = 3, [ACTION_VERIFY_POD] = 3, [ACTION_EVENT] = 3,
        [ACTION_DELETE_PIPELINE] = 4, [ACTION_WAKE] = 5};
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
        if (action->type == ACTION_CREATE_POD)
            check_create(history, action);
    }
    bool ends = run_phase_final(plan->status.phase) && !run_phase_final(recorded.phase);
    CHECK(history, !history->fresh || !ends || running_pods(&history->world) == 0);
}

/* The same input, the pods in another order: the same plan. */
static void check_determinism(struct history *history) {
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

static void plan(struct history *history) {
    world_plan(&history->world);
    check_actions(history);
    check_determinism(history);
}

static void apply(struct history *history, size_t first, size_t count) {
    world_apply(&history->world, first, count);
    check_pods(history);
    check_status(history);
}

/* --- what happens --- */

static void end_pod(struct history *history, struct world_pod *pod) {
    size_t index = index_of(&pod->view);
    if (pod->view.started_at == 0 && chance(history, 50))
        pod->view.started_at = history->world.now;
    if (pod->view.deleting && !chance(history, 20)) {
        /* whose deletion it was decides how it counts; both budgets may be meant */
        history->failed[index]++;
        history->lost[index]++;
        world_end_pod(&history->world, pod, chance(history, 50) ? POD_LOST : POD_FAILED, "Stopped", -1);
    } else if (chance(history, 60)) {
        world_end_pod(&history->world, pod, POD_SUCCEEDED, "", 0);
    } else if (chance(history, 60)) {
        history->failed[index]++;
        world_end_pod(&history->world, pod, POD_FAILED, "ExitCode", 3);
    } else {
        history->failed[index]++; /* a stop may have been decided before it was lost */
        history->lost[index]++;
        world_end_pod(&history->world, pod, POD_LOST, "Evicted", -1);
    }
}

static bool uid_is_recorded(struct history *history, const char *uid) {
    const char *text = history->world.status;
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", uid);
    return text != NULL && strstr(text, quoted) != NULL;
}

static void touch_pod(struct history *history) {
    struct world *world = &history->world;
    if (world->pod_count == 0)
        return;
    struct world_pod *pod = &world->pods[draw(history, world->pod_count)];
    if (!runs(&pod->view))
        return;
    if (chance(history, 8) && !pod->view.deleting) {
        pod->view.deleting = true;
        pod->view.deleting_since = pod->view.deleting_until = world->now;
    } else if (chance(history, 4) && uid_is_recorded(history, pod->view.uid)) {
        history->lost[index_of(&pod->view)]++;
        history->failed[index_of(&pod->view)]++;
        world_drop_pod(world, pod);
    } else if (pod->view.state == POD_PENDING && chance(history, 70)) {
        pod->view.state = POD_RUNNING;
        pod->view.started_at = world->now;
    } else {
        end_pod(history, pod);
    }
}

/* The first few, or any of them: requests go out together. Then perhaps the operator dies. */
static void work(struct history *history) {
    if (history->fresh) {
        world_sync_pods(&history->world);
        world_sync_status(&history->world);
    }
    plan(history);
    size_t count = history->world.plan.count;
    if (chance(history, 60)) {
        apply(history, 0, count);
    } else {
        for (size_t i = 0; i < count; i++)
            if (chance(history, 60))
                apply(history, i, 1);
        if (chance(history, 50))
            world_crash(&history->world);
    }
}

/* A creation that is not answered yet is refused, or the one that was refused is not any more. */
static void refuse(struct history *history) {
    struct world *world = &history->world;
    if (world->creating_count == 0 || world->failure_count >= WORLD_TEXTS) {
        world->failure_count = 0;
        return;
    }
    struct task_attempt asked = world->creating[--world->creating_count];
    struct world_pod *pod = world_pod(world, asked.task, asked.attempt);
    if (pod == NULL || uid_is_recorded(history, pod->view.uid) || !runs(&pod->view) || pod->view.started_at != 0)
        return;
    world_drop_pod(world, pod);
    history->failed[asked.task[0] - 'a']++; /* should it have a startTimeout */
    world->failures[world->failure_count++] = (struct create_failure){asked.task, asked.attempt, REASON(CreateFailed),
                                                                      "no", world->now + (int64_t)draw(history, 10000)};
}

static void step(struct history *history) {
    struct world *world = &history->world;
    uint64_t what = draw(history, 100);
    if (what < 35)
        touch_pod(history);
    else if (what < 50)
        world_sync_pods(world);
    else if (what < 62)
        world_sync_status(world);
    else if (what < 88)
        work(history);
    else if (what < 91)
        refuse(history);
    else if (what < 98)
        world->now += (int64_t)draw(history, 5000);
    else
        world->spec.suspend = !world->spec.suspend;
}

/* Nothing changes but what the plan does: it must come to rest. */
static void settle(struct history *history) {
    for (size_t i = 0; i < 40; i++) {
        world_sync_pods(&history->world);
        world_sync_status(&history->world);
        plan(history);
        if (world_idle(&history->world))
            return;
        apply(history, 0, SIZE_MAX);
    }
    bool comes_to_rest = false;
    CHECK(history, comes_to_rest);
}

static void finish(struct history *history) {
    struct world *world = &history->world;
    world->spec.suspend = false;
    for (size_t i = 0; i < ROUNDS_TO_END; i++) {
        settle(history);
        world->failure_count = 0;
        AUTO_ARENA arena = ARENA_INIT;
        struct run_status status;
        world_decode(world, &status, &arena);
        if (run_phase_final(status.phase))
            return;
        if (world->plan.count > 0)
            world->now = world->plan.actions[0].at;
        touch_pod(history);
    }
    bool ends = false;
    CHECK(history, ends);
}

/* A pod that was asked for and seen too late to count is stopped all the same. */
static void check_rest(struct history *history) {
    struct world *world = &history->world;
    for (size_t i = 0; i < world->pod_count; i++)
        CHECK(history, !runs(&world->pods[i].view) || world->pods[i].view.deleting);
    for (size_t i = 0; i < ROUNDS_TO_END && running_pods(world) > 0; i++)
        touch_pod(history);
    settle(history);
    for (size_t i = 0; i < world->pod_count; i++)
        CHECK(history, !world->pods[i].view.held && !runs(&world->pods[i].view));
}

static void check_end(struct history *history) {
    AUTO_ARENA arena = ARENA_INIT;
    struct world *world = &history->world;
    struct run_status status;
    settle(history);
    world_decode(world, &status, &arena);
    bool good = true;
    CHECK(history, status.task_count == world->spec.task_count);
    for (size_t i = 0; i < status.task_count; i++) {
        const struct task *task = world_task(world, status.tasks[i].name);
        CHECK(history, task_phase_final(status.tasks[i].phase) && task != NULL);
        bool ignored = status.tasks[i].phase == TASK_Failed && task != NULL && task->on_failure == ON_FAILURE_IGNORE;
        good = good && (status.tasks[i].phase == TASK_Succeeded || ignored);
    }
    CHECK(history, status.phase == (good ? RUN_Succeeded : RUN_Failed));
    CHECK(history, status.conditions[CONDITION_SUCCEEDED].status == good);
    CHECK(history, status.finished_at >= status.started_at);
    check_rest(history);
}

/* Deleted at any moment: all is let go, however the pods end. */
static void delete_pipeline(struct history *history) {
    struct world *world = &history->world;
    world->deleting = true;
    world->deleting_since = world->now;
    for (size_t i = 0; i < ROUNDS_TO_END && (running_pods(world) > 0 || i == 0); i++) {
        settle(history);
        if (world->plan.count > 0 && chance(history, 10))
            world->now = world->plan.actions[0].at;
        touch_pod(history);
    }
    settle(history);
    for (size_t i = 0; i < world->pod_count; i++)
        CHECK(history, !world->pods[i].view.held);
}

static void play(uint64_t seed) {
    struct history *history = calloc(1, sizeof *history);
    assert_non_null(history);
    history->seed = seed;
    history->state = seed * 0x9E3779B97F4A7C15ULL + 1;
    history->fresh = seed % 4 == 0;
    make_pipeline(history);
    size_t steps = draw(history, STEPS);
    for (size_t i = 0; i < steps; i++)
        step(history);
    if (chance(history, 20)) {
        delete_pipeline(history);
    } else {
        finish(history);
        check_end(history);
    }
    world_fini(&history->world);
    free(history);
}

static void random_histories_keep_the_promises(void **state) {
    (void)state;
    const char *one = getenv("WEIR_SEED");
    if (one != NULL) {
        play(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        play(seed);
}
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_keep_the_promises),
    };
    return cmocka_run_group_tests_name("plan, random", tests, NULL, NULL);
}
