/* How quickly reviews follow each other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/rate.h"

enum { BURST = RATE_MAX * RATE_BURST_MS / 1000 };

/* How many go from `from` on in `ms`, if asked every millisecond. */
static int taken(struct rate *rate, int64_t from, int ms) {
    int count = 0;
    for (int i = 0; i < ms; i++)
        while (rate_take(rate, from + i))
            count++;
    return count;
}

static void it_keeps_to_its_rate(void **state) {
    (void)state;
    struct rate rate;
    rate_init(&rate, 0, 1000);
    assert_int_equal(taken(&rate, 1000, 1), BURST);
    assert_in_range(taken(&rate, 1001, 10000), 10 * RATE_MAX - 1, 10 * RATE_MAX + 1);
    assert_in_range(taken(&rate, 600000, 1), BURST - 1, BURST); /* a pause saves no more than that */
    assert_false(rate_take(&rate, 5));                          /* a clock that goes back harms nobody */
}

static void it_says_how_long_to_wait(void **state) {
    (void)state;
    struct rate rate;
    rate_init(&rate, 10, 0);
    taken(&rate, 0, 1);
    int64_t wait = rate_wait_ms(&rate, 0);
    assert_in_range(wait, 99, 102);
    assert_false(rate_take(&rate, wait - 5));
    assert_true(rate_take(&rate, wait));
}

static void a_slow_server_is_asked_less_and_recovers(void **state) {
    (void)state;
    struct rate rate;
    rate_init(&rate, 0, 0);
    for (int i = 0; i < 50; i++)
        rate_answered(&rate, 3000, false, 10); /* one bad moment counts once */
    assert_in_range((int)rate.per_second, 150, RATE_MAX - 1);
    for (int i = 1; i < 60; i++)
        rate_answered(&rate, 3000, false, i * 1000);
    assert_int_equal((int)rate.per_second, RATE_MIN);
    assert_in_range(taken(&rate, 60000, 10000), 10 * RATE_MIN, 10 * RATE_MIN + 1);
    for (int i = 0; i < 1000; i++)
        rate_answered(&rate, 5, false, 70000);
    assert_int_equal((int)rate.per_second, RATE_MAX);
}

static void failures_halve_it(void **state) {
    (void)state;
    struct rate rate;
    rate_init(&rate, 100, 0);
    rate_answered(&rate, 5, true, 0);
    assert_int_equal((int)rate.per_second, 50);
    rate_answered(&rate, 5, true, 999);
    assert_int_equal((int)rate.per_second, 50);
    rate_answered(&rate, 5, true, 1000);
    assert_int_equal((int)rate.per_second, 25);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_to_its_rate),
        cmocka_unit_test(it_says_how_long_to_wait),
        cmocka_unit_test(a_slow_server_is_asked_less_and_recovers),
        cmocka_unit_test(failures_halve_it),
    };
    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
