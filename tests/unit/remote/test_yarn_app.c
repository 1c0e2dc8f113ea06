/* What the ResourceManager and the Spark driver say: real answers and hostile ones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/telling.h"
#include "remote/manager.h"
#include "remote/spark_ui.h"
#include "remote/yarn_app.h"
#include "support_file.h"

/* --- applications --- */

static struct yarn_app app;

static int parse(const char *fixture) {
    struct error err;
    size_t length = 0;
    char *text = support_fixture(fixture, &length);
    int result = yarn_app_parse(text, length, &app, &err);
    free(text);
    return result;
}

static void test_real_answers(void **state) {
    (void)state;
    char why[TELLING_TEXT_MAX];
    assert_int_equal(parse("rm-app-RUNNING.json"), 0);
    assert_string_equal(app.id, "application_1795167331881_0002");
    assert_string_equal(app.state, "RUNNING");
    assert_string_equal(app.tracking_url, "http://localhost:8088/proxy/application_1795167331881_0002/");
    assert_true(app.progress > 4.9 && app.progress < 5.1);
    assert_false(yarn_app_ended(&app));

    assert_int_equal(parse("rm-app-FINISHED-failed.json"), 0);
    assert_true(yarn_app_ended(&app));
    assert_string_equal(app.final_status, "FAILED");
    yarn_app_explain(&app, why, sizeof why);
    assert_string_equal(why, "Task failed task_1795167331881_0002_m_000000");

    assert_int_equal(parse("rm-app-KILLED.json"), 0);
    assert_true(yarn_app_ended(&app));
    yarn_app_explain(&app, why, sizeof why);
    assert_string_equal(why, "Application application_1795167331881_0003 was killed by user root at 127.0.0.1");

    assert_int_equal(parse("rm-app-ACCEPTED-no-nodes.json"), 0);
    yarn_app_explain(&app, why, sizeof why);
    assert_memory_equal(why, "Application is added to the scheduler", 37);
}

static void test_hostile_answers(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "{}",
        "[]",
        "{\"app\":null}",
        "{\"app\":[]}",
        "{\"app\":{}}",
        "{\"app\":{\"id\":7,\"state\":\"RUNNING\"}}",
        "{\"app\":{\"id\":\"application_1_2\"}}",
        "{\"app\":{\"id\":\"application_1_2\",\"state\":\"run ning\"}}",
        "{\"app\":{\"id\":\"application_1_2/../x\",\"state\":\"RUNNING\"}}",
        "{\"app\":{\"id\":\"application_1_2\",\"state\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
    };
    struct error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(yarn_app_parse(bad[i], strlen(bad[i]), &app, &err), -1);
    static const char odd[] =
        "{\"app\":{\"id\":\"application_1_2\",\"state\":\"RUNNING\",\"progress\":1e999,\"trackingUrl\":"
        "\"javascript:x\",\"diagnostics\":7,\"applicationTags\":null,\"startedTime\":\"x\"}}";
    assert_int_equal(yarn_app_parse(odd, sizeof odd - 1, &app, &err), -1); /* no number that JSON allows */
    static const char fine[] =
        "{\"app\":{\"id\":\"application_1_2\",\"state\":\"RUNNING\",\"progress\":-7,\"trackingUrl\":"
        "\"javascript:x\",\"diagnostics\":7,\"applicationTags\":null,\"startedTime\":\"x\"}}";
    assert_int_equal(yarn_app_parse(fine, sizeof fine - 1, &app, &err), 0);
    assert_string_equal(app.tracking_url, "");
    assert_true(app.progress >= 0 && app.progress <= 100);
}

static void count_apps(void *context, const struct yarn_app *one) {
    (void)one;
    ++*(size_t *)context;
}

