/* The driver of the lease against a server that fails: what it does not get in time ends leadership, on time. */

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
#include "kube/http.h"
#include "kube/leader.h"
#include "kube/support_server.h"

#define LEASE(holder, version)                                                         \
    "{\"metadata\":{\"name\":\"l\",\"namespace\":\"n\",\"resourceVersion\":\"" version \
    "\"},\"spec\":{\"holderIdentity\":\"" holder                                       \
    "\",\"renewTime\":\"2026-01-01T00:00:00.000000Z\",\"leaseTransitions\":4,\"strategy\":\"kept\"}}"

#define NO_LEASE                                                                                                  \
    "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"details\":{\"name\":\"l\",\"group\":\"coordination.k8s.io\"," \
    "\"kind\":\"leases\"}}"

struct fixture {
    uv_loop_t loop;
    struct server server;
    struct kube_api *api;
    struct leader *leader;
    int won, lost, released;
    int64_t won_at, lost_at;
};

static void on_won(void *arg) {
    struct fixture *f = arg;
    f->won++;
    f->won_at = clock_boot_ms();
}

static void on_lost(const char *why, void *arg) {
    struct fixture *f = arg;
    assert_non_null(why);
    f->lost++;
    f->lost_at = clock_boot_ms();
}

static void on_released(void *arg) {
    ((struct fixture *)arg)->released++;
}

static void begin(struct fixture *f, const struct reply *replies, size_t count) {
    struct kube_config *config = NULL;
    struct error err;
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    server_start(&f->server, &f->loop, replies, count);
    assert_int_equal(kube_config_plain(f->server.url, NULL, &config, &err), 0);
    assert_int_equal(kube_http_new(&f->loop, config, NULL, &f->api, &err), 0);
    struct leader_options options = {.namespace = "n",
                                     .name = "l",
                                     .identity = "me",
                                     .process = "ours",
                                     .timing = {.duration_ms = 1200, .renew_deadline_ms = 500, .retry_ms = 50},
                                     .won = on_won,
                                     .lost = on_lost,
                                     .arg = f};
    f->leader = leader_new(&f->loop, f->api, &options);
}
#define BEGIN(f, ...)                                    \
    static const struct reply replies[] = {__VA_ARGS__}; \
    begin((f), replies, sizeof replies / sizeof *replies)

static void finish(struct fixture *f) {
    leader_free(f->leader);
    kube_http_free(f->api);
    server_stop(&f->server);
    loop_finish(&f->loop);
}

static bool has_won(void *arg) {
    return ((struct fixture *)arg)->won > 0;
}

static bool has_lost(void *arg) {
    return ((struct fixture *)arg)->lost > 0;
}

static bool has_released(void *arg) {
    return ((struct fixture *)arg)->released > 0;
}

static void a_missing_lease_is_created(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.status = 404, .body = "nothing here"}, {.status = 404, .body = NO_LEASE},
          {.status = 201, .body = LEASE("me", "1")});
    loop_until(&f.loop, has_won, &f, "leading");
    assert_string_equal(f.server.seen[0].path, "/apis/coordination.k8s.io/v1/namespaces/n/leases/l");
    assert_string_equal(f.server.seen[1].method, "GET"); /* a stray 404 is no word about the lease */
    assert_string_equal(f.server.seen[2].method, "POST");
    assert_string_equal(f.server.seen[2].path, "/apis/coordination.k8s.io/v1/namespaces/n/leases");
    assert_non_null(strstr(f.server.seen[2].body, "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":2"));
    finish(&f);
}

/* Our write carries the version read, what others put into the object, and one more transition. */
static void a_released_lease_is_put_back_with_our_name(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.end = REPLY_SILENT});
    loop_until(&f.loop, has_won, &f, "leading");
    const char *body = f.server.seen[1].body;
    assert_string_equal(f.server.seen[1].method, "PUT");
    assert_non_null(strstr(body, "\"resourceVersion\":\"7\""));
    assert_non_null(strstr(body, "\"holderIdentity\":\"me\""));
    assert_non_null(strstr(body, "\"leaseTransitions\":5"));
    assert_non_null(strstr(body, "\"strategy\":\"kept\""));
    finish(&f);
}

/* The renewal is never answered: leadership must end by the clock, not by the request's own time-out. */
static void silence_ends_leadership_at_the_deadline(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.end = REPLY_SILENT}, {.end = REPLY_SILENT});
    loop_until(&f.loop, has_lost, &f, "leadership is over");
    assert_false(leader_held(f.leader));
    assert_in_range(f.lost_at - f.won_at, 350, 980); /* the request itself would last for 1 s */
    assert_in_range(f.server.seen_count, 3, 4);
    finish(&f);
}

