/* The creation of a pod when it does not go well: answers that are lost, names that are taken, pods that are refused.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "controller/support_cluster.h"

enum { NAME_ROOM = 64 };

static void begin(struct cluster *c) {
    cluster_start(c);
    controller_begin(c);
    cluster_settle(c);
}

static void created_pod_whose_answer_is_lost_is_adopted(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    c.api.lagging = "pods"; /* nothing but the live look tells of it */
    c.api.watch_lag_ms = 10000;
    api_fail(&c.api, (struct api_fault){.verb = "create", .plural = "pods", .times = 1, .done = true});
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    EXPECT(&c, "finalizers 1", "create pod a/1", "status Running: a Starting", "get pod a/1");
    assert_int_equal(controller_running(c.controller), 1);
    cluster_finish(&c);
}

static void creation_that_was_lost_on_its_way_is_made_again_under_the_same_name(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api, (struct api_fault){.verb = "create", .plural = "pods", .times = 1});
    const struct object *chain = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    EXPECT(&c, "finalizers 1", "create pod a/1", "status Running: a Starting", "get pod that is not there -> 404",
           "create pod a/1");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    while (kubelet_step(&c))
        cluster_settle(&c);
    expect_status(chain, "Succeeded: a Succeeded");
    cluster_finish(&c);
}

/* The name that the pod will have, learned in another cluster: it depends on the UID of the run, and each store gives
 * the first one the same. */
static const char *name_of_first_pod(char name[NAME_ROOM]) {
    struct cluster c;
    begin(&c);
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    snprintf(name, NAME_ROOM, "%s", cluster_pod(&c, "a", 1)->name);
    cluster_finish(&c);
    return name;
}

static void name_taken_by(const char *metadata) {
    char name[NAME_ROOM];
    name_of_first_pod(name);
    struct cluster c;
    begin(&c);
    const struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\"%s}}", name, metadata);
    const struct object *foreign = store_add(&c.api.store, "pods", "lab", strbuf_text(&json));
    yyjson_doc *before = foreign->doc;
    cluster_settle(&c);
    expect_status(chain, "Failed: a Failed NameCollision, b Omitted DependencyFailed");
    assert_false(foreign->gone);
    assert_ptr_equal(foreign->doc, before); /* not a byte of it was changed */
    cluster_finish(&c);
}

static void foreign_pod_of_that_name_is_a_collision_and_left_alone(void **state) {
    (void)state;
    name_taken_by("");
    name_taken_by(",\"labels\":{\"" LABEL_TASK "\":\"a\"}"); /* a label makes it no pod of ours */
    name_taken_by(",\"labels\":{\"" LABEL_TASK "\":\"a\"},\"ownerReferences\":[{\"apiVersion\":\"batch/v1\",\"kind\":"
                  "\"Job\",\"name\":\"chain\",\"uid\":\"another\",\"controller\":true}]");
}

static void refused_by(int code, const char *reason, const char *message) {
    struct cluster c;
    begin(&c);
    api_fail(&c.api,
             (struct api_fault){"create", "pods", .times = 1, .status = code, .reason = reason, .message = message});
    struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    expect_status(chain, "Failed: a Failed PodRefused, b Omitted DependencyFailed");
    yyjson_val *task = yyjson_arr_get_first(json_at(object_root(chain), "status", "tasks", NULL));
    assert_string_equal(json_text(task, "message", ""), message);
    assert_int_equal(cluster_pods_made(&c, "a", 1), 0);
    assert_null(strstr(strbuf_text(&c.transcript), "create pod b"));
    cluster_finish(&c);
}

static void pod_that_admission_refuses_fails_the_task(void **state) {
    (void)state;
    refused_by(422, "Invalid", "Pod \"chain-a-1\" is invalid: spec.containers[0].image: Required value");
    refused_by(403, "Forbidden",
               "pods \"chain-a-1\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot");
    refused_by(403, "Forbidden", "admission webhook \"policy.example\" denied the request: no latest tags");
}

static void refused_for_now_by(int code, const char *reason, const char *message) {
    struct cluster c;
    begin(&c);
    api_fail(&c.api,
             (struct api_fault){"create", "pods", .times = 3, .status = code, .reason = reason, .message = message});
    const struct object *chain = cluster_submit(&c, "chain", "a ", "");
    for (int i = 0; i < 20 && cluster_pod(&c, "a", 1) == NULL; i++)
        cluster_settle(&c);
    while (kubelet_step(&c))
        cluster_settle(&c);
    expect_status(chain, "Succeeded: a Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    cluster_finish(&c);
}

static void what_may_go_better_later_is_tried_again(void **state) {
    (void)state;
    refused_for_now_by(403, "Forbidden", "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=9");
    refused_for_now_by(403, "Forbidden", "pods is forbidden: User \"weir\" cannot create resource \"pods\"");
    refused_for_now_by(500, "InternalError", "failed calling webhook \"policy.example\": connection refused");
}

static void namespace_that_ends_is_not_fought(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 1000, .status = 403, .reason = "Forbidden",
                                        .message = "unable to create new content in namespace lab because it is being "
                                                   "terminated"});
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    assert_true(c.api.faults[0].times >= 997);
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_pod_whose_answer_is_lost_is_adopted),
        cmocka_unit_test(creation_that_was_lost_on_its_way_is_made_again_under_the_same_name),
        cmocka_unit_test(foreign_pod_of_that_name_is_a_collision_and_left_alone),
        cmocka_unit_test(pod_that_admission_refuses_fails_the_task),
        cmocka_unit_test(what_may_go_better_later_is_tried_again),
        cmocka_unit_test(namespace_that_ends_is_not_fought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
