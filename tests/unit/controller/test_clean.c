/* Cleaners, as the API server sees them: made after the attempt's pod, once each, whenever the operator dies; nothing
 * is let go before they have ended, and what cannot be ended is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/support_cluster.h"

/* A run of one task whose launcher is killed with all that is in its pod. */
static struct object *begin(struct cluster *c, const char *more_spec) {
    cluster_start(c);
    controller_begin(c);
    struct object *pipeline = cluster_submit(c, "chain", "a ", more_spec);
    cluster_settle(c);
    pod_turns_remote(c, cluster_pod(c, "a", 1));
    pod_starts(c, cluster_pod(c, "a", 1));
    cluster_settle(c);
    strbuf_reset(&c->transcript);
    return pipeline;
}

static const char *cleanup(const struct object *pipeline, const char *member) {
    yyjson_val *task = yyjson_arr_get_first(json_at(object_root(pipeline), "status", "tasks", NULL));
    return json_text(yyjson_obj_get(task, "cleanup"), member, "");
}

static void a_cleaner_ends_what_a_killed_launcher_left(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = begin(&c, "");
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    EXPECT(&c, "status Running: a Failed OOMKilled", "get pod a/1", "create cleaner a/1.1");
    assert_string_equal(cleanup(pipeline, "phase"), "Pending");
    assert_true(held(cluster_pod(&c, "a", 1)));
    struct object *cleaner = cluster_cleaner(&c, "a", 1);
    yyjson_val *root = object_root(cleaner);
    assert_null(json_at(root, "metadata", "ownerReferences", NULL));
    yyjson_val *main = yyjson_arr_get_first(json_at(root, "spec", "containers", NULL));
    assert_string_equal(json_text(main, "image", ""), "spark");
    assert_string_equal(yyjson_get_str(yyjson_arr_get(yyjson_obj_get(main, "command"), 1)), "stop");
    pod_starts(&c, cleaner);
    cluster_settle(&c);
    EXPECT(&c);
    pod_ends(&c, cleaner, "");
    cluster_settle(&c);
    EXPECT(&c, "status Running: a Failed OOMKilled", "done pod a/1", "release cleaner a/1.1", "delete cleaner a/1.1",
           "status Failed: a Failed OOMKilled");
    assert_string_equal(cleanup(pipeline, "phase"), "Done");
    assert_string_equal(cleanup(pipeline, "message"), "nothing is left");
    assert_true(cleaner->gone);
    cluster_finish(&c);
}

static void a_quota_is_waited_for(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = begin(&c, "");
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 1, .status = 403, .reason = "Forbidden",
                                        .message = "exceeded quota: pods"});
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    assert_non_null(strstr(cleanup(pipeline, "message"), "exceeded quota"));
    assert_null(cluster_cleaner(&c, "a", 1));
    for (int i = 0; i < 200 && cluster_cleaner(&c, "a", 1) == NULL; i++)
        cluster_run_for(&c, 50);
    cluster_settle(&c);
    kubelet_run(&c);
    assert_string_equal(cleanup(pipeline, "phase"), "Done");
    assert_int_equal(cluster_cleaners_made(&c, "a", 1), 1);
    cluster_finish(&c);
}

/* The attempt's own were taken there. */
static void a_range_that_wants_more_resources_gets_those_of_the_attempt(void **state) {
    (void)state;
    struct cluster c;
    begin(&c, "");
    store_edit(&c.api.store, cluster_pod(&c, "a", 1),
               "{\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"spark\",\"command\":[\"/weir/weir-launcher\","
               "\"run\",\"--remote\",\"yarn\",\"--tag\",\"t\"],\"resources\":{\"limits\":{\"memory\":\"4Gi\"}}}]}}");
    cluster_settle(&c);
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 1, .status = 403, .reason = "Forbidden",
                                        .message = "pods is forbidden: minimum memory usage per Container is 512Mi, "
                                                   "but request is 256Mi"});
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    assert_null(cluster_cleaner(&c, "a", 1));
    cluster_run_for(&c, 1100);
    cluster_settle(&c);
    const struct object *cleaner = cluster_cleaner(&c, "a", 1);
    assert_non_null(cleaner);
    yyjson_val *main = yyjson_arr_get_first(json_at(object_root(cleaner), "spec", "containers", NULL));
    assert_string_equal(json_text(json_at(main, "resources", "limits", NULL), "memory", ""), "4Gi");
    cluster_finish(&c);
}

