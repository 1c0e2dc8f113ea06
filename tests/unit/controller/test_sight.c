/* Pods that are not seen, or not yet, or still: none is doubled, and none is believed gone too soon. */

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

/* Its grace is 20 minutes, or its node does not answer: it is let go after a while, and still awaited. */
static void a_former_pod_that_still_runs_holds_the_new_run(void **state) {
    (void)state;
    struct cluster c;
    struct object *former = cluster_begin(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    pod_deleted_long_ago(&c, pod, 6 * 60 * 1000, 20 * 60); /* 14 minutes of its grace are left */
    cluster_settle(&c);
    store_delete(&c.api.store, former, true);
    const struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    assert_false(pod->gone); /* and its container runs */
    assert_string_equal(json_text(json_at(object_root(pod), "status", NULL), "phase", ""), "Running");
    expect_status(pipeline, "Pending");
    cluster_finish(&c);
}

/* A name of 63 characters, and a cache of Pipelines that is behind. */
static void a_pod_of_a_long_named_run_is_kept_too(void **state) {
    (void)state;
    static const char name[] = "c23456789-123456789-123456789-123456789-123456789-123456789-123";
    struct cluster c;
    assert_int_equal(strlen(name), 63);
    cluster_start(&c);
    controller_begin(&c);
    cluster_settle(&c);
    c.api.lagging = "pipelines";
    c.api.watch_lag_ms = 10000;
    const struct object *pipeline = cluster_submit(&c, name, "a ", "");
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json,
                  "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"chain-a-1-x\",\"finalizers\":"
                  "[\"" FINALIZER_RESULT "\"],\"labels\":{\"" LABEL_MANAGED_BY "\":\"weir\",\"" LABEL_PIPELINE
                  "\":\"%s\",\"" LABEL_TASK "\":\"a\",\"" LABEL_ATTEMPT
                  "\":\"1\"},\"ownerReferences\":[{\"apiVersion\":\"" WEIR_API_VERSION
                  "\",\"kind\":\"Pipeline\",\"name\":\"%s\",\"uid\":\"%s\",\"controller\":true}]}}",
                  name, name, json_text(json_at(object_root(pipeline), "metadata", NULL), "uid", ""));
    const struct object *pod = store_add(&c.api.store, "pods", "lab", strbuf_text(&json));
    cluster_settle(&c);
    assert_false(pod->gone);
    assert_null(json_at(object_root(pod), "metadata", "deletionTimestamp", NULL));
    cluster_finish(&c);
}

/* What is remembered of a run that is gone. */
static void nothing_is_remembered_of_runs_that_are_gone(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    for (int i = 0; i < 5; i++) {
        struct object *pipeline = cluster_submit(&c, "chain", "a ", "");
        cluster_settle(&c);
        struct object *pod = cluster_pod(&c, "a", 1);
        pod_starts(&c, pod);
        cluster_settle(&c);
        store_delete(&c.api.store, pipeline, false);
        store_collect_garbage(&c.api.store);
        cluster_settle(&c);
        kubelet_run(&c);
        assert_true(pod->gone);
    }
    cluster_settle(&c);
    const struct controller *controller = c.controller;
    assert_int_equal(HASH_COUNT(controller->runs.table), 0);
    cluster_finish(&c);
}

/* Relabelled before it ran: it is looked for, however often it changes. */
static void a_hidden_pod_is_looked_for_until_it_ends(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    pod_starts(&c, pod);
    cluster_settle(&c);
    store_edit(&c.api.store, pod, "{\"metadata\":{\"labels\":{\"" LABEL_MANAGED_BY "\":null}}}");
    cluster_settle(&c);
    store_edit(&c.api.store, pod, "{\"metadata\":{\"annotations\":{\"cni\":\"x\"}}}"); /* any change of it */
    cluster_run_for(&c, 1500);                                                         /* a look */
    pod_ends(&c, pod, "");
    cluster_run_for(&c, 9000); /* looks are 1, 2, 4 s apart */
    assert_non_null(cluster_pod(&c, "b", 1));
    cluster_finish(&c);
}

