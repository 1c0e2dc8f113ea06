/* What is found in the real output of every mode and failure, and that nothing is found where nothing is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/lines.h"
#include "output/scan.h"
#include "support_file.h"

struct seen {
    const struct scanner *scanner;
    char application[128], job[128], url[RECORD_URL_MAX + 1], state[32], status[32], stage[32];
    int map, reduce, port, tasks, total;
    size_t urls;
};

static void on_line(void *context, const char *line, size_t length) {
    struct seen *seen = context;
    struct facts facts;
    scan_line(seen->scanner, line, length, &facts);
    for (size_t i = 0; i < facts.count; i++) {
        const struct fact *fact = &facts.items[i];
        char *slots[] = {[FACT_APPLICATION] = seen->application, [FACT_JOB] = seen->job,
                         [FACT_TRACKING_URL] = seen->url,        [FACT_STATE] = seen->state,
                         [FACT_FINAL_STATUS] = seen->status,     [FACT_TASKS] = seen->stage};
        if (fact->type != FACT_MAP_REDUCE && fact->type != FACT_UI_PORT)
            memcpy(slots[fact->type], fact->text, strlen(fact->text) + 1);
        seen->urls += fact->type == FACT_TRACKING_URL;
        if (fact->type == FACT_MAP_REDUCE)
            seen->map = fact->number, seen->reduce = fact->total;
        if (fact->type == FACT_UI_PORT)
            seen->port = fact->number;
        if (fact->type == FACT_TASKS)
            seen->tasks = fact->number, seen->total = fact->total;
    }
}

static void look(struct seen *seen, const char *kind, const char *text, size_t length) {
    *seen = (struct seen){.scanner = scanner_of(kind)};
    struct lines *lines = calloc(1, sizeof *lines);
    lines->each = on_line;
    lines->context = seen;
    lines_add(lines, text, length);
    lines_end(lines);
    free(lines);
}

/* X(file, kind, application, job, URL's path behind http://localhost:8088, map, reduce, port, state, status, stage,
 * tasks, total) */
