/* Writes that may not leave any more, against a scripted server: leadership ends at each point of their way. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/support_client.h"

/* Yes the first so many times. */
static bool may_write(void *arg) {
    int *left = arg;
    return *left > 0 && (*left)-- > 0;
}

static int left;
static const struct kube_http_options options = {.in_flight = 1, .may_write = may_write, .may_write_arg = &left};

static void expect_held_back(const struct outcome *outcome) {
    assert_int_equal(outcome->calls, 1);
    assert_int_equal(outcome->status, 0);
    assert_int_equal(outcome->err.code, ERROR_TRANSIENT);
    assert_string_equal(outcome->err.text, "create configmaps: held back: we may not write any more");
    assert_true(outcome->fenced);
    assert_false(outcome->unsure);
}

static void who_does_not_lead_reads_only(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, &options, {.body = "{\"n\":1}"});
    left = 0;
    client_create(&f, 0);
    assert_int_equal(f.outcomes[0].calls, 0); /* never from inside the call */
    client_await(&f, 0);
    expect_held_back(&f.outcomes[0]);
    client_get(&f, 1);
    client_await(&f, 1);
    assert_int_equal(f.outcomes[1].value, 1);
    assert_false(f.outcomes[1].fenced);
    assert_int_equal(f.server.connections, 1);
    client_finish(&f);
}

/* It was asked for as a leader, and waited for its turn. */
static void what_waited_too_long_is_held_back(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, &options, {.status = 201, .body = "{\"n\":1}"}, {.body = "{\"n\":2}"});
    left = 1000;
    client_create(&f, 0);
    client_create(&f, 1);
    client_get(&f, 2);
    while (f.server.seen_count == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    left = 0;
    for (size_t i = 0; i < 3; i++)
        client_await(&f, i);
    assert_int_equal(f.outcomes[0].status, 201); /* it had left before */
    assert_false(f.outcomes[0].fenced);
    expect_held_back(&f.outcomes[1]);
    assert_int_equal(f.outcomes[2].value, 2);
    assert_int_equal(f.server.seen_count, 2);
    client_finish(&f);
}

/* Between its start and its connection, on a new one and on one that is kept. */
static void the_last_moment_counts(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, &options, {.body = "{\"n\":1}"}, {.body = "{\"n\":2}"});
    left = 1;
    client_create(&f, 0);
    assert_int_equal(left, 0);
    client_await(&f, 0);
    expect_held_back(&f.outcomes[0]);
    client_get(&f, 1);
    client_await(&f, 1);
    left = 1;
    client_create(&f, 2);
    client_await(&f, 2);
    expect_held_back(&f.outcomes[2]);
    assert_int_equal(f.server.seen_count, 1);
    client_finish(&f);
}

/* The head has left and the body has not: the server throws such a request away. */
static void half_a_request_is_none(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, &options, {.body = "{\"n\":1}"});
    left = 2;
    client_create(&f, 0);
    client_await(&f, 0);
    expect_held_back(&f.outcomes[0]);
    client_get(&f, 1);
    client_await(&f, 1);
    assert_int_equal(f.outcomes[1].value, 1);
    assert_int_equal(f.server.seen_count, 1);
    client_finish(&f);
}

static void the_lease_itself_is_written_by_who_does_not_lead(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, &options, {.body = "{\"n\":1}"});
    left = 0;
    struct kube_request request = {.method = "PUT", .path = "/x", .body = "{}", .length = 2, .pool = POOL_LEASE};
    kube_send(f.api, &request, client_done, &f.outcomes[0]);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].value, 1);
    client_finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_lead_reads_only),
        cmocka_unit_test(what_waited_too_long_is_held_back),
        cmocka_unit_test(the_last_moment_counts),
        cmocka_unit_test(half_a_request_is_none),
        cmocka_unit_test(the_lease_itself_is_written_by_who_does_not_lead),
    };
    return cmocka_run_group_tests_name("http fence", tests, NULL, NULL);
}
