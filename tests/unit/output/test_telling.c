/* Which line of the real failures is shown to a person. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/telling.h"
#include "support_file.h"

static struct telling telling;

static void feed(enum telling_stream stream, const char *text) {
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length)
            telling_line(&telling, stream, text, length < 4096 ? length : 4096);
        text += length + (text[length] == '\n');
    }
}

static int begin(void **state) {
    (void)state;
    telling_init();
    telling = (struct telling){0};
    return 0;
}

static const struct {
    const char *file, *best, *job;
} expectations[] = {
    {"streaming-fail.stderr.txt", "RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code 1",
     "Task failed task_1795167331881_0002_m_000000"},
    {"streaming-fail-max1.stderr.txt", "", "Task failed task_1795169535935_0003_m_000001"},
    {"streaming-local-fail.stderr.txt",
     "RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code 1", ""},
    {"kill-yarn.stderr.txt", "", "Application application_1795167331881_0003 was killed by user root at 127.0.0.1"},
    {"spark-local-fail.stdout.txt", "ValueError: boom in the executor", ""},
    {"spark-local-failpy.stdout.txt", "RuntimeError: driver-side failure", ""},
    {"spark-yarn-cluster-exit7.stderr.txt",
     "SparkException: Application application_1795168584262_0008 finished with failed status", ""},
    {"spark-badmaster.stderr.txt", "SparkException: Master must either be yarn or start with spark, k8s, or local", ""},
    {"spark-badarg.stderr.txt", "Unrecognized option: --bogus", ""},
    {"spark-noclass.stderr.txt", "Failed to load class no.Such.", ""},
    {"spark-nofile.stdout.txt",
     "/opt/spark-venv/bin/python3: can't open file '/opt/hadoopkit/spark/nosuch.py': [Errno 2] No such file or "
     "directory",
     ""},
    {"err-no-input.stderr.txt", "Input path does not exist: hdfs://127.0.0.1:9000/nope", ""},
    {"err-output-exists.stderr.txt", "Output directory hdfs://127.0.0.1:9000/out1 already exists", ""},
    {"err-no-file.stderr.txt", "FileNotFoundException: File nosuch.py does not exist", ""},
    {"err-no-jar.stderr.txt", "JAR does not exist or is not a normal file: /nope.jar", ""},
    {"err-no-class.stdout.txt", "Unknown program 'nosuchexample' chosen.", ""},
    {"err-bad-option.stderr.txt", "streaming.StreamJob: Unrecognized option: -bogus", ""},
    {"spark-local-default.stderr.txt", "", ""}, /* it succeeded: nothing to complain about */
};

static void test_captures(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        char *text = support_fixture(expectations[i].file, NULL);
        telling = (struct telling){0};
        feed(strstr(expectations[i].file, "stderr") ? TELLING_STDERR : TELLING_STDOUT, text);
        if (strcmp(telling.best.text, expectations[i].best))
            print_error("in %s\n", expectations[i].file);
        assert_string_equal(telling.best.text, expectations[i].best);
        assert_string_equal(telling.job.text, expectations[i].job);
        free(text);
    }
}

static void test_exception_of_any_name(void **state) {
    (void)state;
    feed(TELLING_STDOUT, "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    raise Boom(1)\n"
                         "__main__.Boom: no data for 2026-11-20\n");
    assert_string_equal(telling_best(&telling), "Boom: no data for 2026-11-20");
}

static void test_noise_at_the_end_is_not_the_cause(void **state) {
    (void)state;
    feed(TELLING_STDOUT,
         "Traceback (most recent call last):\n  File \"x.py\", line 1\nValueError: bad input (day 7)\n");
    feed(TELLING_STDERR,
         "26/11/20 23:12:18 INFO SparkContext: stopping\n26/11/20 23:12:18 ERROR TransportResponseHandler: "
         "Still have 1 requests\njava.io.IOException: Connection from /10.0.0.2:41776 closed\n\tat x\n");
    assert_string_equal(telling_best(&telling), "ValueError: bad input (day 7)");
    telling = (struct telling){0};
    feed(TELLING_STDERR,
         "Exception in thread \"main\" org.acme.Boom: no\nCaused by: org.acme.Deep: really\n\tat x\n26/11/20 WARN "
         "Foo: bar\njava.io.IOException: closed\n");
    assert_string_equal(telling_best(&telling), "Deep: really");
}

