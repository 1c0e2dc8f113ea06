/* Waits between tries: doubling, the bound, starting over, chance. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"

static void waits_double_to_the_bound_and_start_over(void **state) {
    (void)state;
    static const int64_t wanted[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct backoff backoff = {.min_ms = 1000, .max_ms = 60000, .reset_ms = 120000, .random = 7};
    int64_t now = 5;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_in_range(backoff_next(&backoff, now), wanted[i], 2 * wanted[i]);
        now += 120000;
    }
    assert_in_range(backoff_next(&backoff, now + 1), 1000, 2000);
}

static void chance_spreads_and_is_repeatable(void **state) {
    (void)state;
    uint64_t one = 1, again = 1, other = 2;
    unsigned seen = 0;
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t value = backoff_chance(&one, 9);
        assert_in_range(value, 0, 9);
        assert_int_equal(value, backoff_chance(&again, 9));
        same += value == backoff_chance(&other, 9);
        seen |= 1U << value;
    }
    assert_int_equal(seen, 0x3FF);
    assert_in_range(same, 50, 200);
    assert_int_equal(backoff_chance(&one, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_to_the_bound_and_start_over),
        cmocka_unit_test(chance_spreads_and_is_repeatable),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
