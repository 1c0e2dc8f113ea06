/* The cache. Objects are written as NAMESPACE/NAME UID VERSION LABEL; what the owner is told is kept as text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "kube/cache.h"

static struct strbuf told;
static int projections;
static int living;

static void *project(yyjson_val *object, void *arg) {
    (void)arg;
    const char *run = json_text(json_at(object, "metadata", "labels", NULL), "run", NULL);
    if (run != NULL && strcmp(run, "unwanted") == 0)
        return NULL;
    projections++;
    living++;
    return strdup(run != NULL ? run : "");
}

static void release(void *projected, void *arg) {
    (void)arg;
    living--;
    free(projected);
}

static const char *group(const void *projected, void *arg) {
    (void)arg;
    const char *run = projected;
    return run[0] != '\0' ? run : NULL;
}

static void changed(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    (void)arg;
    const struct cache_entry *entry = new != NULL ? new : old;
    strbuf_printf(&told, "%c%s/%s:%s@%s ",
                  old == NULL   ? '+'
                  : new == NULL ? '-'
                                : '~',
                  entry->namespace, entry->name, entry->uid, entry->version);
}

static const struct cache_type type = {.project = project, .free = release, .group = group, .changed = changed};

static void with_object(struct cache *cache, const char *text, bool stage) {
    char namespace[64] = "";
    char name[64] = "";
    char uid[64] = "";
    char version[64] = "";
    char run[64] = "";
    assert_true(sscanf(text, "%63[^/]/%63s %63s %63s %63s", namespace, name, uid, version, run) >= 4);
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json,
                  "{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\",\"resourceVersion\":\"%s\","
                  "\"labels\":{\"run\":\"%s\"}}}",
                  namespace, name, uid, version, run);
    yyjson_doc *doc = yyjson_read(strbuf_text(&json), json.length, 0);
    assert_non_null(doc);
    if (stage)
        cache_stage(cache, yyjson_doc_get_root(doc));
    else
        cache_put(cache, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

static void put(struct cache *cache, const char *text) {
    with_object(cache, text, false);
}

static void stage(struct cache *cache, const char *text) {
    with_object(cache, text, true);
}

static void expect_told(const char *wanted) {
    assert_string_equal(strbuf_text(&told), wanted);
    strbuf_reset(&told);
}

static int setup(void **state) {
    projections = living = 0;
    strbuf_reset(&told);
    *state = cache_new(&type);
    return 0;
}

static int teardown(void **state) {
    cache_free(*state);
    strbuf_fini(&told);
    return living; /* everything projected was freed */
}

static void older_and_equal_versions_are_no_news(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 9");
    put(cache, "n/a u1 10");
    put(cache, "n/a u1 9");
    put(cache, "n/a u1 10");
    expect_told("+n/a:u1@9 ~n/a:u1@10 ");
    put(cache, "n/a u1 odd"); /* not comparable: better once too often */
    expect_told("~n/a:u1@odd ");
    assert_int_equal(projections, 3);
    assert_string_equal(cache_get(cache, "n", "a")->version, "odd");
    assert_null(cache_get(cache, "n", "b"));
    assert_null(cache_get(cache, "na", ""));
}

static void another_uid_is_a_deletion_and_an_addition(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 9");
    put(cache, "n/a u2 12");
    expect_told("+n/a:u1@9 -n/a:u1@9 +n/a:u2@12 ");
    put(cache, "n/a u1 11"); /* of the one that is gone */
    put(cache, "n/a u1 13");
    expect_told("");
    assert_int_equal(cache_count(cache), 1);
}

static void the_deleted_does_not_come_back(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 9");
    assert_false(cache_drop(cache, "n", "a", "other", NULL));
    assert_true(cache_drop(cache, "n", "a", "u1", NULL));
    assert_false(cache_drop(cache, "n", "a", "u1", NULL));
    put(cache, "n/a u1 15"); /* a late answer to a write of ours */
    expect_told("+n/a:u1@9 -n/a:u1@9 ");
    cache_drop(cache, "n", "b", "u2", NULL); /* deleted before it was ever seen */
    put(cache, "n/b u2 16");
    expect_told("");
    put(cache, "n/a u3 17");
    expect_told("+n/a:u3@17 ");
}

