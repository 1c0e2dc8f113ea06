/* The recorder against a scripted server: creation, series, failures, and the bounds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/metrics.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "kube/event.h"
#include "kube/http.h"
#include "kube/support_server.h"

struct fixture {
    uv_loop_t loop;
    struct server server;
    struct kube_api *api;
    struct recorder *recorder;
    size_t wanted;
};

static void begin(struct fixture *f, const struct reply *replies, size_t count) {
    struct kube_config *config = NULL;
    struct error err;
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    server_start(&f->server, &f->loop, replies, count);
    assert_int_equal(kube_config_plain(f->server.url, NULL, &config, &err), 0);
    assert_int_equal(kube_http_new(&f->loop, config, NULL, &f->api, &err), 0);
    f->recorder = recorder_new(&f->loop, f->api, "weir.dev/operator", "pod-1");
}
#define BEGIN(f, ...)                                    \
    static const struct reply replies[] = {__VA_ARGS__}; \
    begin((f), replies, sizeof replies / sizeof *replies)

static void finish(struct fixture *f) {
    recorder_free(f->recorder);
    kube_http_free(f->api);
    server_stop(&f->server);
    loop_finish(&f->loop);
}

static bool has_seen(void *arg) {
    const struct fixture *f = arg;
    return f->server.seen_count >= f->wanted && recorder_pending(f->recorder) == 0;
}

static void await(struct fixture *f, size_t requests) {
    f->wanted = requests;
    loop_until(&f->loop, has_seen, f, "events written");
    assert_int_equal(f->server.seen_count, requests);
}

static struct event event_of(const char *note) {
    return (struct event){.regarding = {&kube_pods, "weir", "run", "u1"},
                          .related = {&kube_configmaps, "weir", "cm", "u2"},
                          .reason = "Started",
                          .action = "Start",
                          .note = note};
}

static void an_event_names_what_it_is_about(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.status = 201, .body = "{}"}, {.body = "{}"});
    struct event event = event_of("task a");
    recorder_emit(f.recorder, &event);
    assert_int_equal(f.server.seen_count, 0);
    await(&f, 1);
    const char *body = f.server.seen[0].body;
    assert_string_equal(f.server.seen[0].path, "/apis/events.k8s.io/v1/namespaces/weir/events?fieldValidation=Strict");
    static const char *const parts[] = {
        "\"type\":\"Normal\",\"reason\":\"Started\",\"action\":\"Start\",\"note\":\"task a\"",
        "\"reportingController\":\"weir.dev/operator\",\"reportingInstance\":\"pod-1\"",
        "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"run\",\"namespace\":\"weir\",\"uid\":\"u1\"}",
        "\"related\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"cm\"",
        "\"metadata\":{\"name\":\"run.",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(body, parts[i]) == NULL)
            fail_msg("%s lacks %s", body, parts[i]);
    recorder_emit(f.recorder, &event);
    await(&f, 2);
    assert_string_equal(f.server.seen[1].method, "PATCH");
    assert_string_equal(f.server.seen[1].content_type, "application/merge-patch+json");
    assert_non_null(strstr(f.server.seen[1].path, "/apis/events.k8s.io/v1/namespaces/weir/events/run."));
    assert_non_null(strstr(f.server.seen[1].body, "{\"series\":{\"count\":2,\"lastObservedTime\":\"20"));
    finish(&f);
}

/* A thousand repetitions in a row cost two requests now; the count follows later. */
static void a_flood_of_one_event_is_two_requests(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.status = 201, .body = "{}"}, {.body = "{}"});
    struct event event = event_of("again");
    for (int i = 0; i < 1000; i++)
        recorder_emit(f.recorder, &event);
    await(&f, 2);
    assert_non_null(strstr(f.server.seen[1].body, "\"count\":1000,"));
    recorder_emit(f.recorder, &event);
    for (int i = 0; i < 50; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.server.seen_count, 2);
    assert_int_equal(recorder_pending(f.recorder), 1);
    finish(&f);
}

static struct reply created[3000];

static void begin_well(struct fixture *f, enum reply_end end) {
    for (size_t i = 0; i < sizeof created / sizeof *created; i++)
        created[i] = (struct reply){.status = 201, .body = "{}", .end = end};
    begin(f, created, sizeof created / sizeof *created);
}

/* One event of each of so many objects. */
static void emit_from(struct fixture *f, const char *kind, int count, struct event event) {
    for (int i = 0; i < count; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "%s %d", kind, i);
        event.regarding.uid = uid;
        recorder_emit(f->recorder, &event);
    }
}

static size_t dropped(void) {
    AUTO_STRBUF text = STRBUF_INIT;
    metrics_render(&text);
    const char *at = strstr(strbuf_text(&text), "\nweir_events_dropped_total ");
    return at == NULL ? 0 : (size_t)strtod(at + strlen("\nweir_events_dropped_total "), NULL);
}