static const struct expectation {
    const char *file;
    const char *kind;
    const char *application, *job, *path;
    int map, reduce, port;
    const char *state, *status, *stage;
    int tasks, total;
} expectations[] = {
    {"streaming-ok.stderr.txt", "hadoopStreaming", "application_1795167331881_0001", "job_1795167331881_0001",
     "/proxy/application_1795167331881_0001/", 100, 100, 0, "", "", "", 0, 0},
    {"streaming-fail.stderr.txt", "hadoopStreaming", "application_1795167331881_0002", "job_1795167331881_0002",
     "/proxy/application_1795167331881_0002/", 100, 100, 0, "", "", "", 0, 0},
    {"examples-pi.stderr.txt", "hadoopJar", "application_1795168584262_0001", "job_1795168584262_0001",
     "/proxy/application_1795168584262_0001/", 100, 100, 0, "", "", "", 0, 0},
    {"kill-yarn.stderr.txt", "hadoopJar", "application_1795167331881_0003", "job_1795167331881_0003",
     "/proxy/application_1795167331881_0003/", 0, 0, 0, "", "", "", 0, 0},
    {"kill-mapred.stderr.txt", "hadoopJar", "application_1795167331881_0004", "job_1795167331881_0004",
     "/proxy/application_1795167331881_0004/", 100, 100, 0, "", "", "", 0, 0},
    {"client-sigterm.stderr.txt", "hadoopStreaming", "application_1795167331881_0005", "job_1795167331881_0005",
     "/proxy/application_1795167331881_0005/", 0, 0, 0, "", "", "", 0, 0},
    {"streaming-nolog4j.stderr.txt", "hadoopStreaming", "", "", "", 0, 0, 0, "", "", "", 0, 0},
    /* LocalJobRunner's http://localhost:8080/ leads nowhere */
    {"streaming-local-ok.stderr.txt", "hadoopStreaming", "", "job_local544362574_0001", "", 100, 100, 0, "", "", "", 0,
     0},
    {"streaming-local-fail.stderr.txt", "hadoopStreaming", "", "job_local1487233513_0001", "", 0, 0, 0, "", "", "", 0,
     0},
    {"spark-local-default.stderr.txt", "sparkSubmit", "", "", "", 0, 0, 4040, "", "", "1.0", 4, 4},
    {"spark-local-structured.stderr.txt", "sparkSubmit", "", "", "", 0, 0, 4040, "", "", "1.0", 4, 4},
    {"spark-local-loglevel-warn.stderr.txt", "sparkSubmit", "", "", "", 0, 0, 0, "", "", "", 0, 0},
    {"spark-standalone-client.stderr.txt", "sparkSubmit", "app-20261120100856-0000", "", "", 0, 0, 4040, "", "", "1.0",
     4, 4},
    {"spark-yarn-client.stderr.txt", "sparkSubmit", "application_1795168584262_0004", "",
     "/proxy/application_1795168584262_0004/", 0, 0, 4040, "RUNNING", "UNDEFINED", "1.0", 4, 4},
    {"spark-yarn-client-kill.stderr.txt", "sparkSubmit", "application_1795168584262_0010", "",
     "/proxy/application_1795168584262_0010/", 0, 0, 4040, "RUNNING", "UNDEFINED", "0.0", 0, 4},
    {"spark-yarn-cluster.stderr.txt", "sparkSubmit", "application_1795168584262_0006", "",
     "/proxy/application_1795168584262_0006/", 0, 0, 0, "FINISHED", "SUCCEEDED", "", 0, 0},
    {"spark-yarn-cluster-fail.stderr.txt", "sparkSubmit", "application_1795168584262_0007", "",
     "/proxy/application_1795168584262_0007/", 0, 0, 0, "FINISHED", "FAILED", "", 0, 0},
    {"spark-yarn-cluster-exit7.stderr.txt", "sparkSubmit", "application_1795168584262_0008", "",
     "/cluster/app/application_1795168584262_0008", 0, 0, 0, "FAILED", "FAILED", "", 0, 0},
    {"spark-yarn-cluster-kill.stderr.txt", "sparkSubmit", "application_1795168584262_0009", "",
     "/cluster/app/application_1795168584262_0009", 0, 0, 0, "KILLED", "KILLED", "", 0, 0},
    {"spark-yarn-cluster-nowait.stderr.txt", "sparkSubmit", "application_1795168584262_0013", "",
     "/proxy/application_1795168584262_0013/", 0, 0, 0, "ACCEPTED", "UNDEFINED", "", 0, 0},
    /* only the logger of deploy.yarn.Client speaks */
    {"spark-yarn-cluster-log4j-clientinfo.stderr.txt", "sparkSubmit", "application_1795168584262_0014", "",
     "/proxy/application_1795168584262_0014/", 0, 0, 0, "FINISHED", "SUCCEEDED", "", 0, 0},
    {"err-no-input.stderr.txt", "hadoopStreaming", "", "", "", 0, 0, 0, "", "", "", 0, 0},
    /* a plain command's output is not looked at */
    {"streaming-ok.stderr.txt", "command", "", "", "", 0, 0, 0, "", "", "", 0, 0},
};

static void test_captures(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *want = &expectations[i];
        char url[256] = "";
        size_t length = 0;
        char *text = support_fixture(want->file, &length);
        struct seen seen;
        look(&seen, want->kind, text, length);
        if (*want->path)
            snprintf(url, sizeof url, "http://localhost:8088%s", want->path);
        if (strcmp(seen.application, want->application) || strcmp(seen.url, url) || strcmp(seen.job, want->job))
            print_error("in %s\n", want->file);
        assert_string_equal(seen.application, want->application);
        assert_string_equal(seen.job, want->job);
        assert_string_equal(seen.url, url);
        assert_int_equal(seen.map, want->map);
        assert_int_equal(seen.reduce, want->reduce);
        assert_int_equal(seen.port, want->port);
        assert_string_equal(seen.state, want->state);
        assert_string_equal(seen.status, want->status);
        assert_string_equal(seen.stage, want->stage);
        assert_int_equal(seen.tasks, want->tasks);
        assert_int_equal(seen.total, want->total);
        free(text);
    }
}

static struct facts scan(const char *kind, const char *line) {
    struct facts facts;
    scan_line(scanner_of(kind), line, strlen(line), &facts);
    return facts;
}