static bool has_won_twice(void *arg) {
    return ((struct fixture *)arg)->won > 1;
}

static void what_is_lost_is_taken_again_at_once_if_it_still_names_us(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.end = REPLY_SILENT}, {.body = LEASE("me", "9")},
          {.body = LEASE("me", "10")}, {.end = REPLY_SILENT}, {.end = REPLY_SILENT});
    loop_until(&f.loop, has_won_twice, &f, "leading again");
    assert_int_equal(f.lost, 1);
    assert_in_range(f.won_at - f.lost_at, 0, 1000);
    assert_true(leader_held(f.leader));
    assert_string_equal(f.server.seen[3].method, "GET");
    assert_non_null(strstr(f.server.seen[4].body, "\"resourceVersion\":\"9\""));
    assert_non_null(strstr(f.server.seen[4].body, "\"leaseTransitions\":4")); /* no other led meanwhile */
    finish(&f);
}

static bool has_seen_other(void *arg) {
    return strcmp(leader_holder(((struct fixture *)arg)->leader), "other") == 0;
}

static void what_another_takes_is_followed_until_it_is_free(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.status = 409, .body = "{}"},
          {.body = LEASE("other", "9")}, {.body = LEASE("other", "9")}, {.body = LEASE("", "10")},
          {.body = LEASE("me", "11")}, {.end = REPLY_SILENT}, {.end = REPLY_SILENT});
    loop_until(&f.loop, has_seen_other, &f, "another leads");
    assert_false(leader_held(f.leader));
    assert_int_equal(f.lost, 1);
    loop_until(&f.loop, has_won_twice, &f, "leading again");
    assert_int_equal(f.lost, 1);
    assert_non_null(strstr(f.server.seen[6].body, "\"leaseTransitions\":5"));
    finish(&f);
}

/* The process is stopped between its claim and the answer: what was accepted long ago is no leadership now. */
static void a_claim_that_is_answered_too_late_is_made_again(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.body = LEASE("me", "8")},
          {.body = LEASE("me", "9")}, {.end = REPLY_SILENT}, {.end = REPLY_SILENT});
    while (f.server.seen_count < 2)
        uv_run(&f.loop, UV_RUN_ONCE);
    usleep(700 * 1000);
    loop_until(&f.loop, has_won, &f, "leading");
    assert_int_equal(f.lost, 0);
    assert_int_equal(f.server.seen_count, 4);
    assert_string_equal(f.server.seen[2].method, "GET");
    assert_true(leader_held(f.leader));
    finish(&f);
}

#define LEASE_OF(process, version)                                                                                   \
    "{\"metadata\":{\"name\":\"l\",\"namespace\":\"n\",\"resourceVersion\":\"" version                               \
    "\",\"annotations\":{\"a\":\"kept\",\"weir.dev/process\":\"" process "\"}},\"spec\":{\"holderIdentity\":\"me\"," \
    "\"renewTime\":\"2026-01-01T00:00:00.00000" version "Z\"}}"

static bool has_given_way(void *arg) {
    const struct fixture *f = arg;
    return f->lost == 1 && f->server.seen_count >= 5;
}

/* One that was restarted takes over at once; when the one before it still lives, that one gives way as soon. */
static void of_two_with_one_identity_the_older_gives_way(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE_OF("before", "7")}, {.body = LEASE_OF("ours", "8")}, {.status = 409, .body = "{}"},
          {.body = LEASE_OF("after", "9")}, {.body = LEASE_OF("after", "9")}, {.body = LEASE_OF("after", "9")});
    loop_until(&f.loop, has_given_way, &f, "the other leads");
    assert_int_equal(f.won, 1);
    assert_false(leader_held(f.leader));
    assert_non_null(strstr(f.server.seen[1].body, "\"weir.dev/process\":\"ours\""));
    assert_non_null(strstr(f.server.seen[1].body, "\"a\":\"kept\""));
    assert_string_equal(f.server.seen[4].method, "GET");
    finish(&f);
}

