/* What is written to standard error, under a clock that the test sets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"

static time_t now = 1795168800;

int clock_gettime(clockid_t id, struct timespec *ret_time) { /* in place of libc's, in this program only */
    (void)id;
    *ret_time = (struct timespec){.tv_sec = now, .tv_nsec = 42000000};
    return 0;
}

static int real_stderr = -1;
static int file = -1;

static int begin(void **state) {
    (void)state;
    now += 3600; /* past the windows of the test before */
    fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    file = memfd_create("log", 0);
    log_set_level(LOG_INFO);
    return dup2(file, STDERR_FILENO) < 0;
}

/* Gives standard error back, and what was written to it since begin(). */
static const char *written(void) {
    static char text[64 * 1024];
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void a_line_is_one_object(void **state) {
    (void)state;
    now = 1795168800;
    const char *pod = "a-0";
    const char *none = NULL;
    log_info("controller", "created \"pod\"", {"pod", pod}, {"run", none}, {"text", "line\nfeed \xFF"});
    log_warn("web", "bare");
    assert_string_equal(written(),
                        "{\"ts\":\"2026-11-20T10:00:00.042000Z\",\"level\":\"info\",\"logger\":\"controller\","
                        "\"msg\":\"created \\\"pod\\\"\",\"pod\":\"a-0\",\"text\":\"line\\nfeed \xEF\xBF\xBD\"}\n"
                        "{\"ts\":\"2026-11-20T10:00:00.042000Z\",\"level\":\"warn\",\"logger\":\"web\","
                        "\"msg\":\"bare\"}\n");
}

static void lower_levels_are_silent(void **state) {
    (void)state;
    enum log_level level = LOG_ERROR;
    assert_int_equal(log_level_parse("warn", &level), 0);
    assert_int_equal(level, LOG_WARN);
    assert_int_equal(log_level_parse("loud", &level), -1);
    log_set_level(level);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_WARN));
    log_info("a", "not this");
    log_error("a", "but this");
    log_set_level(LOG_DEBUG);
    log_debug("a", "and this");
    const char *text = written();
    assert_null(strstr(text, "not this"));
    assert_non_null(strstr(text, "\"level\":\"error\""));
    assert_non_null(strstr(text, "\"level\":\"debug\""));
}

static void a_repeated_text_is_counted(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        log_info("kube", "connection cut", {"host", "a"});
    log_info("kube", "another text");
    log_warn("kube", "connection cut"); /* another call site */
    now += 11;
    log_info("kube", "connection cut", {"host", "b"});
    const char *text = written();
    assert_int_equal(count_lines(text), 10 + 2 + 2);
    assert_non_null(strstr(text, "\"msg\":\"connection cut\",\"suppressed\":\"990\"}\n"));
    assert_non_null(strstr(text, "\"host\":\"b\""));
}

static void a_line_too_long_stays_json(void **state) {
    (void)state;
    static char value[20000];
    memset(value, 'x', sizeof value - 1);
    log_info("a", value, {"small", "1"}, {"large", value}, {"last", "2"});
    const char *text = written();
    struct error err = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_parse(text, strlen(text), &doc, &err), 0);
    yyjson_val *line = yyjson_doc_get_root(doc);
    assert_int_equal(strlen(json_text(line, "msg", "")), 1023);
    assert_string_equal(json_text(line, "small", ""), "1");
    assert_null(json_text(line, "large", NULL));
    assert_string_equal(json_text(line, "last", ""), "2");
    json_free(&doc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_one_object, begin),
        cmocka_unit_test_setup(lower_levels_are_silent, begin),
        cmocka_unit_test_setup(a_repeated_text_is_counted, begin),
        cmocka_unit_test_setup(a_line_too_long_stays_json, begin),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
