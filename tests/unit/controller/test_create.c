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
    EXPECT(&c, "check pod a/1", "create pod a/1", "get pod a/1", "status Running: a Starting");
    assert_int_equal(controller_running(c.controller), 1);
    cluster_finish(&c);
}

static void settle_until_made(struct cluster *c) {
    for (int i = 0; i < 60 && cluster_pod(c, "a", 1) == NULL; i++)
        cluster_settle(c);
}

static void creation_that_was_lost_on_its_way_is_made_again_under_the_same_name(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api, (struct api_fault){.verb = "create", .plural = "pods", .times = 1});
    const struct object *chain = cluster_submit(&c, "chain", "a ", "");
    settle_until_made(&c);
    assert_non_null(strstr(strbuf_text(&c.transcript), "create pod a/1\nget pod that is not there -> 404\n"));
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    kubelet_run(&c);
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

static const char *message_of(const struct object *pipeline) {
    yyjson_val *task = yyjson_arr_get_first(json_at(object_root(pipeline), "status", "tasks", NULL));
    return json_text(task, "message", "");
}

/* Whatever admission says, and with whatever code, may change: the task waits with the server's words. */
static void waits_when_refused_by(int code, const char *reason, const char *message, const char *wanted) {
    struct cluster c;
    begin(&c);
    api_fail(&c.api,
             (struct api_fault){"create", "pods", .times = 1, .status = code, .reason = reason, .message = message});
    const struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    expect_status(chain, wanted);
    assert_string_equal(message_of(chain), message);
    assert_string_equal(json_text(json_at(object_root(chain), "status", NULL), "message", "") + strlen("a: "), message);
    settle_until_made(&c);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    cluster_finish(&c);
}

static void what_may_go_better_later_waits_and_says_for_what(void **state) {
    (void)state;
    const char *failed = "Pending: a Queued CreateFailed";
    waits_when_refused_by(403, "Forbidden",
                          "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=9",
                          "Pending: a Queued QuotaExceeded");
    waits_when_refused_by(403, "Forbidden", "pods is forbidden: User \"weir\" cannot create resource \"pods\"", failed);
    waits_when_refused_by(403, "Forbidden",
                          "pods \"a\" is forbidden: error looking up service account lab/sprak: not found", failed);
    waits_when_refused_by(403, "Forbidden", "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\"",
                          failed);
    waits_when_refused_by(403, "Forbidden", "admission webhook \"policy.example\" denied the request: no latest",
                          failed);
    waits_when_refused_by(422, "Invalid", "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", failed);
    waits_when_refused_by(400, "BadRequest", "admission webhook \"policy.example\" denied the request: no", failed);
}

static size_t count_of(const struct cluster *c, const char *line) {
    size_t count = 0;
    for (const char *at = strstr(strbuf_text(&c->transcript), line); at != NULL; at = strstr(at + 1, line))
        count++;
    return count;
}

/* Events of all sorts wake the run; none of them makes it ask sooner. */
static void events_do_not_reset_the_back_off(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 10000, .status = 403, .reason = "Forbidden",
                                        .message = "pods is forbidden: exceeded quota: q"});
    struct object *wide = cluster_submit(&c, "wide", "a b c d e f g h i j k l m n o p q r s t ", "");
    for (int i = 0; i < 50; i++) {
        char patch[64];
        snprintf(patch, sizeof patch, "{\"metadata\":{\"annotations\":{\"n\":\"%d\"}}}", i);
        store_edit(&c.api.store, wide, patch);
        cluster_settle(&c);
    }
    assert_in_range(count_of(&c, "create pod"), 1, 25); /* not one for each task and event: 1000 */
    assert_true(count_of(&c, "QuotaExceeded\n") + count_of(&c, "QuotaExceeded,") >= 1);
    cluster_finish(&c);
}