static void failed_renewals_are_tried_again(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.status = 500, .body = "{}"}, {.end = REPLY_DROP},
          {.body = LEASE("me", "9")}, {.body = LEASE("me", "10")}, {.end = REPLY_SILENT});
    loop_until(&f.loop, has_lost, &f, "leadership is over");
    assert_in_range(f.lost_at - f.won_at, 520, 5000); /* 500 ms from the renewal that worked, not from the first */
    assert_string_equal(f.server.seen[5].method, "PUT");
    assert_non_null(strstr(f.server.seen[5].body, "\"resourceVersion\":\"9\"")); /* read before it was tried again */
    finish(&f);
}

static void release_waits_for_the_write_under_way(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8"), .piece = 10}, {.body = LEASE("", "9")});
    while (f.server.seen_count < 2)
        uv_run(&f.loop, UV_RUN_ONCE);
    leader_release(f.leader, 5000, on_released, &f);
    loop_until(&f.loop, has_released, &f, "released");
    assert_int_equal(f.won, 0);
    assert_int_equal(f.lost, 0);
    assert_int_equal(f.server.seen_count, 3);
    assert_non_null(strstr(f.server.seen[2].body, "\"holderIdentity\":\"\""));
    assert_non_null(strstr(f.server.seen[2].body, "\"leaseDurationSeconds\":1"));
    finish(&f);
}

/* The renewal under way takes longer than the release may: it does not count. */
static void the_limit_of_a_release_begins_when_it_is_asked_for(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.body = LEASE("me", "9")},
          {.body = LEASE("", "10")});
    while (f.server.seen_count < 3)
        uv_run(&f.loop, UV_RUN_ONCE);
    leader_release(f.leader, 50, on_released, &f);
    usleep(100 * 1000);
    loop_until(&f.loop, has_released, &f, "released");
    assert_int_equal(f.server.seen_count, 4);
    finish(&f);
}

/* Nobody knows whether the renewal before it came through: here it did. */
static void a_release_with_an_old_version_is_made_again(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.end = REPLY_DROP}, {.status = 409, .body = "{}"},
          {.body = LEASE("me", "9")}, {.body = LEASE("", "10")});
    while (f.server.seen_count < 3)
        uv_run(&f.loop, UV_RUN_ONCE);
    leader_release(f.leader, 5000, on_released, &f);
    loop_until(&f.loop, has_released, &f, "released");
    assert_int_equal(f.server.seen_count, 6);
    assert_string_equal(f.server.seen[4].method, "GET");
    assert_non_null(strstr(f.server.seen[5].body, "\"resourceVersion\":\"9\""));
    assert_non_null(strstr(f.server.seen[5].body, "\"holderIdentity\":\"\""));
    finish(&f);
}

static void release_ends_also_when_nobody_answers(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("", "7")}, {.body = LEASE("me", "8")}, {.end = REPLY_SILENT});
    loop_until(&f.loop, has_won, &f, "leading");
    int64_t began = clock_boot_ms();
    leader_release(f.leader, 100, on_released, &f);
    loop_until(&f.loop, has_released, &f, "released");
    assert_in_range(clock_boot_ms() - began, 99, 2000);
    finish(&f);
}

static void who_does_not_lead_has_nothing_to_release(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.body = LEASE("other", "7")});
    while (f.server.seen_count < 1)
        uv_run(&f.loop, UV_RUN_ONCE);
    leader_release(f.leader, 5000, on_released, &f);
    assert_int_equal(f.released, 0);
    loop_until(&f.loop, has_released, &f, "released");
    assert_int_equal(f.server.seen_count, 1);
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_lease_is_created),
        cmocka_unit_test(a_released_lease_is_put_back_with_our_name),
        cmocka_unit_test(silence_ends_leadership_at_the_deadline),
        cmocka_unit_test(what_is_lost_is_taken_again_at_once_if_it_still_names_us),
        cmocka_unit_test(what_another_takes_is_followed_until_it_is_free),
        cmocka_unit_test(a_claim_that_is_answered_too_late_is_made_again),
        cmocka_unit_test(of_two_with_one_identity_the_older_gives_way),
        cmocka_unit_test(failed_renewals_are_tried_again),
        cmocka_unit_test(release_waits_for_the_write_under_way),
        cmocka_unit_test(the_limit_of_a_release_begins_when_it_is_asked_for),
        cmocka_unit_test(a_release_with_an_old_version_is_made_again),
        cmocka_unit_test(release_ends_also_when_nobody_answers),
        cmocka_unit_test(who_does_not_lead_has_nothing_to_release),
    };
    return cmocka_run_group_tests_name("leader", tests, NULL, NULL);
}
