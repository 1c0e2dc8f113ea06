/* What Prometheus would read (https://prometheus.io/docs/instrumenting/exposition_formats/). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/metrics.h"

static struct metric runs = {.name = "weir_runs_total",
                             .help = "Runs\\ended\nso far",
                             .type = METRIC_COUNTER,
                             .labels = {"namespace", "result"}};
static struct metric depth = {.name = "weir_queue_depth", .help = "Keys waiting", .type = METRIC_GAUGE};
static const double bounds[] = {0.1, 1};
static struct metric wait_time = {.name = "weir_wait_seconds",
                                  .help = "Waiting",
                                  .type = METRIC_HISTOGRAM,
                                  .labels = {"verb"},
                                  .buckets = bounds,
                                  .bucket_count = 2};
static struct metric flood = {.name = "weir_flood_total", .help = "Flood", .type = METRIC_COUNTER, .labels = {"name"}};

static void expect(const char *wanted) {
    AUTO_STRBUF out = STRBUF_INIT;
    metrics_render(&out);
    assert_string_equal(strbuf_text(&out), wanted);
}

static int clear(void **state) {
    (void)state;
    struct metric *const all[] = {&runs, &depth, &wait_time, &flood};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        metric_clear(all[i]);
    return 0;
}

static void nothing_is_rendered_before_first_use(void **state) {
    (void)state;
    expect("");
}

static void renders_by_name(void **state) {
    (void)state;
    metric_add(&runs, 1, "prod", "Succeeded");
    metric_add(&runs, 2, "a\"b\\c\nd", NULL);
    metric_add(&runs, 1, "prod", "Succeeded");
    metric_set(&depth, 7.0);
    metric_add(&depth, -2.5);
    expect("# HELP weir_queue_depth Keys waiting\n"
           "# TYPE weir_queue_depth gauge\n"
           "weir_queue_depth 4.5\n"
           "# HELP weir_runs_total Runs\\\\ended\\nso far\n"
           "# TYPE weir_runs_total counter\n"
           "weir_runs_total{namespace=\"prod\",result=\"Succeeded\"} 2\n"
           "weir_runs_total{namespace=\"a\\\"b\\\\c\\nd\",result=\"\"} 2\n");
}

static void a_histogram_sums_its_buckets_up(void **state) {
    (void)state;
    metric_observe(&wait_time, 0.1, "GET"); /* bounds are inclusive */
    metric_observe(&wait_time, 0.5, "GET");
    metric_observe(&wait_time, 99.0, "GET");
    AUTO_STRBUF out = STRBUF_INIT;
    metrics_render(&out);
    assert_non_null(strstr(strbuf_text(&out), "# TYPE weir_wait_seconds histogram\n"
                                              "weir_wait_seconds_bucket{verb=\"GET\",le=\"0.1\"} 1\n"
                                              "weir_wait_seconds_bucket{verb=\"GET\",le=\"1\"} 2\n"
                                              "weir_wait_seconds_bucket{verb=\"GET\",le=\"+Inf\"} 3\n"
                                              "weir_wait_seconds_sum{verb=\"GET\"} 99.6\n"
                                              "weir_wait_seconds_count{verb=\"GET\"} 3\n"));
}

static void a_flood_of_names_becomes_other(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "name-%d", i);
        metric_add(&flood, 1, name);
    }
    metric_add(&flood, 1, "name-0"); /* known ones go on */
    AUTO_STRBUF out = STRBUF_INIT;
    metrics_render(&out);
    size_t series = 0;
    for (const char *at = strbuf_text(&out); (at = strstr(at, "\nweir_flood_total{")) != NULL; at++)
        series++;
    assert_int_equal(series, METRIC_SERIES_MAX + 1);
    assert_non_null(strstr(strbuf_text(&out), "weir_flood_total{name=\"name-0\"} 2\n"));
    assert_non_null(strstr(strbuf_text(&out), "weir_flood_total{name=\"other\"} 9800\n"));
}

static void clearing_forgets(void **state) {
    (void)state;
    metric_set(&depth, 1.0);
    metric_clear(&depth);
    AUTO_STRBUF out = STRBUF_INIT;
    metrics_render(&out);
    assert_null(strstr(strbuf_text(&out), "weir_queue_depth 1"));
    assert_non_null(strstr(strbuf_text(&out), "# TYPE weir_queue_depth gauge\n"));
}

static void numbers_are_short_and_exact(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "depth 0\n"},
                 {0.1, "depth 0.1\n"},
                 {1e9, "depth 1000000000\n"},
                 {1.0 / 3, "depth 0.33333333333333331\n"},
                 {__builtin_inf(), "depth +Inf\n"},
                 {-__builtin_inf(), "depth -Inf\n"},
                 {__builtin_nan(""), "depth NaN\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        metric_set(&depth, cases[i].value);
        AUTO_STRBUF out = STRBUF_INIT;
        metrics_render(&out);
        if (strstr(strbuf_text(&out), cases[i].text) == NULL)
            fail_msg("no '%s' in '%s'", cases[i].text, strbuf_text(&out));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_rendered_before_first_use, clear),
        cmocka_unit_test_teardown(renders_by_name, clear),
        cmocka_unit_test_teardown(a_histogram_sums_its_buckets_up, clear),
        cmocka_unit_test_teardown(a_flood_of_names_becomes_other, clear),
        cmocka_unit_test_teardown(clearing_forgets, clear),
        cmocka_unit_test_teardown(numbers_are_short_and_exact, clear),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
