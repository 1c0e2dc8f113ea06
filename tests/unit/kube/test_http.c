/* The transport against a scripted server over real sockets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/support_client.h"

static void a_document_comes_back_and_the_connection_is_kept(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{\"n\":41}"}, {.body = "{\"n\":42}", .piece = 1}, {.status = 201, .body = "{\"n\":43}"});
    client_get(&f, 0);
    assert_int_equal(f.outcomes[0].calls, 0); /* never from inside the call */
    client_await(&f, 0);
    client_get(&f, 1);
    client_await(&f, 1);
    client_create(&f, 2);
    client_await(&f, 2);
    assert_int_equal(f.outcomes[0].value, 41);
    assert_int_equal(f.outcomes[1].value, 42);
    assert_int_equal(f.outcomes[2].value, 43);
    assert_int_equal(f.outcomes[2].err.code, ERROR_NONE);
    assert_int_equal(f.server.connections, 1);
    assert_string_equal(f.server.seen[0].method, "GET");
    assert_string_equal(f.server.seen[0].path, "/api/v1/namespaces/weir/configmaps/a");
    assert_string_equal(f.server.seen[0].authorization, "Bearer secret");
    assert_string_equal(f.server.seen[2].method, "POST");
    assert_string_equal(f.server.seen[2].path, "/api/v1/namespaces/weir/configmaps?fieldValidation=Strict");
    assert_string_equal(f.server.seen[2].content_type, "application/json");
    assert_string_equal(f.server.seen[2].body, "{\"n\":1}");
    client_finish(&f);
}

/* Without the refused rewind libcurl sends the request again by itself, up to five times, and reports success. */
static void a_write_whose_connection_dies_is_not_sent_again(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{}"}, {.end = REPLY_DROP}, {.body = "{}"}, {.end = REPLY_DROP}, {.body = "{}"});
    client_get(&f, 0);
    client_await(&f, 0);
    client_create(&f, 1);
    client_await(&f, 1);
    assert_int_equal(f.server.seen_count, 2);
    assert_int_equal(f.server.seen[1].connection, 1); /* it was a kept connection: the case that libcurl repeats */
    assert_int_equal(f.outcomes[1].err.code, ERROR_TRANSIENT);
    assert_true(f.outcomes[1].unsure);
    client_get(&f, 2);
    client_await(&f, 2);
    struct kube_delete options = {.uid = "u", .grace_s = -1};
    kube_delete(f.api, config_map, &options, client_done, &f.outcomes[3]);
    client_await(&f, 3);
    assert_int_equal(f.server.seen_count, 4);
    assert_string_equal(f.server.seen[3].body,
                        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":\"u\"}}");
    assert_true(f.outcomes[3].unsure);
    client_finish(&f);
}

static void a_read_whose_connection_dies_is_sent_again(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{}"}, {.end = REPLY_DROP}, {.body = "{\"n\":7}"});
    client_get(&f, 0);
    client_await(&f, 0);
    client_get(&f, 1);
    client_await(&f, 1);
    assert_int_equal(f.outcomes[1].value, 7);
    assert_false(f.outcomes[1].unsure);
    client_finish(&f);
}

static void refusals_are_told_apart_by_reason(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL,
         {.status = 409,
          .body = "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"pods \\\"a\\\" exist\"}"},
         {.status = 409, .body = "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"the UID differs\"}"},
         {.status = 500, .body = "{\"message\":\"etcdserver: request is too large\"}"},
         {.status = 502, .body = "<html>bad gateway</html>"});
    for (size_t i = 0; i < 4; i++) {
        client_create(&f, i);
        client_await(&f, i);
    }
    assert_int_equal(f.outcomes[0].err.code, ERROR_EXISTS);
    assert_string_equal(f.outcomes[0].err.text, "create configmaps: pods \"a\" exist");
    assert_string_equal(f.outcomes[0].reason, "AlreadyExists");
    assert_int_equal(f.outcomes[1].err.code, ERROR_CONFLICT);
    assert_int_equal(f.outcomes[2].err.code, ERROR_INVALID);
    assert_int_equal(f.outcomes[3].err.code, ERROR_TRANSIENT);
    assert_string_equal(f.outcomes[3].err.text, "create configmaps: the server answered 502");
    assert_false(f.outcomes[3].unsure);
    client_finish(&f);
}

