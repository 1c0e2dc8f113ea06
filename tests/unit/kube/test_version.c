/* Resource versions: of any length, and only when both are numbers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/version.h"

static void versions_are_compared_as_numbers_of_any_length(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        enum version_order order;
    } cases[] = {
        {"9", "10", VERSION_OLDER},
        {"10", "9", VERSION_NEWER},
        {"10", "10", VERSION_SAME},
        {"18446744073709551616", "18446744073709551615", VERSION_NEWER}, /* past 64 bits */
        {"340282366920938463463374607431768211455", "340282366920938463463374607431768211454", VERSION_NEWER},
        {"0", "1", VERSION_OLDER},
        {"01", "1", VERSION_UNKNOWN},
        {"", "1", VERSION_UNKNOWN},
        {"1", NULL, VERSION_UNKNOWN},
        {"abc", "abd", VERSION_UNKNOWN},
        {"-1", "1", VERSION_UNKNOWN},
        {"1 ", "1", VERSION_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (version_compare(cases[i].a, cases[i].b) != cases[i].order)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
}

static void a_list_that_shows_less_than_was_known_went_back(void **state) {
    (void)state;
    assert_true(version_went_back("40", "90", "90"));
    assert_true(version_went_back("40", "90", "1000"));
    assert_false(version_went_back("40", "90", "89")); /* it was made before */
    assert_false(version_went_back("90", "90", "1000"));
    assert_false(version_went_back("91", "90", "1000"));
    assert_false(version_went_back("40", "", "1000"));
    assert_false(version_went_back("40", "90", "odd"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(versions_are_compared_as_numbers_of_any_length),
                                       cmocka_unit_test(a_list_that_shows_less_than_was_known_went_back)};
    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
