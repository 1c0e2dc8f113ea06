/* Who goes first where the pool is full, against a scripted server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/support_client.h"

static const char *const paths[] = {
    [URGENCY_NORMAL] = "/normal", [URGENCY_URGENT] = "/urgent", [URGENCY_LAZY] = "/lazy"};

static struct kube_call *ask(struct fixture *f, enum kube_urgency urgency, size_t index) {
    struct kube_request request = {
        .method = "GET", .path = paths[urgency], .urgency = urgency, .verb = "get", .namespace = "n"};
    return kube_send(f->api, &request, client_done, &f->outcomes[index]);
}

static size_t seen(const struct fixture *f, enum kube_urgency urgency) {
    size_t count = 0;
    for (size_t i = 0; i < f->server.seen_count; i++)
        count += strcmp(f->server.seen[i].path, paths[urgency]) == 0;
    return count;
}

/* A server that answers nothing, and a pool of ten. */
static void open_hanging(struct fixture *f) {
    static struct reply replies[64];
    static const struct kube_http_options options = {.in_flight = 10};
    for (size_t i = 0; i < 64; i++)
        replies[i] = (struct reply){.end = REPLY_SILENT};
    client_start(f, replies, 64, &options);
}

static size_t enough;
static bool enough_seen(void *arg) {
    return ((struct fixture *)arg)->server.seen_count >= enough;
}

/* So many requests arrive, and no more. */
static void expect_seen(struct fixture *f, size_t count) {
    enough = count;
    loop_until(&f->loop, enough_seen, f, "a full pool");
    for (int64_t until = clock_boot_ms() + 50; clock_boot_ms() < until;)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->server.seen_count, count);
}

static void each_urgency_has_its_part_of_the_room(void **state) {
    (void)state;
    struct fixture f;
    open_hanging(&f);
    for (size_t i = 0; i < 10; i++)
        ask(&f, URGENCY_LAZY, i);
    struct kube_call *first_normal = ask(&f, URGENCY_NORMAL, 10);
    for (size_t i = 11; i < 20; i++)
        ask(&f, URGENCY_NORMAL, i);
    for (size_t i = 20; i < 25; i++)
        ask(&f, URGENCY_URGENT, i);
    expect_seen(&f, 9);                            /* the last tenth is for other namespaces */
    assert_int_equal(seen(&f, URGENCY_LAZY), 2);   /* two tenths */
    assert_int_equal(seen(&f, URGENCY_NORMAL), 4); /* with them six */
    assert_int_equal(seen(&f, URGENCY_URGENT), 3);
    kube_cancel(f.api, first_normal);
    expect_seen(&f, 10);
    assert_int_equal(seen(&f, URGENCY_URGENT), 4); /* room goes to the most urgent */
    client_finish(&f);
}

static void urgent_requests_leave_room_for_the_others(void **state) {
    (void)state;
    struct fixture f;
    open_hanging(&f);
    for (size_t i = 0; i < 20; i++)
        ask(&f, URGENCY_URGENT, i);
    expect_seen(&f, 8);
    ask(&f, URGENCY_NORMAL, 20);
    ask(&f, URGENCY_NORMAL, 21);
    expect_seen(&f, 9);
    assert_int_equal(seen(&f, URGENCY_NORMAL), 1);
    client_finish(&f);
}

static void the_urgent_go_first_and_the_lazy_last(void **state) {
    (void)state;
    struct fixture f;
    static struct reply replies[9];
    static const struct kube_http_options options = {.in_flight = 1};
    static const enum kube_urgency sent[] = {URGENCY_LAZY,   URGENCY_LAZY,   URGENCY_NORMAL, URGENCY_LAZY,
                                             URGENCY_URGENT, URGENCY_NORMAL, URGENCY_URGENT, URGENCY_LAZY};
    static const enum kube_urgency wanted[] = {URGENCY_LAZY,   URGENCY_URGENT, URGENCY_URGENT, URGENCY_NORMAL,
                                               URGENCY_NORMAL, URGENCY_LAZY,   URGENCY_LAZY,   URGENCY_LAZY};
    for (size_t i = 0; i < 9; i++)
        replies[i] = (struct reply){.body = "{}"};
    client_start(&f, replies, 9, &options);
    for (size_t i = 0; i < 8; i++)
        ask(&f, sent[i], i);
    client_await(&f, 7);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(f.server.seen[i].path, paths[wanted[i]]);
    client_finish(&f);
}

static void what_is_asked_for_says_how_urgent_it_is(void **state) {
    (void)state;
    struct fixture f;
    static const struct kube_http_options options = {.in_flight = 1};
    static const struct kube_ref event = {&kube_events, "weir", "e"};
    static const struct kube_create urgent = {.urgency = URGENCY_URGENT, .dry_run = true};
    static const struct kube_create eviction = {.subresource = "eviction"};
    OPEN(&f, &options, {.body = "{}"}, {.body = "{}"}, {.body = "{}"}, {.body = "{}"}, {.body = "{}"});
    client_get(&f, 0);
    kube_create(f.api, event, NULL, "{}", 2, client_done, &f.outcomes[1]);
    kube_patch(f.api, event, NULL, PATCH_MERGE, "{}", 2, client_done, &f.outcomes[2]);
    kube_create(f.api, config_map, &eviction, "{}", 2, client_done, &f.outcomes[3]);
    kube_create(f.api, config_map, &urgent, "{}", 2, client_done, &f.outcomes[4]);
    client_await(&f, 2);
    assert_string_equal(f.server.seen[1].path, "/api/v1/namespaces/weir/configmaps?fieldValidation=Strict&dryRun=All");
    assert_string_equal(f.server.seen[2].path, "/api/v1/namespaces/weir/configmaps/a/eviction?fieldValidation=Strict");
    assert_non_null(strstr(f.server.seen[3].path, "/namespaces/weir/events?"));
    assert_string_equal(f.server.seen[4].method, "PATCH");
    client_finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_urgency_has_its_part_of_the_room),
        cmocka_unit_test(urgent_requests_leave_room_for_the_others),
        cmocka_unit_test(the_urgent_go_first_and_the_lazy_last),
        cmocka_unit_test(what_is_asked_for_says_how_urgent_it_is),
    };
    return cmocka_run_group_tests_name("http urgency", tests, NULL, NULL);
}