#define OVERLOAD "X-Kubernetes-PF-FlowSchema-UID: 5ae5\r\n"

static void a_busy_server_gets_the_pause_it_asks_for(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.status = 429, .headers = "Retry-After: 1\r\n" OVERLOAD, .body = "Too many requests"},
         {.body = "{}"}, {.status = 429, .headers = OVERLOAD}, {.body = "{}"});
    client_get(&f, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].err.code, ERROR_TRANSIENT);
    assert_int_equal(f.outcomes[0].retry_after_ms, 1000);
    client_get(&f, 1);
    client_await(&f, 1);
    assert_in_range(f.outcomes[1].at - f.outcomes[0].at, 990, 15000);
    client_get(&f, 2);
    client_await(&f, 2);
    assert_int_equal(f.outcomes[2].retry_after_ms, 0);
    client_get(&f, 3);
    client_await(&f, 3);
    assert_in_range(f.outcomes[3].at - f.outcomes[2].at, 0, 900); /* it named no time, so there is no pause */
    client_finish(&f);
}

/* A webhook or a budget said it of one object; the header is on every answer that has passed the queues. */
static void what_is_said_of_one_request_pauses_no_other(void **state) {
    (void)state;
    struct fixture f;
    static const char refusal[] = "{\"kind\":\"Status\",\"reason\":\"TooManyRequests\"}";
    OPEN(&f, NULL, {.status = 429, .headers = "Retry-After: 30\r\n" OVERLOAD, .body = refusal},
         {.status = 503, .headers = "Retry-After: 30\r\n", .body = "busy"}, {.body = "{\"n\":5}"});
    for (size_t i = 0; i < 3; i++) {
        client_get(&f, i);
        client_await(&f, i);
    }
    assert_int_equal(f.outcomes[0].retry_after_ms, 30000);
    assert_int_equal(f.outcomes[1].retry_after_ms, 30000);
    assert_int_equal(f.outcomes[2].value, 5);
    client_finish(&f);
}

static void the_longest_pause_counts(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.status = 429, .headers = "Retry-After: 2\r\n" OVERLOAD},
         {.status = 429, .headers = "Retry-After: 1\r\n" OVERLOAD}, {.body = "{}"});
    client_get(&f, 0);
    client_get(&f, 1);
    client_await(&f, 0);
    client_await(&f, 1);
    client_get(&f, 2);
    client_await(&f, 2);
    assert_in_range(f.outcomes[2].at - f.outcomes[1].at, 1900, 15000);
    client_finish(&f);
}

static void leases_do_not_wait_for_a_busy_server(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.status = 429, .headers = "Retry-After: 30\r\n" OVERLOAD}, {.body = "{\"n\":5}"});
    client_get(&f, 0);
    client_await(&f, 0);
    struct kube_request request = {.method = "GET", .path = "/x", .pool = POOL_LEASE, .verb = "get"};
    kube_send(f.api, &request, client_done, &f.outcomes[1]);
    client_await(&f, 1);
    assert_int_equal(f.outcomes[1].value, 5);
    client_finish(&f);
}

static void reviews_and_other_requests_do_not_wait_for_each_other(void **state) {
    (void)state;
    struct fixture f;
    static const struct kube_http_options options = {.in_flight = 1};
    OPEN(&f, &options, {.end = REPLY_SILENT}, {.status = 429, .headers = "Retry-After: 30\r\n" OVERLOAD},
         {.body = "{\"n\":5}"}, {.body = "{\"n\":6}"});
    struct kube_request review = {
        .method = "POST", .path = "/review", .body = "{}", .length = 2, .pool = POOL_REVIEWS, .verb = "create"};
    struct kube_call *hanging = kube_send(f.api, &review, client_done, &f.outcomes[0]);
    while (f.server.seen_count < 1)
        uv_run(&f.loop, UV_RUN_ONCE);
    kube_send(f.api, &review, client_done, &f.outcomes[1]); /* beside the other, and turned away */
    client_await(&f, 1);
    assert_int_equal(f.outcomes[1].retry_after_ms, 30000);
    client_get(&f, 2);
    client_await(&f, 2);
    assert_int_equal(f.outcomes[2].value, 5);
    kube_send(f.api, &review, client_done, &f.outcomes[3]); /* the pause is for these */
    client_get(&f, 4);
    client_await(&f, 4);
    assert_int_equal(f.outcomes[4].value, 6);
    assert_int_equal(f.outcomes[3].calls, 0);
    assert_int_equal(f.server.seen_count, 4);
    kube_cancel(f.api, hanging);
    client_finish(&f);
}

