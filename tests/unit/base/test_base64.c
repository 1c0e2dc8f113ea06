/* Base64 there and back, in both alphabets, and what is none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static void expect_decoded(const char *text, const char *wanted, size_t wanted_length) {
    size_t length = 0;
    char *bytes = base64_decode(text, strlen(text), &length);
    assert_non_null(bytes);
    assert_int_equal(length, wanted_length);
    assert_memory_equal(bytes, wanted, wanted_length + 1);
    free(bytes);
}

static void the_examples_of_the_standard(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = base64_encode(cases[i][0], strlen(cases[i][0]));
        assert_string_equal(text, cases[i][1]);
        free(text);
        expect_decoded(cases[i][1], cases[i][0], strlen(cases[i][0]));
        expect_decoded(cases[i][2], cases[i][0], strlen(cases[i][0]));
    }
}

static void every_byte_comes_back(void **state) {
    (void)state;
    char bytes[257] = "";
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)(255 - i);
    for (size_t length = 0; length <= 256; length++) {
        bytes[length] = '\0';
        char *text = base64_encode(bytes, length);
        expect_decoded(text, bytes, length);
        free(text);
        bytes[length] = (char)(255 - length);
    }
}

static void what_is_no_base64_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "Z", "Zm9vY", "=", "==", "Z===", "Zg=", "Zg===", "Zm9v=", "Zg==Zg", "Zm9v\n", "Zm 9v", "!!"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_null(base64_decode(cases[i], strlen(cases[i]), NULL));
}

static void what_kubernetes_would_not_write_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"", "Zg", "Zm8", "Zm9vYmE", "-_-_", "-/-/", "Zm9v\n", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_null(base64_decode_padded(cases[i], strlen(cases[i])));
    char *text = base64_decode_padded("Zm9vYg==", 8);
    assert_string_equal(text, "foob");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_kubernetes_would_not_write_is_refused),
        cmocka_unit_test(the_examples_of_the_standard),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
