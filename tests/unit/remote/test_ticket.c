/* Caches that a real kinit wrote, and pieces of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "remote/ticket.h"
#include "support_file.h"

/* Of a ticket for 10 hours, and one for 90 s that Java's client has added service tickets to. */
static void test_real(void **state) {
    (void)state;
    static const struct {
        const char *file;
        int64_t seconds;
    } caches[] = {{"tickets/ten-hours", 36000}, {"tickets/services", 90}};
    for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++) {
        size_t length = 0;
        struct ticket_times times;
        char *bytes = support_fixture(caches[i].file, &length);
        assert_true(ticket_read(bytes, length, &times));
        assert_int_equal(times.ends - times.starts, caches[i].seconds);
        assert_in_range(times.starts, 1577836800, 4102444800); /* 2020 to 2100 */
        free(bytes);
    }
}

/* Cut anywhere it is no cache, or one of the whole ticket; never a read beyond its end. */
static void test_cut(void **state) {
    (void)state;
    size_t length = 0;
    struct ticket_times times;
    char *whole = support_fixture("tickets/ten-hours", &length);
    for (size_t cut = 0; cut < length; cut++) {
        char *bytes = malloc(cut + 1);
        assert_non_null(bytes);
        memcpy(bytes, whole, cut);
        bool read = ticket_read(bytes, cut, &times);
        assert_true(!read || times.ends - times.starts == 36000);
        free(bytes);
    }
    assert_false(ticket_read(whole, length / 2, &times));
    free(whole);
}

static void test_something_else(void **state) {
    (void)state;
    struct ticket_times times;
    static const char text[] = "[libdefaults]\n", header[] = "\x05\x04\xff\xff", old[] = "\x05\x03\0\0\0\1\0\0\0\0";
    assert_false(ticket_read("", 0, &times));
    assert_false(ticket_read(text, sizeof text, &times));
    assert_false(ticket_read(header, sizeof header, &times));
    assert_false(ticket_read(old, sizeof old, &times));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
