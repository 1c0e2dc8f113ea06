/* List and watch against a scripted server: what is asked, and what the cache holds in the end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/strbuf.h"
#include "kube/http.h"
#include "kube/support_server.h"
#include "kube/watch.h"

#define OBJECT(name, version)                                                                           \
    "{\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":\"n\",\"name\":\"" name "\",\"uid\":\"u-" name \
    "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define BOOKMARK(version) \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"ConfigMap\",\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define LIST_END(version)                                                                                    \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"ConfigMap\",\"metadata\":{\"resourceVersion\":\"" version \
    "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define FAILURE(code, reason)                                                                     \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":" #code ",\"reason\":\"" reason \
    "\",\"message\":\"m\"}}\n"
#define PAGE(version, token, items) \
    "{\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token "\"},\"items\":[" items "]}"

struct fixture {
    uv_loop_t loop;
    struct server server;
    struct kube_api *api;
    struct cache *cache;
    struct watch *watch;
    int synced, failed, recovered;
    size_t wanted_requests;
    const char *wanted_contents;
};

static void *project(yyjson_val *object, void *arg) {
    (void)arg;
    return cache_copy_object(object);
}

static void release(void *projected, void *arg) {
    (void)arg;
    yyjson_doc_free(projected);
}

static void on_synced(void *arg) {
    ((struct fixture *)arg)->synced++;
}

static void on_failed(const struct error *err, void *arg) {
    assert_true(err->text[0] != '\0');
    ((struct fixture *)arg)->failed++;
}

static void on_recovered(void *arg) {
    struct fixture *f = arg;
    f->recovered++;
    assert_true(f->recovered <= f->failed);
}

static void begin(struct fixture *f, const struct reply *replies, size_t count, struct watch_options options) {
    static const struct cache_type type = {.project = project, .free = release};
    struct kube_config *config = NULL;
    struct error err;
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    server_start(&f->server, &f->loop, replies, count);
    assert_int_equal(kube_config_plain(f->server.url, NULL, &config, &err), 0);
    assert_int_equal(kube_http_new(&f->loop, config, NULL, &f->api, &err), 0);
    f->cache = cache_new(&type);
    options.resource = &kube_configmaps;
    options.backoff_ms = 20;
    options.synced = on_synced;
    options.failed = on_failed;
    options.recovered = on_recovered;
    options.arg = f;
    f->watch = watch_new(&f->loop, f->api, f->cache, &options);
}
#define BEGIN(f, options_, ...)                          \
    static const struct reply replies[] = {__VA_ARGS__}; \
    begin((f), replies, sizeof replies / sizeof *replies, (struct watch_options)options_)
#define WITH(...) \
    { __VA_ARGS__ }

static void finish(struct fixture *f) {
    watch_free(f->watch);
    cache_free(f->cache);
    kube_http_free(f->api);
    server_stop(&f->server);
    loop_finish(&f->loop);
}

static int by_name(const void *a, const void *b) {
    const struct cache_entry *const *left = a;
    const struct cache_entry *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static bool holds(void *arg) {
    const struct fixture *f = arg;
    const struct cache_entry *entries[64];
    size_t count = 0;
    for (const struct cache_entry *e = cache_first(f->cache); e != NULL && count < 64; e = cache_next(f->cache, e))
        entries[count++] = e;
    qsort(entries, count, sizeof *entries, by_name);
    AUTO_STRBUF text = STRBUF_INIT;
    for (size_t i = 0; i < count; i++)
        strbuf_printf(&text, "%s%s@%s", i > 0 ? " " : "", entries[i]->name, entries[i]->version);
    return f->server.seen_count >= f->wanted_requests && strcmp(strbuf_text(&text), f->wanted_contents) == 0;
}

/* Until that many requests were made and the cache holds exactly "name@version …". */
static void await(struct fixture *f, size_t requests, const char *contents) {
    f->wanted_requests = requests;
    f->wanted_contents = contents;
    loop_until(&f->loop, holds, f, contents);
}