static void what_left_the_selector_comes_back(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 9");
    assert_true(cache_drop(cache, "n", "a", "u1", "20"));
    put(cache, "n/a u1 15"); /* a late answer to a write of ours */
    put(cache, "n/a u1 20");
    put(cache, "n/a u1 odd"); /* not comparable: not admitted */
    expect_told("+n/a:u1@9 -n/a:u1@9 ");
    put(cache, "n/a u1 21");
    expect_told("+n/a:u1@21 ");
    cache_drop(cache, "n", "a", "u1", "30");
    cache_drop(cache, "n", "a", "u1", "20"); /* said late: the newer counts */
    put(cache, "n/a u1 25");
    expect_told("-n/a:u1@21 ");
    put(cache, "n/a u1 100");
    expect_told("+n/a:u1@100 ");
}

static void a_relist_brings_back_what_is_newer(void **state) {
    struct cache *cache = *state;
    cache_drop(cache, "n", "late", "u1", "60"); /* since the list was made */
    cache_drop(cache, "n", "back", "u2", "20");
    cache_drop(cache, "n", "gone", "u3", NULL);
    put(cache, "n/missed u4 9");
    strbuf_reset(&told);
    cache_begin(cache);
    stage(cache, "n/late u1 15");
    stage(cache, "n/back u2 25");
    stage(cache, "n/gone u3 25"); /* the list was made before the live request */
    assert_int_equal(cache_commit(cache, "50", false), 2);
    expect_told("+n/back:u2@25 -n/missed:u4@9 ");
    put(cache, "n/missed u4 50"); /* it had left by the time of the list */
    expect_told("");
    put(cache, "n/missed u4 51");
    expect_told("+n/missed:u4@51 ");
}

static void gone_for_good_stays_so(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 9");
    cache_drop(cache, "n", "a", "u1", NULL);
    cache_drop(cache, "n", "a", "u1", "20"); /* the event comes after the live request */
    cache_drop(cache, "n", "b", "u2", "20");
    cache_drop(cache, "n", "b", "u2", NULL);
    cache_drop(cache, "n", "c", "u3", "odd");
    strbuf_reset(&told);
    put(cache, "n/a u1 30");
    put(cache, "n/b u2 30");
    put(cache, "n/c u3 30");
    expect_told("");
}

/* A live request that was misled (a 404 of another API server that lags) must not hide the object for good. */
static void while_a_watch_lives_only_the_version_here_is_buried(void **state) {
    struct cache *cache = *state;
    cache_watched(cache, true);
    put(cache, "n/a u1 9");
    assert_true(cache_drop(cache, "n", "a", "u1", NULL));
    put(cache, "n/a u1 8"); /* late answers */
    put(cache, "n/a u1 9");
    expect_told("+n/a:u1@9 -n/a:u1@9 ");
    put(cache, "n/a u1 10");
    expect_told("+n/a:u1@10 ");
    cache_drop(cache, "n", "a", "u1", "20");
    cache_drop(cache, "n", "a", "u1", NULL); /* asked for after its DELETED event */
    put(cache, "n/a u1 20");
    expect_told("-n/a:u1@10 ");
    put(cache, "n/a u1 21");
    expect_told("+n/a:u1@21 ");
    assert_false(cache_drop(cache, "n", "b", "u2", NULL)); /* the watch is behind */
    put(cache, "n/b u2 30");
    expect_told("+n/b:u2@30 ");
    cache_watched(cache, false);
    cache_drop(cache, "n", "a", "u1", NULL);
    put(cache, "n/a u1 31");
    expect_told("-n/a:u1@21 ");
}

static void an_object_can_become_unwanted_and_wanted_again(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 9");
    put(cache, "n/a u1 10 unwanted");
    expect_told("+n/a:u1@9 -n/a:u1@9 ");
    assert_int_equal(cache_count(cache), 0);
    put(cache, "n/a u1 9");
    expect_told("");
    put(cache, "n/a u1 11");
    expect_told("+n/a:u1@11 ");
}

