/* Namespaces that are watched one by one, and replicas that take over from each other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>

#include "controller/support_cluster.h"

static const char *two[] = {"lab", "other"};

static void begin(struct cluster *c, const char *forbidden) {
    cluster_start(c);
    c->namespaces = (struct strings){.items = two, .count = 2};
    c->api.forbidden = forbidden;
    controller_begin(c);
    cluster_settle(c);
}

static bool ready(const struct cluster *c, const char *but) {
    AUTO_STRBUF reasons = STRBUF_INIT;
    bool is = controller_ready(c->controller, &reasons);
    assert_int_equal(strstr(strbuf_text(&reasons), but) != NULL, but[0] != '\0' || reasons.length == 0);
    return is;
}

static void a_namespace_that_cannot_be_read_stops_nobody(void **state) {
    (void)state;
    struct cluster c;
    begin(&c, "other");
    const struct object *here = cluster_submit(&c, "chain", "a ba", "");
    const struct object *there = cluster_submit_in(&c, "other", "chain", "x ", "");
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(here, "Succeeded: a Succeeded, b Succeeded");
    assert_null(json_at(object_root(there), "status", NULL));
    assert_true(ready(&c, "other: cannot be read"));
    assert_int_equal(cluster_events(&c, "Pod", "NamespaceUnreadable"), 2); /* pipelines and pods, each once */
    c.api.forbidden = NULL;
    while (cluster_pod(&c, "x", 1) == NULL) /* it is tried again by itself */
        cluster_settle(&c);
    kubelet_run(&c);
    expect_status(there, "Succeeded: x Succeeded");
    assert_true(ready(&c, ""));
    cluster_finish(&c);
}

static void where_nothing_can_be_read_it_is_not_ready(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    c.namespaces = (struct strings){.items = two + 1, .count = 1};
    c.api.forbidden = "other";
    controller_begin(&c);
    cluster_settle(&c);
    assert_false(ready(&c, "other: cannot be read"));
    cluster_finish(&c);
}

/* Rights that are lost while a run goes on, and given again. */
static void a_run_goes_on_when_its_namespace_can_be_read_again(void **state) {
    (void)state;
    struct cluster c;
    begin(&c, NULL);
    const struct object *there = cluster_submit_in(&c, "other", "chain", "x yx", "");
    cluster_settle(&c);
    c.api.forbidden = "other";
    api_end_watches(&c.api);
    while (cluster_events(&c, "Pod", "NamespaceUnreadable") < 2)
        cluster_settle(&c);
    kubelet_run(&c); /* unseen */
    assert_null(cluster_pod(&c, "y", 1));
    const struct object *here = cluster_submit(&c, "chain", "a ", "");
    while (cluster_pod(&c, "a", 1) == NULL) /* that watch ended as well, and is opened again */
        cluster_settle(&c);
    kubelet_run(&c);
    expect_status(here, "Succeeded: a Succeeded");
    c.api.forbidden = NULL;
    while (cluster_pod(&c, "y", 1) == NULL)
        cluster_settle(&c);
    kubelet_run(&c);
    expect_status(there, "Succeeded: x Succeeded, y Succeeded");
    assert_int_equal(cluster_pods_made(&c, "x", 1), 1);
    cluster_finish(&c);
}

/* The standby's watch of Pipelines is ten seconds behind when the leader goes; the pod that it takes for running has
 * ended, is recorded and is gone. */
static void who_takes_over_with_an_old_cache_runs_nothing_twice(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    const struct object *chain = cluster_submit(&c, "chain", "a ba", "\"podRetention\":\"Never\",");
    cluster_settle(&c);
    struct controller *leader = c.controller;
    struct recorder *recorder = c.recorder;
    c.leads = false;
    controller_begin(&c);
    cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    c.api.lagging = "pipelines";
    c.api.watch_lag_ms = 10000;
    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    while (cluster_pod(&c, "a", 1) != NULL)
        cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "b", 1));
    controller_follow(leader);
    controller_lead(c.controller);
    cluster_settle(&c);
    pod_ends(&c, cluster_pod(&c, "b", 1), "");
    cluster_settle(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    assert_int_equal(cluster_pods_made(&c, "b", 1), 1);
    assert_int_equal(cluster_pods_made(&c, "a", 2), 0);
    controller_end(&c);
    c.controller = leader;
    c.recorder = recorder;
    cluster_finish(&c);
}

/* A leader that has lost the Lease and does not know yet: the transport lets nothing through. */
static void what_is_held_back_is_done_by_the_next_leader(void **state) {
    (void)state;
    struct cluster c;
    begin(&c, NULL);
    c.api.fenced = true;
    const struct object *chain = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    EXPECT(&c);
    controller_follow(c.controller);
    c.api.fenced = false;
    cluster_settle(&c);
    EXPECT(&c);
    controller_lead(c.controller);
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    cluster_finish(&c);
}

/* A namespace on its way out with more pods than are let go at once. */
static void all_pods_of_a_namespace_that_goes_are_let_go(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    c.namespaces = (struct strings){.items = two, .count = 2};
    c.leaving_ms = 100;
    controller_begin(&c);
    cluster_settle(&c);
    cluster_submit_in(&c, "other", "one", "a b c d e f g h i j k l m n o p q r s t ", "");
    cluster_submit_in(&c, "other", "two", "a b c d e f g h i j k l m n o p q r s t ", "");
    size_t made = 0;
    struct object *object;
    while (made < 40) {
        cluster_settle(&c);
        made = 0;
        LL_FOREACH(c.api.store.objects, object) {
            made += text_equal(object->plural, "pods");
        }
    }
    LL_FOREACH(c.api.store.objects, object) {
        if (text_equal(object->plural, "pods"))
            pod_starts(&c, object);
    }
    pod_turns_remote(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    assert_int_equal(left_count(), 0);
    c.api.seen = NULL; /* nothing can be recorded any more */
    c.api.forbidden = "other";
    api_end_watches(&c.api);
    size_t left = made;
    for (int i = 0; i < 60 && left > 0; i++) {
        cluster_run_for(&c, 500);
        left = 0;
        LL_FOREACH(c.api.store.objects, object) {
            left += text_equal(object->plural, "pods") && held(object);
        }
    }
    assert_int_equal(left, 0);
    assert_int_equal(left_count(), 1); /* no cleaner can be made there: that is said */
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_namespace_that_cannot_be_read_stops_nobody),
        cmocka_unit_test(where_nothing_can_be_read_it_is_not_ready),
        cmocka_unit_test(a_run_goes_on_when_its_namespace_can_be_read_again),
        cmocka_unit_test(who_takes_over_with_an_old_cache_runs_nothing_twice),
        cmocka_unit_test(what_is_held_back_is_done_by_the_next_leader),
        cmocka_unit_test(all_pods_of_a_namespace_that_goes_are_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
