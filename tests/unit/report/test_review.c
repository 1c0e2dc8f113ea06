/* The memory of reviewed tokens: what is asked again, what is not, and what is forgotten. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/memory.h"
#include "report/review.h"
#include "report/support_kube.h"

static uv_loop_t loop;
static struct script script;
static struct review *review;
static int status; /* of the API server's answers when not 0 */
static char heard[512];

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
    review = review_new(&script.api, "weir-report");
    status = 0;
    return 0;
}

static int end(void **state) {
    (void)state;
    uv_run(&loop, UV_RUN_DEFAULT);
    review_free(review);
    return uv_loop_close(&loop);
}

static void hear(void *arg, const struct identity *identity, const struct error *err) {
    (void)arg;
    if (identity != NULL)
        snprintf(heard, sizeof heard, "%s/%s %s %s", identity->namespace, identity->pod_name, identity->pod_uid,
                 identity->service_account);
    else
        snprintf(heard, sizeof heard, "%d %s", err->code, err->text);
}

/* Asks for `token` at `now`; checks what is heard and how often the API server has been asked so far. */
static void expect(const char *token, int64_t now, const char *answer, int sent) {
    snprintf(heard, sizeof heard, "nothing");
    struct review_call *call = review_start(review, token, now, hear, NULL);
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
    expect("stolen-token", 0, "6 the token is not valid (any more)", 1);
    expect("stolen-token", 1, "6 the token was refused a moment ago", 1);
    expect("good-aaa", 1, "flows/aaa uid-of-aaa spark", 2);
    expect("stolen-token", MEMORY_REFUSED_AGE_MS - 1, "6 the token was refused a moment ago", 2);
    expect("stolen-token", MEMORY_REFUSED_AGE_MS, "6 the token is not valid (any more)", 3);
    expect("stolen-token", MEMORY_REFUSED_AGE_MS + 1, "6 the token was refused a moment ago", 3);
    expect("not a token", 2, "6 not a service account token", 3);
}

static void refusals_are_bounded_too(void **state) {
    (void)state;
    char token[32];
    for (int i = 0; i < MEMORY_REFUSED_MAX + 10; i++) {
        snprintf(token, sizeof token, "stolen-%d", i);
        review_start(review, token, i, hear, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    int sent = script.sent;
    assert_int_equal(sent, MEMORY_REFUSED_MAX + 10);
    expect("stolen-10", MEMORY_REFUSED_MAX, "6 the token was refused a moment ago", sent);
    expect("stolen-9", MEMORY_REFUSED_MAX, "6 the token is not valid (any more)", sent + 1);
}

static void what_cannot_be_told_is_not_remembered(void **state) {
    (void)state;
    status = 500;
    expect("good-aaa", 3, "1 the API server cannot say who speaks", 1);
    status = 403; /* we may not ask: not the launcher's fault */
    expect("good-aaa", 4, "1 the API server cannot say who speaks", 2);
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

static void forget_it(void *arg, const struct identity *identity, const struct error *err) {
    review_forget(review, identity->pod_uid);
    hear(arg, identity, err);
}

static void a_pod_may_be_forgotten_while_it_is_told_of(void **state) {
    (void)state;
    expect("good-aaa", 0, "flows/aaa uid-of-aaa spark", 1);
    assert_null(review_start(review, "good-aaa", 1, forget_it, NULL));
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
        review_start(review, token, i, hear, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    int sent = script.sent;
    assert_int_equal(sent, MEMORY_MAX + 10);
    expect("good-pod10", MEMORY_MAX, "flows/pod10 uid-of-pod10 spark", sent);
    expect("good-pod9", MEMORY_MAX, "flows/pod9 uid-of-pod9 spark", sent + 1);
    expect("good-pod10", MEMORY_MAX, "flows/pod10 uid-of-pod10 spark", sent + 2); /* had to go for pod9 */
}

/* Fills what may be asked at once and the line behind it; `calls` has room for all. */
static void fill(struct review_call **calls) {
    char token[32];
    for (int i = 0; i < REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX; i++) {
        snprintf(token, sizeof token, "good-pod%d", i);
        calls[i] = review_start(review, token, 0, hear, NULL);
        assert_non_null(calls[i]);
    }
}

static void few_are_asked_about_at_once_and_the_others_in_turn(void **state) {
    (void)state;
    static struct review_call *calls[REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX];
    fill(calls);
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX);
    snprintf(heard, sizeof heard, "nothing");
    assert_null(review_start(review, "good-one-more", 0, hear, NULL));
    assert_string_equal(heard, "1 too many launchers at once");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(script.most, REVIEW_FLIGHT_MAX);
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX);
    char last[64];
    int number = REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX - 1;
    snprintf(last, sizeof last, "flows/pod%d uid-of-pod%d spark", number, number);
    assert_string_equal(heard, last); /* in turn */
}

static void who_leaves_makes_room(void **state) {
    (void)state;
    static struct review_call *calls[REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX];
    const int last = REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX - 1;
    fill(calls);
    review_cancel(NULL);
    review_cancel(calls[7]); /* under way: the first in line is asked about */
    assert_int_equal(script.cancelled, 1);
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX + 1);
    review_cancel(calls[100]);
    review_cancel(calls[last]);
    review_cancel(calls[9]);
    assert_int_equal(script.cancelled, 1); /* they had not been asked about */
    assert_non_null(review_start(review, "good-one-more", 0, hear, NULL));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(heard, "flows/one-more uid-of-one-more spark");
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX - 2);
    assert_int_equal(script.waiting, 0);
}

static void all_may_leave(void **state) {
    (void)state;
    static struct review_call *calls[REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX];
    fill(calls);
    for (int i = 0; i < REVIEW_FLIGHT_MAX + REVIEW_QUEUE_MAX; i++)
        review_cancel(calls[i]);
    assert_int_equal(script.waiting, 0);
    expect("good-again", 0, "flows/again uid-of-again spark", script.sent + 1);
}

static void two_questions_about_one_token_end_well(void **state) {
    (void)state;
    review_start(review, "good-aaa", 0, hear, NULL);
    review_start(review, "good-aaa", 0, hear, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(script.sent, 2);
    expect("good-aaa", 1, "flows/aaa uid-of-aaa spark", 2);
}

static int hear_count;

static void hear_counted(void *arg, const struct identity *identity, const struct error *err) {
    hear(arg, identity, err);
    hear_count++;
}

static void who_waits_in_line_hears_what_another_was_told(void **state) {
    (void)state;
    hear_count = 0;
    for (int i = 0; i < 20; i++) {
        assert_non_null(review_start(review, "good-aaa", 0, hear_counted, NULL));
        assert_non_null(review_start(review, "stolen-token", 0, hear_counted, NULL));
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(hear_count, 40);
    assert_int_equal(script.sent, REVIEW_FLIGHT_MAX + 1); /* one more before the first refusal was heard */
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
        TEST(two_questions_about_one_token_end_well),
        TEST(who_waits_in_line_hears_what_another_was_told),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
