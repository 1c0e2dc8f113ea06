/* What ends: Pipelines that are deleted, pods whose run is gone, pods that are not seen any more. Nothing is taken for
 * gone before the API server was asked. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "controller/support_cluster.h"

/* kubectl delete: the object goes at once, and garbage collection stops its pods. */
static void pods_of_a_deleted_run_are_let_go_when_they_have_ended(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    store_delete(&c.api.store, pipeline, false);
    assert_true(pipeline->gone); /* nothing of ours holds it */
    store_collect_garbage(&c.api.store);
    cluster_settle(&c);
    EXPECT(&c); /* it was seen to go: perhaps with its CRD, and then nobody could be asked */
    struct object *pod = cluster_pod(&c, "a", 1);
    assert_true(held(pod));
    pod_ends(&c, pod, "Stopped"); /* its launcher has killed the remote side */
    cluster_settle(&c);
    EXPECT(&c, "release pod a/1");
    kubelet_step(&c);
    cluster_settle(&c);
    assert_true(pod->gone);
    EXPECT(&c);
    assert_int_equal(controller_running(c.controller), 0);
    assert_string_equal(strbuf_text(&c.gone), "uid-2\n");
    cluster_finish(&c);
}

/* Argo CD's way: the Pipeline stays until its pods are gone. */
static void foreground_deletion_works(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    store_edit(&c.api.store, pipeline, "{\"metadata\":{\"finalizers\":[\"foregroundDeletion\"]}}");
    store_delete(&c.api.store, pipeline, false);
    cluster_settle(&c);
    EXPECT(&c, "status Stopping: a Running", "delete pod a/1");
    struct object *pod = cluster_pod(&c, "a", 1);
    pod_ends(&c, pod, "Stopped");
    cluster_settle(&c);
    EXPECT(&c, "release pod a/1");
    kubelet_step(&c);
    assert_true(pod->gone);
    assert_null(cluster_pod(&c, "b", 1));
    cluster_finish(&c);
}

/* kubectl delete --cascade=orphan: nobody else will stop it. */
static void orphaned_pods_are_stopped_and_let_go(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    store_edit(&c.api.store, cluster_pod(&c, "a", 1), "{\"metadata\":{\"ownerReferences\":null}}");
    store_delete(&c.api.store, pipeline, true);
    cluster_settle(&c);
    const struct object *pod = cluster_pod(&c, "a", 1);
    kubelet_run(&c);
    assert_true(pod->gone);
    assert_non_null(strstr(strbuf_text(&c.transcript), "delete pod a/1\n"));
    cluster_finish(&c);
}

