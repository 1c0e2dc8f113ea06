/* Lines come out the same however the stream is cut into pieces. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/lines.h"
#include "output/needles.h"

struct log {
    char text[20000];
    size_t length, count, longest;
};

static void on_line(void *context, const char *line, size_t length) {
    struct log *log = context;
    log->count++;
    log->longest = length > log->longest ? length : log->longest;
    if (log->length + length + 1 < sizeof log->text) {
        memcpy(log->text + log->length, line, length);
        log->length += length;
        log->text[log->length++] = '|';
    }
}

static void split(struct log *log, const char *text, size_t length, size_t piece) {
    static struct lines lines;
    memset(log, 0, sizeof *log);
    lines = (struct lines){.each = on_line, .context = log};
    for (size_t at = 0; at < length; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        char *exact = malloc(size); /* so that reading past a piece is seen */
        memcpy(exact, text + at, size);
        lines_add(&lines, exact, size);
        free(exact);
    }
    lines_end(&lines);
}

static void test_any_pieces(void **state) {
    (void)state;
    static const char text[] = "one\ntwo\r\n\n\rthree\rfour\0x\n\xff\xfe\nlast";
    static struct log whole, cut;
    split(&whole, text, sizeof text - 1, sizeof text);
    assert_memory_equal(whole.text, "one|two|three|four\0x|\xff\xfe|last|", whole.length);
    assert_int_equal(whole.count, 6);
    for (size_t piece = 1; piece < sizeof text; piece++) {
        split(&cut, text, sizeof text - 1, piece);
        assert_int_equal(cut.length, whole.length);
        assert_memory_equal(cut.text, whole.text, whole.length);
    }
}

static void test_window(void **state) {
    (void)state;
    static struct log log;
    size_t length = 3 * LINES_WINDOW + 10;
    char *text = malloc(length);
    memset(text, 'x', length);
    memcpy(text + length - 6, "\nnext\n", 6);
    for (size_t piece = 1000; piece <= length; piece += 1777) {
        split(&log, text, length, piece);
        assert_int_equal(log.count, 2);
        assert_int_equal(log.longest, LINES_WINDOW);
        assert_memory_equal(log.text + LINES_WINDOW, "|next|", 6);
    }
    split(&log, text, length, length);
    assert_int_equal(log.count, 2);
    free(text);
}

static void test_window_is_shown_before_its_end(void **state) {
    (void)state;
    static struct log log;
    static struct lines lines;
    lines = (struct lines){.each = on_line, .context = &log};
    char text[LINES_WINDOW];
    memset(text, 'y', sizeof text);
    lines_add(&lines, text, sizeof text);
    assert_int_equal(log.count, 1);
    lines_add(&lines, "more\n", 5);
    assert_int_equal(log.count, 1);
}

struct hits {
    char text[200];
};

static void on_hit(void *context, int needle, const char *after) {
    (void)after;
    struct hits *hits = context;
    size_t length = strlen(hits->text);
    hits->text[length] = (char)('0' + needle);
}

static void test_needles(void **state) {
    (void)state;
    static struct needles needles;
    assert_int_equal(needles_add(&needles, "he"), 0);
    assert_int_equal(needles_add(&needles, "she"), 1);
    assert_int_equal(needles_add(&needles, "his"), 2);
    assert_int_equal(needles_add(&needles, "hers"), 3);
    assert_int_equal(needles_add(&needles, ""), -1);
    needles_build(&needles);
    struct hits hits = {""};
    needles_search(&needles, "ushers his he", 13, on_hit, &hits);
    assert_string_equal(hits.text, "01320");
    hits = (struct hits){""};
    needles_search(&needles, "sshhh\xff", 6, on_hit, &hits);
    assert_string_equal(hits.text, "");
}

static void test_needles_have_bounds(void **state) {
    (void)state;
    static struct needles needles;
    char text[32] = "literal-number-xx-yyyyyyyyyyyy";
    int added = 0;
    for (int i = 0; i < 200; i++) {
        text[15] = (char)('a' + i % 26);
        text[16] = (char)('a' + i / 26);
        added += needles_add(&needles, text) >= 0;
    }
    assert_in_range(added, 20, NEEDLES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_pieces),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_is_shown_before_its_end),
        cmocka_unit_test(test_needles),
        cmocka_unit_test(test_needles_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
