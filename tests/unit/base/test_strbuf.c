/* What fits is kept whole; what does not fit marks the buffer and changes nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"

static void an_empty_buffer_is_an_empty_text(void **state) {
    (void)state;
    AUTO_STRBUF buf = STRBUF_INIT;
    assert_string_equal(strbuf_text(&buf), "");
    strbuf_drop_front(&buf, 3);
    strbuf_cut(&buf, 3);
    strbuf_add(&buf, NULL, 0);
    assert_string_equal(strbuf_text(&buf), "");
    assert_false(strbuf_failed(&buf));
    char *text = strbuf_steal(&buf);
    assert_string_equal(text, "");
    free(text);
}

static void grows_by_any_bytes(void **state) {
    (void)state;
    AUTO_STRBUF buf = STRBUF_INIT;
    for (int i = 0; i < 1000; i++)
        strbuf_printf(&buf, "%d,", i);
    strbuf_add(&buf, "a\0b", 3);
    strbuf_putc(&buf, '!');
    assert_int_equal(buf.length, 3890 + 4);
    assert_memory_equal(buf.data + 3890, "a\0b!", 5);
}

static void past_the_bound_nothing_is_added(void **state) {
    (void)state;
    AUTO_STRBUF buf = STRBUF_MAX(5);
    strbuf_puts(&buf, "abcde");
    assert_false(strbuf_failed(&buf));
    strbuf_putc(&buf, 'f');
    assert_true(strbuf_failed(&buf));
    strbuf_printf(&buf, "%s", "");
    assert_string_equal(strbuf_text(&buf), "abcde");

    strbuf_reset(&buf);
    assert_false(strbuf_failed(&buf));
    strbuf_puts(&buf, "abc");
    strbuf_puts(&buf, "def");
    strbuf_puts(&buf, "g"); /* would fit, but what was asked for before did not */
    assert_string_equal(strbuf_text(&buf), "abc");

    strbuf_fini(&buf);
    strbuf_puts(&buf, "abcdef");
    assert_true(strbuf_failed(&buf)); /* the bound stays */
}

static void cutting_makes_a_failed_buffer_usable(void **state) {
    (void)state;
    AUTO_STRBUF buf = STRBUF_MAX(5);
    strbuf_puts(&buf, "abc");
    strbuf_puts(&buf, "defgh");
    strbuf_cut(&buf, 2);
    strbuf_puts(&buf, "xyz");
    assert_string_equal(strbuf_text(&buf), "abxyz");
    strbuf_cut(&buf, 99);
    assert_int_equal(buf.length, 5);
}

static void drops_from_the_front(void **state) {
    (void)state;
    AUTO_STRBUF buf = STRBUF_INIT;
    strbuf_puts(&buf, "first\nsecond");
    strbuf_drop_front(&buf, 6);
    assert_string_equal(strbuf_text(&buf), "second");
    strbuf_drop_front(&buf, 7);
    assert_string_equal(strbuf_text(&buf), "");
}

static void a_stolen_text_outlives_the_buffer(void **state) {
    (void)state;
    struct strbuf buf = STRBUF_INIT;
    strbuf_puts(&buf, "kept");
    char *text = strbuf_steal(&buf);
    strbuf_puts(&buf, "other");
    strbuf_fini(&buf);
    assert_string_equal(text, "kept");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(grows_by_any_bytes),
        cmocka_unit_test(past_the_bound_nothing_is_added),
        cmocka_unit_test(cutting_makes_a_failed_buffer_usable),
        cmocka_unit_test(drops_from_the_front),
        cmocka_unit_test(a_stolen_text_outlives_the_buffer),
    };
    return cmocka_run_group_tests_name("strbuf", tests, NULL, NULL);
}