static void a_relist_replaces_at_once(void **state) {
    struct cache *cache = *state;
    assert_false(cache_synced(cache));
    put(cache, "n/kept u1 5");
    put(cache, "n/changed u2 6");
    put(cache, "n/missing u3 7");
    put(cache, "n/again u4 8");
    put(cache, "n/ours u5 60"); /* written after the list was made */
    strbuf_reset(&told);
    projections = 0;
    cache_begin(cache);
    stage(cache, "n/kept u1 5");
    stage(cache, "n/changed u2 20");
    stage(cache, "n/again u9 30");
    stage(cache, "n/new u6 40");
    stage(cache, "n/streamed u7 41");
    cache_unstage(cache, "n", "streamed");
    assert_int_equal(projections, 4);                                 /* what is equal is not projected again */
    put(cache, "n/changed u2 55");                                    /* meanwhile, ours too */
    assert_string_equal(cache_get(cache, "n", "missing")->uid, "u3"); /* served until the end */
    expect_told("~n/changed:u2@55 ");
    assert_int_equal(cache_commit(cache, "50", false), 3); /* replaced, new and missing */
    assert_true(cache_synced(cache));
    expect_told("-n/again:u4@8 +n/again:u9@30 +n/new:u6@40 -n/missing:u3@7 ");
    assert_int_equal(cache_count(cache), 5);
}

static bool listed(struct cache *cache, const char *name) {
    return cache_get(cache, "n", name)->listed;
}

static void the_newborn_are_told_from_what_was_there(void **state) {
    struct cache *cache = *state;
    put(cache, "n/ours u1 5"); /* the answer to a create, before the first list */
    cache_begin(cache);
    stage(cache, "n/ours u1 6");
    stage(cache, "n/old u2 6");
    stage(cache, "n/again u3 6");
    cache_commit(cache, "10", false);
    put(cache, "n/born u4 11");
    put(cache, "n/old u2 12");
    put(cache, "n/again u5 13"); /* of the same name, but another */
    assert_false(listed(cache, "ours"));
    assert_true(listed(cache, "old"));
    assert_false(listed(cache, "born"));
    assert_false(listed(cache, "again"));
    cache_begin(cache);
    stage(cache, "n/ours u1 6");
    stage(cache, "n/old u2 12");
    stage(cache, "n/born u4 14");
    stage(cache, "n/again u6 15");
    cache_commit(cache, "20", false);
    assert_false(listed(cache, "ours"));
    assert_true(listed(cache, "old"));
    assert_false(listed(cache, "born"));
    assert_true(listed(cache, "again")); /* the watch had missed its birth */
}

static void an_aborted_relist_changes_nothing(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 5");
    strbuf_reset(&told);
    cache_begin(cache);
    stage(cache, "n/b u2 6");
    cache_abort(cache);
    stage(cache, "n/c u3 7"); /* outside of any */
    cache_commit(cache, "9", false);
    expect_told("");
    assert_false(cache_synced(cache));
    cache_begin(cache);
    stage(cache, "n/b u2 6");
    cache_begin(cache); /* starts over */
    stage(cache, "n/a u1 5");
    assert_int_equal(cache_commit(cache, "9", false), 0);
    expect_told("");
}

static void after_a_restore_only_the_list_counts(void **state) {
    struct cache *cache = *state;
    put(cache, "n/lost u1 90");
    put(cache, "n/older u2 95");
    put(cache, "n/back u3 50");
    cache_drop(cache, "n", "back", "u3", NULL);
    strbuf_reset(&told);
    cache_begin(cache);
    stage(cache, "n/older u2 40");
    stage(cache, "n/back u3 50");
    cache_commit(cache, "60", true);
    expect_told("~n/older:u2@40 +n/back:u3@50 -n/lost:u1@90 ");
}

/* As is recommended, so that watches notice: all versions lie past those that were seen. */
static void after_a_restore_with_higher_versions_only_the_list_counts(void **state) {
    struct cache *cache = *state;
    put(cache, "n/lost u1 90");
    put(cache, "n/older u2 95");
    strbuf_reset(&told);
    cache_begin(cache);
    stage(cache, "n/older u2 40");
    cache_commit(cache, "1000000060", false);
    expect_told("~n/older:u2@40 -n/lost:u1@90 ");
}

