/* Who gets a seat, and who gets up for it. Visitors are letters, each a pointer into `names`. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/seats.h"

enum { MOMENT_MS = 200 };

static char names[128];
static int64_t now;
static int pace_ms = MOMENT_MS; /* between newcomers */

static struct in6_addr address(int number) {
    struct in6_addr from = {0};
    from.s6_addr[15] = (unsigned char)number;
    return from;
}

/* `who` knocks from address `number`: '+' there was room, '-' refused, else who got up. */
static char come(struct seats *seats, char who, int number) {
    void *leaves = NULL;
    now += pace_ms;
    struct in6_addr from = address(number);
    if (!seats_admit(seats, &from, now, &leaves)) {
        assert_null(leaves);
        return '-';
    }
    seats_take(seats, &names[(int)who], &from, now);
    return (char)(leaves == NULL ? '+' : (char *)leaves - names);
}

static void asks(struct seats *seats, char who) {
    seats_asked(seats, &names[(int)who]);
}

static void is_answered(struct seats *seats, char who) {
    seats_answered(seats, &names[(int)who], now);
}

static void goes(struct seats *seats, char who) {
    seats_leave(seats, &names[(int)who]);
}

static void the_longest_silent_gets_up(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 3, 3, MOMENT_MS);
    assert_int_equal(come(&seats, 'a', 1), '+');
    assert_int_equal(come(&seats, 'b', 2), '+');
    assert_int_equal(come(&seats, 'c', 3), '+');
    assert_int_equal(come(&seats, 'd', 4), 'a');
    assert_int_equal(come(&seats, 'e', 5), 'b');
    goes(&seats, 'd');
    assert_int_equal(come(&seats, 'f', 6), '+');
    assert_int_equal(come(&seats, 'g', 7), 'c');
    seats_fini(&seats);
}

static void who_has_asked_stays_until_answered(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 3, 3, MOMENT_MS);
    come(&seats, 'a', 1);
    come(&seats, 'b', 2);
    come(&seats, 'c', 3);
    asks(&seats, 'a');
    assert_int_equal(come(&seats, 'd', 4), 'b');
    asks(&seats, 'c');
    asks(&seats, 'd');
    assert_int_equal(come(&seats, 'e', 5), '-');
    is_answered(&seats, 'c');
    is_answered(&seats, 'a'); /* after c: silent for less */
    assert_int_equal(come(&seats, 'e', 5), 'c');
    asks(&seats, 'e');
    assert_int_equal(come(&seats, 'f', 6), 'a');
    seats_fini(&seats);
}

static void of_a_full_port_those_with_most_seats_get_up_first(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 6, 4, MOMENT_MS);
    come(&seats, 'a', 1); /* older than all, and alone */
    come(&seats, 'b', 2);
    come(&seats, 'c', 3);
    come(&seats, 'd', 3);
    come(&seats, 'e', 3);
    come(&seats, 'f', 2);
    assert_int_equal(come(&seats, 'g', 4), 'c');
    assert_int_equal(come(&seats, 'h', 5), 'b');
    assert_int_equal(come(&seats, 'i', 6), 'd');
    assert_int_equal(come(&seats, 'j', 7), 'a'); /* all are alone now */
    seats_fini(&seats);
}

static void an_address_with_its_share_takes_its_own(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 4, 2, MOMENT_MS);
    come(&seats, 'a', 1);
    come(&seats, 'b', 2);
    come(&seats, 'c', 2);
    come(&seats, 'd', 3);
    asks(&seats, 'b');
    assert_int_equal(come(&seats, 'e', 2), 'c');
    asks(&seats, 'e');
    assert_int_equal(come(&seats, 'f', 2), '-'); /* a is silent, but of others */
    assert_int_equal(come(&seats, 'f', 1), 'a');
    seats_fini(&seats);
}

static void more_than_a_share_is_lent(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 4, 2, MOMENT_MS);
    for (char who = 'a'; who <= 'd'; who++) {
        assert_int_equal(come(&seats, who, 1), '+');
        asks(&seats, who);
    }
    assert_int_equal(come(&seats, 'e', 1), '-');
    assert_int_equal(come(&seats, 'f', 2), 'a'); /* though it is being answered */
    is_answered(&seats, 'd');
    assert_int_equal(come(&seats, 'g', 3), 'd'); /* rather one that is not */
    asks(&seats, 'f');
    asks(&seats, 'g');
    assert_int_equal(come(&seats, 'h', 4), '-');
    seats_fini(&seats);
}

/* All at once. */
static void in_a_crowd_those_who_came_first_are_listened_to(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 4, 3, MOMENT_MS);
    pace_ms = 0;
    come(&seats, 'a', 1);
    come(&seats, 'b', 1);
    come(&seats, 'c', 2);
    come(&seats, 'd', 3);
    assert_int_equal(come(&seats, 'e', 4), 'a'); /* one address has far more */
    assert_int_equal(come(&seats, 'f', 5), '-');
    assert_int_equal(come(&seats, 'f', 1), '-');
    now += MOMENT_MS;
    asks(&seats, 'c');
    is_answered(&seats, 'c');
    assert_int_equal(come(&seats, 'g', 6), 'b');
    assert_int_equal(come(&seats, 'h', 7), 'd');
    assert_int_equal(come(&seats, 'i', 8), 'e');
    assert_int_equal(come(&seats, 'j', 9), '-'); /* c was answered just now */
    pace_ms = MOMENT_MS;
    seats_fini(&seats);
}

static void a_stranger_changes_nothing(void **state) {
    (void)state;
    struct seats seats;
    seats_init(&seats, 2, 2, MOMENT_MS);
    come(&seats, 'a', 1);
    asks(&seats, 'x');
    is_answered(&seats, 'x');
    goes(&seats, 'x');
    assert_int_equal(come(&seats, 'b', 1), '+');
    assert_int_equal(come(&seats, 'c', 1), 'a');
    goes(&seats, 'a'); /* has lost its seat already */
    assert_int_equal(seats.count, 2);
    seats_fini(&seats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_silent_gets_up),
        cmocka_unit_test(who_has_asked_stays_until_answered),
        cmocka_unit_test(of_a_full_port_those_with_most_seats_get_up_first),
        cmocka_unit_test(an_address_with_its_share_takes_its_own),
        cmocka_unit_test(more_than_a_share_is_lent),
        cmocka_unit_test(in_a_crowd_those_who_came_first_are_listened_to),
        cmocka_unit_test(a_stranger_changes_nothing),
    };
    return cmocka_run_group_tests_name("seats", tests, NULL, NULL);
}
