/* Quantities as Kubernetes writes them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quantity.h"

static void quantities_have_a_value(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"2", 2},        {"0.5", 0.5},    {".5", 0.5},      {"5.", 5},    {"500m", 0.5},
                 {"4Gi", 0x1p32}, {"1.5Ki", 1536}, {"128M", 128e6},  {"1E", 1e18}, {"1e3", 1000},
                 {"1E-3", 0.001}, {"12e+2", 1200}, {"100u", 0.0001}, {"0Ei", 0},   {"1024Ki", 0x1p20}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -1;
        if (!quantity_parse(cases[i].text, &value))
            fail_msg("refused: %s", cases[i].text);
        double off = value - cases[i].value;
        if (off > cases[i].value * 1e-12 || -off > cases[i].value * 1e-12)
            fail_msg("%s is %g", cases[i].text, value);
    }
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "-1", "+", "+-1", ".", "Gi", "4gi", "4 Gi", "1e", "1e+", "1e3x", "4GiB", "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 7;
        if (quantity_parse(bad[i], &value))
            fail_msg("taken: %s", bad[i]);
        assert_true(value > 6 && value < 8);
    }
    assert_true(quantity_parse("1e999999999999999999999", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_have_a_value),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
