/* Every point of a small run at which the operator can die, one after the other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support_world.h"

static void run_newest_pod(struct world *world) {
    for (size_t i = 0; i < world->pod_count; i++) {
        struct world_pod *pod = &world->pods[i];
        if (pod->view.state == POD_PENDING) {
            pod->view.state = POD_RUNNING;
            pod->view.started_at = world->now;
            return;
        }
        if (pod->view.state == POD_RUNNING) {
            world_end_pod(world, pod, POD_SUCCEEDED, "", 0);
            return;
        }
    }
}

static void begin_chain(struct world *world) {
    static const char *names[] = {"a", "b", "c"};
    world_init(world);
    world->spec.pod_retention = RETAIN_NEVER;
    for (size_t i = 0; i < 3; i++) {
        struct task *task = world_add_task(world, names[i]);
        task->depends_on = (struct strings){.items = &names[i == 0 ? 0 : i - 1], .count = i == 0 ? 0 : 1};
    }
}

/* The operator dies after the given number of requests. How many there were in all. */
static size_t run_all(struct world *world, void (*step)(struct world *world), size_t die_after) {
    size_t done = 0;
    for (size_t rounds = 0; rounds < 60; rounds++) {
        world_plan(world);
        size_t count = world->plan.count;
        bool dies = done <= die_after && die_after < done + count;
        size_t applied = dies ? die_after - done : count;
        world_apply(world, 0, applied);
        done += dies ? applied + 1 : applied;
        if (dies)
            world_crash(world);
        else if (world_idle(world))
            step(world);
    }
    return done;
}

static void dying_anywhere_changes_nothing(void **state) {
    (void)state;
    static struct world calm, rough;
    begin_chain(&calm);
    size_t requests = run_all(&calm, run_newest_pod, SIZE_MAX);
    assert_true(requests > 12);
    assert_int_equal(calm.pods_made, 3);
    for (size_t i = 0; i < requests; i++) {
        begin_chain(&rough);
        run_all(&rough, run_newest_pod, i);
        assert_string_equal(rough.status, calm.status);
        assert_int_equal(rough.pods_made, 3);
        assert_int_equal(rough.pod_count, 0);
        world_fini(&rough);
    }
    world_fini(&calm);
}

/* The launcher dies without a word, so does the first cleaner, and the second one ends well. */
static void soil_and_clean(struct world *world) {
    for (size_t i = 0; i < world->pod_count; i++) {
        struct world_pod *pod = &world->pods[i];
        if (pod->view.state == POD_PENDING) {
            pod->view.state = POD_RUNNING;
            pod->view.started_at = world->now;
            pod->view.ran = true;
        } else if (pod->view.state == POD_RUNNING && pod->view.turn == 2) {
            world_end_pod(world, pod, POD_SUCCEEDED, "", 0);
        } else if (pod->view.state == POD_RUNNING) {
            world_end_pod(world, pod, POD_FAILED, "OOMKilled", 137);
        } else {
            continue;
        }
        return;
    }
}

static void begin_soiled(struct world *world) {
    world_init(world);
    world->spec.pod_retention = RETAIN_NEVER;
    world->remote[world_add_task(world, "a") - world->tasks] = true;
}

static void dying_anywhere_leaves_nothing(void **state) {
    (void)state;
    static struct world calm, rough;
    begin_soiled(&calm);
    size_t requests = run_all(&calm, soil_and_clean, SIZE_MAX);
    assert_true(requests > 10);
    assert_int_equal(calm.cleaners_made, 2);
    assert_non_null(strstr(calm.status, "\"cleanup\":{\"phase\":\"Done\""));
    for (size_t i = 0; i < requests; i++) {
        begin_soiled(&rough);
        run_all(&rough, soil_and_clean, i);
        assert_string_equal(rough.status, calm.status);
        assert_int_equal(rough.cleaners_made, 2);
        assert_int_equal(rough.pods_made, 1);
        assert_int_equal(rough.pod_count, 0);
        world_fini(&rough);
    }
    world_fini(&calm);
}

/* The same, and the Pipeline is deleted at any moment, with the operator's death. */
static void deletion_anywhere_leaves_nothing(void **state) {
    (void)state;
    static struct world world;
    for (size_t i = 0; i < 12; i++) {
        begin_soiled(&world);
        for (size_t round = 0; round < i; round++) {
            world_plan(&world);
            world_apply(&world, 0, 1);
            soil_and_clean(&world);
        }
        world_crash(&world);
        bool soiled = world.pod_count > 0 && world.pods[0].view.ran;
        world.deleting = true;
        run_all(&world, soil_and_clean, SIZE_MAX);
        assert_int_equal(world.pod_count, 0);
        assert_int_equal(world.cleaners_made, soiled || world.cleaners_made > 0 ? 2 : 0);
        world_fini(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dying_anywhere_changes_nothing),
        cmocka_unit_test(dying_anywhere_leaves_nothing),
        cmocka_unit_test(deletion_anywhere_leaves_nothing),
    };
    return cmocka_run_group_tests_name("plan, deaths", tests, NULL, NULL);
}