static void a_run_waits_for_the_pods_of_a_former_one_of_its_name(void **state) {
    (void)state;
    struct cluster c;
    struct object *former = cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    store_delete(&c.api.store, former, true);
    const struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    store_collect_garbage(&c.api.store);
    cluster_settle(&c);
    expect_status(pipeline, "Pending");
    const char *message = json_text(json_at(object_root(pipeline), "status", NULL), "message", "");
    assert_non_null(strstr(message, pod->name));
    assert_non_null(strstr(message, "--force"));
    kubelet_run(&c);
    assert_true(pod->gone);
    expect_status(pipeline, "Succeeded: a Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 2); /* one each run */
    cluster_finish(&c);
}

static void force_deleted_pods_of_a_former_run_count_as_ended(void **state) {
    (void)state;
    struct cluster c;
    struct object *former = cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    store_delete(&c.api.store, former, true);
    const struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    expect_status(pipeline, "Pending");
    store_edit(&c.api.store, pod, "{\"metadata\":{\"deletionGracePeriodSeconds\":0}}"); /* by force: its node is gone */
    cluster_settle(&c);
    assert_true(pod->gone);
    assert_non_null(cluster_pod(&c, "a", 1));
    cluster_finish(&c);
}

static void an_old_finalizer_is_dropped_on_sight(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    store_edit(&c.api.store, pipeline, "{\"metadata\":{\"finalizers\":[\"else/where\",\"" FINALIZER_CLEANUP "\"]}}");
    cluster_settle(&c);
    EXPECT(&c, "get pipeline", "finalizers 1");
    assert_string_equal(
        yyjson_get_str(yyjson_arr_get_first(json_at(object_root(pipeline), "metadata", "finalizers", NULL))),
        "else/where");
    cluster_finish(&c);
}

/* The cache of Pipelines is behind: the pod's run is there, as the live answer tells. */
static void pod_whose_run_is_only_not_seen_yet_is_kept(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_settle(&c);
    c.api.lagging = "pipelines";
    c.api.watch_lag_ms = 10000;
    const struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json,
                  "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"chain-a-1-x\",\"finalizers\":"
                  "[\"" FINALIZER_RESULT "\"],\"labels\":{\"" LABEL_MANAGED_BY "\":\"weir\",\"" LABEL_TASK
                  "\":\"a\",\"" LABEL_ATTEMPT "\":\"1\"},\"ownerReferences\":[{\"apiVersion\":\"" WEIR_API_VERSION
                  "\",\"kind\":\"Pipeline\",\"name\":\"chain\",\"uid\":\"%s\",\"controller\":true}]}}",
                  json_text(json_at(object_root(pipeline), "metadata", NULL), "uid", ""));
    const struct object *pod = store_add(&c.api.store, "pods", "lab", strbuf_text(&json));
    cluster_settle(&c);
    EXPECT(&c, "get pipeline", "status Running: a Starting");
    assert_true(held(pod));
    cluster_finish(&c);
}

/* No answer is no permission: while the API server cannot tell, the pod stays. */
static void orphan_stays_while_nobody_can_tell(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    api_fail(&c.api, (struct api_fault){"get", "pipelines", .times = 2, .status = 503, .reason = "ServiceUnavailable",
                                        .message = "try again"});
    controller_end(&c);
    store_delete(&c.api.store, pipeline, true);
    controller_begin(&c);
    for (int i = 0; i < 20; i++)
        cluster_settle(&c);
    EXPECT(&c, "get pipeline -> 503", "get pipeline -> 503", "get pipeline -> 404", "delete pod a/1");
    cluster_finish(&c);
}

static void lose_leadership(const struct target *target, int status, void *arg) {
    struct cluster *c = arg;
    (void)status;
    if (text_equal(target->verb, "get") && text_equal(target->plural, "pipelines"))
        controller_follow(c->controller);
    else
        assert_string_equal(target->plural, "events");
}

static void orphan_is_not_touched_when_leadership_ends_meanwhile(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    controller_end(&c);
    store_delete(&c.api.store, pipeline, true);
    c.api.seen = lose_leadership; /* fails the test on any other request */
    controller_begin(&c);
    cluster_settle(&c);
    assert_true(held(cluster_pod(&c, "a", 1)));
    cluster_finish(&c);
}

/* A proxy's 404, or an aggregator's, is no word on the Pipeline. */
static void stray_404_hides_nobody(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = cluster_begin(&c);
    static const char *const verbs[] = {"update", "get"};
    for (size_t i = 0; i < 2; i++)
        api_fail(&c.api, (struct api_fault){verbs[i], "pipelines", .times = 1, .status = 404, .reason = "NotFound",
                                            .message = "404 page not found"});
    while (kubelet_step(&c))
        for (int i = 0; i < 4; i++)
            cluster_settle(&c);
    expect_status(pipeline, "Succeeded: a Succeeded, b Succeeded");
    cluster_finish(&c);
}

/* The pod vanished by force while the operator was away: another attempt only after a live look. */
static void missing_pod_is_looked_for_before_it_counts_as_lost(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    controller_end(&c);
    store_delete(&c.api.store, cluster_pod(&c, "a", 1), true);
    controller_begin(&c);
    cluster_settle(&c);
    EXPECT(&c, "get pod that is not there -> 404", "get pipeline", "check pod a/1", "create pod a/2",
           "status Running: a Starting");
    kubelet_run(&c);
    expect_status(pipeline, "Succeeded: a Succeeded, b Succeeded");
    cluster_finish(&c);
}

