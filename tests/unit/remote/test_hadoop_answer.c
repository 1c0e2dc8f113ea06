/* What ApplicationCLI really said, of Spark's jars and of Hadoop's, and what it might say. A fixture ends with
 * "[rc CODE, …]". */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "remote/hadoop_answer.h"
#include "support_dir.h"
#include "support_file.h"

#define ID "application_1795278585466_0006"

static char *fixture(const char *name, int *ret_code) {
    char path[512];
    snprintf(path, sizeof path, SOURCE_DIR "/tests/unit/remote/fixtures/cli/%s.txt", name);
    char *text = support_read(path, NULL), *code = strstr(text, "\n[rc ");
    assert_non_null(code);
    *ret_code = (int)strtol(code + 5, NULL, 10);
    return text;
}

static void test_ids(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "application_1",
                                        "application_1_",
                                        "application__1",
                                        "application_1_2_3",
                                        "application_1_2 ",
                                        " application_1_2",
                                        "application_1_2a",
                                        "Application_1_2",
                                        "application_-1_2",
                                        "job_1_2",
                                        "-kill",
                                        "application_1_222222222222222222222222222222222222222222222222222222222222"};
    assert_true(yarn_id_valid("application_1_0001"));
    assert_true(yarn_id_valid(ID));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(yarn_id_valid(wrong[i]));
}

static const struct {
    const char *fixture, *state, *final_status;
    int percent;
    const char *url, *diagnostics;
} reports[] = {
    {"spark-status", "RUNNING", "UNDEFINED", 10, "http://localhost:34741", ""},
    {"hadoop-status", "RUNNING", "UNDEFINED", 10, "http://localhost:34741", ""},
    {"bob-status", "RUNNING", "UNDEFINED", 0, "", ""},
    {"spark-status-killed", "KILLED", "KILLED", 100, "http://localhost:8088/cluster/app/" ID,
     "Application " ID " was killed by user alice at 127.0.0.1"},
};

static void test_status(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        int code;
        char *text = fixture(reports[i].fixture, &code);
        struct yarn_app report;
        struct error err = {0};
        if (hadoop_answer_status(text, strlen(text), code, ID, &report, &err) < 0)
            fail_msg("%s: %s", reports[i].fixture, err.text);
        assert_string_equal(report.id, ID);
        assert_string_equal(report.state, reports[i].state);
        assert_string_equal(report.final_status, reports[i].final_status);
        assert_int_equal(report.progress, reports[i].percent);
        assert_string_equal(report.tracking_url, reports[i].url);
        assert_string_equal(report.diagnostics, reports[i].diagnostics);
        assert_int_equal(
            hadoop_answer_status(text, strlen(text), code, "application_1795278585466_0007", &report, &err),
            -1); /* of another application */
        assert_int_equal(err.code, ERROR_INVALID);
        free(text);
    }
}

#define REPORT(body) "Application Report : \n\tApplication-Id : application_1_2\n" body
#define STATES       "\tState : FINISHED\n\tFinal-State : FAILED\n"

static const struct {
    const char *text, *diagnostics; /* NULL: ERROR_INVALID */
} made_up[] = {
    {REPORT("\tApplication-Name : a\n" STATES
            "\tDiagnostics : one\n\ttwo\n\tState : RUNNING\n\tUnmanaged Application : false\n"),
     "one\n\ttwo\n\tState : RUNNING"},
    {REPORT("\tApplication-Name : a\n\tState : RUNNING\n" STATES), NULL}, /* a name with a line of its own */
    {REPORT("\tState : FINISHED\n"), NULL},
    {REPORT("\tState : ASLEEP\n\tFinal-State : FAILED\n"), NULL},
    {REPORT(STATES "\tProgress : x\n"), NULL},
    {REPORT(STATES "\tProgress : 99999999999%\n"), NULL},
    {REPORT(STATES), ""},
    {REPORT(""), NULL},
    {"\tApplication-Id : application_1_2", NULL},
    {"Application Report : \n\tApplication-Id : application_1_2x\n" STATES, NULL},
    {"", NULL},
};

static void test_status_made_up(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof made_up / sizeof made_up[0]; i++) {
        struct yarn_app report;
        struct error err = {0};
        const char *text = made_up[i].text;
        int result = hadoop_answer_status(text, strlen(text), 0, "application_1_2", &report, &err);
        if ((result == 0) != (made_up[i].diagnostics != NULL))
            fail_msg("%s: %d", text, result);
        if (result == 0)
            assert_string_equal(report.diagnostics, made_up[i].diagnostics);
        else
            assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void test_long_diagnostics(void **state) {
    (void)state;
    AUTO_STRBUF text = STRBUF_INIT;
    struct yarn_app report;
    struct error err = {0};
    strbuf_puts(&text, REPORT(STATES "\tDiagnostics : "));
    for (int i = 0; i < 10000; i++)
        strbuf_printf(&text, "line %d\n", i);
    strbuf_puts(&text, "cause\n\tUnmanaged Application : false\n");
    assert_int_equal(hadoop_answer_status(text.data, text.length, 0, "application_1_2", &report, &err), 0);
    assert_int_equal(strlen(report.diagnostics), YARN_DIAGNOSTICS_MAX - 1);
    assert_string_equal(strrchr(report.diagnostics, '\n'), "\ncause");
}

static void collect(void *context, const struct yarn_app *report) {
    strbuf_printf(context, "%s %s %s %.0f%% %s;", report->id, report->state, report->final_status, report->progress,
                  report->tracking_url);
}

static const struct {
    const char *fixture, *rows;
} lists[] = {
    {"spark-list", ID " RUNNING UNDEFINED 10% http://localhost:34741;"},
    {"hadoop-list", ID " RUNNING UNDEFINED 10% http://localhost:34741;"},
    {"bob-list", ID " RUNNING UNDEFINED 0% ;"},
};

static void test_list(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        int code;
        char *text = fixture(lists[i].fixture, &code);
        AUTO_STRBUF rows = STRBUF_INIT;
        struct error err = {0};
        assert_int_equal(hadoop_answer_list(text, strlen(text), code, collect, &rows, &err), 0);
        assert_string_equal(strbuf_text(&rows), lists[i].rows);
        free(text);
    }
    int code;
    char *text = fixture("time-hadoop", &code);
    AUTO_STRBUF rows = STRBUF_INIT;
    struct error err = {0};
    assert_int_equal(hadoop_answer_list(text, strlen(text), code, collect, &rows, &err), 0);
    assert_non_null(strstr(strbuf_text(&rows), "application_1795279011009_0001 FINISHED SUCCEEDED 100% "
                                               "http://localhost:19888/jobhistory/job/job_1795279011009_0001;"));
    free(text);
}