static void test_lists(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int result;
        size_t count;
    } lists[] = {
        {"{\"apps\":{\"app\":[{\"id\":\"application_1_2\",\"state\":\"RUNNING\"},{\"id\":\"x\"},7]}}", -1, 1},
        {"{\"apps\":{\"app\":\"x\"}}", -1, 0},
        {"{\"apps\":{\"app\":{\"id\":\"application_1_2\",\"state\":\"RUNNING\"}}}", 0, 1},
        {"{\"apps\":null}", 0, 0},
        {"{\"apps\":{}}", 0, 0},
        {"{}", -1, 0},
        {"<html>", -1, 0},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        size_t count = 0;
        struct error err;
        assert_int_equal(yarn_apps_parse(lists[i].text, strlen(lists[i].text), count_apps, &count, &err),
                         lists[i].result);
        assert_int_equal(count, lists[i].count);
    }
}

static void test_identity(void **state) {
    (void)state;
    assert_true(yarn_id_valid("application_1795167331881_0002"));
    assert_false(yarn_id_valid("application_1795167331881_0002 "));
    assert_false(yarn_id_valid("application_-1_2"));
    assert_false(yarn_id_valid("application_1_2;rm -rf"));
    assert_false(yarn_id_valid(""));
    struct yarn_app one = {.id = "application_1700000000000_0010", .tags = "a,weir-x-y,b"};
    assert_true(yarn_app_tagged(&one, "WEIR-x-y"));
    assert_false(yarn_app_tagged(&one, "weir-x"));
    assert_true(yarn_app_tagged_like(&one, "weir-"));
    assert_false(yarn_app_tagged_like(&one, "weir-x-z"));
    assert_true(remote_id_older("application_1700000000000_0009", one.id));
    assert_true(remote_id_older("application_1600000000000_9999", one.id));
    assert_false(remote_id_older("application_1700000000000_0010", one.id));
    assert_false(remote_id_older("application_1700000000000_10000", one.id));
    assert_true(remote_id_older("", one.id));
}

/* --- the Spark driver's REST interface --- */

static void test_spark(void **state) {
    (void)state;
    struct error err;
    struct spark_ui_progress progress;
    char id[SPARK_UI_ID_MAX];
    size_t length = 0;
    char *text = support_fixture("spark-applications.json", &length);
    assert_int_equal(spark_ui_parse_applications(text, length, id, &err), 0);
    assert_string_equal(id, "local-1795169491161");
    free(text);
    text = support_fixture("spark-jobs.json", &length);
    assert_int_equal(spark_ui_parse_jobs(text, length, &progress, &err), 0);
    assert_int_equal(progress.percent, 87);
    assert_string_equal(progress.text, "stage 2/2, 7/8 tasks");
    free(text);
}

static void test_spark_hostile(void **state) {
    (void)state;
    struct error err;
    struct spark_ui_progress progress;
    char id[SPARK_UI_ID_MAX];
    static const char *const bad[] = {
        "", "{}", "[]", "[{}]", "[{\"id\":\"a/../b\"}]", "[{\"id\":\"\"}]", "[{\"id\":5}]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(spark_ui_parse_applications(bad[i], strlen(bad[i]), id, &err), -1);
    assert_int_equal(spark_ui_parse_jobs("{}", 2, &progress, &err), -1);
    static const char *const odd[] = {"[]", "[7]", "[{\"status\":\"RUNNING\",\"numTasks\":-5}]",
                                      "[{\"status\":\"RUNNING\",\"numTasks\":99999999999999}]"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_int_equal(spark_ui_parse_jobs(odd[i], strlen(odd[i]), &progress, &err), 0);
        assert_int_equal(progress.percent, -1);
    }
    static const char over[] = "[{\"status\":\"RUNNING\",\"numTasks\":5,\"numCompletedTasks\":9,\"stageIds\":[]}]";
    assert_int_equal(spark_ui_parse_jobs(over, sizeof over - 1, &progress, &err), 0);
    assert_int_equal(progress.percent, 100);
}

static int begin(void **state) {
    (void)state;
    telling_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_answers), cmocka_unit_test(test_hostile_answers),
        cmocka_unit_test(test_lists),        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_spark),        cmocka_unit_test(test_spark_hostile),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
