/* What a launcher told, by its record and by its reports, in the view of its pod. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_view.h"

static void reports_fill_what_the_record_left_out(void **state) {
    (void)state;
    struct record report = RECORD_INIT;
    struct seen seen;
    report.seq = 5;
    report.application_id = "application_1_2";
    report.application_ids[0] = "application_1_1";
    report.application_ids[1] = "application_1_2";
    report.application_count = 2;
    report.tracking_url = "http://rm:8088/proxy/application_1_2/";
    report.history_url = "";
    report.job_ids[0] = "job_1_2";
    report.job_count = 1;
    report.percent = 40;
    report.progress_text = "map 40%";
    view_look(&seen, "", NODE,
              "  phase: Running\n  containerStatuses: [{name: main, state: {running: {startedAt: \"" DAY
              "10:01:00Z\"}}}]\n",
              &report, "10:05:00");
    assert_int_equal(seen.view.state, POD_RUNNING);
    assert_int_equal(seen.view.started_at, view_time("10:01:00"));
    assert_string_equal(seen.view.application_id, "application_1_2");
    assert_int_equal(seen.view.percent, 40);
    assert_string_equal(seen.view.remains, "");
    view_forget(&seen);

    view_look(&seen, "", NODE,
              ENDED("Succeeded", 0, "Completed",
                    "{\"version\":1,\"seq\":9,\"trackingURL\":\"http://rm:8088/other/\",\"final\":{\"exitCode\":0,"
                    "\"remains\":\"application_1_1 may still run: no answer\"}}"),
              &report, "10:05:00");
    assert_int_equal(seen.view.state, POD_SUCCEEDED);
    assert_string_equal(seen.view.tracking_url, "http://rm:8088/other/");
    assert_string_equal(seen.view.application_id, "application_1_2");
    assert_string_equal(seen.view.job_ids[0], "job_1_2");
    assert_int_equal(seen.view.application_count, 2);
    assert_string_equal(seen.view.application_ids[0], "application_1_1");
    assert_string_equal(seen.view.remains, "application_1_1 may still run: no answer");
    view_forget(&seen);
}

/* Of a job that the cluster judges, the end of its launcher says nothing: another attempt follows it. */
static void a_killed_launcher_of_a_detached_job_is_a_loss(void **state) {
    (void)state;
#define DETACHED \
    "{\"version\":1,\"seq\":3,\"phase\":\"Running\",\"applicationID\":\"application_1_2\",\"detached\":true}"
    expect_view(ENDED("Failed", 137, "Error", DETACHED),
                "LOST LauncherKilled 137: the launcher ended with exit code 137 before the job did");
    expect_view(ENDED("Failed", 137, "OOMKilled", DETACHED),
                "LOST LauncherKilled 137: container main was killed for using more memory than its limit of 2Gi (raise "
                "resources.limits.memory, or give the program less)");
    expect_view(ENDED("Failed", 137, "Error", "{\"version\":1,\"seq\":3,\"phase\":\"Running\"}"),
                "FAILED Killed 137: killed (SIGKILL) before it could say why; often for lack of memory on the node");
}

/* A final report by HTTPS counts when the pod itself could not leave its record. */
static void a_final_report_counts_as_the_record(void **state) {
    (void)state;
    struct record report = RECORD_INIT;
    report.final = true;
    report.exit_code = 0;
    report.reason = report.message = "";
    expect_view_of("", NODE, "  phase: Failed\n  reason: NodeLost\n", &report, "10:05:00", "SUCCEEDED 0");
    report.exit_code = 4;
    report.reason = "ExitCode";
    report.message = "x exited with 4";
    expect_view_of("", NODE, "  phase: Failed\n  reason: NodeLost\n", &report, "10:05:00",
                   "FAILED ExitCode 4: x exited with 4");
    /* but while the container runs, the task has not ended */
    expect_view_of("", NODE, "  phase: Running\n  containerStatuses: [{name: main, state: {running: {}}}]\n", &report,
                   "10:05:00", "RUNNING");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_fill_what_the_record_left_out),
        cmocka_unit_test(a_killed_launcher_of_a_detached_job_is_a_loss),
        cmocka_unit_test(a_final_report_counts_as_the_record),
    };
    return cmocka_run_group_tests_name("view_report", tests, NULL, NULL);
}