/* What is known of a task that is in the spec no more is its pod. */
static void what_nothing_tells_of_is_said_at_once(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = begin(&c, "");
    controller_end(&c);
    store_delete(&c.api.store, cluster_pod(&c, "a", 1), true);
    store_edit(&c.api.store, (struct object *)(uintptr_t)pipeline,
               "{\"spec\":{\"tasks\":[{\"name\":\"b\",\"command\":{\"command\":[\"true\"]}}]}}");
    controller_begin(&c);
    for (int i = 0; i < 6; i++)
        cluster_settle(&c);
    assert_null(cluster_cleaner(&c, "a", 1));
    assert_int_equal(cluster_events(&c, "Pipeline", "CleanupFailed"), 1);
    cluster_finish(&c);
}

/* Its pod had lost its label, so that no watch tells that it is gone; then its spec does. */
static void a_pod_out_of_sight_that_is_gone_is_not_read_in_a_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = begin(&c, "");
    struct object *pod = cluster_pod(&c, "a", 1);
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 1, .status = 403, .reason = "Forbidden",
                                        .message = "exceeded quota: pods"});
    store_edit(&c.api.store, pod, "{\"metadata\":{\"labels\":{\"" LABEL_MANAGED_BY "\":null}}}");
    pod_is_killed(&c, pod);
    cluster_settle(&c); /* a look finds it */
    assert_non_null(strstr(cleanup(pipeline, "message"), "exceeded quota"));
    store_delete(&c.api.store, pod, true);
    assert_true(pod->gone);
    int64_t before = c.api.requests;
    cluster_run_for(&c, 2500);
    assert_in_range(c.api.requests - before, 1, 20);
    assert_int_not_equal(strcmp(cleanup(pipeline, "phase"), "Pending"), 0);
    cluster_finish(&c);
}

/* Somebody's tool takes its label off: no watch shows it, and its name is taken. */
static void a_cleaner_out_of_sight_is_not_asked_for_in_a_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = begin(&c, "");
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    struct object *cleaner = cluster_cleaner(&c, "a", 1);
    assert_non_null(cleaner);
    int64_t before = c.api.requests;
    store_edit(&c.api.store, cleaner, "{\"metadata\":{\"labels\":{\"" LABEL_MANAGED_BY "\":null}}}");
    cluster_run_for(&c, 2500);
    assert_in_range(c.api.requests - before, 1, 20);
    assert_non_null(strstr(cleanup(pipeline, "message"), "label"));
    cluster_finish(&c);
}

/* --- a Pipeline that is gone --- */

static void the_next_run_of_the_name_waits_for_the_cleaner(void **state) {
    (void)state;
    struct cluster c;
    struct object *former = begin(&c, "");
    store_delete(&c.api.store, former, false);
    store_collect_garbage(&c.api.store);
    cluster_settle(&c);
    const struct object *pipeline = cluster_submit(&c, "chain", "b ", "");
    cluster_settle(&c);
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    struct object *cleaner = cluster_cleaner(&c, "a", 1);
    assert_non_null(cleaner);
    expect_status(pipeline, "Pending");
    pod_starts(&c, cleaner);
    cluster_settle(&c);
    assert_true(held(cluster_pod(&c, "a", 1)));
    expect_status(pipeline, "Pending");
    pod_ends(&c, cleaner, "");
    cluster_settle(&c);
    assert_false(held(cluster_pod(&c, "a", 1)));
    assert_null(cluster_cleaner(&c, "a", 1));
    expect_status(pipeline, "Running: b Starting");
    cluster_finish(&c);
}

static void a_namespace_that_goes_holds_nobody(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = begin(&c, "");
    int before = left_count();
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 9, .status = 403, .reason = "Forbidden",
                                        .message = "unable to create new content in namespace lab because it is being "
                                                   "terminated"});
    store_delete(&c.api.store, pipeline, false);
    store_collect_garbage(&c.api.store);
    cluster_settle(&c);
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    assert_false(held(cluster_pod(&c, "a", 1)));
    assert_int_equal(c.api.faults[0].times, 8);
    assert_int_equal(cluster_events(&c, "Pipeline", "CleanupFailed"), 1);
    assert_int_equal(left_count(), before + 1);
    cluster_finish(&c);
}

static void a_gone_run_whose_cleaner_is_refused_is_not_asked_for_in_a_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = begin(&c, "");
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 1000, .status = 403, .reason = "Forbidden",
                                        .message = "exceeded quota: pods"});
    store_delete(&c.api.store, pipeline, false);
    store_collect_garbage(&c.api.store);
    cluster_settle(&c);
    pod_is_killed(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    assert_in_range(c.api.faults[0].times, 1000 - 2, 1000 - 1);
    assert_true(held(cluster_pod(&c, "a", 1)));
    cluster_finish(&c);
}

