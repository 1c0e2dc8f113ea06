/* The end of a client while the server hangs: nothing more leaves, and what is under way has a limit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/support_client.h"

static const struct kube_http_options one_at_a_time = {.in_flight = 1};

static void expect_held_back(const struct outcome *outcome) {
    assert_int_equal(outcome->calls, 1);
    assert_int_equal(outcome->err.code, ERROR_TRANSIENT);
    assert_non_null(strstr(outcome->err.text, "held back: we are ending"));
    assert_true(outcome->fenced);
    assert_false(outcome->unsure);
}

static void what_was_not_sent_is_held_back_and_what_hangs_is_given_up(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, &one_at_a_time, {.end = REPLY_SILENT});
    client_create(&f, 0);
    client_create(&f, 1);
    client_get(&f, 2);
    while (f.server.seen_count == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    int64_t began = clock_boot_ms();
    kube_http_stop(f.api, 200);
    assert_int_equal(f.outcomes[1].calls, 0); /* never from inside the call */
    client_create(&f, 3);
    for (size_t i = 0; i < 4; i++)
        client_await(&f, i);
    for (size_t i = 1; i < 4; i++) {
        expect_held_back(&f.outcomes[i]);
        assert_in_range(f.outcomes[i].at - began, 0, 150);
    }
    assert_string_equal(f.outcomes[0].err.text, "create configmaps: given up: we are ending");
    assert_true(f.outcomes[0].unsure);
    assert_false(f.outcomes[0].fenced);
    assert_in_range(f.outcomes[0].at - began, 199, 2000);
    assert_int_equal(f.server.seen_count, 1);
    client_finish(&f);
}

static void what_is_answered_in_time_counts(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{\"n\":7}", .piece = 5});
    client_create(&f, 0);
    while (f.server.seen_count == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    kube_http_stop(f.api, 5000);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].value, 7);
    client_finish(&f);
}

static void a_pause_does_not_make_the_end_longer(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.status = 429, .headers = "Retry-After: 30\r\nX-Kubernetes-PF-FlowSchema-UID: u\r\n"});
    client_get(&f, 0);
    client_await(&f, 0);
    client_create(&f, 1);
    kube_http_stop(f.api, 100);
    client_await(&f, 1);
    expect_held_back(&f.outcomes[1]);
    assert_in_range(f.outcomes[1].at - f.outcomes[0].at, 0, 1000);
    client_finish(&f);
}

static void the_lease_is_still_written(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{\"n\":1}"});
    kube_http_stop(f.api, 0);
    struct kube_request request = {.method = "PUT", .path = "/x", .body = "{}", .length = 2, .pool = POOL_LEASE};
    kube_send(f.api, &request, client_done, &f.outcomes[0]);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].value, 1);
    client_finish(&f);
}

static struct fixture *freed;
static void free_it(struct kube_answer *answer, void *arg) {
    client_done(answer, arg);
    kube_http_free(freed->api);
}

static void it_can_be_freed_from_the_answers(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.end = REPLY_SILENT}, {.end = REPLY_SILENT});
    freed = &f;
    kube_get(f.api, config_map, free_it, &f.outcomes[0]);
    client_get(&f, 1);
    while (f.server.seen_count < 2)
        uv_run(&f.loop, UV_RUN_ONCE);
    kube_http_stop(f.api, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[1].calls, 0);
    server_stop(&f.server);
    loop_finish(&f.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_sent_is_held_back_and_what_hangs_is_given_up),
        cmocka_unit_test(what_is_answered_in_time_counts),
        cmocka_unit_test(a_pause_does_not_make_the_end_longer),
        cmocka_unit_test(the_lease_is_still_written),
        cmocka_unit_test(it_can_be_freed_from_the_answers),
    };
    return cmocka_run_group_tests_name("http stop", tests, NULL, NULL);
}
