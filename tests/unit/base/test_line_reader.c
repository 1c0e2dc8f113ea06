/* Lines come out whole, whatever the pieces they come in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/line_reader.h"

/* Feeds `text` in pieces of at most `piece` bytes; the lines are joined by '|'. */
static int cut(const char *text, size_t length, size_t piece, size_t max, struct strbuf *out) {
    struct line_reader lines;
    int got = 0;
    line_reader_init(&lines, max);
    for (size_t at = 0; at < length && got >= 0; at += piece) {
        const char *bytes = text + at;
        size_t left = length - at < piece ? length - at : piece;
        const char *line = NULL;
        size_t line_length = 0;
        while ((got = line_reader_next(&lines, &bytes, &left, &line, &line_length)) > 0) {
            strbuf_add(out, line, line_length);
            strbuf_putc(out, '|');
        }
        if (got == 0)
            assert_int_equal(left, 0);
    }
    line_reader_fini(&lines);
    return got;
}

static void any_chunking_gives_the_same_lines(void **state) {
    (void)state;
    static const char text[] = "{\"a\":1}\n\n{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}\nx\0y\nunfinished";
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        AUTO_STRBUF out = STRBUF_INIT;
        assert_int_equal(cut(text, sizeof text - 1, piece, 100, &out), 0);
        assert_int_equal(out.length, sizeof "{\"a\":1}||{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}|x\0y|" - 1);
        assert_memory_equal(out.data, "{\"a\":1}||{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}|x\0y|", out.length);
    }
}

static void a_line_has_a_bound(void **state) {
    (void)state;
    for (size_t piece = 1; piece < 12; piece++) {
        AUTO_STRBUF out = STRBUF_INIT;
        assert_int_equal(cut("1234567890\n", 11, piece, 10, &out), 0);
        assert_string_equal(strbuf_text(&out), "1234567890|");
        assert_int_equal(cut("12345678901\n", 12, piece, 10, &out), -1);
    }
}

static void a_long_line_costs_its_length(void **state) {
    (void)state;
    size_t length = 4 * 1024 * 1024;
    char *text = malloc(length);
    memset(text, 'x', length);
    text[length - 1] = '\n';
    AUTO_STRBUF out = STRBUF_INIT;
    assert_int_equal(cut(text, length, 7, length, &out), 0); /* quadratic work would last for minutes */
    assert_int_equal(out.length, length);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_chunking_gives_the_same_lines),
        cmocka_unit_test(a_line_has_a_bound),
        cmocka_unit_test(a_long_line_costs_its_length),
    };
    return cmocka_run_group_tests_name("line_reader", tests, NULL, NULL);
}
