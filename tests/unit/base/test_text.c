/* Bytes from anywhere become whole, printable characters; near words are found. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void null_equals_only_null(void **state) {
    (void)state;
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal(NULL, ""));
    assert_false(text_equal("a", NULL));
    assert_true(text_equal("a", "a"));
    assert_true(text_empty(NULL));
    assert_true(text_empty(""));
    assert_false(text_empty(" "));
}

static void beginnings_and_ends(void **state) {
    (void)state;
    assert_true(text_starts_with("application_1", "application_"));
    assert_false(text_starts_with("app", "application_"));
    assert_false(text_starts_with(NULL, ""));
    assert_true(text_ends_with("job.jar", ".jar"));
    assert_false(text_ends_with("jar", ".jar"));
    assert_false(text_ends_with(NULL, ""));
}

static void lists_of_strings(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    const char *items[] = {"a", "", "c"};
    struct strings list = {items, 3};
    assert_true(strings_contain(&list, "c"));
    assert_false(strings_contain(&list, "d"));
    assert_string_equal(strings_join(&list, ", ", &arena), "a, , c");
    list.count = 1;
    assert_string_equal(strings_join(&list, ", ", &arena), "a");
    list.count = 0;
    assert_string_equal(strings_join(&list, ", ", &arena), "");
}

static void knows_utf8(void **state) {
    (void)state;
    assert_int_equal(text_utf8("", 0), 0);
    assert_int_equal(text_utf8("\0", 1), 1);
    assert_int_equal(text_utf8("é", 2), 2);
    assert_int_equal(text_utf8("é", 1), 0);
    assert_int_equal(text_utf8("€", 3), 3);
    assert_int_equal(text_utf8("😀", 4), 4);
    assert_int_equal(text_utf8("\x80", 1), 0);
    assert_int_equal(text_utf8("\xC0\xAF", 2), 0);         /* overlong '/' */
    assert_int_equal(text_utf8("\xE0\x80\xAF", 3), 0);     /* overlong */
    assert_int_equal(text_utf8("\xED\xA0\x80", 3), 0);     /* surrogate */
    assert_int_equal(text_utf8("\xF4\x90\x80\x80", 4), 0); /* past U+10FFFF */
    assert_int_equal(text_utf8("\xFF", 1), 0);
}

static const char *clean(const char *text, size_t max, struct arena *arena) {
    return text_clean(text, strlen(text), max, arena);
}

static void cleans_bytes_from_outside(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    assert_string_equal(clean("a\tb\r\nc", 100, &arena), "a b c");
    assert_string_equal(clean("\x1b[31mred\x7f", 100, &arena), "[31mred");
    assert_string_equal(clean("\xC2\x85next line", 100, &arena), "next line");
    assert_string_equal(clean("no-break\xC2\xA0space", 100, &arena), "no-break\xC2\xA0space");
    assert_string_equal(clean("\xFF", 100, &arena), "\xEF\xBF\xBD");
    assert_string_equal(text_clean("a\0b", 3, 100, &arena), "ab");
    assert_string_equal(text_clean(NULL, 0, 100, &arena), "");
}

static void cuts_between_characters(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    assert_string_equal(clean("abcdefgh", 8, &arena), "abcdefgh");
    assert_string_equal(clean("abcdefghi", 8, &arena), "abcde...");
    assert_string_equal(clean("éééé", 8, &arena), "éééé");
    assert_string_equal(clean("ééééé", 8, &arena), "éé...");
    assert_string_equal(clean("abc\xFF\xFF\xFF", 8, &arena), "abc..."); /* U+FFFD has 3 bytes */
    assert_string_equal(clean("abcd\r", 4, &arena), "abcd");
    assert_string_equal(clean("abcd", 3, &arena), "...");
    assert_string_equal(clean("abcd", 2, &arena), "ab");
    assert_string_equal(clean("é", 1, &arena), "");
    assert_string_equal(clean("a", 0, &arena), "");
}

static void finds_the_nearest_word(void **state) {
    (void)state;
    const char *items[] = {"image", "mainClass", "timeout", "conf", "driver"};
    struct strings list = {items, sizeof items / sizeof *items};
    assert_string_equal(text_nearest("imgae", &list), "image");
    assert_string_equal(text_nearest("mainclass", &list), "mainClass");
    assert_string_equal(text_nearest("config", &list), "conf");
    assert_null(text_nearest("cnof!!", &list));
    assert_null(text_nearest("zz", &list));
    assert_null(text_nearest("", &list));
    char word[300];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_null(text_nearest(word, &list));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_equals_only_null),     cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(lists_of_strings),          cmocka_unit_test(knows_utf8),
        cmocka_unit_test(cleans_bytes_from_outside), cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(finds_the_nearest_word),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
