/* A run from its submission to its end, as the API server sees it: the order of writes, and that none is made without
 * need or without leadership, nor twice. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/support_cluster.h"

static void outcome_is_written_before_the_pod_is_released(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    const struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    EXPECT(&c, "check pod a/1", "create pod a/1", "status Running: a Starting");

    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    EXPECT(&c, "status Running: a Running");

    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    cluster_settle(&c);
    EXPECT(&c, "create pod b/1", "status Running: a Succeeded, b Starting", "done pod a/1");

    pod_starts(&c, cluster_pod(&c, "b", 1));
    cluster_settle(&c);
    pod_ends(&c, cluster_pod(&c, "b", 1), "");
    cluster_settle(&c);
    EXPECT(&c, "status Running: a Succeeded, b Running", "status Succeeded: a Succeeded, b Succeeded", "done pod b/1");
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    assert_false(held(cluster_pod(&c, "a", 1))); /* both stay for their logs, and nobody watches them */
    assert_false(held(cluster_pod(&c, "b", 1)));
    assert_int_equal(controller_running(c.controller), 0);
    cluster_finish(&c);
}

static void failed_pod_is_released_and_kept(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    strbuf_reset(&c.transcript);
    pod_ends(&c, cluster_pod(&c, "a", 1), "ExitCode");
    cluster_settle(&c);
    EXPECT(&c, "status Failed: a Failed ExitCode, b Omitted DependencyFailed", "done pod a/1");
    assert_non_null(cluster_pod(&c, "a", 1));
    cluster_finish(&c);
}

static void list_by_pages_does_as_well(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    c.api.no_stream_lists = true;
    c.api.page_max = 1;
    const struct object *one = cluster_submit(&c, "one", "a ", "");
    const struct object *two = cluster_submit(&c, "two", "x ", "");
    controller_begin(&c);
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(one, "Succeeded: a Succeeded");
    expect_status(two, "Succeeded: x Succeeded");
    cluster_finish(&c);
}

static void nothing_is_written_when_nothing_changes(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    struct object *pod = cluster_pod(&c, "a", 1);
    pod_starts(&c, pod);
    cluster_settle(&c);
    strbuf_reset(&c.transcript);
    store_edit(&c.api.store, pod, "{\"metadata\":{\"annotations\":{\"seen\":\"1\"}}}");
    store_edit(&c.api.store, chain, "{\"metadata\":{\"annotations\":{\"seen\":\"1\"}}}");
    cluster_settle(&c);
    EXPECT(&c);
    controller_end(&c);
    controller_begin(&c); /* neither after a restart */
    cluster_settle(&c);
    EXPECT(&c);
    cluster_finish(&c);
}

static void without_leadership_nothing_is_written(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    c.leads = false;
    controller_begin(&c);
    cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    assert_int_equal(c.api.requests, 0);
    assert_true(controller_ready(c.controller, NULL));
    cluster_finish(&c);
}

static void conflict_is_read_again_and_written(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    struct object *chain = cluster_submit(&c, "chain", "a ", "");
    cluster_settle(&c);
    strbuf_reset(&c.transcript);
    c.api.lagging = "pipelines"; /* somebody's edit is not heard of before the end of the pod is */
    c.api.watch_lag_ms = 10000;  /* nor after it: the present object is read */
    store_edit(&c.api.store, chain, "{\"metadata\":{\"annotations\":{\"by\":\"somebody\"}}}");
    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    cluster_settle(&c);
    const char *refused = strstr(strbuf_text(&c.transcript), "status Succeeded: a Succeeded -> 409\n");
    assert_non_null(strstr(strbuf_text(&c.transcript), "get pipeline\n"));
    const char *written = strstr(strbuf_text(&c.transcript), "status Succeeded: a Succeeded\n");
    const char *released = strstr(strbuf_text(&c.transcript), "done pod a/1\n");
    assert_true(refused != NULL && written != NULL && released != NULL);
    assert_true(refused < written && written < released);
    expect_status(chain, "Succeeded: a Succeeded");
    cluster_finish(&c);
}

/* The operator dies after each single request of a run, in turn, and another one takes over. */
static bool survives_death_after(int64_t request) {
    struct cluster c;
    cluster_start(&c);
    c.api.cut_after = request;
    const struct object *chain = cluster_submit(&c, "chain", "a bacb", "");
    controller_begin(&c);
    bool died = false;
    do {
        cluster_settle(&c);
        if (c.api.cut) {
            died = true;
            controller_end(&c);
            c.api.cut = false;
            controller_begin(&c);
            cluster_settle(&c);
        }
    } while (kubelet_step(&c) || c.api.cut);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded, c Succeeded");
    for (const char *task = "abc"; *task != '\0'; task++) {
        const char name[] = {*task, '\0'};
        assert_int_equal(cluster_pods_made(&c, name, 1), 1);
        assert_int_equal(cluster_pods_made(&c, name, 2), 0);
        assert_false(held(cluster_pod(&c, name, 1)));
    }
    cluster_finish(&c);
    return died;
}

static void each_pod_is_made_once_whenever_the_operator_dies(void **state) {
    (void)state;
    int64_t request = 1;
    while (survives_death_after(request))
        request++;
    assert_true(request > 12); /* a chain of three has at least so many */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcome_is_written_before_the_pod_is_released),
        cmocka_unit_test(failed_pod_is_released_and_kept),
        cmocka_unit_test(list_by_pages_does_as_well),
        cmocka_unit_test(nothing_is_written_when_nothing_changes),
        cmocka_unit_test(without_leadership_nothing_is_written),
        cmocka_unit_test(conflict_is_read_again_and_written),
        cmocka_unit_test(each_pod_is_made_once_whenever_the_operator_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
