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
#include "support_history.h"

enum { SEEDS = 800, STEPS = 120, ROUNDS_TO_END = 400 };

static uint64_t draw(struct history *history, uint64_t below) {
    history->state ^= history->state << 13;
    history->state ^= history->state >> 7;
    history->state ^= history->state << 17;
    return history->state % below;
}

static bool chance(struct history *history, unsigned percent) {
    return draw(history, 100) < percent;
}

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
    world->remote[index] = chance(history, 60);
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

/* What its launcher says of what it left, as it ends. */
static void speak(struct history *history, struct world_pod *pod, bool well) {
    size_t index = index_of(&pod->view);
    pod->view.clear = chance(history, well ? 90 : 50);
    if (!pod->view.clear && chance(history, 50))
        pod->view.remains = "application_1_1";
    if (unclear(&pod->view))
        history->soiled[index] = ++history->events;
    else if (pod->view.clear && pod->view.remote[0] != '\0')
        history->cleaned[index] = ++history->events;
}

static void end_cleaner(struct history *history, struct world_pod *pod) {
    bool well = chance(history, 50);
    enum pod_state state = well ? POD_SUCCEEDED : chance(history, 50) ? POD_FAILED : POD_LOST;
    if (well)
        history->cleaned[index_of(&pod->view)] = ++history->events;
    world_end_pod(&history->world, pod, state, well ? "" : "CleanupFailed", -1);
}

static void end_pod(struct history *history, struct world_pod *pod) {
    size_t index = index_of(&pod->view);
    if (pod->view.started_at == 0 && chance(history, 50))
        pod->view.started_at = history->world.now;
    pod->view.ran = pod->view.started_at != 0;
    bool stopped = pod->view.deleting && !chance(history, 20);
    bool well = !stopped && chance(history, 60);
    speak(history, pod, well);
    if (stopped) {
        /* whose deletion it was decides how it counts; both budgets may be meant */
        history->failed[index]++;
        history->lost[index]++;
        world_end_pod(&history->world, pod, chance(history, 50) ? POD_LOST : POD_FAILED, "Stopped", -1);
    } else if (well) {
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
        if (unclear(&pod->view))
            history->soiled[index_of(&pod->view)] = ++history->events;
        world_drop_pod(world, pod);
    } else if (pod->view.state == POD_PENDING && chance(history, 70)) {
        pod->view.state = POD_RUNNING;
        pod->view.started_at = world->now;
        pod->view.ran = true;
    } else if (pod->view.cleans) {
        end_cleaner(history, pod);
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

/* The same of a cleaner's. */
static void refuse_cleaner(struct history *history) {
    struct world *world = &history->world;
    if (world->cleaning_count == 0 || world->cleaner_failure_count >= WORLD_TEXTS) {
        world->cleaner_failure_count = 0;
        return;
    }
    struct task_attempt asked = world->cleaning[--world->cleaning_count];
    for (size_t i = world->pod_count; i-- > 0;) {
        struct world_pod *pod = &world->pods[i];
        if (!pod->view.cleans || strcmp(pod->view.task, asked.task) != 0 || pod->view.state != POD_PENDING)
            continue;
        world_drop_pod(world, pod);
        world->cleaner_failures[world->cleaner_failure_count++] =
            (struct create_failure){.task = asked.task,
                                    .attempt = asked.attempt,
                                    .reason = REASON(CreateFailed),
                                    .message = "no",
                                    .hopeless = chance(history, 20),
                                    .since = world->now,
                                    .next_at = world->now + (int64_t)draw(history, 10000)};
        return;
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
    world->failures[world->failure_count++] =
        (struct create_failure){.task = asked.task,
                                .attempt = asked.attempt,
                                .reason = REASON(CreateFailed),
                                .message = "no",
                                .next_at = world->now + (int64_t)draw(history, 10000)};
}

/* Somebody edits a task: what it is to start uses a cluster, or does not any more. */
static void edit(struct history *history) {
    struct world *world = &history->world;
    size_t index = draw(history, world->spec.task_count);
    world->remote[index] = !world->remote[index];
    world->tasks[index].hash = world->remote[index] ? "remote" : "local";
    world->generation++;
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
    else if (what < 93)
        refuse_cleaner(history);
    else if (what < 94)
        edit(history);
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
        world->failure_count = world->cleaner_failure_count = 0;
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

static bool any_held(const struct world *world) {
    for (size_t i = 0; i < world->pod_count; i++)
        if (world->pods[i].view.held || runs(&world->pods[i].view))
            return true;
    return false;
}

/* However the pods end: all of them are let go. */
static void let_all_go(struct history *history) {
    struct world *world = &history->world;
    for (size_t i = 0; i < ROUNDS_TO_END && (any_held(world) || i == 0); i++) {
        settle(history);
        world->cleaner_failure_count = 0;
        if (world->plan.count > 0 && chance(history, 10))
            world->now = world->plan.actions[0].at;
        touch_pod(history);
    }
    settle(history);
    for (size_t i = 0; i < world->pod_count; i++)
        CHECK(history, !world->pods[i].view.held);
}

/* A pod that was asked for and seen too late to count is stopped all the same. */
static void check_rest(struct history *history) {
    struct world *world = &history->world;
    for (size_t i = 0; i < world->pod_count; i++)
        CHECK(history, !runs(&world->pods[i].view) || world->pods[i].view.deleting || world->pods[i].view.cleans);
    let_all_go(history);
    CHECK(history, running_pods(world) == 0);
}

/* Whatever an attempt left, a later one, a cleaner or the status has told of it. */
static void check_clean(struct history *history, const struct run_status *status) {
    for (size_t i = 0; i < status->task_count; i++) {
        size_t index = (size_t)(status->tasks[i].name[0] - 'a');
        enum cleanup_phase phase = status->tasks[i].cleanup.phase;
        CHECK(history, phase != CLEANUP_Pending);
        CHECK(history, history->soiled[index] <= history->cleaned[index] || phase == CLEANUP_Failed);
    }
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
    check_clean(history, &status);
    CHECK(history, status.phase == (good ? RUN_Succeeded : RUN_Failed));
    CHECK(history, status.conditions[CONDITION_SUCCEEDED].status == good);
    CHECK(history, status.finished_at >= status.started_at);
    check_rest(history);
}

/* Deleted at any moment. */
static void delete_pipeline(struct history *history) {
    history->world.deleting = true;
    history->world.deleting_since = history->world.now;
    let_all_go(history);
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