/* A task that is refused stands in nobody's way. */
static void the_others_go_on(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api, (struct api_fault){"create", "pods", .times = 1, .status = 403, .reason = "Forbidden",
                                        .message = "pods is forbidden: exceeded quota: q"});
    const struct object *pair = cluster_submit(&c, "pair", "a b ", "\"parallelism\":1,");
    for (int i = 0; i < 20 && cluster_pod(&c, "b", 1) == NULL; i++)
        cluster_settle(&c);
    assert_null(cluster_pod(&c, "a", 1));
    expect_status(pair, "Running: a Queued QuotaExceeded, b Starting");
    cluster_finish(&c);
}

static const char *stalled_by(const struct object *pipeline) {
    size_t i, count;
    yyjson_val *condition;
    yyjson_arr_foreach(json_at(object_root(pipeline), "status", "conditions", NULL), i, count, condition) {
        if (strcmp(json_text(condition, "type", ""), "Stalled") == 0 &&
            strcmp(json_text(condition, "status", ""), "True") == 0)
            return json_text(condition, "message", "");
    }
    return "";
}

/* The names of tasks are in the server's words too. */
static void names_of_tasks_decide_nothing(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api,
             (struct api_fault){"create", "pods", .times = 1, .status = 422, .reason = "Invalid",
                                .message = "Pod \"denied-webhook-1\" is invalid: metadata.annotations: Invalid"});
    struct object *chain = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    assert_string_equal(stalled_by(chain), "spec.tasks[0] (a): the API server does not take its pod: Pod "
                                           "\"denied-webhook-1\" is invalid: metadata.annotations: Invalid");
    cluster_finish(&c);
}

/* Found before the first pod, though it is the last task's. */
static void invalid_pod_stalls_the_run_before_anything_starts(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    api_fail(&c.api, (struct api_fault){"check", "pods", .times = 1, .status = 422, .reason = "Invalid",
                                        .message = "Pod \"chain-a-1\" is invalid: spec.volumes[0]: Required value"});
    struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    expect_status(chain, "Pending");
    assert_non_null(strstr(stalled_by(chain), "spec.volumes[0]: Required value"));
    assert_null(cluster_pod(&c, "a", 1));
    store_edit(&c.api.store, chain, "{\"spec\":{\"parallelism\":3}}"); /* an edit: looked at anew */
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    cluster_finish(&c);
}

static void each_shape_is_checked_once(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    cluster_submit(&c, "one", "a ba", "");
    cluster_submit(&c, "two", "a ba", "");
    cluster_settle(&c);
    cluster_submit(&c, "three", "a ", "");
    cluster_settle(&c);
    assert_int_equal(count_of(&c, "check pod"), 1);
    cluster_finish(&c);
}

static void checks_that_cannot_be_answered_stop_nobody(void **state) {
    (void)state;
    static const char *const words[] = {"admission webhook \"w\" does not support dry run", "etcd leader changed",
                                        "pods is forbidden: exceeded quota: q"};
    static const int codes[] = {400, 500, 403};
    for (size_t i = 0; i < 3; i++) {
        struct cluster c;
        begin(&c);
        api_fail(&c.api, (struct api_fault){"check", "pods", .times = 1, .status = codes[i], .reason = "BadRequest",
                                            .message = words[i]});
        cluster_submit(&c, "chain", "a ", "");
        cluster_settle(&c);
        assert_non_null(cluster_pod(&c, "a", 1));
        cluster_finish(&c);
    }
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
    assert_in_range(c.api.faults[0].times, 997, 999);
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_pod_whose_answer_is_lost_is_adopted),
        cmocka_unit_test(creation_that_was_lost_on_its_way_is_made_again_under_the_same_name),
        cmocka_unit_test(foreign_pod_of_that_name_is_a_collision_and_left_alone),
        cmocka_unit_test(what_may_go_better_later_waits_and_says_for_what),
        cmocka_unit_test(events_do_not_reset_the_back_off),
        cmocka_unit_test(the_others_go_on),
        cmocka_unit_test(names_of_tasks_decide_nothing),
        cmocka_unit_test(invalid_pod_stalls_the_run_before_anything_starts),
        cmocka_unit_test(each_shape_is_checked_once),
        cmocka_unit_test(checks_that_cannot_be_answered_stop_nobody),
        cmocka_unit_test(namespace_that_ends_is_not_fought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
