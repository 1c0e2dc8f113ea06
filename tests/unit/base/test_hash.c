/* Names are made of these hashes, so the values are fixed for ever. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void is_fnv_1a(void **state) {
    (void)state;
    assert_true(hash_add(HASH_INIT, "", 0) == HASH_INIT);
    assert_true(hash_add(HASH_INIT, "a", 1) == 0xaf63dc4c8601ec8cULL);
    assert_true(hash_add(HASH_INIT, "foobar", 6) == 0x85944171f73967e8ULL);
}

static void texts_do_not_run_together(void **state) {
    (void)state;
    uint64_t one = hash_text(hash_text(HASH_INIT, "ab"), "c");
    uint64_t other = hash_text(hash_text(HASH_INIT, "a"), "bc");
    assert_true(one != other);
}

static void names_are_stable_and_safe(void **state) {
    (void)state;
    char text[41];
    char shorter[6];
    hash_name(0, text, 5);
    assert_string_equal(text, "bbbbb");
    hash_name(hash_text(HASH_INIT, "run-1"), text, 40);
    hash_name(hash_text(HASH_INIT, "run-1"), shorter, 5);
    assert_int_equal(strlen(text), 40);
    assert_memory_equal(text, shorter, 5);
    assert_int_equal(strspn(text, "bcdfghjklmnpqrstvwxz2456789"), 40);
    assert_true(strncmp(text, text + 13, 13) != 0);
    hash_name(1, text, 0);
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_fnv_1a),
        cmocka_unit_test(texts_do_not_run_together),
        cmocka_unit_test(names_are_stable_and_safe),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