#define TOTAL(n) \
    "Total number of applications (application-types: [], states: [NEW] and tags: [t]):" n "\nApplication-Id\tx\n"
#define ROW(id, name) id "\t  " name "\tSPARK\ta\tq\t RUNNING\tUNDEFINED\t 10%\tN/A\n"

static const struct {
    const char *text;
    int count; /* -1: ERROR_INVALID */
} lists_made_up[] = {
    {TOTAL("0"), 0},
    {TOTAL("1") ROW("application_1_2", "a\tb\tRUNNING\tFAILED"), 1},
    {TOTAL("2") ROW("application_1_2", "a") ROW("application_1_3", "b"), 2},
    {TOTAL("2") ROW("application_1_2", "a"), -1},
    {TOTAL("1") ROW("application_1_2", "a\nb"), -1}, /* a row in two pieces must not be lost in silence */
    {TOTAL("1") ROW("application_1_2", "a\n") ROW("application_1_3", "b"), 1},
    {TOTAL(""), -1},
    {TOTAL("x"), -1},
    {ROW("application_1_2", "a"), -1},
    {"", -1},
};

static void count(void *context, const struct yarn_app *report) {
    (void)report;
    ++*(int *)context;
}

static void test_list_made_up(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lists_made_up / sizeof lists_made_up[0]; i++) {
        struct error err = {0};
        int rows = 0;
        const char *text = lists_made_up[i].text;
        int result = hadoop_answer_list(text, strlen(text), 0, count, &rows, &err);
        if (result != (lists_made_up[i].count < 0 ? -1 : 0))
            fail_msg("%s: %d %s", text, result, err.text);
        if (result == 0)
            assert_int_equal(rows, lists_made_up[i].count);
    }
}

static void test_kill(void **state) {
    (void)state;
    static const char *const done[] = {"spark-kill", "spark-kill-again"};
    struct error err = {0};
    int code;
    for (size_t i = 0; i < 2; i++) {
        char *text = fixture(done[i], &code);
        assert_int_equal(hadoop_answer_kill(text, strlen(text), code, ID, &err), 0);
        assert_int_equal(hadoop_answer_kill(text, strlen(text), code, "application_1_2", &err), -1);
        free(text);
    }
    char *text = fixture("bob-kill", &code);
    assert_int_equal(hadoop_answer_kill(text, strlen(text), code, ID, &err), -1);
    assert_int_equal(err.code, ERROR_FORBIDDEN);
    assert_string_equal(err.text, "User bob cannot perform operation MODIFY_APP on " ID " (exit code 1)");
    free(text);
}

static void test_not_answered(void **state) {
    (void)state;
    struct yarn_app report;
    struct error err = {0};
    int code;
    char *text = fixture("spark-unknown", &code);
    assert_int_equal(code, 255);
    assert_int_equal(hadoop_answer_status(text, strlen(text), code, "application_1_0001", &report, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    free(text);
    static const char crash[] =
        "INFO x\nException in thread \"main\" java.lang.OutOfMemoryError: Java heap\x1b space\n\tat x\n";
    assert_int_equal(hadoop_answer_list(crash, strlen(crash), 1, count, NULL, &err), -1);
    assert_int_equal(err.code, ERROR_TRANSIENT);
    assert_string_equal(err.text, "java.lang.OutOfMemoryError: Java heap? space (exit code 1)");
    static const char caused[] = "Exception in thread \"main\" java.io.IOException: DestHost:destPort localhost:8032\n"
                                 "\tat a.b(C.java:1)\nCaused by: java.io.IOException: Couldn't set up IO streams\n"
                                 "\tat a.b(C.java:1)\nCaused by: GSSException: No valid credentials\n\t... 25 more\n";
    assert_int_equal(hadoop_answer_list(caused, strlen(caused), 1, count, NULL, &err), -1);
    assert_string_equal(err.text, "GSSException: No valid credentials (exit code 1)");
    assert_int_equal(hadoop_answer_kill("", 0, 137, ID, &err), -1);
    assert_string_equal(err.text, "YARN's client said nothing (exit code 137)");
    assert_int_equal(err.code, ERROR_TRANSIENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_made_up),
        cmocka_unit_test(test_long_diagnostics),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_made_up),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
