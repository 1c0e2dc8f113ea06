/* What live requests told of a run, until the run is forgotten. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/memory.h"

static struct run fill(const struct memory *memory, const char *uid, int64_t generation, struct arena *arena) {
    struct run run = {.uid = uid, .generation = generation};
    memory_fill(memory, &run, arena);
    return run;
}

static void notes_are_kept_by_run(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct memory *memory = memory_new();
    memory_gone(memory, "run-1", "pod-uid");
    memory_gone(memory, "run-1", "pod-uid"); /* known already */
    memory_collision(memory, "run-1", "chain-a-1");
    memory_recorded(memory, "run-2", 42);
    struct run run = fill(memory, "run-1", 1, &arena);
    assert_int_equal(run.gone.count, 1);
    assert_string_equal(run.gone.items[0], "pod-uid");
    assert_int_equal(run.collisions.count, 1);
    assert_string_equal(run.collisions.items[0], "chain-a-1");
    assert_int_equal(run.refusals.count, 0);
    assert_int_equal(run.recorded_at, 0);
    run = fill(memory, "run-2", 1, &arena);
    assert_int_equal(run.gone.count + run.collisions.count, 0);
    assert_int_equal(run.recorded_at, 42);
    memory_free(memory);
}

static void refusal_holds_for_its_generation(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct memory *memory = memory_new();
    memory_refusal(memory, "run", 1, "a", "no such image");
    memory_refusal(memory, "run", 2, "a", "violates PodSecurity");
    memory_refusal(memory, "run", 2, "b", "no limits");
    assert_int_equal(fill(memory, "run", 3, &arena).refusals.count, 0);
    struct run run = fill(memory, "run", 1, &arena);
    assert_int_equal(run.refusals.count, 1);
    assert_string_equal(run.refusals.items[0].name, "a");
    assert_string_equal(run.refusals.items[0].value, "no such image");
    assert_int_equal(fill(memory, "run", 2, &arena).refusals.count, 2);
    memory_free(memory);
}

static void forgotten_run_begins_anew(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct memory *memory = memory_new();
    memory_collision(memory, "run", "chain-a-1");
    memory_recorded(memory, "run", 7);
    struct run before = fill(memory, "run", 1, &arena);
    memory_forget(memory, "run");
    memory_forget(memory, "unknown");
    assert_string_equal(before.collisions.items[0], "chain-a-1"); /* the arena's, not the memory's */
    struct run after = fill(memory, "run", 1, &arena);
    assert_int_equal(after.collisions.count, 0);
    assert_int_equal(after.recorded_at, 0);
    memory_free(memory);
    memory_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_are_kept_by_run),
        cmocka_unit_test(refusal_holds_for_its_generation),
        cmocka_unit_test(forgotten_run_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