static void silence_and_trickling_end_in_time(void **state) {
    (void)state;
    struct fixture f;
    static const struct kube_http_options options = {.request_ms = 150, .stall_s = 1};
    OPEN(&f, &options, {.end = REPLY_SILENT}, {.end = REPLY_OPEN, .body = "{\"n\""});
    client_get(&f, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].err.code, ERROR_TRANSIENT);
    struct kube_request request = {.method = "GET", .path = "/x", .timeout_ms = 60000, .verb = "get"};
    kube_send(f.api, &request, client_done, &f.outcomes[1]);
    client_await(&f, 1);
    assert_int_equal(f.outcomes[1].err.code, ERROR_TRANSIENT);
    client_finish(&f);
}

static void answers_have_a_bound(void **state) {
    (void)state;
    struct fixture f;
    static char big[100001];
    static char header[200 * 1024];
    memset(big, ' ', sizeof big - 1);
    size_t at = 0;
    for (int i = 0; at + 1100 < sizeof header; i++)
        at += (size_t)snprintf(header + at, sizeof header - at, "X-%d: %.*s\r\n", i, 1000,
                               (const char *)memset(big, 'x', 1000));
    static const struct kube_http_options options = {.answer_max = 50000};
    OPEN(&f, &options, {.body = big}, {.headers = header, .body = "{}"}, {.body = "{\"n\":1}"});
    for (size_t i = 0; i < 3; i++) {
        client_get(&f, i);
        client_await(&f, i);
    }
    assert_int_equal(f.outcomes[0].err.code, ERROR_INVALID);
    assert_string_equal(f.outcomes[0].err.text, "get configmaps: the answer is larger than 50000 bytes");
    assert_int_not_equal(f.outcomes[1].err.code, ERROR_NONE);
    assert_int_equal(f.outcomes[2].value, 1);
    client_finish(&f);
}

static size_t put_bits(unsigned char *bytes, size_t at, unsigned value, unsigned count) {
    for (unsigned bit = 0; bit < count; bit++, at++)
        if (value >> bit & 1)
            bytes[at / 8] |= (unsigned char)(1U << (at % 8));
    return at;
}

/* 5 MB in 33 kB: deflate with fixed codes, one literal and then copies of 258 bytes at distance 1. */
static size_t make_bomb(unsigned char *bytes) {
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    memcpy(bytes, head, sizeof head);
    size_t at = put_bits(bytes, sizeof head * 8, 3, 3);
    at = put_bits(bytes, at, 0x0C, 8);
    for (int i = 0; i < 20000; i++)
        at = put_bits(bytes, put_bits(bytes, at, 0xA3, 8), 0, 5);
    return at / 8;
}

static void a_compressed_answer_is_bounded_as_what_it_expands_to(void **state) {
    (void)state;
    struct fixture f;
    static unsigned char bomb[40000];
    size_t length = make_bomb(bomb);
    static struct reply replies[1];
    replies[0] = (struct reply){.headers = "Content-Encoding: gzip\r\n", .body = (const char *)bomb, .length = length};
    static const struct kube_http_options options = {.answer_max = 1000000};
    client_start(&f, replies, 1, &options);
    client_get(&f, 0);
    client_await(&f, 0);
    assert_string_equal(f.outcomes[0].err.text, "get configmaps: the answer is larger than 1000000 bytes");
    client_finish(&f);
}

static void a_large_body_is_refused_here(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{}"});
    size_t length = KUBE_BODY_MAX + 1;
    char *body = calloc(1, length);
    kube_create(f.api, config_map, NULL, body, length, client_done, &f.outcomes[0]);
    free(body);
    assert_int_equal(f.outcomes[0].calls, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].err.code, ERROR_INVALID);
    assert_int_equal(f.server.seen_count, 0);
    client_finish(&f);
}

