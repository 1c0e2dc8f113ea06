/* The memory of reviewed tokens: what is asked again, what is not, and what is forgotten. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/memory.h"
#include "report/rate.h"
#include "report/review.h"
#include "report/support_kube.h"

static uv_loop_t loop;
static struct script script;
static struct review *review;
static int status; /* of the API server's answers when not 0 */
static char heard[512];
static int64_t start;

static struct script_answer reply(struct script *self, const struct kube_request *request) {
    (void)self;
    if (status == 0)
        return script_review(request);
    return (struct script_answer){.status = status};
}

static int begin(void **state) {
    (void)state;
    uv_loop_init(&loop);
    script_init(&script, &loop, reply, NULL);
    review = review_new(
        &(struct review_config){.loop = &loop, .kube = &script.api, .audience = "weir-report", .per_second = 1e9});
    start = clock_boot_ms();
    status = 0;
    return 0;
}

static int end(void **state) {
    (void)state;
    uv_run(&loop, UV_RUN_DEFAULT);
    review_free(review);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void hear(void *arg, const struct review_answer *answer) {
    const struct identity *identity = answer->identity;
    (void)arg;
    if (identity != NULL)
        snprintf(heard, sizeof heard, "%s/%s %s %s", identity->namespace, identity->pod_name, identity->pod_uid,
                 identity->service_account);
    else
        snprintf(heard, sizeof heard, "%d %s", answer->status, answer->text);
}

/* `now` counts from the test's beginning. Each token speaks of a pod of its own. */
static struct review_call *ask(const char *token, int64_t now, review_done *done) {
    struct turn_asker asker = {0};
    snprintf(asker.pod_uid, sizeof asker.pod_uid, "%s", token);
    return review_start(review, token, &asker, start + now, done, NULL);
}

/* Asks for `token` at `now`; checks what is heard and how often the API server has been asked so far. */
static void expect(const char *token, int64_t now, const char *answer, int sent) {
    snprintf(heard, sizeof heard, "nothing");
    struct review_call *call = ask(token, now, hear);
    assert_int_equal(call != NULL, strcmp(heard, "nothing") == 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(heard, answer);
    assert_int_equal(script.sent, sent);
}

static void a_good_answer_is_remembered_for_a_while(void **state) {
    (void)state;
    expect("good-a...", 0, "flows/a... uid-of-a... spark", 1);
    expect("good-a...", 1, "flows/a... uid-of-a... spark", 1);
    expect("good-bbb", 2, "flows/bbb uid-of-bbb spark", 2);
    expect("good-a...", MEMORY_AGE_MS - 1, "flows/a... uid-of-a... spark", 2);
    expect("good-a...", MEMORY_AGE_MS, "flows/a... uid-of-a... spark", 3);
    expect("good-a...", MEMORY_AGE_MS + 1, "flows/a... uid-of-a... spark", 3);
}

static void a_refusal_is_remembered_for_a_moment(void **state) {
    (void)state;
    expect("stolen-token", 0, "401 the token is not valid (any more)", 1);
    expect("stolen-token", 1, "401 the token was refused a moment ago", 1);
    expect("good-aaa", 1, "flows/aaa uid-of-aaa spark", 2);
    expect("stolen-token", MEMORY_REFUSED_AGE_MS - 1, "401 the token was refused a moment ago", 2);
    expect("stolen-token", MEMORY_REFUSED_AGE_MS, "401 the token is not valid (any more)", 3);
    expect("stolen-token", MEMORY_REFUSED_AGE_MS + 1, "401 the token was refused a moment ago", 3);
    expect("not a token", 2, "401 not a service account token", 3);
}

static void refusals_are_bounded_too(void **state) {
    (void)state;
    char token[32];
    for (int i = 0; i < MEMORY_REFUSED_MAX + 10; i++) {
        snprintf(token, sizeof token, "stolen-%d", i);
        ask(token, i, hear);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    int sent = script.sent;
    assert_int_equal(sent, MEMORY_REFUSED_MAX + 10);
    expect("stolen-10", MEMORY_REFUSED_MAX, "401 the token was refused a moment ago", sent);
    expect("stolen-9", MEMORY_REFUSED_MAX, "401 the token is not valid (any more)", sent + 1);
}

static void what_cannot_be_told_is_not_remembered(void **state) {
    (void)state;
    status = 500;
    expect("good-aaa", 3, "503 the API server cannot say who speaks", 1);
    status = 403; /* we may not ask: not the launcher's fault */
    expect("good-aaa", 4, "503 the API server cannot say who speaks", 2);
    status = 0;
    expect("good-aaa", 5, "flows/aaa uid-of-aaa spark", 3);
    status = 500; /* what is known stays known */
    expect("good-aaa", 6, "flows/aaa uid-of-aaa spark", 3);
}

static void a_pod_that_is_gone_is_forgotten(void **state) {
    (void)state;
    expect("good-aaa", 0, "flows/aaa uid-of-aaa spark", 1);
    expect("good-bbb", 0, "flows/bbb uid-of-bbb spark", 2);
    review_forget(review, "uid-of-aaa");
    review_forget(review, "uid-of-nobody");
    expect("good-bbb", 1, "flows/bbb uid-of-bbb spark", 2);
    expect("good-aaa", 1, "flows/aaa uid-of-aaa spark", 3);
}

static void forget_it(void *arg, const struct review_answer *answer) {
    review_forget(review, answer->identity->pod_uid);
    hear(arg, answer);
}

static void a_pod_may_be_forgotten_while_it_is_told_of(void **state) {
    (void)state;
    expect("good-aaa", 0, "flows/aaa uid-of-aaa spark", 1);
    assert_null(ask("good-aaa", 1, forget_it));
    assert_string_equal(heard, "flows/aaa uid-of-aaa spark");
    expect("good-aaa", 1, "flows/aaa uid-of-aaa spark", 2);
}

/* The same pod with tokens that differ: the model takes what follows "good-" for the name, up to 4 characters here. */
static struct script_answer reply_short(struct script *self, const struct kube_request *request) {
    struct script_answer answer = reply(self, request);
    for (char *at = answer.body; at != NULL && (at = strstr(at, "aaa-")) != NULL;) {
        char *quote = strchr(at, '"');
        memmove(at + 3, quote, strlen(quote) + 1);
    }
    return answer;
}

static void a_renewed_token_takes_the_old_ones_place(void **state) {
    (void)state;
    script.reply = reply_short;
    expect("good-aaa-first", 0, "flows/aaa uid-of-aaa spark", 1);
    expect("good-aaa-second", 1, "flows/aaa uid-of-aaa spark", 2);
    expect("good-aaa-second", 2, "flows/aaa uid-of-aaa spark", 2);
    expect("good-aaa-first", 3, "flows/aaa uid-of-aaa spark", 3);
    review_forget(review, "uid-of-aaa");
    expect("good-aaa-first", 4, "flows/aaa uid-of-aaa spark", 4);
}

static void the_memory_is_bounded_and_drops_the_oldest(void **state) {
    (void)state;
    char token[32];
    for (int i = 0; i < MEMORY_MAX + 10; i++) {
        snprintf(token, sizeof token, "good-pod%d", i);
        ask(token, i, hear);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    int sent = script.sent;
    assert_int_equal(sent, MEMORY_MAX + 10);
    expect("good-pod10", MEMORY_MAX, "flows/pod10 uid-of-pod10 spark", sent);
    expect("good-pod9", MEMORY_MAX, "flows/pod9 uid-of-pod9 spark", sent + 1);
    expect("good-pod10", MEMORY_MAX, "flows/pod10 uid-of-pod10 spark", sent + 2); /* had to go for pod9 */
}

/* Fills what may be asked at once and what newcomers may have of the line; their number. */
static int fill(struct review_call **calls, int most) {
    char token[32];
    for (int i = 0; i < most; i++) {
        snprintf(token, sizeof token, "good-pod%d", i);
        calls[i] = ask(token, 0, hear);
        if (calls[i] == NULL)
            return i;
    }
    return most;
}

static void few_are_asked_about_at_once_and_the_others_in_turn(void **state) {
    (void)state;
    struct review_call *calls[100];
    int count = fill(calls, 100);
    assert_in_range(count, REVIEW_FLIGHT_MAX + 1, REVIEW_FLIGHT_MAX + TURNS_LINE_MAX);
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX);
    assert_string_equal(heard, "503 too many launchers at once");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(script.most, REVIEW_FLIGHT_MAX);
    assert_int_equal(script.sent, count);
    char last[64];
    snprintf(last, sizeof last, "flows/pod%d uid-of-pod%d spark", count - 1, count - 1);
    assert_string_equal(heard, last); /* in turn */
}

static void who_leaves_makes_room(void **state) {
    (void)state;
    struct review_call *calls[100];
    int count = fill(calls, 100);
    review_cancel(NULL);
    review_cancel(calls[7]); /* under way: the first in line is asked about */
    assert_int_equal(script.cancelled, 1);
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX + 1);
    review_cancel(calls[count - 2]);
    review_cancel(calls[count - 1]);
    review_cancel(calls[9]);
    assert_int_equal(script.cancelled, 1); /* they had not been asked about */
    assert_non_null(ask("good-one-more", 0, hear));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(heard, "flows/one-more uid-of-one-more spark");
    assert_int_equal(script.sent, count - 2);
    assert_int_equal(script.waiting, 0);
}

static void all_may_leave(void **state) {
    (void)state;
    struct review_call *calls[100];
    int count = fill(calls, 100);
    for (int i = 0; i < count; i++)
        review_cancel(calls[i]);
    assert_int_equal(script.waiting, 0);
    expect("good-again", 0, "flows/again uid-of-again spark", script.sent + 1);
}

static void a_pod_asks_once_at_a_time(void **state) {
    (void)state;
    struct review_call *first = ask("good-aaa", 0, hear);
    assert_non_null(first);
    assert_null(ask("good-aaa", 0, hear));
    assert_string_equal(heard, "429 too many questions about this pod's token");
    review_cancel(first);
    expect("good-aaa", 1, "flows/aaa uid-of-aaa spark", 2);
}

/* From several addresses at the same time, with one token. */
static void ask_from(int first, int last, const char *token, review_done *done) {
    struct turn_asker asker = {0};
    snprintf(asker.pod_uid, sizeof asker.pod_uid, "%s", token);
    for (int i = first; i <= last; i++) {
        asker.peer.s6_addr[15] = (unsigned char)i;
        assert_non_null(review_start(review, token, &asker, start, done, NULL));
    }
}

static int hear_count;

static void hear_counted(void *arg, const struct review_answer *answer) {
    hear(arg, answer);
    hear_count++;
}

static void who_waits_in_line_hears_what_another_was_told(void **state) {
    (void)state;
    hear_count = 0;
    struct review_call *others[REVIEW_FLIGHT_MAX - 2];
    ask_from(1, 1, "good-aaa", hear_counted);
    ask_from(1, 1, "stolen-token", hear_counted);
    fill(others, REVIEW_FLIGHT_MAX - 2);
    ask_from(2, TURNS_OF_POD, "good-aaa", hear_counted);
    ask_from(2, TURNS_OF_POD, "stolen-token", hear_counted);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(hear_count, 2 * TURNS_OF_POD);
    assert_in_range(script.sent, REVIEW_FLIGHT_MAX, REVIEW_FLIGHT_MAX + 1); /* one is heard before the other */
}

static void junk_about_one_pod_is_not_asked_about_for_long(void **state) {
    (void)state;
    struct turn_asker asker = {.pod_uid = "a-pod"};
    char token[32];
    for (int i = 0; i < 1000; i++) { /* in ten seconds */
        snprintf(token, sizeof token, "stolen-%d", i);
        asker.peer.s6_addr[15] = (unsigned char)(i % 3);
        review_start(review, token, &asker, start + i * 10, hear, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    assert_in_range(script.sent, 3, 20);
    assert_string_equal(heard, "429 too many questions about this pod's token");
    expect("good-other", 10000, "flows/other uid-of-other spark", script.sent + 1);
}

static void questions_follow_each_other_at_a_rate(void **state) {
    (void)state;
    review_free(review);
    review = review_new(
        &(struct review_config){.loop = &loop, .kube = &script.api, .audience = "weir-report", .per_second = 50});
    struct review_call *calls[100];
    int count = fill(calls, 100);
    assert_in_range(count, 10, 100);
    int64_t began = clock_boot_ms();
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(script.sent, count);
    assert_true(clock_boot_ms() - began >= (count - 2) * 1000 / 50 - 20); /* two went at once */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_good_answer_is_remembered_for_a_while),
        TEST(a_refusal_is_remembered_for_a_moment),
        TEST(refusals_are_bounded_too),
        TEST(what_cannot_be_told_is_not_remembered),
        TEST(a_pod_that_is_gone_is_forgotten),
        TEST(a_pod_may_be_forgotten_while_it_is_told_of),
        TEST(a_renewed_token_takes_the_old_ones_place),
        TEST(the_memory_is_bounded_and_drops_the_oldest),
        TEST(few_are_asked_about_at_once_and_the_others_in_turn),
        TEST(who_leaves_makes_room),
        TEST(all_may_leave),
        TEST(a_pod_asks_once_at_a_time),
        TEST(who_waits_in_line_hears_what_another_was_told),
        TEST(junk_about_one_pod_is_not_asked_about_for_long),
        TEST(questions_follow_each_other_at_a_rate),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