static void test_hostile_lines(void **state) {
    (void)state;
    static const char *const lines[] = {
        "Submitted application application_",
        "Submitted application application_1",
        "Submitted application application_1_",
        "Submitted application application_x_1",
        "Submitted application application_1_2x",
        "Submitted application application_111111111111111111111_1",
        "The url to track the job: http",
        "The url to track the job: http://",
        "The url to track the job: http:///x",
        "The url to track the job: http://a b",
        "The url to track the job: https://user@evil:80/",
        "The url to track the job: http://host:99999/",
        "The url to track the job: http://host:0/",
        "The url to track the job: http://[::1/",
        "The url to track the job: http://localhost:8080/",
        "The url to track the job: httpx://host/",
        "The url to track the job: ftp://host/",
        " map 101% reduce 5%",
        " map 99999999999999999999% reduce 5%",
        " map % reduce %",
        " map 1% reduce",
        "Running job: job_1_2_3",
        "Running job: job_local_1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct facts facts = scan("hadoopJar", lines[i]);
        /* " a b": the URL ends at the blank, which leaves one that is fine */
        if (facts.count != 0 && !strstr(lines[i], "http://a b"))
            fail_msg("found something in: %s", lines[i]);
    }
    static const char *const spark[] = {
        "Successfully started service 'SparkUI' on port 0.",
        "Successfully started service 'SparkUI' on port 70000.",
        "Successfully started service 'SparkUI' on port .",
        "Successfully started service 'sparkDriver' on port 4041.",
        "Start Jetty 0.0.0.0:8080 for MasterUI",
        "Start Jetty",
        "Start Jetty :",
        "Adding task set 0.0 with 0 tasks",
        "Finished task 0.0 in stage 0.0 (TID 0) in 12 ms on h (executor 1) (5/4)",
        "Finished task 0.0 in stage 0.0 (TID 0) in 12 ms on h (executor 1) (",
        "Finished task ",
        "Application report for application_1_2 (state: ",
    };
    for (size_t i = 0; i < sizeof spark / sizeof spark[0]; i++) {
        struct facts facts = scan("sparkSubmit", spark[i]);
        for (size_t j = 0; j < facts.count; j++)
            if (facts.items[j].type != FACT_APPLICATION)
                fail_msg("found something in: %s", spark[i]);
    }
}

static void test_url_ends_where_it_ends(void **state) {
    (void)state;
    struct facts facts =
        scan("sparkSubmit", "{\"msg\":\"\\n\\t tracking URL: http://rm:8088/proxy/application_1_2/\\n\\t user: x\"}");
    assert_int_equal(facts.count, 1);
    assert_string_equal(facts.items[0].text, "http://rm:8088/proxy/application_1_2/");
    facts = scan("hadoopJar", "The url to track the job: https://rm.example.com:8090/proxy/application_1_2/ now");
    assert_string_equal(facts.items[0].text, "https://rm.example.com:8090/proxy/application_1_2/");
    facts = scan("hadoopJar", "The url to track the job: http://[2001:db8::1]:8088/proxy/");
    assert_string_equal(facts.items[0].text, "http://[2001:db8::1]:8088/proxy/");
}

static void test_long_url_is_refused(void **state) {
    (void)state;
    char line[2000] = "The url to track the job: http://host/";
    memset(line + strlen(line), 'a', 1500);
    assert_int_equal(scan("hadoopJar", line).count, 0);
}

static void test_no_more_facts_than_room(void **state) {
    (void)state;
    struct facts facts =
        scan("hadoopJar", "Running job: job_1_2 Running job: job_1_2 Running job: job_1_2 Running job: job_1_2 "
                          "Running job: job_1_2 Running job: job_1_2");
    assert_int_equal(facts.count, FACTS_MAX);
}

static void test_kinds(void **state) {
    (void)state;
    assert_int_equal(scan("hadoopStreaming", "Running job: job_1_2").count, 1);
    assert_int_equal(scan("sparkSubmit", "Running job: job_1_2").count, 0);
    assert_int_equal(scan("command", "Running job: job_1_2").count, 0);
    assert_null(scanner_of("HadoopStreaming"));
    assert_null(scanner_of(""));
}

static void test_lost_contact(void **state) {
    (void)state;
    struct facts facts =
        scan("sparkSubmit", "26/11/20 ERROR Client: Failed to contact YARN for application application_1_2.");
    assert_int_equal(facts.count, 1);
    assert_int_equal(facts.items[0].type, FACT_LOST_CONTACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captures),
        cmocka_unit_test(test_hostile_lines),
        cmocka_unit_test(test_url_ends_where_it_ends),
        cmocka_unit_test(test_long_url_is_refused),
        cmocka_unit_test(test_no_more_facts_than_room),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_lost_contact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