/* All at once, as when a cluster comes back. */
static void a_burst_of_many_objects_is_written_whole(void **state) {
    (void)state;
    static struct fixture f;
    begin_well(&f, REPLY_WHOLE);
    size_t before = dropped();
    emit_from(&f, "run", 2000, event_of("ended"));
    assert_int_equal(recorder_pending(f.recorder), 2000);
    await(&f, 2000);
    assert_int_equal(dropped(), before);
    assert_in_range(f.server.connections, 2, 8);
    finish(&f);
}

static void eight_are_in_flight_at_a_time(void **state) {
    (void)state;
    static struct fixture f;
    begin_well(&f, REPLY_SILENT);
    emit_from(&f, "run", 50, event_of("ended"));
    for (int i = 0; i < 100; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.server.seen_count, 8);
    assert_int_equal(recorder_pending(f.recorder), 50);
    finish(&f);
}

static void a_flood_of_one_object_is_rationed(void **state) {
    (void)state;
    static struct fixture f;
    begin_well(&f, REPLY_WHOLE);
    size_t before = dropped();
    for (int i = 0; i < 5000; i++) {
        char note[32];
        snprintf(note, sizeof note, "note %d", i);
        struct event event = event_of(note);
        recorder_emit(f.recorder, &event);
    }
    assert_int_equal(recorder_pending(f.recorder), 100);
    assert_int_equal(dropped() - before, 4900);
    finish(&f);
}

static bool enough_seen(void *arg) {
    return ((struct fixture *)arg)->server.seen_count >= 120;
}

static void warnings_are_kept_when_memory_ends(void **state) {
    (void)state;
    static struct fixture f;
    static char note[1000];
    memset(note, 'n', sizeof note - 1);
    begin_well(&f, REPLY_WHOLE);
    size_t before = dropped();
    struct event event = event_of(note);
    emit_from(&f, "normal", 10000, event);
    size_t kept = recorder_pending(f.recorder);
    assert_in_range(kept, 4000, 9000); /* 8 MB */
    assert_int_equal(dropped() - before, 10000 - kept);
    event.warning = true;
    emit_from(&f, "warning", 100, event);
    assert_in_range(recorder_pending(f.recorder), kept - 1, kept + 1);
    assert_in_range(dropped() - before, 10000 - kept + 99, 10000 - kept + 101);
    loop_until(&f.loop, enough_seen, &f, "some are written");
    for (size_t i = 0; i < 120; i++)
        assert_int_equal(strstr(f.server.seen[i].body, "\"type\":\"Warning\"") != NULL, i < 100);
    finish(&f);
}

/* What is written is remembered, and makes room for what is not. */
static void repetitions_go_before_what_nobody_knows(void **state) {
    (void)state;
    static struct fixture f;
    static char note[1000];
    memset(note, 'n', sizeof note - 1);
    begin_well(&f, REPLY_WHOLE);
    emit_from(&f, "known", 1000, event_of("known"));
    await(&f, 1000);
    emit_from(&f, "known", 500, event_of("known"));
    assert_int_equal(recorder_pending(f.recorder), 500);
    size_t before = dropped();
    emit_from(&f, "new", 10000, event_of(note));
    size_t lost = dropped() - before;
    assert_int_equal(recorder_pending(f.recorder) + lost, 10500);
    size_t seen = f.server.seen_count;
    while (f.server.seen_count < seen + 300)
        uv_run(&f.loop, UV_RUN_ONCE);
    for (size_t i = seen; i < seen + 300; i++)
        assert_string_equal(f.server.seen[i].method, "POST");
    finish(&f);
}

static void refusals_do_not_stop_what_follows(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, {.status = 403, .body = "{\"reason\":\"Forbidden\",\"message\":\"m\"}"},
          {.status = 409, .body = "{\"reason\":\"AlreadyExists\",\"message\":\"m\"}"}, {.body = "{}"},
          {.status = 404, .body = "{\"reason\":\"NotFound\",\"details\":{\"name\":\"weir\",\"kind\":\"namespaces\"}}"},
          {.status = 201, .body = "{}"});
    struct event refused = event_of("refused");
    struct event exists = event_of("written before, the answer was lost");
    recorder_emit(f.recorder, &refused);
    await(&f, 1);
    recorder_emit(f.recorder, &exists);
    await(&f, 2);
    recorder_emit(f.recorder, &exists);
    await(&f, 3);
    assert_string_equal(f.server.seen[2].method, "PATCH");
    struct event nowhere = event_of("in a namespace that is gone");
    recorder_emit(f.recorder, &nowhere);
    await(&f, 4);
    recorder_emit(f.recorder, &nowhere); /* at once: nobody has to wait for it */
    await(&f, 5);
    assert_string_equal(f.server.seen[4].method, "POST");
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_names_what_it_is_about),
        cmocka_unit_test(a_flood_of_one_event_is_two_requests),
        cmocka_unit_test(a_burst_of_many_objects_is_written_whole),
        cmocka_unit_test(eight_are_in_flight_at_a_time),
        cmocka_unit_test(a_flood_of_one_object_is_rationed),
        cmocka_unit_test(warnings_are_kept_when_memory_ends),
        cmocka_unit_test(repetitions_go_before_what_nobody_knows),
        cmocka_unit_test(refusals_do_not_stop_what_follows),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