/* Its pod was drained long ago, and the next attempt that was to look after its job never came. */
static void what_no_pod_tells_of_is_counted(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = begin(&c, "");
    store_edit(&c.api.store, pipeline, "{\"spec\":{\"suspend\":true}}");
    pod_deleted_long_ago(&c, cluster_pod(&c, "a", 1), 5 * 60 * 1000, 30);
    pod_ends(&c, cluster_pod(&c, "a", 1), "RemoteUnknown");
    cluster_settle(&c);
    expect_status(pipeline, "Suspended: a Queued Suspended");
    assert_string_equal(cleanup(pipeline, "phase"), "Pending");
    assert_false(held(cluster_pod(&c, "a", 1)));
    int before = left_count();
    store_delete(&c.api.store, pipeline, false);
    cluster_settle(&c);
    assert_int_equal(left_count(), before + 1);
    cluster_finish(&c);
}

/* --- deaths --- */

static bool step(struct cluster *c) {
    struct object *pod = cluster_pod(c, "a", 1);
    const char *phase = pod != NULL ? json_text(json_at(object_root(pod), "status", NULL), "phase", "") : "";
    if (text_equal(phase, "Pending"))
        pod_turns_remote(c, pod);
    if (!text_equal(phase, "Running"))
        return kubelet_step(c);
    pod_is_killed(c, pod);
    return true;
}

static bool over(const struct cluster *c) {
    const struct object *pod = cluster_pod(c, "a", 1);
    return !c->api.cut && cluster_cleaners_made(c, "a", 1) > 0 && cluster_cleaner(c, "a", 1) == NULL &&
           (pod == NULL || !held(pod));
}

/* The operator dies after that request, and another one takes over; the Pipeline is deleted before, perhaps. */
static bool survives_death_after(int64_t request, bool deleted) {
    struct cluster c;
    cluster_start(&c);
    c.api.cut_after = request;
    struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    controller_begin(&c);
    bool died = false;
    bool gone = false;
    for (int i = 0; i < 100 && !over(&c); i++) {
        cluster_settle(&c);
        const struct object *pod = cluster_pod(&c, "a", 1);
        bool runs =
            pod != NULL && text_equal(json_text(json_at(object_root(pod), "status", NULL), "phase", ""), "Running");
        if (deleted && runs && !gone) {
            gone = true;
            store_delete(&c.api.store, pipeline, false);
            store_collect_garbage(&c.api.store);
            cluster_settle(&c);
        }
        if (c.api.cut) {
            died = true;
            controller_end(&c);
            c.api.cut = false;
            controller_begin(&c);
            cluster_settle(&c);
        }
        step(&c);
    }
    while (step(&c))
        cluster_settle(&c);
    assert_true(over(&c));
    if (!deleted)
        assert_string_equal(cleanup(pipeline, "phase"), "Done");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    assert_int_equal(cluster_pods_made(&c, "a", 2), 0);
    assert_int_equal(cluster_cleaners_made(&c, "a", 1), 1);
    assert_null(cluster_cleaner(&c, "a", 1));
    assert_true(cluster_pod(&c, "a", 1) == NULL || (!deleted && !held(cluster_pod(&c, "a", 1))));
    cluster_finish(&c);
    return died;
}

static void one_cleaner_is_made_whenever_the_operator_dies(void **state) {
    (void)state;
    int64_t request = 1;
    while (survives_death_after(request, false))
        request++;
    assert_true(request > 9);
}

static void one_cleaner_is_made_of_a_deleted_run_too(void **state) {
    (void)state;
    int64_t request = 1;
    while (survives_death_after(request, true))
        request++;
    assert_true(request > 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cleaner_ends_what_a_killed_launcher_left),
        cmocka_unit_test(a_quota_is_waited_for),
        cmocka_unit_test(a_range_that_wants_more_resources_gets_those_of_the_attempt),
        cmocka_unit_test(what_nothing_tells_of_is_said_at_once),
        cmocka_unit_test(a_pod_out_of_sight_that_is_gone_is_not_read_in_a_hot_loop),
        cmocka_unit_test(a_cleaner_out_of_sight_is_not_asked_for_in_a_hot_loop),
        cmocka_unit_test(the_next_run_of_the_name_waits_for_the_cleaner),
        cmocka_unit_test(a_namespace_that_goes_holds_nobody),
        cmocka_unit_test(a_gone_run_whose_cleaner_is_refused_is_not_asked_for_in_a_hot_loop),
        cmocka_unit_test(what_no_pod_tells_of_is_counted),
        cmocka_unit_test(one_cleaner_is_made_whenever_the_operator_dies),
        cmocka_unit_test(one_cleaner_is_made_of_a_deleted_run_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
