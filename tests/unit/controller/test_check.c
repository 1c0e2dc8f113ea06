/* Dry runs that are slow, that others have asked for, or that cannot tell. */

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

static size_t passes(void) {
    AUTO_STRBUF text = STRBUF_INIT;
    metrics_render(&text);
    const char *at = strstr(strbuf_text(&text), "weir_reconcile_seconds_count ");
    return at == NULL ? 0 : strtoul(at + strlen("weir_reconcile_seconds_count "), NULL, 10);
}

/* A dry run that takes its time, as with a slow webhook: those that wait for its answer do nothing. */
static void waiting_for_anothers_dry_run_costs_nothing(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_settle(&c);
    c.api.answer_ms = 2000;
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "run-%d", i);
        cluster_submit(&c, name, "a b c d e f g h i j ", "");
    }
    size_t before = passes();
    cluster_run_for(&c, 1500);
    size_t made = passes() - before;
    c.api.answer_ms = 0;
    cluster_run_for(&c, 1500);
    cluster_finish(&c);
    assert_in_range(made, 10, 60);
}

/* A webhook that knows no dry run refuses each: one answer is enough for all of a shape. */
static void runs_of_one_shape_start_together_where_nothing_can_be_tried(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    cluster_settle(&c);
    api_fail(&c.api, (struct api_fault){"check", "pods", .times = 1000000, .status = 400, .reason = "BadRequest",
                                        .message = "admission webhook \"w\" does not support dry run"});
    c.api.answer_ms = 50;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "run-%d", i);
        cluster_submit(&c, name, "a ", "");
    }
    size_t made = 0;
    int64_t began = clock_boot_ms();
    while (made < 40 && clock_boot_ms() - began < 20000) {
        cluster_run_for(&c, 20);
        made = cluster_pods_made(&c, "a", 1);
    }
    int64_t took = clock_boot_ms() - began;
    c.api.answer_ms = 0;
    cluster_settle(&c);
    cluster_finish(&c);
    assert_in_range(took, 50, 600); /* a dry run and a creation of 50 ms each */
}

#define TASK(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\",\"command\":{\"command\":[\"true\"]}}"

static void slow_checks(const struct target *target, int status, void *arg) {
    struct cluster *c = arg;
    (void)status;
    c->api.answer_ms = text_equal(target->verb, "check") ? 1500 : 0;
}

/* The run ends with a dry run under way, and goes on before its answer comes. */
static void an_edit_during_a_slow_dry_run_stops_nothing_for_ever(void **state) {
    (void)state;
    struct cluster c;
    cluster_start(&c);
    controller_begin(&c);
    struct object *chain = cluster_submit_json(&c, "{\"parallelism\":1,\"tasks\":[" TASK("a", "one") "]}");
    cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    c.api.seen = slow_checks;
    store_edit(&c.api.store, chain,
               "{\"spec\":{\"parallelism\":0,\"tasks\":[" TASK("a", "one") "," TASK("b", "two") "]}}");
    cluster_settle(&c);
    pod_ends(&c, cluster_pod(&c, "a", 1), "ExitCode"); /* FailFast: the run is over */
    cluster_settle(&c);
    expect_status(chain, "Failed: a Failed ExitCode, b Omitted FailFast");
    store_edit(&c.api.store, chain, "{\"spec\":{\"tasks\":[" TASK("c", "three") "]}}");
    cluster_run_for(&c, 4000); /* both answers come */
    assert_non_null(cluster_pod(&c, "c", 1));
    cluster_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_anothers_dry_run_costs_nothing),
        cmocka_unit_test(runs_of_one_shape_start_together_where_nothing_can_be_tried),
        cmocka_unit_test(an_edit_during_a_slow_dry_run_stops_nothing_for_ever),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