static void test_streams_do_not_mix(void **state) {
    (void)state;
    telling_line(&telling, TELLING_STDOUT, "Traceback (most recent call last):", 34);
    telling_line(&telling, TELLING_STDERR, "plain: words", 12);
    assert_int_equal(telling.best.rank, TELLING_NONE);
    telling_line(&telling, TELLING_STDOUT, "Boom: yes", 9);
    assert_string_equal(telling_best(&telling), "Boom: yes");
}

static void test_far_back_gives_way(void **state) {
    (void)state;
    feed(TELLING_STDERR, "java.io.IOException: a warning of the first minute\n");
    for (int i = 0; i < 1000; i++)
        feed(TELLING_STDERR, "INFO all is well\n");
    feed(TELLING_STDERR, "cat: /nope: No such file or directory\n");
    assert_string_equal(telling_best(&telling), "cat: /nope: No such file or directory");
}

static void test_near_rank_wins(void **state) {
    (void)state;
    feed(TELLING_STDERR, "java.io.IOException: disk full\nsomething: No such file or directory\n");
    assert_string_equal(telling_best(&telling), "IOException: disk full");
}

static void test_last_line_when_nothing_complains(void **state) {
    (void)state;
    feed(TELLING_STDOUT, "out\n");
    assert_string_equal(telling_best(&telling), "out");
    feed(TELLING_STDERR, "put: `/x': File exists\n26/11/20 INFO Foo: bar\n\tat x\n");
    assert_string_equal(telling_best(&telling), "put: `/x': File exists");
}

static void test_nothing_at_all(void **state) {
    (void)state;
    assert_string_equal(telling_best(&telling), "");
}

static void test_hostile(void **state) {
    (void)state;
    static const char *const lines[] = {"Exception in thread \"",
                                        "Exception in thread \"main\"",
                                        "Caused by: ",
                                        "Error: ",
                                        "Error",
                                        ": ",
                                        "Exception",
                                        " ERROR ",
                                        "\"level\":\"ERROR\",\"msg\":\""};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char *exact = malloc(strlen(lines[i])); /* no byte behind it may be read */
        memcpy(exact, lines[i], strlen(lines[i]));
        telling_line(&telling, TELLING_STDERR, exact, strlen(lines[i]));
        free(exact);
    }
    char large[4096];
    memset(large, 'E', sizeof large);
    memcpy(large, "Caused by: ", 11);
    telling_line(&telling, TELLING_STDERR, large, sizeof large);
    assert_true(strlen(telling_best(&telling)) < TELLING_TEXT_MAX);
}

static void test_choose(void **state) {
    (void)state;
    char out[TELLING_TEXT_MAX];
    telling_choose("Task failed task_1_m_000000\nJob failed as tasks failed. failedMaps:1\n", out);
    assert_string_equal(out, "Task failed task_1_m_000000");
    telling_choose("Application failed 1 times\nCaused by: org.acme.Bad: no\n\tat x\nFailing the application.", out);
    assert_string_equal(out, "Bad: no");
    telling_choose("", out);
    assert_string_equal(out, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_captures, begin),
        cmocka_unit_test_setup(test_exception_of_any_name, begin),
        cmocka_unit_test_setup(test_noise_at_the_end_is_not_the_cause, begin),
        cmocka_unit_test_setup(test_streams_do_not_mix, begin),
        cmocka_unit_test_setup(test_far_back_gives_way, begin),
        cmocka_unit_test_setup(test_near_rank_wins, begin),
        cmocka_unit_test_setup(test_last_line_when_nothing_complains, begin),
        cmocka_unit_test_setup(test_nothing_at_all, begin),
        cmocka_unit_test_setup(test_hostile, begin),
        cmocka_unit_test_setup(test_choose, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
