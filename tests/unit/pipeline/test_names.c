/* Names of pods: whatever they are made of, they are valid, stable and all different, and one can read the task. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "pipeline/names.h"

#define LONG_TASK     "a-task-that-is-called-by-all-of-the-sixty-three-characters-abcd"
#define LONG_PIPELINE "a.pipeline.that.is.called.by.a.very.long.dns.subdomain.name.which.is.longer.than.a.label"

static void expect_valid(const char *name) {
    static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(name);
    if (length > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length ||
        strchr(ends, name[0]) == NULL || strchr(ends, name[length - 1]) == NULL)
        fail_msg("no DNS label: %s", name);
}

static void the_task_can_be_read(void **state) {
    (void)state;
    static const struct {
        const char *pipeline, *task;
        int64_t attempt;
        const char *wanted; /* before the hash */
    } cases[] = {
        {"clickstream", "sessions", 2, "clickstream-sessions-2-"},
        {"9.lives", "x", 1, "9-lives-x-1-"},
        {LONG_PIPELINE, "sessions", 1, "a-pipeline-that-is-called-by-a-very-lo-sessions-1-"},
        {LONG_PIPELINE, "one-task-of-thirty-four-characters", 1, "a-pipeline-t-one-task-of-thirty-four-characters-1-"},
        {LONG_PIPELINE, "this-task-is-of-forty-six-characters-precisely", 1,
         "this-task-is-of-forty-six-characters-precisely-1-"},
        {"demo", LONG_TASK, 1, "a-task-that-is-called-by-all-of-the-sixty-three-1-"},
        {"demo", LONG_TASK, 123, "a-task-that-is-called-by-all-of-the-sixty-thr-123-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        const char *name = names_pod(cases[i].pipeline, "uid", cases[i].task, cases[i].attempt, &arena);
        expect_valid(name);
        if (!text_starts_with(name, cases[i].wanted))
            fail_msg("wanted %s..., seen %s", cases[i].wanted, name);
        assert_int_equal(strlen(name), strlen(cases[i].wanted) + 13);
    }
}

static void every_part_makes_another_name(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    const char *name = names_pod(LONG_PIPELINE, "uid", LONG_TASK, 1, &arena);
    assert_string_equal(name, names_pod(LONG_PIPELINE, "uid", LONG_TASK, 1, &arena));
    assert_string_not_equal(name, names_pod(LONG_PIPELINE "x", "uid", LONG_TASK, 1, &arena));
    assert_string_not_equal(name, names_pod(LONG_PIPELINE, "uid2", LONG_TASK, 1, &arena));
    assert_string_not_equal(name, names_pod(LONG_PIPELINE, "uid", LONG_TASK "x", 1, &arena));
    assert_string_not_equal(name, names_pod(LONG_PIPELINE, "uid", LONG_TASK, 2, &arena));
    assert_string_not_equal(names_pod("a-b", "u", "c", 1, &arena), names_pod("a", "u", "b-c", 1, &arena));
    /* for ever the same: a create that is repeated after an upgrade finds its own pod */
    assert_string_equal(names_pod("pl", "run-uid", "a", 1, &arena), "pl-a-1-l4tgpj4k5j9zt");
}

static int compare(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Names so long that all that differs is cut off: only the hash tells them apart. */
static void many_names_are_all_different(void **state) {
    (void)state;
    enum { RUNS = 200, TASKS = 1000 };
    AUTO_ARENA arena = ARENA_INIT;
    const char **names = ARENA_NEW_ARRAY(&arena, (size_t)RUNS * TASKS, const char *);
    size_t count = 0;
    for (int run = 0; run < RUNS; run++) {
        char uid[64];
        snprintf(uid, sizeof uid, "0a1b2c3d-0000-4000-8000-%012d", run);
        for (int task = 0; task < TASKS; task++) {
            char name[64];
            snprintf(name, sizeof name, "a-task-that-is-called-by-all-of-the-sixty-three-characters-%03d", task);
            names[count++] = names_pod(LONG_PIPELINE, uid, name, 1, &arena);
            expect_valid(names[count - 1]);
        }
    }
    qsort(names, count, sizeof *names, compare);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(names[i - 1], names[i]);
}

static void a_cleaner_has_a_name_of_its_own(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    const char *name = names_cleaner("clickstream", "uid", "sessions", 2, 1, &arena);
    expect_valid(name);
    assert_true(text_starts_with(name, "clickstream-sessions-2-clean-"));
    assert_string_equal(name, names_cleaner("clickstream", "uid", "sessions", 2, 1, &arena));
    assert_string_not_equal(name, names_cleaner("clickstream", "uid", "sessions", 2, 2, &arena));
    assert_string_not_equal(name, names_cleaner("clickstream", "uid", "sessions", 3, 1, &arena));
    assert_string_not_equal(name, names_cleaner("clickstream", "uid2", "sessions", 2, 1, &arena));
    expect_valid(names_cleaner(LONG_PIPELINE, "uid", LONG_TASK, 123, 3, &arena));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_task_can_be_read),
        cmocka_unit_test(every_part_makes_another_name),
        cmocka_unit_test(a_cleaner_has_a_name_of_its_own),
        cmocka_unit_test(many_names_are_all_different),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
