/* Graphs by the tasks' dependsOn, and what is wrong with them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/graph.h"
#include "support_decode.h"

static void links_names_to_indexes(void **state) {
    (void)state;
    struct decoded seen;
    decoded_spec(&seen, "  tasks:\n"
                        "  - {name: c, dependsOn: [b, a], command: {}}\n"
                        "  - {name: b, dependsOn: [a], command: {}}\n"
                        "  - {name: a, command: {}}\n");
    assert_int_equal(seen.problems.total, 0);
    const struct task *tasks = seen.pipeline->tasks;
    assert_int_equal(tasks[0].upstream_count, 2);
    assert_int_equal(tasks[0].upstream[0], 1);
    assert_int_equal(tasks[0].upstream[1], 2);
    const size_t *order = graph_order(seen.pipeline, &seen.arena);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 0);
    decoded_fini(&seen);
}

static void says_each_cycle_once_with_its_path(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  tasks:\n"
                    "  - {name: a, dependsOn: [b], command: {}}\n"
                    "  - {name: b, dependsOn: [c], command: {}}\n"
                    "  - {name: c, dependsOn: [a], command: {}}\n"
                    "  - {name: d, dependsOn: [a, e], command: {}}\n"
                    "  - {name: e, dependsOn: [d], command: {}}\n"
                    "  - {name: f, dependsOn: [e], command: {}}\n",
                    "spec.tasks[0].dependsOn: cycle: a -> b -> c -> a", "spec.tasks[3].dependsOn: cycle: d -> e -> d");
}

static void says_what_is_wrong_with_an_edge(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  tasks:\n"
                    "  - {name: a, dependsOn: [a], command: {}}\n"
                    "  - {name: b, dependsOn: [a, a, quite-different], command: {}}\n",
                    "spec.tasks[0].dependsOn[0]: a task cannot depend on itself",
                    "spec.tasks[1].dependsOn[1]: \"a\" is named twice",
                    "spec.tasks[1].dependsOn[2]: no task named \"quite-different\"");
}

static void a_chain_may_be_as_long_as_it_likes(void **state) {
    (void)state;
    enum { LENGTH = 100000 };
    AUTO_ARENA arena = ARENA_INIT;
    struct pipeline pipeline = {.tasks = ARENA_NEW_ARRAY(&arena, LENGTH, struct task), .task_count = LENGTH};
    for (size_t i = 0; i < LENGTH; i++)
        pipeline.tasks[i].name = arena_printf(&arena, "t%zu", i);
    for (size_t i = 0; i < LENGTH; i++) /* the last one is the root; the first one is linked to it in a second step */
        pipeline.tasks[i].depends_on = (struct strings){&pipeline.tasks[i + 1].name, i + 1 < LENGTH};
    struct problems problems = {.arena = &arena};
    graph_link(&pipeline, &arena, &problems);
    assert_int_equal(problems.total, 0);
    assert_int_equal(graph_order(&pipeline, &arena)[0], LENGTH - 1);
    pipeline.tasks[LENGTH - 1].depends_on = (struct strings){&pipeline.tasks[0].name, 1};
    graph_link(&pipeline, &arena, &problems);
    assert_int_equal(problems.total, 1);
}

/* Everybody on everybody: many cycles, few words. */
static void a_tangle_ends_in_few_words(void **state) {
    (void)state;
    enum { SIZE = 300 };
    AUTO_ARENA arena = ARENA_INIT;
    struct pipeline pipeline = {.tasks = ARENA_NEW_ARRAY(&arena, SIZE, struct task), .task_count = SIZE};
    const char **names = ARENA_NEW_ARRAY(&arena, SIZE, const char *);
    for (size_t i = 0; i < SIZE; i++)
        names[i] = pipeline.tasks[i].name = arena_printf(&arena, "t%zu", i);
    for (size_t i = 0; i < SIZE; i++)
        pipeline.tasks[i].depends_on = (struct strings){names, SIZE};
    struct problems problems = {.arena = &arena};
    graph_link(&pipeline, &arena, &problems);
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.total, SIZE + SIZE * (SIZE - 1) / 2); /* self edges, then one for each edge back */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_names_to_indexes),          cmocka_unit_test(says_each_cycle_once_with_its_path),
        cmocka_unit_test(says_what_is_wrong_with_an_edge), cmocka_unit_test(a_chain_may_be_as_long_as_it_likes),
        cmocka_unit_test(a_tangle_ends_in_few_words),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
