/* What a launcher that was told to stop hears of its remote side: never "leave" or "stop" before it is known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "controller/internal.h"
#include "controller/support_cluster.h"

static enum decision decide(struct cluster *c, const struct object *pod) {
    return controller_decide(c->controller, "lab", pod->name,
                             json_text(json_at(object_root(pod), "metadata", NULL), "uid", ""));
}

static void a_drained_pod_leaves_its_job(void **state) {
    (void)state;
    struct cluster c;
    cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    assert_int_equal(decide(&c, pod), DECISION_LEAVE); /* the kubelet evicts without deleting */
    store_delete(&c.api.store, pod, false);
    assert_int_equal(decide(&c, pod), DECISION_LEAVE); /* not heard of yet */
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_LEAVE);
    controller_end(&c);
    controller_begin(&c);
    assert_int_equal(decide(&c, pod), DECISION_UNKNOWN); /* nothing is listed */
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_LEAVE);
    assert_int_equal(controller_decide(c.controller, "lab", pod->name, "another"), DECISION_UNKNOWN);
    assert_int_equal(controller_decide(c.controller, "lab", "nobody", "another"), DECISION_UNKNOWN);
    cluster_finish(&c);
}

static void a_replica_that_stands_by_knows_nothing(void **state) {
    (void)state;
    struct cluster c;
    cluster_begin(&c);
    controller_follow(c.controller);
    assert_int_equal(decide(&c, cluster_pod(&c, "a", 1)), DECISION_UNKNOWN);
    cluster_finish(&c);
}

/* It is in the status before the pod is deleted, so the next operator knows it too. */
static void a_recorded_stop_outlives_the_operator(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    store_edit(&c.api.store, pipeline,
               "{\"spec\":{\"tasks\":[{\"name\":\"b\",\"command\":{\"command\":[\"true\"]}}]}}");
    cluster_settle(&c);
    assert_non_null(json_text(json_at(object_root(pod), "metadata", NULL), "deletionTimestamp", NULL));
    assert_int_equal(decide(&c, pod), DECISION_STOP);
    controller_end(&c);
    controller_begin(&c);
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_STOP);
    cluster_finish(&c);
}

static void the_pod_of_a_deleted_run_ends_its_job(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    store_edit(&c.api.store, pipeline, "{\"metadata\":{\"finalizers\":[\"foregroundDeletion\"]}}");
    store_delete(&c.api.store, pipeline, false);
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_STOP);
    store_edit(&c.api.store, pipeline, "{\"metadata\":{\"finalizers\":null}}");
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_STOP); /* gone */
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_STOP); /* and replaced */
    cluster_finish(&c);
}

/* That a run is not in the cache is no word on it: the API server is asked first. */
static void the_run_of_an_orphan_is_asked_for_first(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    controller_end(&c);
    store_delete(&c.api.store, pipeline, true);
    api_fail(&c.api, (struct api_fault){"get", "pipelines", .times = 1000, .status = 503,
                                        .reason = "ServiceUnavailable", .message = "try again"});
    controller_begin(&c);
    cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_UNKNOWN);
    c.api.faults[0].times = 0;
    for (int i = 0; i < 40 && decide(&c, pod) == DECISION_UNKNOWN; i++)
        cluster_settle(&c);
    assert_int_equal(decide(&c, pod), DECISION_STOP);
    cluster_finish(&c);
}

/* What is known of a run whose status was wiped is not known before its pods were listed. */
static void a_run_without_status_is_looked_into_first(void **state) {
    (void)state;
    struct cluster c;
    struct object *pipeline = cluster_begin(&c);
    controller_end(&c);
    store_edit(&c.api.store, pipeline, "{\"status\":null}");
    api_fail(&c.api, (struct api_fault){"list", "pods", .times = 1, .status = 0});
    controller_begin(&c);
    enum decision decision = decide(&c, cluster_pod(&c, "a", 1));
    assert_int_equal(decision, DECISION_UNKNOWN);
    for (int i = 0; i < 40 && decide(&c, cluster_pod(&c, "a", 1)) == DECISION_UNKNOWN; i++)
        cluster_settle(&c);
    assert_int_equal(decide(&c, cluster_pod(&c, "a", 1)), DECISION_LEAVE);
    cluster_finish(&c);
}

/* Whoever asks again and again is told the same for a moment: the answer costs a look at the whole run. */
static void a_word_is_good_for_a_moment(void **state) {
    (void)state;
    struct cluster c;
    cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    assert_int_equal(decide(&c, pod), DECISION_LEAVE);
    const struct scope *scope = controller_scope(c.controller, "lab");
    struct pod_object *known = cache_get(scope_cache(scope, &kube_pods), "lab", pod->name)->object;
    known->decided = DECISION_STOP; /* so it can be told where the next answer comes from */
    known->decided_at = clock_boot_ms();
    assert_int_equal(decide(&c, pod), DECISION_STOP);
    known->decided_at -= 400;
    assert_int_equal(decide(&c, pod), DECISION_LEAVE);
    store_edit(&c.api.store, pod, "{\"metadata\":{\"annotations\":{\"x\":\"y\"}}}");
    cluster_settle(&c);
    known = cache_get(scope_cache(scope, &kube_pods), "lab", pod->name)->object;
    assert_int_equal(known->decided_at, 0); /* what is known of the pod has changed */
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_good_for_a_moment),
        cmocka_unit_test(a_drained_pod_leaves_its_job),
        cmocka_unit_test(a_replica_that_stands_by_knows_nothing),
        cmocka_unit_test(a_recorded_stop_outlives_the_operator),
        cmocka_unit_test(the_pod_of_a_deleted_run_ends_its_job),
        cmocka_unit_test(the_run_of_an_orphan_is_asked_for_first),
        cmocka_unit_test(a_run_without_status_is_looked_into_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
