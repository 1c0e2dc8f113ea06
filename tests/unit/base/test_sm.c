/* Only declared steps are allowed; unsound tables are found. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sm.h"

enum { IDLE, BUSY, DONE };
static const struct sm_state sound[] = {
    [IDLE] = {"idle", SM_TO(BUSY), SM_INITIAL},
    [BUSY] = {"busy", SM_TO(IDLE) | SM_TO(DONE), 0},
    [DONE] = {"done", 0, SM_FINAL},
};

static void only_declared_steps_are_allowed(void **state) {
    (void)state;
    assert_true(sm_allows(sound, IDLE, BUSY));
    assert_true(sm_allows(sound, BUSY, IDLE));
    assert_false(sm_allows(sound, IDLE, DONE));
    assert_false(sm_allows(sound, DONE, IDLE));
    assert_true(sm_allows(sound, DONE, DONE));
    assert_false(sm_allows(sound, IDLE, 99));
}

static void a_sound_table_passes(void **state) {
    (void)state;
    assert_null(sm_check(sound, 3));
}

static void unsound_tables_are_found(void **state) {
    (void)state;
    const struct sm_state lost[] = {{"a", SM_TO(1), SM_INITIAL}, {"b", 0, SM_FINAL}, {"c", SM_TO(1), 0}};
    assert_string_equal(sm_check(lost, 3), "c cannot be reached");
    const struct sm_state stuck[] = {{"a", SM_TO(1), SM_INITIAL}, {"b", 0, 0}};
    assert_string_equal(sm_check(stuck, 2), "b is not final but nothing may follow it");
    const struct sm_state undead[] = {{"a", SM_TO(1), SM_INITIAL}, {"b", SM_TO(0), SM_FINAL}};
    assert_string_equal(sm_check(undead, 2), "b is final but may be followed by another");
    const struct sm_state outside[] = {{"a", SM_TO(5), SM_INITIAL}};
    assert_string_equal(sm_check(outside, 1), "a may be followed by a state that is not in the table");
    const struct sm_state headless[] = {{"a", SM_TO(0), 0}};
    assert_string_equal(sm_check(headless, 1), "no state is initial");
    const struct sm_state nameless[] = {{NULL, 0, SM_INITIAL | SM_FINAL}};
    assert_string_equal(sm_check(nameless, 1), "a state has no name");
    assert_non_null(sm_check(sound, 0));
    assert_non_null(sm_check(sound, 33));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_declared_steps_are_allowed),
        cmocka_unit_test(a_sound_table_passes),
        cmocka_unit_test(unsound_tables_are_found),
    };
    return cmocka_run_group_tests_name("sm", tests, NULL, NULL);
}
