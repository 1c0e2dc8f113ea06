/* Who may stand in line, and when the others are told to come. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report/turns.h"

enum { NOW = 1000000, RATE = 200 };

static struct turns turns;

static int begin(void **state) {
    (void)state;
    turns = (struct turns){0};
    return 0;
}

static int end(void **state) {
    (void)state;
    turns_fini(&turns);
    return 0;
}

static struct turn_asker asker(int pod, int peer) {
    struct turn_asker asker = {0};
    snprintf(asker.pod_uid, sizeof asker.pod_uid, "uid-%d", pod);
    asker.peer.s6_addr[15] = (unsigned char)peer;
    return asker;
}

static struct turn ask(int pod, int peer, size_t in_line, int64_t now) {
    struct turn_asker who = asker(pod, peer);
    return turns_ask(&turns, &who, &(struct turn_load){.in_line = in_line, .per_second = RATE}, now);
}

static struct turn ask_urgently(int pod, size_t in_line, int64_t now) {
    struct turn_asker who = asker(pod, 1);
    who.urgent = true;
    return turns_ask(&turns, &who, &(struct turn_load){.in_line = in_line, .per_second = RATE}, now);
}

static void ends(int pod, int peer, enum turn_end how, int64_t now) {
    struct turn_asker who = asker(pod, peer);
    turns_end(&turns, &who, how, now);
}

static void who_comes_alone_goes_at_once(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(ask(1, 1, 0, NOW + i).now);
        ends(1, 1, TURN_ACCEPTED, NOW + i);
    }
}

static void newcomers_leave_room_for_those_who_waited_and_these_for_the_urgent(void **state) {
    (void)state;
    assert_true(ask(1, 1, TURNS_LINE_MAX / 4 - 1, NOW).now);
    struct turn away = ask(2, 1, TURNS_LINE_MAX / 4, NOW);
    assert_false(away.now);
    assert_false(away.own_doing);
    struct turn due = ask(2, 1, TURNS_LINE_MAX / 2, NOW + away.again_s * 1000);
    assert_true(due.now);
    assert_int_equal(due.kind, TURN_DUE);
    struct turn urgent = ask_urgently(3, TURNS_LINE_MAX - 1, NOW);
    assert_true(urgent.now);
    assert_int_equal(urgent.kind, TURN_URGENT);
    assert_false(ask_urgently(4, TURNS_LINE_MAX, NOW).now);
}

static void a_slow_server_makes_the_line_short(void **state) {
    (void)state;
    struct turn_asker who = asker(1, 1);
    who.urgent = true;
    assert_false(turns_ask(&turns, &who, &(struct turn_load){.in_line = TURNS_LINE_MIN, .per_second = 1}, NOW).now);
    assert_true(turns_ask(&turns, &who, &(struct turn_load){.in_line = TURNS_LINE_MIN - 1, .per_second = 1}, NOW).now);
}

/* After a restart: all at once, and none is known. */
static void many_are_spread_over_a_minute(void **state) {
    (void)state;
    int told[TURNS_AGAIN_MAX_S + 1] = {0};
    for (int pod = 0; pod < 10000; pod++) {
        struct turn turn = ask(pod, pod % 250, TURNS_LINE_MAX, NOW);
        assert_false(turn.now);
        told[turn.again_s]++;
    }
    for (int second = 2; second < 55; second++)
        assert_in_range(told[second], RATE * 8 / 10, RATE);
    assert_int_equal(told[0], 0);
    assert_in_range(told[TURNS_AGAIN_MAX_S], 0, RATE);
}

static void who_does_as_told_gets_in_though_others_come(void **state) {
    (void)state;
    struct turn late = {0};
    for (int pod = 0; pod < 20000 - 4000; pod++)
        late = ask(pod, 1, TURNS_LINE_MAX, NOW);
    assert_int_equal(late.again_s, TURNS_AGAIN_MAX_S); /* its turn is farther away than anybody is told */
    int64_t now = NOW;
    int visits = 0;
    for (struct turn turn = late; !turn.now; visits++) {
        now += turn.again_s * 1000;
        turn = ask(20000 - 4000 - 1, 1, TURNS_LINE_MAX / 2, now); /* more than newcomers get in with */
    }
    assert_in_range(now - NOW, 80000, 100000);
    assert_int_equal(visits, 2);
}

static void who_comes_early_or_often_keeps_its_turn(void **state) {
    (void)state;
    for (int pod = 0; pod < 4000; pod++)
        ask(pod, 1, TURNS_LINE_MAX, NOW);
    struct turn first = ask(5000, 1, TURNS_LINE_MAX, NOW);
    assert_in_range(first.again_s, 20, 25);
    for (int i = 1; i < 15; i++) {
        struct turn turn = ask(5000, 1, TURNS_LINE_MAX / 2, NOW + i * 1000);
        assert_int_equal(turn.again_s, first.again_s - i);
    }
    assert_true(ask(5000, 1, TURNS_LINE_MAX / 2, NOW + first.again_s * 920).now); /* nearly on the second */
}