static void what_is_listed_from_before_it_went_is_believed(void **state) {
    struct cache *cache = *state;
    put(cache, "n/back u3 50");
    put(cache, "n/other u4 20");
    cache_drop(cache, "n", "back", "u3", "55");
    cache_drop(cache, "n", "other", "u4", NULL); /* for good, as far as we knew */
    strbuf_reset(&told);
    cache_begin(cache);
    stage(cache, "n/back u3 50");
    cache_commit(cache, "54", false); /* the list is from then: no proof */
    expect_told("");
    cache_begin(cache);
    stage(cache, "n/back u3 50");
    stage(cache, "n/other u4 20");
    cache_commit(cache, "1000000060", false);
    expect_told("+n/back:u3@50 +n/other:u4@20 ");
}

static void groups_follow_their_objects(void **state) {
    struct cache *cache = *state;
    put(cache, "n/a u1 1 red");
    put(cache, "n/b u2 2 red");
    put(cache, "n/c u3 3 blue");
    put(cache, "n/d u4 4");
    const struct cache_entry *entry = cache_group_first(cache, "red");
    assert_string_equal(entry->name, "a");
    entry = cache_group_next(cache, entry);
    assert_string_equal(entry->name, "b");
    assert_null(cache_group_next(cache, entry));
    put(cache, "n/a u1 5 blue");
    assert_string_equal(cache_group_first(cache, "red")->name, "b");
    cache_drop(cache, "n", "b", NULL, NULL);
    assert_null(cache_group_first(cache, "red"));
    size_t count = 0;
    for (entry = cache_first(cache); entry != NULL; entry = cache_next(cache, entry))
        count++;
    assert_int_equal(count, 3);
}

static void malformed_objects_are_ignored(void **state) {
    struct cache *cache = *state;
    static const char *const texts[] = {
        "{}", "[]", "7", "{\"metadata\":null}", "{\"metadata\":{\"name\":\"\"}}", "{\"metadata\":{\"name\":{}}}"};
    cache_begin(cache);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        yyjson_doc *doc = yyjson_read(texts[i], strlen(texts[i]), 0);
        assert_false(cache_put(cache, yyjson_doc_get_root(doc)));
        cache_stage(cache, yyjson_doc_get_root(doc));
        yyjson_doc_free(doc);
    }
    cache_commit(cache, "1", false);
    assert_int_equal(cache_count(cache), 0);
}

static void a_copy_leaves_managed_fields_out(void **state) {
    (void)state;
    static const char text[] =
        "{\"metadata\":{\"name\":\"a\",\"managedFields\":[{\"f\":1}],\"uid\":\"u\"},\"spec\":{\"x\":[1]}}";
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    yyjson_doc *copy = cache_copy_object(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    char *written = yyjson_write(copy, 0, NULL);
    assert_string_equal(written, "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"x\":[1]}}");
    free(written);
    yyjson_doc_free(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(older_and_equal_versions_are_no_news),
        TEST(another_uid_is_a_deletion_and_an_addition),
        TEST(the_deleted_does_not_come_back),
        TEST(what_left_the_selector_comes_back),
        TEST(a_relist_brings_back_what_is_newer),
        TEST(gone_for_good_stays_so),
        TEST(while_a_watch_lives_only_the_version_here_is_buried),
        TEST(an_object_can_become_unwanted_and_wanted_again),
        TEST(a_relist_replaces_at_once),
        TEST(the_newborn_are_told_from_what_was_there),
        TEST(an_aborted_relist_changes_nothing),
        TEST(after_a_restore_only_the_list_counts),
        TEST(after_a_restore_with_higher_versions_only_the_list_counts),
        TEST(what_is_listed_from_before_it_went_is_believed),
        TEST(groups_follow_their_objects),
        TEST(malformed_objects_are_ignored),
        TEST(a_copy_leaves_managed_fields_out),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