static bool all_done(void *arg) {
    const struct fixture *f = arg;
    for (size_t i = 0; i < 20; i++)
        if (f->outcomes[i].calls == 0)
            return false;
    return true;
}

/* A connection is a TLS handshake: those of one burst are there for the next. */
static void bursts_keep_their_connections(void **state) {
    (void)state;
    struct fixture f;
    static struct reply replies[100];
    for (size_t i = 0; i < 100; i++)
        replies[i] = (struct reply){.body = "{}"};
    client_start(&f, replies, 100, NULL);
    for (int burst = 0; burst < 5; burst++) {
        for (size_t i = 0; i < 20; i++) {
            f.outcomes[i].calls = 0;
            client_get(&f, i);
        }
        loop_until(&f.loop, all_done, &f, "twenty answers");
    }
    assert_in_range(f.server.connections, 1, 20);
    client_finish(&f);
}

/* The same handle serves one after the other. */
static void nothing_of_one_request_gets_into_the_next(void **state) {
    (void)state;
    struct fixture f;
    static const struct kube_http_options options = {.in_flight = 1};
    static const struct {
        const char *method, *content_type;
    } wanted[] = {{"POST", "application/json"},
                  {"GET", NULL},
                  {"PATCH", "application/merge-patch+json"},
                  {"GET", NULL},
                  {"GET", NULL},
                  {"PATCH", "application/strategic-merge-patch+json"},
                  {"DELETE", "application/json"},
                  {"GET", NULL}};
    OPEN(&f, &options, {.body = "{}"}, {.body = "{}"}, {.body = "{}"}, {.status = 404, .body = "{}"}, {.body = "{}"},
         {.status = 409, .body = "{}"}, {.body = "{}"}, {.body = "{\"n\":7}"});
    struct kube_delete delete = {.grace_s = 0};
    client_create(&f, 0);
    client_get(&f, 1);
    kube_patch(f.api, config_map, NULL, PATCH_MERGE, "{\"merge\":1}", 11, client_done, &f.outcomes[2]);
    client_get(&f, 3);
    client_get(&f, 4);
    kube_patch(f.api, config_map, NULL, PATCH_STRATEGIC, "{}", 2, client_done, &f.outcomes[5]);
    kube_delete(f.api, config_map, &delete, client_done, &f.outcomes[6]);
    client_get(&f, 7);
    client_await(&f, 7);
    assert_int_equal(f.outcomes[7].value, 7);
    assert_int_equal(f.server.connections, 1);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_string_equal(f.server.seen[i].method, wanted[i].method);
        if (wanted[i].content_type == NULL)
            assert_null(f.server.seen[i].content_type);
        else
            assert_string_equal(f.server.seen[i].content_type, wanted[i].content_type);
        assert_int_equal(f.server.seen[i].body[0] != '\0', wanted[i].content_type != NULL);
        assert_string_equal(f.server.seen[i].authorization, "Bearer secret");
    }
    client_finish(&f);
}

static void requests_beyond_the_limit_wait(void **state) {
    (void)state;
    struct fixture f;
    static struct reply replies[20];
    for (size_t i = 0; i < 20; i++)
        replies[i] = (struct reply){.body = "{\"n\":3}"};
    static const struct kube_http_options options = {.in_flight = 3};
    client_start(&f, replies, 20, &options);
    for (size_t i = 0; i < 20; i++)
        client_get(&f, i);
    loop_until(&f.loop, all_done, &f, "twenty answers");
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(f.outcomes[i].value, 3);
    assert_in_range(f.server.connections, 1, 3);
    client_finish(&f);
}