static void who_finds_the_line_full_when_due_is_not_sent_far(void **state) {
    (void)state;
    struct turn away = ask(1, 1, TURNS_LINE_MAX, NOW);
    struct turn again = ask(1, 1, TURNS_LINE_MAX, NOW + away.again_s * 1000);
    assert_false(again.now);
    assert_int_equal(again.again_s, 1);
    assert_int_equal(ask(1, 1, TURNS_LINE_MAX / 2, NOW + 3000).kind, TURN_DUE);
}

static void refusals_keep_an_address_quiet_and_its_pod_a_little(void **state) {
    (void)state;
    int64_t now = NOW;
    int reviewed = 0;
    for (int i = 0; i < 600; i++, now += 100) { /* a minute */
        if (ask(1, 1, 0, now).now) {
            ends(1, 1, TURN_REFUSED, now);
            reviewed++;
        }
    }
    assert_in_range(reviewed, 5, 7);
    assert_true(ask(1, 1, 0, now).own_doing);
    assert_true(ask(1, 2, 0, now).now); /* the pod itself, from where it is */
    ends(1, 2, TURN_ACCEPTED, now);
    assert_true(ask(2, 1, 0, now).now); /* another one behind the same address */
}

static void many_addresses_about_one_pod_are_few_reviews(void **state) {
    (void)state;
    int reviewed = 0;
    for (int i = 0; i < 10000; i++) { /* ten seconds */
        int64_t now = NOW + i;
        if (ask(1, 1 + i % 200, 0, now).now) {
            ends(1, 1 + i % 200, TURN_REFUSED, now + 1);
            reviewed++;
        }
    }
    assert_in_range(reviewed, 1, 25);
}

/* Others name it from everywhere; it does as told. */
static void a_pod_gets_in_beside_those_who_speak_of_it(void **state) {
    (void)state;
    int64_t come = NOW + 5000;
    bool in = false;
    for (int i = 0; i < 120000 && !in; i += 10) { /* 25 a second, from 200 addresses */
        int64_t now = NOW + i;
        if (i % 40 == 0 && ask(1, 1 + i / 40 % 200, 0, now).now)
            ends(1, 1 + i / 40 % 200, TURN_REFUSED, now + 5);
        if (now < come)
            continue;
        struct turn turn = ask(1, 250, 0, now);
        in = turn.now;
        come = now + turn.again_s * 1000 + (turn.again_s * 1000) / 16;
    }
    assert_true(in);
}

static void an_address_stands_in_line_once_and_a_pod_a_few_times(void **state) {
    (void)state;
    assert_true(ask(1, 1, 0, NOW).now);
    assert_true(ask(1, 1, 1, NOW).own_doing);
    for (int peer = 2; peer <= TURNS_OF_POD; peer++)
        assert_true(ask(1, peer, 1, NOW).now);
    assert_false(ask(1, TURNS_OF_POD + 1, 1, NOW).now);
    ends(1, 2, TURN_UNTOLD, NOW);
    assert_false(ask(1, TURNS_OF_POD + 1, 1, NOW).now); /* it comes again */
    assert_true(ask(1, TURNS_OF_POD + 1, 1, NOW + 6000).now);
}

static void who_was_left_without_an_answer_goes_before_newcomers(void **state) {
    (void)state;
    assert_true(ask(1, 1, 0, NOW).now);
    ends(1, 1, TURN_UNTOLD, NOW + 5000);
    assert_int_equal(ask(1, 1, TURNS_LINE_MAX / 2, NOW + 6000).kind, TURN_DUE);
}

static void memory_is_bounded_and_old_ones_go(void **state) {
    (void)state;
    for (int pod = 0; pod < TURNS_PODS_MAX; pod++)
        assert_false(ask(pod, 1, TURNS_LINE_MAX, NOW).now);
    assert_false(ask(TURNS_PODS_MAX, 1, 0, NOW).now); /* no room to remember it */
    int64_t later = NOW + 10 * 60 * 1000;
    for (int pod = 0; pod < TURNS_PODS_MAX; pod++) {
        assert_true(ask(TURNS_PODS_MAX + pod, 1, 0, later).now);
        ends(TURNS_PODS_MAX + pod, 1, TURN_ACCEPTED, later);
    }
    assert_null(turns.pods);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(who_comes_alone_goes_at_once),
        TEST(newcomers_leave_room_for_those_who_waited_and_these_for_the_urgent),
        TEST(a_slow_server_makes_the_line_short),
        TEST(many_are_spread_over_a_minute),
        TEST(who_does_as_told_gets_in_though_others_come),
        TEST(who_comes_early_or_often_keeps_its_turn),
        TEST(who_finds_the_line_full_when_due_is_not_sent_far),
        TEST(refusals_keep_an_address_quiet_and_its_pod_a_little),
        TEST(many_addresses_about_one_pod_are_few_reviews),
        TEST(a_pod_gets_in_beside_those_who_speak_of_it),
        TEST(an_address_stands_in_line_once_and_a_pod_a_few_times),
        TEST(who_was_left_without_an_answer_goes_before_newcomers),
        TEST(memory_is_bounded_and_old_ones_go),
    };
    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
