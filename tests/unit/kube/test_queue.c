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

static void expect_next(struct queue *queue, int64_t now, const char *wanted) {
    AUTO_STRBUF key = STRBUF_INIT;
    assert_int_equal(queue_take(queue, now, &key), wanted != NULL);
    if (wanted != NULL)
        assert_string_equal(strbuf_text(&key), wanted);
}

static void first_come_first_served_and_once(void **state) {
    (void)state;
    struct queue *queue = queue_new("test");
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

static void the_earliest_time_wins(void **state) {
    (void)state;
    struct queue *queue = queue_new("test");
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
    struct queue *queue = queue_new("test");
    queue_add_after(queue, "a", 1000, 0);
    queue_add(queue, "a", 10);
    expect_next(queue, 10, "a");
    expect_next(queue, 5000, NULL);
    queue_free(queue);
}

static void what_is_added_while_a_key_rests_waits(void **state) {
    (void)state;
    struct queue *queue = queue_new("test");
    queue_add(queue, "a", 0);
    expect_next(queue, 0, "a");
    queue_rest(queue, "a", 100, 0);
    queue_add(queue, "a", 10);
    queue_add(queue, "a", 20);
    queue_add(queue, "b", 30);
    expect_next(queue, 99, "b");
    expect_next(queue, 99, NULL);
    assert_int_equal(queue_next_at(queue), 100);
    expect_next(queue, 100, "a");
    expect_next(queue, 200, NULL);
    queue_add(queue, "a", 300); /* added during its own work */
    queue_rest(queue, "a", 350, 300);
    expect_next(queue, 349, NULL);
    expect_next(queue, 350, "a");
    queue_add_after(queue, "a", 500, 400); /* later than its rest */
    queue_rest(queue, "a", 450, 400);
    assert_int_equal(queue_next_at(queue), 900);
    expect_next(queue, 900, "a");
    queue_rest(queue, "a", 1000, 900); /* and nothing wanted: forgotten when it is over */
    expect_next(queue, 1000, NULL);
    assert_int_equal(queue_next_at(queue), INT64_MAX);
    queue_free(queue);
}

/* Against a slow model: every key comes out when it is due, and never during its rest. */
static void any_order_of_calls(void **state) {
    (void)state;
    enum { KEYS = 6, STEPS = 20000 };
    int64_t due[KEYS];
    int64_t rest[KEYS] = {0};
    struct queue *queue = queue_new("test");
    AUTO_STRBUF key = STRBUF_INIT;
    int64_t now = 0;
    srandom(7);
    for (int i = 0; i < KEYS; i++)
        due[i] = INT64_MAX;
    for (int step = 0; step < STEPS; step++) {
        int i = (int)(random() % KEYS);
        char name[2] = {(char)('a' + i), '\0'};
        long what = random() % 4;
        int64_t delay = random() % 50;
        now += random() % 5;
        if (what == 0) {
            queue_add_after(queue, name, delay, now);
            due[i] = now + delay < due[i] ? now + delay : due[i];
        } else if (what == 1) {
            queue_rest(queue, name, now + delay, now);
            rest[i] = delay > 0 ? now + delay : rest[i];
        } else if (queue_take(queue, now, &key)) {
            int taken = strbuf_text(&key)[0] - 'a';
            assert_true(due[taken] <= now);
            due[taken] = INT64_MAX;
        } else {
            for (int k = 0; k < KEYS; k++)
                assert_true(due[k] > now || rest[k] > now);
        }
    }
    queue_free(queue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served_and_once),
        cmocka_unit_test(the_earliest_time_wins),
        cmocka_unit_test(work_now_makes_a_later_time_void),
        cmocka_unit_test(what_is_added_while_a_key_rests_waits),
        cmocka_unit_test(any_order_of_calls),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
