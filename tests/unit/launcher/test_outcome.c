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
#include "launcher/outcome.h"
#include "launcher/snapshot.h"
#include "launcher/task.h"

#define EXITED(code) ((code) << 8)

static struct outcome outcome;

static const struct remote_words words = {"YARN", "YarnFailed", "YarnKilled", "YarnLost"};

static void decide(struct ending ending) {
    ending.words = &words;
    ending.command = ending.command ? ending.command : "/opt/spark/bin/spark-submit";
    outcome_decide(&ending, &outcome);
}

static struct telling said(const char *line) {
    struct telling telling = {0};
    telling_init();
    telling_line(&telling, TELLING_STDOUT, line, strlen(line));
    return telling;
}

/* A job in that state, ended when there is a verdict. */
static struct remote_job job_of(const char *state, enum remote_verdict verdict, const char *why) {
    struct remote_job job = {.id = "application_1_0002", .verdict = verdict, .ended = verdict != REMOTE_UNDECIDED};
    snprintf(job.state, sizeof job.state, "%s", state);
    snprintf(job.why, sizeof job.why, "%s", why);
    return job;
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
    struct remote_job job = job_of("FINISHED", REMOTE_FAILED, "Task failed task_1_0002_m_000000");
    struct telling telling = said("Error: java.lang.RuntimeException: subprocess failed with code 1");
    decide(
        (struct ending){.command = "hadoop", .ran = true, .wait_status = EXITED(1), .telling = &telling, .job = &job});
    check(1, 1, "ExitCode",
          "hadoop exited with 1: RuntimeException: subprocess failed with code 1 (Task failed task_1_0002_m_000000)");
    telling = said("log4j:WARN See http://x for more info.");
    decide(
        (struct ending){.command = "hadoop", .ran = true, .wait_status = EXITED(1), .telling = &telling, .job = &job});
    check(1, 1, "ExitCode", "hadoop exited with 1: Task failed task_1_0002_m_000000");
}

static void test_by_remote(void **state) {
    (void)state;
    struct remote_job failed = job_of("FINISHED", REMOTE_FAILED, "User application exited with status 1");
    struct remote_job good = job_of("FINISHED", REMOTE_SUCCEEDED, "");
    struct remote_job killed = job_of("KILLED", REMOTE_KILLED, "it was killed by user root");
    struct remote_job running = job_of("RUNNING", REMOTE_UNDECIDED, "");
    decide((struct ending){.ran = true, .by_remote = true, .job = &good});
    check(0, 0, "", "");
    decide((struct ending){.by_remote = true, .job = &good}); /* adopted: there was no command */
    check(0, 0, "", "");
    decide((struct ending){.ran = true, .by_remote = true, .job = &failed});
    check(1, 1, "YarnFailed", "application_1_0002 failed: User application exited with status 1");
    decide((struct ending){.ran = true, .by_remote = true, .job = &failed, .wait_status = EXITED(3)});
    check(3, 3, "YarnFailed", "application_1_0002 failed: User application exited with status 1");
    decide((struct ending){.ran = true, .by_remote = true, .job = &killed, .wait_status = EXITED(1)});
    check(1, 1, "YarnKilled", "application_1_0002 was killed: it was killed by user root");
    decide((struct ending){.ran = true, .by_remote = true, .job = &good, .wait_status = EXITED(1)});
    check(0, 0, "", "spark-submit exited with 1, but YARN says that application_1_0002 SUCCEEDED");
    decide((struct ending){.ran = true, .by_remote = true});
    check(1, 1, "YarnLost", "spark-submit exited with 0, but YARN knows no application of this task");
    decide((struct ending){.ran = true, .by_remote = true, .job = &running});
    check(1, 1, "YarnLost", "YARN does not know application_1_0002 any more");
    decide((struct ending){.ran = true, .by_remote = true, .wait_status = EXITED(2)});
    check(2, 2, "ExitCode", "spark-submit exited with 2");
}

/* The client's word counts only where it could ask; its failure before anything was submitted is its own. */
static void test_unasked(void **state) {
    (void)state;
    struct remote_job running = job_of("", REMOTE_UNDECIDED, "");
    struct ending ending = {.ran = true, .by_remote = true, .remote_trouble = "it refuses REST"};
    decide(ending);
    check(1, 1, "RemoteUnknown", "how the application ended cannot be told: it refuses REST");
    ending.wait_status = EXITED(1);
    decide(ending);
    check(1, 1, "ExitCode",
          "spark-submit exited with 1; the client's word, since YARN cannot be asked: it refuses REST");
    ending.job = &running;
    decide(ending);
    check(1, 1, "RemoteUnknown", "how application_1_0002 ended cannot be told: it refuses REST");
    ending.client_verdict = "FAILED";
    decide(ending);
    check(1, 1, "ExitCode",
          "spark-submit exited with 1; the client's word, since YARN cannot be asked: it refuses REST");
    ending.wait_status = 0;
    ending.client_verdict = "SUCCEEDED";
    decide(ending);
    check(0, 0, "", "the client's word, since YARN cannot be asked: it refuses REST");
    ending.client_verdict = "UNDEFINED";
    ending.remains = "application_1_0002 may still run: it refuses REST";
    decide(ending);
    check(1, 1, "RemoteUnknown",
          "how application_1_0002 ended cannot be told: it refuses REST; application_1_0002 may still run: it refuses "
          "REST");
}

static void test_clean_up(void **state) {
    (void)state;
    decide((struct ending){.cause = CAUSE_CLEAN});
    check(0, 0, "", "nothing was left");
    decide((struct ending){.cause = CAUSE_CLEAN, .killed = "application_1_0002"});
    check(0, 0, "", "application_1_0002 was killed");
    decide((struct ending){.cause = CAUSE_CLEAN, .remains = "application_1_0002 may still run: refused"});
    check(1, 1, "CleanupFailed", "application_1_0002 may still run: refused");
}

static void test_stopped_and_timed_out(void **state) {
    (void)state;
    struct remote_job job = job_of("KILLED", REMOTE_KILLED, "");
    decide((struct ending){.cause = CAUSE_STOP});
    check(143, 143, "Stopped", "stopped by a signal");
    decide((struct ending){.cause = CAUSE_STOP, .job = &job, .killed = "application_1_0002"});
    check(143, 143, "Stopped", "stopped by a signal; application_1_0002 was killed");
    decide((struct ending){.cause = CAUSE_TIMEOUT, .timeout_ms = 90 * 1000, .job = &job});
    check(124, 124, "Timeout", "timed out after 1m30s; application_1_0002 is KILLED");
    decide((struct ending){.cause = CAUSE_STOP, .remains = "application_1_0002 may still run: connect: refused"});
    check(143, 143, "Stopped", "stopped by a signal; application_1_0002 may still run: connect: refused");
}

static void test_start_failed(void **state) {
    (void)state;
    decide((struct ending){.cause = CAUSE_START, .start_exit_code = 127, .trouble = "cannot start x: not found"});
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
        .ran = true, .wait_status = EXITED(1), .telling = &telling, .by_remote = true, .remote_trouble = line});
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
        cmocka_unit_test(test_by_remote),        cmocka_unit_test(test_stopped_and_timed_out),
        cmocka_unit_test(test_start_failed),     cmocka_unit_test(test_message_is_bounded),
        cmocka_unit_test(test_phases_are_sound), cmocka_unit_test(test_oom_kills),
        cmocka_unit_test(test_snapshot),         cmocka_unit_test(test_clean_up),
        cmocka_unit_test(test_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
