/* How an attempt ended, and what a person reads about it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/sm.h"
#include "launcher/cgroup.h"
#include "launcher/endpoint.h"
#include "launcher/outcome.h"
#include "launcher/snapshot.h"
#include "launcher/task.h"

#define EXITED(code) ((code) << 8)

static struct outcome outcome;

static void decide(struct ending ending) {
    ending.command = ending.command ? ending.command : "/opt/spark/bin/spark-submit";
    outcome_decide(&ending, &outcome);
}

static struct telling said(const char *line) {
    struct telling telling = {0};
    telling_init();
    telling_line(&telling, TELLING_STDOUT, line, strlen(line));
    return telling;
}

static struct yarn_app yarn(const char *state, const char *final, const char *diagnostics) {
    struct yarn_app app = {.id = "application_1_0002"};
    snprintf(app.state, sizeof app.state, "%s", state);
    snprintf(app.final_status, sizeof app.final_status, "%s", final);
    snprintf(app.diagnostics, sizeof app.diagnostics, "%s", diagnostics);
    return app;
}

static void check(int exit_code, int launcher_exit_code, const char *reason, const char *message) {
    assert_string_equal(outcome.message, message);
    assert_string_equal(outcome.reason, reason);
    assert_int_equal(outcome.exit_code, exit_code);
    assert_int_equal(outcome.launcher_exit_code, launcher_exit_code);
}

static void test_by_exit_code(void **state) {
    (void)state;
    struct telling telling = said("ValueError: bad input (day 7)");
    decide((struct ending){.ran = true});
    check(0, 0, "", "");
    decide((struct ending){.ran = true, .wait_status = EXITED(1), .telling = &telling});
    check(1, 1, "ExitCode", "spark-submit exited with 1: ValueError: bad input (day 7)");
    decide((struct ending){.ran = true, .wait_status = EXITED(7)});
    check(7, 7, "ExitCode", "spark-submit exited with 7");
    decide((struct ending){.ran = true, .wait_status = SIGSEGV});
    check(139, 139, "Signal", "spark-submit was killed by SIGSEGV");
    assert_int_equal(outcome.signal, SIGSEGV);
    decide((struct ending){.ran = true, .wait_status = SIGKILL});
    check(137, 137, "Signal", "spark-submit was killed by SIGKILL (out of memory?)");
    decide((struct ending){.ran = true, .wait_status = SIGKILL, .oom = true});
    check(137, 137, "OOMKilled",
          "spark-submit was killed: out of memory (raise resources.limits.memory or lower the job's own)");
    decide((struct ending){.ran = true, .wait_status = EXITED(137), .oom = true, .command = "sh"});
    check(137, 137, "OOMKilled", "sh was killed: out of memory (raise resources.limits.memory or lower the job's own)");
    decide((struct ending){.ran = true, .wait_status = EXITED(1), .oom = true, .telling = &telling});
    check(
        1, 1, "ExitCode",
        "spark-submit exited with 1: ValueError: bad input (day 7) (a process of this pod was killed: out of memory)");
}

static void test_mapreduce_details(void **state) {
    (void)state;
    struct yarn_app app = yarn("FINISHED", "FAILED", "Task failed task_1_0002_m_000000\nJob failed as tasks failed.\n");
    struct telling telling = said("Error: java.lang.RuntimeException: subprocess failed with code 1");
    decide(
        (struct ending){.command = "hadoop", .ran = true, .wait_status = EXITED(1), .telling = &telling, .app = &app});
    check(1, 1, "ExitCode",
          "hadoop exited with 1: RuntimeException: subprocess failed with code 1 (Task failed task_1_0002_m_000000)");
    telling = said("log4j:WARN See http://x for more info.");
    decide(
        (struct ending){.command = "hadoop", .ran = true, .wait_status = EXITED(1), .telling = &telling, .app = &app});
    check(1, 1, "ExitCode", "hadoop exited with 1: Task failed task_1_0002_m_000000");
}

static void test_by_yarn(void **state) {
    (void)state;
    struct yarn_app failed = yarn("FINISHED", "FAILED", "User application exited with status 1");
    struct yarn_app good = yarn("FINISHED", "SUCCEEDED", "");
    struct yarn_app killed = yarn("KILLED", "KILLED", "Application application_1_0002 was killed by user root");
    struct yarn_app running = yarn("RUNNING", "UNDEFINED", "");
    decide((struct ending){.ran = true, .by_yarn = true, .app = &good});
    check(0, 0, "", "");
    decide((struct ending){.ran = true, .by_yarn = true, .app = &failed});
    check(1, 1, "YarnFailed", "application_1_0002 failed: User application exited with status 1");
    decide((struct ending){.ran = true, .by_yarn = true, .app = &failed, .wait_status = EXITED(3)});
    check(3, 3, "YarnFailed", "application_1_0002 failed: User application exited with status 1");
    decide((struct ending){.ran = true, .by_yarn = true, .app = &killed, .wait_status = EXITED(1)});
    check(1, 1, "YarnKilled", "application_1_0002 was killed: Application application_1_0002 was killed by user root");
    decide((struct ending){.ran = true, .by_yarn = true, .app = &good, .wait_status = EXITED(1)});
    check(0, 0, "", "spark-submit exited with 1, but YARN says that application_1_0002 SUCCEEDED");
    decide((struct ending){.ran = true, .by_yarn = true});
    check(1, 1, "YarnLost", "spark-submit exited with 0, but YARN knows no application of this task");
    decide((struct ending){
        .ran = true, .by_yarn = true, .app = &running, .yarn_trouble = "connect to rm:8088: timed out"});
    check(0, 0, "", "verdict by exit code: connect to rm:8088: timed out");
    decide((struct ending){.ran = true, .by_yarn = true, .wait_status = EXITED(1), .yarn_trouble = "no address"});
    check(1, 1, "ExitCode", "spark-submit exited with 1; verdict by exit code: no address");
}

static void test_stopped_and_timed_out(void **state) {
    (void)state;
    struct yarn_app app = yarn("KILLED", "KILLED", "");
    decide((struct ending){.cause = CAUSE_STOP});
    check(143, 143, "Stopped", "stopped by a signal");
    decide((struct ending){.cause = CAUSE_STOP, .app = &app, .killed = "application_1_0002"});
    check(143, 143, "Stopped", "stopped by a signal; application_1_0002 was killed");
    decide((struct ending){.cause = CAUSE_TIMEOUT, .timeout_ms = 90 * 1000, .app = &app});
    check(124, 124, "Timeout", "timed out after 1m30s; application_1_0002 is KILLED");
    decide(
        (struct ending){.cause = CAUSE_STOP, .left_behind = "application_1_0002", .yarn_trouble = "connect: refused"});
    check(143, 143, "Stopped", "stopped by a signal; application_1_0002 may still run: connect: refused");
}

static void test_start_failed(void **state) {
    (void)state;
    decide((struct ending){.cause = CAUSE_START, .start_exit_code = 127, .start_error = "cannot start x: not found"});
    check(127, 127, "StartFailed", "cannot start x: not found");
}

static void test_message_is_bounded(void **state) {
    (void)state;
    char line[4000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line,
           "Boom\xC3\xA9"
           "Error: ",
           13);
    struct telling telling = said(line);
    decide((struct ending){
        .ran = true, .wait_status = EXITED(1), .telling = &telling, .by_yarn = true, .yarn_trouble = line});
    assert_true(strlen(outcome.message) <= RECORD_MESSAGE_MAX);
}

static void test_phases_are_sound(void **state) {
    (void)state;
    const char *problem = sm_check(phase_table, PHASE_COUNT);
    if (problem)
        fail_msg("%s", problem);
    assert_false(sm_allows(phase_table, PHASE_REPORTING, PHASE_STOPPING));
}

static void test_oom_kills(void **state) {
    (void)state;
    assert_int_equal(cgroup_parse_oom_kills("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n"), 2);
    assert_int_equal(cgroup_parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"), 0);
    assert_int_equal(cgroup_parse_oom_kills("oom 1\n"), -1);
    assert_int_equal(cgroup_parse_oom_kills(""), -1);
}

static void test_endpoints(void **state) {
    (void)state;
    struct endpoint endpoint;
    struct error err;
    const char *path = NULL;
    char text[ENDPOINT_TEXT_MAX];
    assert_int_equal(endpoint_parse_url("https://weir.ns.svc:8443/v1/report", &endpoint, &path, &err), 0);
    assert_string_equal(endpoint_text(&endpoint, text), "weir.ns.svc:8443");
    assert_string_equal(path, "/v1/report");
    assert_true(endpoint.tls);
    assert_int_equal(endpoint_parse_url("http://rm", &endpoint, &path, &err), 0);
    assert_int_equal(endpoint.port, 80);
    assert_int_equal(endpoint_parse("[fd00::1]:443", 0, &endpoint, &err), 0);
    assert_string_equal(endpoint.host, "fd00::1");
    assert_string_equal(endpoint_text(&endpoint, text), "[fd00::1]:443");
    static const char *const bad[] = {"",        ":1",    "host",   "host:", "host:0", "host:65536",
                                      "host:1x", "a b:1", "[::1:1", "a/b:1", "u@h:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(endpoint_parse(bad[i], 0, &endpoint, &err), -1);
}

static void test_snapshot(void **state) {
    (void)state;
    static struct snapshot snapshot;
    snapshot_init(&snapshot, 1700000000000);
    assert_int_equal(snapshot_take_news(&snapshot), NEWS_URGENT);
    assert_int_equal(snapshot_take_news(&snapshot), NEWS_NONE);
    int64_t seq = snapshot.record.seq;
    snapshot_set_progress(&snapshot, 5, "map 5%");
    assert_int_equal(snapshot_take_news(&snapshot), NEWS_PROGRESS);
    snapshot_set_progress(&snapshot, 5, "map 5%");
    assert_int_equal(snapshot_take_news(&snapshot), NEWS_NONE);
    snapshot_set_url(&snapshot, "javascript:alert(1)");
    assert_int_equal(snapshot_take_news(&snapshot), NEWS_NONE);
    snapshot_set_url(&snapshot, "http://rm:8088/");
    assert_int_equal(snapshot_take_news(&snapshot), NEWS_URGENT);
    assert_int_equal(snapshot.record.seq, seq + 2);
    for (int i = 0; i < 40; i++) {
        char id[32];
        snprintf(id, sizeof id, "job_1_%04d", i);
        snapshot_add_job(&snapshot, id);
        snapshot_add_job(&snapshot, id);
    }
    assert_int_equal(snapshot.record.job_count, RECORD_JOBS_MAX);
    assert_string_equal(snapshot.record.job_ids[RECORD_JOBS_MAX - 1], "job_1_0039");
    assert_string_equal(snapshot.record.job_ids[0], "job_1_0024");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_exit_code),     cmocka_unit_test(test_mapreduce_details),
        cmocka_unit_test(test_by_yarn),          cmocka_unit_test(test_stopped_and_timed_out),
        cmocka_unit_test(test_start_failed),     cmocka_unit_test(test_message_is_bounded),
        cmocka_unit_test(test_phases_are_sound), cmocka_unit_test(test_oom_kills),
        cmocka_unit_test(test_endpoints),        cmocka_unit_test(test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