static void missing_pod_is_not_asked_for_in_a_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    cluster_begin(&c);
    controller_end(&c);
    store_delete(&c.api.store, cluster_pod(&c, "a", 1), true);
    api_fail(&c.api, (struct api_fault){"get", "pods", .times = 1000, .status = 500, .reason = "InternalError",
                                        .message = "etcd leader changed"});
    controller_begin(&c);
    cluster_settle(&c);
    assert_in_range(c.api.faults[0].times, 1000 - 8, 1000 - 1); /* 5, 10, 20, … ms apart */
    assert_null(cluster_pod(&c, "a", 2));
    cluster_finish(&c);
}

/* Somebody took the label off that the watch selects by: the pod is there, but out of sight. */
static void pod_out_of_sight_is_not_asked_for_in_a_hot_loop(void **state) {
    (void)state;
    struct cluster c;
    const struct object *pipeline = cluster_begin(&c);
    int64_t before = c.api.requests;
    struct object *pod = cluster_pod(&c, "a", 1);
    store_edit(&c.api.store, pod, "{\"metadata\":{\"labels\":{\"" LABEL_MANAGED_BY "\":null}}}");
    cluster_settle(&c);
    assert_in_range(c.api.requests - before, 1, 4);
    assert_null(cluster_pod(&c, "a", 2)); /* it may still run */
    assert_non_null(strstr(strbuf_text(&c.transcript), "status Running: a Running PodHidden\n"));
    store_edit(&c.api.store, pod, "{\"metadata\":{\"labels\":{\"" LABEL_MANAGED_BY "\":\"weir\"}}}");
    kubelet_run(&c);
    expect_status(pipeline, "Succeeded: a Succeeded, b Succeeded");
    cluster_finish(&c);
}

/* While the status of a run is being written, it is deleted and another one of its name is made. */
static void replace_the_run(const struct target *target, int status, void *arg) {
    struct cluster *c = arg;
    (void)status;
    if (!text_equal(target->verb, "update"))
        return;
    c->api.seen = NULL;
    store_delete(&c->api.store, target->object, true);
    cluster_submit(c, "chain", "x ", "");
}

static void answer_about_a_former_run_does_not_hide_its_successor(void **state) {
    (void)state;
    struct cluster c;
    cluster_begin(&c);
    api_fail(&c.api, (struct api_fault){"update", "pipelines", .times = 1, .status = 404});
    c.api.seen = replace_the_run;
    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(store_find(&c.api.store, "pipelines", "lab", "chain"), "Succeeded: x Succeeded");
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_of_a_deleted_run_are_let_go_when_they_have_ended),
        cmocka_unit_test(foreground_deletion_works),
        cmocka_unit_test(orphaned_pods_are_stopped_and_let_go),
        cmocka_unit_test(a_run_waits_for_the_pods_of_a_former_one_of_its_name),
        cmocka_unit_test(force_deleted_pods_of_a_former_run_count_as_ended),
        cmocka_unit_test(an_old_finalizer_is_dropped_on_sight),
        cmocka_unit_test(stray_404_hides_nobody),
        cmocka_unit_test(pod_whose_run_is_only_not_seen_yet_is_kept),
        cmocka_unit_test(orphan_stays_while_nobody_can_tell),
        cmocka_unit_test(orphan_is_not_touched_when_leadership_ends_meanwhile),
        cmocka_unit_test(answer_about_a_former_run_does_not_hide_its_successor),
        cmocka_unit_test(missing_pod_is_looked_for_before_it_counts_as_lost),
        cmocka_unit_test(missing_pod_is_not_asked_for_in_a_hot_loop),
        cmocka_unit_test(pod_out_of_sight_is_not_asked_for_in_a_hot_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
