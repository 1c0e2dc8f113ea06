/* Who goes first where the pool is full, against a scripted server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/support_client.h"

static const char *const paths[] = {
    [URGENCY_NORMAL] = "/normal", [URGENCY_URGENT] = "/urgent", [URGENCY_LAZY] = "/lazy"};

static struct kube_call *ask(struct fixture *f, enum kube_urgency urgency, size_t index) {
    struct kube_request request = {.method = "GET", .path = paths[urgency], .urgency = urgency, .verb = "get"};
    return kube_send(f->api, &request, client_done, &f->outcomes[index]);
}

static size_t seen(const struct fixture *f, enum kube_urgency urgency) {
    size_t count = 0;
    for (size_t i = 0; i < f->server.seen_count; i++)
        count += strcmp(f->server.seen[i].path, paths[urgency]) == 0;
    return count;
}

static bool eight_seen(void *arg) {
    return ((struct fixture *)arg)->server.seen_count >= 8;
}

static void urgent_requests_find_room(void **state) {
    (void)state;
    struct fixture f;
    static struct reply replies[64];
    static const struct kube_http_options options = {.in_flight = 8};
    struct kube_call *first_normal = NULL;
    for (size_t i = 0; i < 64; i++)
        replies[i] = (struct reply){.end = REPLY_SILENT};
    client_start(&f, replies, 64, &options);
    for (size_t i = 0; i < 10; i++)
        ask(&f, URGENCY_LAZY, i);
    first_normal = ask(&f, URGENCY_NORMAL, 10);
    for (size_t i = 11; i < 20; i++)
        ask(&f, URGENCY_NORMAL, i);
    for (size_t i = 20; i < 23; i++)
        ask(&f, URGENCY_URGENT, i);
    loop_until(&f.loop, eight_seen, &f, "a full pool");
    assert_int_equal(seen(&f, URGENCY_LAZY), 2);   /* a quarter */
    assert_int_equal(seen(&f, URGENCY_NORMAL), 4); /* with them three quarters */
    assert_int_equal(seen(&f, URGENCY_URGENT), 2);
    kube_cancel(f.api, first_normal);
    while (f.server.seen_count < 9)
        uv_run(&f.loop, UV_RUN_ONCE);
    assert_int_equal(seen(&f, URGENCY_URGENT), 3); /* room goes to the most urgent */
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
        cmocka_unit_test(urgent_requests_find_room),
        cmocka_unit_test(the_urgent_go_first_and_the_lazy_last),
        cmocka_unit_test(what_is_asked_for_says_how_urgent_it_is),
    };
    return cmocka_run_group_tests_name("http urgency", tests, NULL, NULL);
}
