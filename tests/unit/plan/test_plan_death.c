/* Every point of a small run at which the operator can die, one after the other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

/* Three tasks in a row; the operator dies after the given number of requests. How many there were in all. */
static size_t run_chain(struct world *world, size_t die_after) {
    static const char *names[] = {"a", "b", "c"};
    size_t done = 0;
    world_init(world);
    world->spec.pod_retention = RETAIN_NEVER;
    for (size_t i = 0; i < 3; i++) {
        struct task *task = world_add_task(world, names[i]);
        task->depends_on = (struct strings){.items = &names[i == 0 ? 0 : i - 1], .count = i == 0 ? 0 : 1};
    }
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
            run_newest_pod(world);
    }
    return done;
}

static void dying_anywhere_changes_nothing(void **state) {
    (void)state;
    static struct world calm, rough;
    size_t requests = run_chain(&calm, SIZE_MAX);
    assert_true(requests > 12);
    assert_int_equal(calm.pods_made, 3);
    for (size_t i = 0; i < requests; i++) {
        run_chain(&rough, i);
        assert_string_equal(rough.status, calm.status);
        assert_int_equal(rough.pods_made, 3);
        assert_int_equal(rough.pod_count, 0);
        world_fini(&rough);
    }
    world_fini(&calm);
}
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dying_anywhere_changes_nothing),
    };
    return cmocka_run_group_tests_name("plan, deaths", tests, NULL, NULL);
}