static void expect_path(const struct fixture *f, size_t index, const char *wanted) {
    char path[512];
    snprintf(path, sizeof path, "%s", f->server.seen[index].path);
    char *seconds = strstr(path, "&timeoutSeconds="); /* random */
    if (seconds != NULL) {
        size_t length = strlen("&timeoutSeconds=") + strspn(seconds + strlen("&timeoutSeconds="), "0123456789");
        memmove(seconds, seconds + length, strlen(seconds + length) + 1);
    }
    assert_string_equal(path, wanted);
}
#define ALL            "/api/v1/configmaps"
#define WATCH(version) ALL "?watch=1&allowWatchBookmarks=true&resourceVersion=" version

static void pages_then_a_watch_in_pieces(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.label_selector = "a=b", .namespace = "n"), {.body = PAGE("100", "to+ken", OBJECT("a", "1"))},
          {.body = PAGE("105", "", OBJECT("b", "2") "," OBJECT("c", "3"))},
          {.end = REPLY_OPEN,
           .piece = 1,
           .body = EVENT("ADDED", "d", "101") EVENT("MODIFIED", "a", "102") EVENT("DELETED", "b", "103")});
    await(&f, 3, "a@102 c@3 d@101");
    expect_path(&f, 0, "/api/v1/namespaces/n/configmaps?labelSelector=a%3Db&limit=50");
    expect_path(&f, 1, "/api/v1/namespaces/n/configmaps?labelSelector=a%3Db&limit=200&continue=to%2Bken");
    expect_path(
        &f, 2,
        "/api/v1/namespaces/n/configmaps?labelSelector=a%3Db&watch=1&allowWatchBookmarks=true&resourceVersion=100");
    assert_int_equal(f.synced, 1);
    assert_int_equal(f.failed, 0);
    assert_true(cache_synced(f.cache));
    finish(&f);
}

static void what_left_the_selector_comes_back(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.label_selector = "a=b"), {.body = PAGE("100", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
          {.end = REPLY_OPEN,
           .body = EVENT("DELETED", "a", "101") EVENT("DELETED", "b", "102") EVENT("ADDED", "a", "103")});
    await(&f, 2, "a@103");
    finish(&f);
}

static void a_live_404_is_outlived_by_what_the_watch_says(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 1), {.body = PAGE("100", "", OBJECT("a", "1"))},
          {.end = REPLY_STREAM, .body = EVENT("ADDED", "b", "101")},
          {.end = REPLY_CUT, .body = EVENT("MODIFIED", "a", "102")}, {.end = REPLY_SILENT});
    await(&f, 2, "a@1 b@101");
    cache_drop(f.cache, "n", "a", "u-a", NULL);
    await(&f, 4, "a@102 b@101");
    cache_drop(f.cache, "n", "a", "u-a", NULL); /* the watch is cut, and nobody knows what comes next */
    yyjson_doc *doc = yyjson_read(OBJECT("a", "103"), strlen(OBJECT("a", "103")), 0);
    assert_false(cache_put(f.cache, yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
    finish(&f);
}

static void a_cut_line_is_dropped_and_read_again(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 1), {.body = PAGE("100", "", "")},
          {.end = REPLY_CUT, .body = EVENT("ADDED", "a", "101") "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Conf"},
          {.end = REPLY_OPEN, .body = EVENT("ADDED", "b", "102")});
    await(&f, 3, "a@101 b@102");
    expect_path(&f, 2, WATCH("101"));
    assert_int_equal(f.synced, 1); /* no relist */
    finish(&f);
}

static void bookmarks_move_on_and_strangers_are_skipped(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 1), {.body = PAGE("100", "", "")},
          {.end = REPLY_STREAM,
           .body = EVENT("ADDED", "a", "101") "\n{\"type\":\"ADDED\",\"object\":{\"kind\":\"Table\"}}\n{}\n[]\n7\n"
                                              "{\"type\":\"ADDED\"}\n" EVENT("SURPRISE", "z", "900") BOOKMARK("150")},
          {.end = REPLY_OPEN});
    await(&f, 3, "a@101");
    expect_path(&f, 2, WATCH("150"));
    finish(&f);
}

static void streaming_list_and_its_watch_are_one_request(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.stream_lists = true),
          {.end = REPLY_OPEN,
           .piece = 100,
           .body = EVENT("ADDED", "a", "7") EVENT("ADDED", "b", "5") LIST_END("9") EVENT("DELETED", "a", "10")});
    await(&f, 1, "b@5");
    expect_path(&f, 0, WATCH("") "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    assert_int_equal(f.synced, 1);
    finish(&f);
}

