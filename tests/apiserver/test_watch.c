/* List and watch against a real API server: what the cache holds is what is there, by streaming list and by pages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/support_api.h"
#include "kube/cache.h"
#include "kube/watch.h"

enum { MAPS = 100, MORE = 620 };

struct fixture {
    struct api_test test;
    struct cache *cache;
    struct watch *watch;
    struct reply replies[MORE];
    int synced;
    int added, changed, deleted;
    size_t wanted;
};

static void *project(yyjson_val *object, void *arg) {
    (void)arg;
    return strdup(json_text(json_at(object, "data", NULL), "value", ""));
}

static void release(void *projected, void *arg) {
    (void)arg;
    free(projected);
}

static void on_change(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    struct fixture *f = arg;
    f->added += old == NULL;
    f->deleted += new == NULL;
    f->changed += old != NULL && new != NULL;
}

static void on_synced(void *arg) {
    ((struct fixture *)arg)->synced++;
}

static void on_failed(const struct error *err, void *arg) {
    (void)arg;
    fail_msg("%s", err->text);
}

static void begin_watch(struct fixture *f, bool stream_lists) {
    struct cache_type type = {.project = project, .free = release, .changed = on_change, .arg = f};
    f->cache = cache_new(&type);
    f->added = f->changed = f->deleted = f->synced = 0;
    struct watch_options options = {.resource = &kube_configmaps,
                                    .namespace = f->test.namespace,
                                    .label_selector = "test=yes",
                                    .stream_lists = stream_lists,
                                    .synced = on_synced,
                                    .failed = on_failed,
                                    .arg = f};
    f->watch = watch_new(&f->test.loop, f->test.api, f->cache, &options);
}

static void end_watch(struct fixture *f) {
    watch_free(f->watch);
    cache_free(f->cache);
}

static bool is_synced(void *arg) {
    return ((struct fixture *)arg)->synced > 0;
}

static bool all_answered(void *arg) {
    const struct fixture *f = arg;
    for (size_t i = 0; i < f->wanted; i++)
        if (!f->replies[i].done)
            return false;
    return true;
}

static void await_all(struct fixture *f, size_t count) {
    f->wanted = count;
    api_until(&f->test, all_answered, f, "all answers");
    for (size_t i = 0; i < count; i++) {
        if (f->replies[i].err.code != ERROR_NONE)
            fail_msg("%s", f->replies[i].err.text);
        f->replies[i].done = false;
        json_free(&f->replies[i].doc);
    }
}

static const char *map_name(size_t index) {
    static char name[32];
    snprintf(name, sizeof name, "map-%zu", index);
    return name;
}

static void create_all(struct fixture *f, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        api_create_map(&f->test, map_name(i), "new", &f->replies[i - from]);
    await_all(f, to - from);
}

static void change_all(struct fixture *f, size_t count) {
    static const char patch[] = "{\"data\":{\"value\":\"changed\"}}";
    for (size_t i = 0; i < count; i++)
        kube_patch(f->test.api, api_map(&f->test, map_name(i)), NULL, PATCH_MERGE, patch, strlen(patch), api_reply,
                   &f->replies[i]);
    await_all(f, count);
}

static void delete_all(struct fixture *f, size_t count) {
    struct kube_delete options = {.grace_s = -1};
    for (size_t i = 0; i < count; i++)
        kube_delete(f->test.api, api_map(&f->test, map_name(i)), &options, api_reply, &f->replies[i]);
    await_all(f, count);
}

static bool has_all_new(void *arg) {
    const struct fixture *f = arg;
    return cache_count(f->cache) == f->wanted;
}

static bool has_all_changed(void *arg) {
    const struct fixture *f = arg;
    for (const struct cache_entry *e = cache_first(f->cache); e != NULL; e = cache_next(f->cache, e))
        if (strcmp(e->object, "changed") != 0)
            return false;
    return cache_count(f->cache) == MAPS;
}

static void play(struct fixture *f, bool stream_lists) {
    create_all(f, 0, MAPS / 2);
    begin_watch(f, stream_lists);
    api_until(&f->test, is_synced, f, "the first list");
    assert_int_equal(cache_count(f->cache), MAPS / 2);
    create_all(f, MAPS / 2, MAPS);
    f->wanted = MAPS;
    api_until(&f->test, has_all_new, f, "all added");
    change_all(f, MAPS);
    api_until(&f->test, has_all_changed, f, "all changed");
    delete_all(f, MAPS);
    f->wanted = 0;
    api_until(&f->test, has_all_new, f, "all deleted");
    assert_int_equal(f->added, MAPS);
    assert_int_equal(f->changed, MAPS);
    assert_int_equal(f->deleted, MAPS);
    assert_int_equal(f->synced, 1);
    end_watch(f);
}

static void a_streaming_list_and_its_watch_see_everything_once(void **state) {
    play(*state, true);
}

static void a_paged_list_and_a_watch_see_everything_once(void **state) {
    play(*state, false);
}

static void more_than_a_page_comes_whole(void **state) {
    struct fixture *f = *state;
    create_all(f, 0, MORE);
    begin_watch(f, false);
    api_until(&f->test, is_synced, f, "the first list");
    assert_int_equal(cache_count(f->cache), MORE);
    f->synced = 0;
    watch_relist(f->watch);
    api_until(&f->test, is_synced, f, "the second list");
    assert_int_equal(f->added, MORE); /* the same again is no news */
    assert_int_equal(f->changed + f->deleted, 0);
    delete_all(f, MORE);
    f->wanted = 0;
    api_until(&f->test, has_all_new, f, "all deleted");
    end_watch(f);
}

/* The answer to a write is in the cache before the watch brings it, and its event is no news then. */
static void own_writes_are_read_at_once(void **state) {
    struct fixture *f = *state;
    begin_watch(f, true);
    api_until(&f->test, is_synced, f, "the first list");
    api_create_map(&f->test, "own", "1", &f->replies[0]);
    api_await(&f->test, &f->replies[0]);
    cache_put(f->cache, yyjson_doc_get_root(f->replies[0].doc));
    assert_non_null(cache_get(f->cache, f->test.namespace, "own"));
    struct kube_delete options = {.grace_s = -1};
    kube_delete(f->test.api, api_map(&f->test, "own"), &options, api_reply, &f->replies[0]);
    await_all(f, 1);
    f->wanted = 0;
    api_until(&f->test, has_all_new, f, "deleted");
    assert_int_equal(f->added, 1);
    assert_int_equal(f->changed, 0);
    end_watch(f);
}

static int open_test(void **state) {
    static struct fixture f;
    api_open(&f.test);
    *state = &f;
    return 0;
}

static int close_test(void **state) {
    struct fixture *f = *state;
    api_close(&f->test);
    return 0;
}

int main(void) {
    api_kubeconfig();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streaming_list_and_its_watch_see_everything_once),
        cmocka_unit_test(a_paged_list_and_a_watch_see_everything_once),
        cmocka_unit_test(more_than_a_page_comes_whole),
        cmocka_unit_test(own_writes_are_read_at_once),
    };
    return cmocka_run_group_tests_name("watch", tests, open_test, close_test);
}