static void strip_label(const struct target *target, int status, void *arg) {
    struct cluster *c = arg;
    if (!text_equal(target->verb, "create") || !text_equal(target->plural, "pods") || status != 201)
        return;
    const char *name = json_text(json_at(target->body, "metadata", NULL), "name", "");
    c->api.seen = NULL;
    store_edit(&c->api.store, store_find(&c->api.store, "pods", "lab", name),
               "{\"metadata\":{\"labels\":{\"" LABEL_MANAGED_BY "\":null}}}");
}

/* Somebody's tool takes the label off right after the creation: out of sight is not used up. */
static void a_pod_out_of_sight_from_the_start_is_not_doubled(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_settle(&c);
    c.api.seen = strip_label;
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    assert_non_null(cluster_pod(&c, "a", 1)); /* it is there, and a kubelet runs it */
    assert_null(cluster_pod(&c, "a", 2));
    cluster_finish(&c);
}

/* On a node that was cut off while it pulled the image, deleted by the taint manager: nobody can say whether it runs by
 * now. */
static void a_pod_on_a_lost_node_that_was_starting_is_waited_for(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    store_edit(&c.api.store, pod,
               "{\"spec\":{\"nodeName\":\"node-1\"},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":"
               "\"main\",\"state\":{\"waiting\":{\"reason\":\"ContainerCreating\"}}}]}}");
    cluster_settle(&c);
    pod_deleted_long_ago(&c, pod, 2 * 60 * 1000, 30);
    cluster_settle(&c);
    assert_false(pod->gone);
    assert_null(cluster_pod(&c, "a", 2));
    cluster_finish(&c);
}

/* As the message advises. */
static void a_collision_that_was_removed_is_over(void **state) {
    (void)state;
    char name[64];
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_submit(&c, "chain", "a b ", "");
    cluster_settle(&c);
    snprintf(name, sizeof name, "%s", cluster_pod(&c, "a", 1)->name);
    cluster_finish(&c);

    cluster_start(&c);
    controller_begin(&c);
    struct object *chain = cluster_submit(&c, "chain", "a b ", "\"failurePolicy\":\"Continue\",");
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\"}}", name);
    struct object *foreign = store_add(&c.api.store, "pods", "lab", strbuf_text(&json));
    cluster_settle(&c);
    expect_status(chain, "Running: a Failed NameCollision, b Starting");
    store_delete(&c.api.store, foreign, true);
    assert_true(foreign->gone);
    store_edit(&c.api.store, chain, "{\"spec\":{\"tasks\":[{\"name\":\"b\",\"command\":{\"command\":[\"true\"]}}]}}");
    cluster_settle(&c);
    store_edit(&c.api.store, chain,
               "{\"spec\":{\"tasks\":[{\"name\":\"b\",\"command\":{\"command\":[\"true\"]}},"
               "{\"name\":\"a\",\"command\":{\"command\":[\"true\"]}}]}}");
    cluster_settle(&c);
    assert_non_null(cluster_pod(&c, "a", 1));
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_former_pod_that_still_runs_holds_the_new_run),
        cmocka_unit_test(a_pod_of_a_long_named_run_is_kept_too),
        cmocka_unit_test(nothing_is_remembered_of_runs_that_are_gone),
        cmocka_unit_test(a_hidden_pod_is_looked_for_until_it_ends),
        cmocka_unit_test(a_pod_out_of_sight_from_the_start_is_not_doubled),
        cmocka_unit_test(a_pod_on_a_lost_node_that_was_starting_is_waited_for),
        cmocka_unit_test(a_collision_that_was_removed_is_over),
    };
    return cmocka_run_group_tests_name("sight", tests, NULL, NULL);
}