static void an_old_server_cannot_stream_lists(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.stream_lists = true), {.end = REPLY_OPEN, .body = EVENT("ADDED", "ghost", "7") FAILURE(500, "")},
          {.body = PAGE("100", "", OBJECT("a", "1"))}, {.end = REPLY_OPEN});
    await(&f, 3, "a@1");
    expect_path(&f, 1, ALL "?limit=50");
    finish(&f);
}

/* What is served must not change while a new list is made. */
static void compacted_history_lists_again_and_serves_on(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 3), {.body = PAGE("100", "", OBJECT("a", "1") "," OBJECT("b", "2"))},
          {.end = REPLY_OPEN, .body = FAILURE(410, "Expired")}, {.body = PAGE("200", "t", OBJECT("a", "150"))},
          {.status = 410, .body = "{\"reason\":\"Expired\",\"metadata\":{\"continue\":\"do-not-use\"}}"},
          {.body = PAGE("300", "", OBJECT("a", "150") "," OBJECT("c", "250"))}, {.end = REPLY_OPEN});
    await(&f, 2, "a@1 b@2");
    await(&f, 4, "a@1 b@2"); /* half a new list is no list */
    await(&f, 6, "a@150 c@250");
    expect_path(&f, 2, ALL "?limit=50");
    expect_path(&f, 3, ALL "?limit=200&continue=t");
    expect_path(&f, 4, ALL); /* whole, and not by the token that came with the 410 */
    expect_path(&f, 5, WATCH("300"));
    assert_int_equal(f.synced, 2);
    assert_int_equal(f.failed, 2);
    assert_int_equal(f.recovered, 2);
    finish(&f);
}

static void a_busy_or_broken_server_is_asked_again(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 4), {.status = 500, .body = "{\"message\":\"m\"}"},
          {.body = PAGE("100", "", OBJECT("a", "1"))}, {.status = 429, .headers = "Retry-After: 1\r\n", .body = "{}"},
          {.end = REPLY_OPEN, .body = EVENT("ADDED", "b", "101")});
    await(&f, 4, "a@1 b@101");
    expect_path(&f, 3, WATCH("100")); /* the same version: no relist */
    assert_int_equal(f.synced, 1);
    finish(&f);
}

/* The connection is there, and nothing comes by it: a server that hangs behind a proxy. */
static void a_watch_without_a_word_is_opened_anew(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.quiet_ms = 300), {.body = PAGE("100", "", "")},
          {.end = REPLY_OPEN, .body = EVENT("ADDED", "a", "101")}, {.end = REPLY_OPEN}, {.end = REPLY_OPEN},
          {.end = REPLY_OPEN, .body = BOOKMARK("150") EVENT("ADDED", "b", "151")}, {.end = REPLY_OPEN});
    await(&f, 4, "a@101");
    assert_int_equal(f.recovered, 0);
    await(&f, 5, "a@101 b@151");
    assert_int_equal(f.failed, 3);
    assert_int_equal(f.recovered, 1);
    for (size_t i = 2; i < 5; i++)
        expect_path(&f, i, WATCH("101"));
    assert_int_equal(f.synced, 1);
    await(&f, 6, "a@101 b@151");
    expect_path(&f, 5, WATCH("151"));
    finish(&f);
}

static void watches_of_one_seed_do_not_end_together(void **state) {
    (void)state;
    char paths[2][512];
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        BEGIN(&f, WITH(.seed = 9, .stream_lists = true, .namespace = i == 0 ? "m" : "n"), {.end = REPLY_OPEN});
        await(&f, 1, "");
        snprintf(paths[i], sizeof paths[i], "%s", strstr(f.server.seen[0].path, "timeoutSeconds="));
        finish(&f);
    }
    assert_string_not_equal(paths[0], paths[1]);
}

