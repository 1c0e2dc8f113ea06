/* What launchers report: who is heard, what their words change, and that a report outlives new versions of its pod. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/support_cluster.h"

static int report(struct cluster *c, const char *pod, const char *uid, int64_t seq, const char *url) {
    struct record record = RECORD_INIT;
    record.seq = seq;
    record.phase = "Running";
    record.tracking_url = url;
    AUTO_STRBUF body = STRBUF_INIT;
    record_encode(&record, RECORD_MAX, &body);
    return controller_report(c->controller, "lab", pod, uid, &record, body.data, body.length);
}

static const char *tracking_url(const struct object *pipeline) {
    yyjson_val *task = yyjson_arr_get_first(json_at(object_root(pipeline), "status", "tasks", NULL));
    return json_text(task, "trackingURL", "");
}

static void launchers_are_told_where_they_stand(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    assert_int_equal(report(&c, "chain-a-1", "uid-2", 1, ""), 503); /* nothing is listed yet */
    AUTO_STRBUF reasons = STRBUF_INIT;
    assert_false(controller_ready(c.controller, &reasons));
    assert_string_equal(strbuf_text(&reasons), "all namespaces: not listed yet\n");
    cluster_submit(&c, "chain", "a ", "");
    const struct object *stray =
        store_add(&c.api.store, "pods", "lab",
                  "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"stray\",\"labels\":"
                  "{\"" LABEL_MANAGED_BY "\":\"weir\"}}}");
    const char *stray_uid = json_text(json_at(object_root(stray), "metadata", NULL), "uid", "");
    cluster_settle(&c);
    const struct object *pod = cluster_pod(&c, "a", 1);
    assert_int_equal(report(&c, pod->name, "uid-3", 1, ""), 200);
    assert_int_equal(report(&c, pod->name, "uid-99", 2, ""), 409);
    assert_int_equal(report(&c, "chain-z-1", "uid-3", 1, ""), 403);
    assert_int_equal(report(&c, "stray", stray_uid, 1, ""), 403); /* labelled as ours, but no Pipeline owns it */
    assert_false(controller_knows_pod(c.controller, "lab", "stray", stray_uid));
    cluster_finish(&c);
}

static void a_pod_is_known_from_its_listing_to_its_end(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    assert_true(controller_knows_pod(c.controller, "lab", "chain-a-1", "uid-2")); /* who can tell: not listed yet */
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    const char *uid = json_text(json_at(object_root(pod), "metadata", NULL), "uid", "");
    pod_starts(&c, pod);
    cluster_settle(&c);
    assert_true(controller_knows_pod(c.controller, "lab", pod->name, uid));
    assert_false(controller_knows_pod(c.controller, "lab", pod->name, "uid-99"));
    assert_false(controller_knows_pod(c.controller, "lab", "chain-z-1", uid));
    assert_false(controller_knows_pod(c.controller, "elsewhere", pod->name, uid));
    controller_follow(c.controller); /* so that nobody lets the pod go */
    pod_ends(&c, pod, "");
    cluster_settle(&c);
    assert_false(controller_knows_pod(c.controller, "lab", pod->name, uid));
    cluster_finish(&c);
}

static void report_reaches_the_status_and_an_old_one_does_not(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    const struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    pod_starts(&c, pod);
    cluster_settle(&c);
    assert_int_equal(report(&c, pod->name, "uid-2", 5, "http://rm:8088/proxy/1/"), 200);
    cluster_settle(&c);
    assert_string_equal(tracking_url(pipeline), "http://rm:8088/proxy/1/");
    strbuf_reset(&c.transcript);
    assert_int_equal(report(&c, pod->name, "uid-2", 5, "http://rm:8088/proxy/1/"), 200); /* repeated */
    assert_int_equal(report(&c, pod->name, "uid-2", 4, "http://rm:8088/proxy/0/"), 200); /* late */
    cluster_settle(&c);
    EXPECT(&c);
    store_edit(&c.api.store, pod, "{\"metadata\":{\"annotations\":{\"seen\":\"1\"}}}");
    pod_ends(&c, pod, ""); /* its final record does not name the URL again */
    cluster_settle(&c);
    expect_status(pipeline, "Succeeded: a Succeeded");
    assert_string_equal(tracking_url(pipeline), "http://rm:8088/proxy/1/");
    assert_int_equal(report(&c, "chain-a-1", "uid-2", 6, ""), 403);
    cluster_finish(&c);
}

/* In the pass that first sees the loss, so that nothing of it is recorded yet. */
static void the_next_attempt_is_told_what_the_lost_one_ran(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_submit_json(&c, "{\"tasks\":[{\"name\":\"a\",\"image\":\"i\",\"sparkSubmit\":{\"application\":\"x\","
                            "\"master\":\"yarn\",\"deployMode\":\"cluster\"}}]}");
    cluster_settle(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    pod_starts(&c, pod);
    cluster_settle(&c);
    struct record record = {
        .seq = 1, .phase = "Running", .application_ids = {"application_1_1", "application_1_2"}, .percent = -1};
    record.application_count = 2;
    record.application_id = record.application_ids[1];
    AUTO_STRBUF body = STRBUF_INIT;
    record_encode(&record, RECORD_MAX, &body);
    const char *uid = json_text(json_at(object_root(pod), "metadata", NULL), "uid", "");
    assert_int_equal(controller_report(c.controller, "lab", pod->name, uid, &record, body.data, body.length), 200);
    pod_ends(&c, pod, "Stopped");
    cluster_settle(&c);
    const struct object *next = cluster_pod(&c, "a", 2);
    assert_non_null(next);
    AUTO_ARENA arena = ARENA_INIT;
    const char *text = json_write_value(object_root(next), &arena, NULL);
    assert_non_null(strstr(text, "\"--earlier\",\"application_1_2\",\"--earlier\",\"application_1_1\","
                                 "\"--leftover\",\"adopt\""));
    cluster_finish(&c);
}

static void only_watched_namespaces_are_heard(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    const char *names[] = {"lab", "team"};
    c.namespaces = (struct strings){.items = names, .count = 2};
    controller_begin(&c);
    const struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    store_add(&c.api.store, "pipelines", "elsewhere",
              "{\"apiVersion\":\"" WEIR_API_VERSION "\",\"kind\":\"Pipeline\",\"metadata\":{\"name\":\"other\"},"
              "\"spec\":{\"tasks\":[{\"name\":\"x\",\"image\":\"busybox\",\"command\":{\"command\":[\"true\"]}}]}}");
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(pipeline, "Succeeded: a Succeeded");
    assert_int_equal(cluster_pods_made(&c, "x", 1), 0);
    struct record record = RECORD_INIT;
    assert_int_equal(controller_report(c.controller, "elsewhere", "p", "u", &record, "{}", 2), 403);
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launchers_are_told_where_they_stand),
        cmocka_unit_test(a_pod_is_known_from_its_listing_to_its_end),
        cmocka_unit_test(report_reaches_the_status_and_an_old_one_does_not),
        cmocka_unit_test(the_next_attempt_is_told_what_the_lost_one_ran),
        cmocka_unit_test(only_watched_namespaces_are_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
