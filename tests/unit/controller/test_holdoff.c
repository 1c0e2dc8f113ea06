/* What is refused is not asked for again at once, and slows nobody else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"
#include "controller/internal.h"
#include "controller/support_cluster.h"

/* Of an orphan. */
static void refused_delete_of_an_orphan_is_no_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    store_edit(&c.api.store, cluster_pod(&c, "a", 1), "{\"metadata\":{\"ownerReferences\":null}}");
    api_fail(&c.api, (struct api_fault){"delete", "pods", .times = 1000000, .status = 503,
                                        .reason = "ServiceUnavailable", .message = "try again"});
    store_delete(&c.api.store, pipeline, true);
    int64_t before = c.api.requests;
    cluster_run_for(&c, 1000);
    assert_in_range(c.api.requests - before, 1, 10); /* 50 100 200 400 ms */
    cluster_finish(&c);
}

/* The same for a release: garbage collection deleted the pod, it has ended, and the PATCH is refused. */
static void refused_release_of_an_orphan_is_no_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    api_fail(&c.api, (struct api_fault){"patch", "pods", .times = 1000000, .status = 403, .reason = "Forbidden",
                                        .message = "pods is forbidden: the RoleBinding is gone"});
    store_delete(&c.api.store, pipeline, false);
    store_collect_garbage(&c.api.store);
    pod_ends(&c, cluster_pod(&c, "a", 1), "Stopped");
    int64_t before = c.api.requests;
    cluster_run_for(&c, 1000);
    assert_in_range(c.api.requests - before, 1, 10);
    cluster_finish(&c);
}

/* The old finalizer: the same. */
static void refused_drop_of_the_old_finalizer_is_no_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    api_fail(&c.api, (struct api_fault){"patch", "pipelines", .times = 1000000, .status = 403, .reason = "Forbidden",
                                        .message = "admission webhook \"p\" denied the request"});
    int64_t before = c.api.requests;
    store_edit(&c.api.store, pipeline, "{\"metadata\":{\"finalizers\":[\"" FINALIZER_CLEANUP "\"]}}");
    cluster_run_for(&c, 1000);
    assert_in_range(c.api.requests - before, 1, 20);
    cluster_finish(&c);
}

/* The window of a small run does not count a big one whose status cannot be written. */
static void a_status_that_cannot_be_written_slows_nobody(void **state) {
    (void)state;
    struct runs runs = {.window_ms = 250};
    struct run_state *big = runs_want(&runs, "big");
    struct run_state *small = runs_want(&runs, "small");
    AUTO_ARENA arena = ARENA_INIT;
    struct run run = {0};
    big->status_bytes = 450 * 1000;
    big->write.failures = 20; /* refused for hours: the next try is in a minute */
    big->write.until = clock_boot_ms() + 60000;
    runs_due(&runs, big, true, clock_boot_ms());
    small->status_bytes = 1000;
    runs_due(&runs, small, true, clock_boot_ms());
    runs_fill(&runs, small, clock_wall_ms(), clock_boot_ms(), &arena, &run);
    int64_t window = run.window_ms;
    runs_clear(&runs);
    assert_in_range(window, 250, 600);
}

/* Told when it is let go, not in each pass that finds it late. */
static void a_late_pod_is_told_of_once(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    struct object *pipeline = cluster_submit(&c, "wide", "a b c d e f g h i j k l m n o p q r s t ", "");
    for (int i = 0; i < 20; i++)
        cluster_settle(&c);
    struct object *object;
    LL_FOREACH(c.api.store.objects, object) {
        if (text_equal(object->plural, "pods"))
            pod_starts(&c, object);
    }
    cluster_settle(&c);
    api_fail(&c.api, (struct api_fault){"patch", "pods", .times = 6, .status = 503, .reason = "ServiceUnavailable",
                                        .message = "try again"});
    store_edit(&c.api.store, pipeline, "{\"metadata\":{\"finalizers\":[\"foregroundDeletion\"]}}");
    store_delete(&c.api.store, pipeline, false);
    LL_FOREACH(c.api.store.objects, object) {
        if (text_equal(object->plural, "pods"))
            pod_deleted_long_ago(&c, object, 6 * 60 * 1000, 30);
    }
    cluster_run_for(&c, 3000);
    size_t told = 0;
    LL_FOREACH(c.api.store.objects, object) {
        yyjson_val *root = object_root(object);
        if (!text_equal(json_text(root, "reason", ""), "CleanupTimedOut"))
            continue;
        told += 1 + (size_t)json_int(json_at(root, "series", NULL), "count", 0);
    }
    assert_in_range(told, 1, 21);
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_delete_of_an_orphan_is_no_hot_loop),
        cmocka_unit_test(refused_release_of_an_orphan_is_no_hot_loop),
        cmocka_unit_test(refused_drop_of_the_old_finalizer_is_no_hot_loop),
        cmocka_unit_test(a_status_that_cannot_be_written_slows_nobody),
        cmocka_unit_test(a_late_pod_is_told_of_once),
    };
    return cmocka_run_group_tests_name("holdoff", tests, NULL, NULL);
}