/* The peer says nothing any more, not even the end: timeoutSeconds (1 s) and the margin later the watch is renewed. */
static void a_silent_watch_ends_at_its_deadline(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.timeout_s = 1, .margin_ms = 50), {.body = PAGE("100", "", "")},
          {.end = REPLY_OPEN, .body = EVENT("ADDED", "a", "101")}, {.end = REPLY_OPEN});
    await(&f, 3, "a@101");
    expect_path(&f, 2, WATCH("101"));
    finish(&f);
}

static void a_line_too_long_or_no_json_starts_over(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 5, .line_max = 300), {.body = PAGE("100", "", "")},
          {.end = REPLY_OPEN, .body = "{\"type\":\"ADDED\",\"object\":}\n" EVENT("ADDED", "never", "101")},
          {.body = PAGE("200", "", OBJECT("a", "1"))},
          {.end = REPLY_OPEN,
           .body = "{\"type\":\"ADDED\",\"object\":{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"long\"},\"data\":\""
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxx"},
          {.body = PAGE("300", "", OBJECT("b", "2"))}, {.end = REPLY_OPEN});
    await(&f, 4, "a@1");
    await(&f, 6, "b@2");
    finish(&f);
}

/* The transport refuses the first page; the smaller ones fit. */
static void a_page_too_large_is_asked_for_in_parts(void **state) {
    (void)state;
    struct fixture f;
    static char large[17 * 1024 * 1024];
    memset(large, ' ', sizeof large - 1);
    BEGIN(&f, WITH(.seed = 8), {.body = large}, {.body = PAGE("100", "", OBJECT("a", "1"))}, {.end = REPLY_OPEN});
    await(&f, 3, "a@1");
    expect_path(&f, 1, ALL "?limit=12");
    finish(&f);
}

static void a_relist_on_demand_mends_the_cache(void **state) {
    (void)state;
    struct fixture f;
    BEGIN(&f, WITH(.seed = 6), {.body = PAGE("100", "", OBJECT("a", "1") "," OBJECT("ghost", "2"))},
          {.end = REPLY_OPEN}, {.body = PAGE("200", "", OBJECT("a", "1"))}, {.end = REPLY_OPEN});
    await(&f, 2, "a@1 ghost@2");
    watch_relist(f.watch);
    await(&f, 4, "a@1");
    assert_int_equal(f.synced, 2);
    AUTO_STRBUF metrics = STRBUF_INIT;
    metrics_render(&metrics);
    assert_non_null(strstr(strbuf_text(&metrics), "weir_watch_missed_total{resource=\"configmaps\"}"));
    finish(&f);
}

static void it_can_be_freed_at_any_moment(void **state) {
    (void)state;
    for (size_t turns = 0; turns < 12; turns++) {
        struct fixture f;
        BEGIN(&f, WITH(.seed = 7), {.body = PAGE("100", "t", OBJECT("a", "1")), .piece = 20},
              {.body = PAGE("200", "", OBJECT("b", "1")), .piece = 20}, {.end = REPLY_OPEN, .piece = 20});
        for (size_t i = 0; i < turns * 3; i++)
            uv_run(&f.loop, UV_RUN_NOWAIT);
        finish(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_then_a_watch_in_pieces),
        cmocka_unit_test(what_left_the_selector_comes_back),
        cmocka_unit_test(a_live_404_is_outlived_by_what_the_watch_says),
        cmocka_unit_test(a_cut_line_is_dropped_and_read_again),
        cmocka_unit_test(bookmarks_move_on_and_strangers_are_skipped),
        cmocka_unit_test(streaming_list_and_its_watch_are_one_request),
        cmocka_unit_test(an_old_server_cannot_stream_lists),
        cmocka_unit_test(compacted_history_lists_again_and_serves_on),
        cmocka_unit_test(a_busy_or_broken_server_is_asked_again),
        cmocka_unit_test(a_watch_without_a_word_is_opened_anew),
        cmocka_unit_test(watches_of_one_seed_do_not_end_together),
        cmocka_unit_test(a_silent_watch_ends_at_its_deadline),
        cmocka_unit_test(a_line_too_long_or_no_json_starts_over),
        cmocka_unit_test(a_page_too_large_is_asked_for_in_parts),
        cmocka_unit_test(a_relist_on_demand_mends_the_cache),
        cmocka_unit_test(it_can_be_freed_at_any_moment),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