static void a_cancelled_request_says_nothing(void **state) {
    (void)state;
    struct fixture f;
    static const struct kube_http_options options = {.in_flight = 1};
    OPEN(&f, &options, {.end = REPLY_SILENT}, {.body = "{\"n\":9}"});
    struct kube_call *running = kube_get(f.api, config_map, client_done, &f.outcomes[0]);
    struct kube_call *waiting = kube_get(f.api, config_map, client_done, &f.outcomes[1]);
    client_get(&f, 2);
    kube_cancel(f.api, waiting);
    while (f.server.seen_count == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    kube_cancel(f.api, running);
    client_await(&f, 2);
    assert_int_equal(f.outcomes[2].value, 9);
    assert_int_equal(f.outcomes[0].calls + f.outcomes[1].calls, 0);
    client_finish(&f);
}

static void on_data(const char *bytes, size_t length, void *arg) {
    struct fixture *f = arg;
    strbuf_add(&f->streamed, bytes, length);
}

static void on_stream_done(struct kube_answer *answer, void *arg) {
    struct fixture *f = arg;
    client_done(answer, &f->outcomes[0]);
}

static void a_stream_is_handed_out_as_it_comes(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.end = REPLY_STREAM, .body = "one\ntwo\n", .piece = 3}, {.end = REPLY_CUT, .body = "three"},
         {.status = 410, .body = "{\"reason\":\"Expired\",\"message\":\"too old\"}"});
    static const char *const expected[] = {"one\ntwo\n", "three", ""};
    static const enum error_code codes[] = {ERROR_NONE, ERROR_TRANSIENT, ERROR_GONE};
    for (size_t i = 0; i < 3; i++) {
        struct kube_request request = {
            .method = "GET", .path = "/watch", .pool = POOL_WATCH, .on_data = on_data, .verb = "watch"};
        strbuf_reset(&f.streamed);
        f.outcomes[0].calls = 0;
        kube_send(f.api, &request, on_stream_done, &f);
        client_await(&f, 0);
        assert_string_equal(strbuf_text(&f.streamed), expected[i]);
        assert_int_equal(f.outcomes[0].err.code, codes[i]);
    }
    client_finish(&f);
}

static void an_unreachable_server_is_said(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{}"});
    uv_close((uv_handle_t *)&f.server.tcp, NULL);
    client_get(&f, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].err.code, ERROR_TRANSIENT);
    assert_int_equal(f.outcomes[0].status, 0);
    assert_non_null(strstr(f.outcomes[0].err.text, "get configmaps: "));
    client_create(&f, 1);
    client_await(&f, 1);
    assert_false(f.outcomes[1].unsure); /* nothing was sent */
    kube_http_free(f.api);
    loop_finish(&f.loop);
}

static void on_done_free(struct kube_answer *answer, void *arg) {
    struct fixture *f = arg;
    client_done(answer, &f->outcomes[0]);
    client_get(f, 1);
    kube_http_free(f->api);
}

static void it_can_be_freed_from_a_callback(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{}"}, {.body = "{}"});
    kube_get(f.api, config_map, on_done_free, &f);
    client_get(&f, 2);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[1].calls, 0);
    server_stop(&f.server);
    loop_finish(&f.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_comes_back_and_the_connection_is_kept),
        cmocka_unit_test(a_write_whose_connection_dies_is_not_sent_again),
        cmocka_unit_test(a_read_whose_connection_dies_is_sent_again),
        cmocka_unit_test(refusals_are_told_apart_by_reason),
        cmocka_unit_test(a_busy_server_gets_the_pause_it_asks_for),
        cmocka_unit_test(what_is_said_of_one_request_pauses_no_other),
        cmocka_unit_test(the_longest_pause_counts),
        cmocka_unit_test(leases_do_not_wait_for_a_busy_server),
        cmocka_unit_test(reviews_and_other_requests_do_not_wait_for_each_other),
        cmocka_unit_test(silence_and_trickling_end_in_time),
        cmocka_unit_test(answers_have_a_bound),
        cmocka_unit_test(a_compressed_answer_is_bounded_as_what_it_expands_to),
        cmocka_unit_test(a_large_body_is_refused_here),
        cmocka_unit_test(bursts_keep_their_connections),
        cmocka_unit_test(nothing_of_one_request_gets_into_the_next),
        cmocka_unit_test(requests_beyond_the_limit_wait),
        cmocka_unit_test(a_cancelled_request_says_nothing),
        cmocka_unit_test(a_stream_is_handed_out_as_it_comes),
        cmocka_unit_test(an_unreachable_server_is_said),
        cmocka_unit_test(it_can_be_freed_from_a_callback),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
