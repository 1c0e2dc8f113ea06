/* The work queue, with a clock that the test owns. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/queue.h"

static const struct queue_options options = {.name = "test"};

static void expect_next(struct queue *queue, int64_t now, const char *wanted) {
    const char *key = queue_take(queue, now);
    if (wanted == NULL)
        assert_null(key);
    else
        assert_string_equal(key, wanted);
}

static void first_come_first_served_and_once(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    queue_add(queue, "a", 0);
    queue_add(queue, "b", 1);
    queue_add(queue, "a", 2);
    assert_int_equal(queue_depth(queue), 2);
    assert_int_equal(queue_next_at(queue), 0);
    expect_next(queue, 5, "a");
    expect_next(queue, 5, "b");
    expect_next(queue, 5, NULL);
    assert_int_equal(queue_next_at(queue), INT64_MAX);
    queue_free(queue);
}

static void one_worker_a_key(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    queue_add(queue, "a", 0);
    const char *key = queue_take(queue, 0);
    queue_add(queue, "a", 1);
    queue_add(queue, "a", 2);
    expect_next(queue, 3, NULL);
    queue_done(queue, key, 4);
    expect_next(queue, 4, "a");
    queue_done(queue, "a", 5);
    expect_next(queue, 5, NULL);
    queue_done(queue, "a", 6); /* no-op */
    assert_true(queue_drained(queue));
    queue_free(queue);
}

static void the_earliest_time_wins(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    queue_add_after(queue, "a", 1000, 0);
    queue_add_after(queue, "a", 3000, 0);
    assert_int_equal(queue_next_at(queue), 1000);
    queue_add_after(queue, "a", 100, 10);
    assert_int_equal(queue_next_at(queue), 110);
    queue_add_after(queue, "b", 50, 10);
    assert_int_equal(queue_next_at(queue), 60);
    expect_next(queue, 59, NULL);
    expect_next(queue, 60, "b");
    expect_next(queue, 110, "a");
    assert_int_equal(queue_next_at(queue), INT64_MAX);
    queue_add_after(queue, "c", INT64_MAX, 10);
    assert_int_equal(queue_next_at(queue), INT64_MAX);
    queue_free(queue);
}

static void work_now_makes_a_later_time_void(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    queue_add_after(queue, "a", 1000, 0);
    queue_add(queue, "a", 10);
    expect_next(queue, 10, "a");
    queue_add_after(queue, "a", 500, 20); /* the worker says when next */
    queue_done(queue, "a", 20);
    expect_next(queue, 519, NULL);
    expect_next(queue, 520, "a");
    queue_done(queue, "a", 521);
    expect_next(queue, 5000, NULL);
    queue_free(queue);
}

static void back_off_doubles_to_its_bound(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    static const int64_t delays[] = {5,    10,   20,   40,    80,    160,   320,   640,
                                     1280, 2560, 5120, 10240, 20480, 40960, 60000, 60000};
    int64_t now = 0;
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        queue_retry(queue, "a", 0, now);
        assert_int_equal(queue_next_at(queue), now + delays[i]);
        now += delays[i];
        expect_next(queue, now, "a");
        queue_done(queue, "a", now);
    }
    for (int i = 0; i < 200; i++) /* no overflow */
        queue_retry(queue, "a", 0, now);
    assert_int_equal(queue_next_at(queue), now + 60000);
    expect_next(queue, now + 60000, "a");
    queue_forget(queue, "a");
    queue_done(queue, "a", now);
    assert_int_equal(queue_failures(queue, "a"), 0);
    queue_retry(queue, "a", 0, now);
    assert_int_equal(queue_next_at(queue), now + 5);
    queue_retry(queue, "b", 2500, now); /* the server asked for more */
    expect_next(queue, now + 5, "a");
    assert_int_equal(queue_next_at(queue), now + 2500);
    queue_free(queue);
}

static void nothing_begins_after_shutdown(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    queue_add(queue, "a", 0);
    queue_add(queue, "b", 0);
    expect_next(queue, 0, "a");
    queue_shutdown(queue);
    queue_add(queue, "c", 1);
    expect_next(queue, 1, NULL);
    assert_int_equal(queue_next_at(queue), INT64_MAX);
    assert_false(queue_drained(queue));
    queue_retry(queue, "a", 0, 1);
    queue_done(queue, "a", 1);
    assert_true(queue_drained(queue));
    queue_free(queue);
}

/* Against a plain list: the heap gives keys in the order of their times, whatever was changed in between. */
static void many_times_come_in_order(void **state) {
    (void)state;
    struct queue *queue = queue_new(&options);
    enum { KEYS = 500 };
    int64_t due[KEYS];
    uint32_t random = 7;
    for (int i = 0; i < KEYS; i++)
        due[i] = INT64_MAX;
    for (int i = 0; i < 5 * KEYS; i++) {
        random = random * 1664525U + 1013904223U;
        int index = (int)(random >> 16) % KEYS;
        int64_t delay = 1 + (int64_t)(random >> 8) % 100000;
        char key[16];
        snprintf(key, sizeof key, "k%d", index);
        queue_add_after(queue, key, delay, 0);
        due[index] = delay < due[index] ? delay : due[index];
    }
    for (;;) {
        int64_t first = INT64_MAX;
        for (int i = 0; i < KEYS; i++)
            first = due[i] < first ? due[i] : first;
        assert_int_equal(queue_next_at(queue), first);
        if (first == INT64_MAX)
            break;
        const char *key = queue_take(queue, first);
        long index = strtol(key + 1, NULL, 10);
        assert_int_equal(due[index], first);
        due[index] = INT64_MAX;
        queue_done(queue, key, first);
    }
    queue_free(queue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served_and_once), cmocka_unit_test(one_worker_a_key),
        cmocka_unit_test(the_earliest_time_wins),           cmocka_unit_test(work_now_makes_a_later_time_void),
        cmocka_unit_test(back_off_doubles_to_its_bound),    cmocka_unit_test(nothing_begins_after_shutdown),
        cmocka_unit_test(many_times_come_in_order),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
