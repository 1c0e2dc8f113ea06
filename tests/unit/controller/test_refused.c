/* A creation that the API server refuses belongs to one attempt, and to nobody else. */

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

#define QUOTA                                                                     \
    {                                                                             \
        "create", "pods", .times = 1000, .status = 403, .reason = "Forbidden",    \
                          .message = "pods \"a\" is forbidden: exceeded quota: q" \
    }

/* Retries are half a minute apart, refused or not. */
static void a_refused_task_waits_before_each_retry(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    api_fail(&c.api, (struct api_fault)QUOTA);
    const struct object *chain = cluster_submit_json(
        &c, "{\"defaults\":{\"image\":\"busybox\",\"startTimeout\":\"2s\",\"retry\":{\"limit\":3,\"backoff\":"
            "{\"initial\":\"30s\"}}},\"tasks\":[{\"name\":\"a\",\"command\":{\"command\":[\"true\"]}}]}");
    cluster_run_for(&c, 4000);
    expect_status(chain, "Pending: a Queued Backoff");
    cluster_finish(&c);
}

/* Suspended for longer than its startTimeout: that counts anew after the resumption. */
static void a_refused_task_loses_no_time_while_suspended(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    api_fail(&c.api, (struct api_fault)QUOTA);
    struct object *chain =
        cluster_submit_json(&c, "{\"defaults\":{\"image\":\"busybox\",\"startTimeout\":\"3s\"},"
                                "\"tasks\":[{\"name\":\"a\",\"command\":{\"command\":[\"true\"]}}]}");
    cluster_settle(&c);
    expect_status(chain, "Pending: a Queued QuotaExceeded");
    store_edit(&c.api.store, chain, "{\"spec\":{\"suspend\":true}}");
    cluster_run_for(&c, 4000);
    store_edit(&c.api.store, chain, "{\"spec\":{\"suspend\":false}}");
    cluster_run_for(&c, 500);
    expect_status(chain, "Pending: a Queued QuotaExceeded");
    cluster_finish(&c);
}

/* Refused, then made though the answer was lost: the next attempt knows nothing of the refusal. */
static void an_adopted_pod_ends_the_refusal(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    struct api_fault quota = QUOTA;
    quota.times = 1;
    api_fail(&c.api, quota);
    api_fail(&c.api, (struct api_fault){.verb = "create", .plural = "pods", .times = 1, .done = true});
    const struct object *chain = cluster_submit_json(
        &c, "{\"defaults\":{\"image\":\"busybox\",\"startTimeout\":\"3s\",\"retry\":{\"limit\":1,\"backoff\":"
            "{\"initial\":\"1s\"}}},\"tasks\":[{\"name\":\"a\",\"command\":{\"command\":[\"true\"]}}]}");
    cluster_run_for(&c, 1500); /* refused, tried again after a second, adopted */
    assert_non_null(cluster_pod(&c, "a", 1));
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_run_for(&c, 2500);
    pod_ends(&c, cluster_pod(&c, "a", 1), "ExitCode");
    cluster_run_for(&c, 1500);
    assert_non_null(cluster_pod(&c, "a", 2)); /* nothing refuses it any more */
    expect_status(chain, "Running: a Starting");
    cluster_finish(&c);
}

#define TASK(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\",\"command\":{\"command\":[\"true\"]}}"

static void refuse_what_follows(const struct target *target, int status, void *arg) {
    struct cluster *c = arg;
    (void)status;
    if (!text_equal(target->verb, "create") || !text_equal(target->plural, "pods"))
        return;
    c->api.seen = NULL;
    api_fail(&c->api, (struct api_fault){"create", "pods", .times = 1000, .status = 422, .reason = "Invalid",
                                         .message = "Pod \"b\" is invalid: spec.hostname: Invalid value"});
}

/* The API server refuses the pod of one task for good: the time-outs of the others stay in force. */
static void a_pod_refused_for_good_lifts_no_time_outs(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_settle(&c);
    c.api.seen = refuse_what_follows;
    cluster_submit_json(
        &c, "{\"defaults\":{\"startTimeout\":\"2s\"},\"tasks\":[" TASK("a", "one") "," TASK("b", "one") "]}");
    cluster_run_for(&c, 4500);
    const struct object *pod = cluster_pod(&c, "a", 1);
    assert_true(pod == NULL || json_at(object_root(pod), "metadata", "deletionTimestamp", NULL) != NULL);
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_task_waits_before_each_retry),
        cmocka_unit_test(a_refused_task_loses_no_time_while_suspended),
        cmocka_unit_test(an_adopted_pod_ends_the_refusal),
        cmocka_unit_test(a_pod_refused_for_good_lifts_no_time_outs),
    };
    return cmocka_run_group_tests_name("refused", tests, NULL, NULL);
}
