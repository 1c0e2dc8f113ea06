/* RFC 3339 both ways, and durations as Go writes them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static int64_t parsed(const char *text) {
    struct error err = {0};
    int64_t wall_ms = -1;
    if (clock_parse(text, &wall_ms, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return wall_ms;
}

static void parses_times(void **state) {
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-11-20T10:00:00Z"), 1795168800000);
    assert_int_equal(parsed("2026-11-20T10:00:00.5Z"), 1795168800500);
    assert_int_equal(parsed("2026-11-20T10:00:00.123456789Z"), 1795168800123);
    assert_int_equal(parsed("2026-11-20T12:30:00+02:30"), 1795168800000);
    assert_int_equal(parsed("2026-11-20T02:00:00.250-08:00"), 1795168800250);
    assert_int_equal(parsed("2024-02-29T00:00:00Z"), 1709164800000);
    assert_int_equal(parsed("2000-02-29T23:59:59Z"), 951868799000);
    assert_int_equal(parsed("1969-12-31T23:59:59.999Z"), -1);
    assert_int_equal(parsed("0000-01-01T00:00:00Z"), -62167219200000);
    assert_int_equal(parsed("9999-12-31T23:59:59Z"), 253402300799000);
}

static void refuses_what_is_no_time(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "2026",
                                        "2026-11-20",
                                        "2026-11-20T10:00:00",
                                        "2026-11-20 10:00:00Z",
                                        "2026-13-20T10:00:00Z",
                                        "2026-00-20T10:00:00Z",
                                        "2026-11-31T10:00:00Z",
                                        "2026-11-00T10:00:00Z",
                                        "2025-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "2026-11-20T24:00:00Z",
                                        "2026-11-20T10:60:00Z",
                                        "2026-11-20T10:00:60Z",
                                        "2026-11-20T10:00:00.Z",
                                        "2026-11-20T10:00:00ZZ",
                                        "2026-11-20T10:00:00+2:00",
                                        "2026-11-20T10:00:00+24:00",
                                        "2026-11-20T10:00:00+0200",
                                        "2026-11-20T10:00:00+02:00Z",
                                        "-026-11-20T10:00:00Z"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = {0};
        int64_t wall_ms = 7;
        if (clock_parse(texts[i], &wall_ms, &err) == 0)
            fail_msg("'%s' was taken", texts[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(wall_ms, 7);
    }
}

static void formats_times(void **state) {
    (void)state;
    char text[CLOCK_TEXT_MAX];
    clock_format(1795168800999, text);
    assert_string_equal(text, "2026-11-20T10:00:00Z");
    clock_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    clock_format_micro(1795168800000042, text);
    assert_string_equal(text, "2026-11-20T10:00:00.000042Z");
    clock_format_micro(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    clock_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    clock_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void times_come_back_the_same(void **state) {
    (void)state;
    for (int64_t day = -719528; day < 2932897; day += 41) {
        char text[CLOCK_TEXT_MAX];
        int64_t wall_ms = day * 86400000 + 45296000;
        clock_format(wall_ms, text);
        assert_int_equal(parsed(text), wall_ms);
    }
}

static void both_clocks_go_on(void **state) {
    (void)state;
    assert_true(clock_wall_ms() > 1700000000000);
    int64_t before = clock_boot_ms();
    assert_true(clock_boot_ms() >= before);
}

static void parses_durations(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},
                {"0s", 0},
                {"90s", 90000},
                {"1h30m", 5400000},
                {"250ms", 250},
                {"1.5h", 5400000},
                {"0.001s", 1},
                {"1us", 1},
                {"1\xC2\xB5s", 1},
                {"1500us", 2},
                {"1h1m1s1ms", 3661001},
                {"1m1m", 120000},
                {"000090s", 90000},
                {"0.1s0.1s", 200},
                {"2562047h", 9223369200000}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct error err = {0};
        int64_t ms = -1;
        if (duration_parse(good[i].text, &ms, &err) < 0)
            fail_msg("%s: %s", good[i].text, err.text);
        assert_int_equal(ms, good[i].ms);
    }
}

static void refuses_what_is_no_duration(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "90",
                                      "00",
                                      "s",
                                      "-5s",
                                      "+5s",
                                      "5 s",
                                      " 5s",
                                      "5s ",
                                      ".5s",
                                      "5.s",
                                      "1d",
                                      "1h30",
                                      "1H",
                                      "2562048h",
                                      "9223372036854775807h",
                                      "99999999999999999999s",
                                      "5m-3s",
                                      "1.2.3s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = {0};
        int64_t ms = 7;
        if (duration_parse(bad[i], &ms, &err) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(ms, 7);
    }
}

static void formats_durations_for_people(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0s"},          {850, "850ms"},        {1000, "1s"},      {4250, "4.2s"},
                 {59999, "59.9s"},   {60000, "1m00s"},      {192000, "3m12s"}, {3600000, "1h00m"},
                 {7500000, "2h05m"}, {176700000, "49h05m"}, {-4200, "-4.2s"},  {INT64_MIN, "-2562047788015h12m"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CLOCK_TEXT_MAX];
        duration_format(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_times),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(formats_times),
        cmocka_unit_test(times_come_back_the_same),
        cmocka_unit_test(both_clocks_go_on),
        cmocka_unit_test(parses_durations),
        cmocka_unit_test(refuses_what_is_no_duration),
        cmocka_unit_test(formats_durations_for_people),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
