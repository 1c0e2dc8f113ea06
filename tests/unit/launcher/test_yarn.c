/* Where the ResourceManagers are, and what they say: configuration files and real answers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "launcher/spark.h"
#include "launcher/telling.h"
#include "launcher/yarn_app.h"
#include "launcher/yarn_conf.h"
#include "support_file.h"

/* --- yarn-site.xml --- */

#define P(name, value) "<property><name>" name "</name><value>" value "</value></property>"

static const struct {
    const char *xml, *rms; /* NULL: refused */
} sites[] = {
    {"<configuration>" P("yarn.resourcemanager.webapp.address", "rm.example:8088") "</configuration>",
     "rm.example:8088"},
    {"<configuration>" P("yarn.resourcemanager.hostname", "rm.example") "</configuration>", "rm.example:8088"},
    {"<?xml version='1.0'?><!-- c --><configuration>" P("yarn.resourcemanager.hostname", " rm ")
         P("yarn.resourcemanager.webapp.address", "\n ${yarn.resourcemanager.hostname}:9088 \n") "</configuration>",
     "rm:9088"},
    {"<configuration>" P("yarn.resourcemanager.ha.rm-ids", "rm1, rm2") P("yarn.resourcemanager.hostname.rm1", "a")
         P("yarn.resourcemanager.webapp.address.rm2", "b:1234") "</configuration>",
     "a:8088 b:1234"},
    {"<configuration>" P("yarn.resourcemanager.hostname", "old")
         P("yarn.resourcemanager.hostname", "new") "</configuration>",
     "new:8088"},
    {"<configuration><property><name>yarn.resourcemanager.hostname</name><value>a<!-- x -->b</value><final>true</final>"
     "</property></configuration>",
     "ab:8088"},
    {"<configuration>" P("yarn.resourcemanager.webapp.address", "[::1]:8088") "</configuration>", "[::1]:8088"},
    {"<configuration/>", ""},
    {"<configuration>" P("yarn.resourcemanager.hostname", "0.0.0.0") "</configuration>", ""},
    {"<configuration>" P("yarn.resourcemanager.hostname", "") "</configuration>", ""},
    {"<configuration>" P("yarn.resourcemanager.hostname", "bad host/") "</configuration>", ""},
    {"<configuration>" P("yarn.resourcemanager.hostname", "${yarn.resourcemanager.hostname}") "</configuration>", ""},
    {"<configuration>" P("yarn.http.policy", "HTTPS_ONLY") P("yarn.resourcemanager.hostname", "rm") "</configuration>",
     NULL},
    {"<!DOCTYPE c [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><configuration>&b;</configuration>", NULL},
    {"<configuration>", NULL},
    {"", NULL},
    {"yarn.resourcemanager.hostname=rm", NULL},
};

static void test_sites(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        struct yarn_rms rms = {0};
        struct error err;
        AUTO_STRBUF text = STRBUF_INIT;
        char one[ENDPOINT_TEXT_MAX];
        int result = yarn_conf_parse(sites[i].xml, strlen(sites[i].xml), &rms, &err);
        if (result != (sites[i].rms ? 0 : -1))
            fail_msg("%s: %d", sites[i].xml, result);
        for (size_t j = 0; j < rms.count; j++)
            strbuf_printf(&text, "%s%s", j ? " " : "", endpoint_text(&rms.items[j], one));
        assert_string_equal(strbuf_text(&text), sites[i].rms ? sites[i].rms : "");
    }
}

static void test_site_of_any_size(void **state) {
    (void)state;
    AUTO_STRBUF xml = STRBUF_INIT;
    struct yarn_rms rms;
    struct error err;
    strbuf_puts(&xml, "<configuration><property><name>yarn.resourcemanager.hostname</name><value>");
    for (int i = 0; i < 200 * 1000; i++)
        strbuf_putc(&xml, 'x');
    strbuf_puts(&xml, "</value></property></configuration>");
    assert_int_equal(yarn_conf_parse(xml.data, xml.length, &rms, &err), 0);
    assert_int_equal(rms.count, 0);
}

static void test_conf_dir(void **state) {
    (void)state;
    struct yarn_rms rms;
    struct error err;
    setenv("HADOOP_CONF_DIR", "/nonexistent", 1);
    unsetenv("YARN_CONF_DIR");
    unsetenv("HADOOP_HOME");
    assert_int_equal(yarn_conf_read(&rms, &err), 0);
    char directory[] = "/tmp/weir-conf-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/yarn-site.xml", directory);
    FILE *file = fopen(path, "w");
    fputs(sites[0].xml, file);
    fclose(file);
    setenv("HADOOP_CONF_DIR", directory, 1);
    assert_int_equal(yarn_conf_read(&rms, &err), 0);
    assert_int_equal(rms.count, 1);
    assert_string_equal(rms.items[0].host, "rm.example");
    remove(path);
    remove(directory);
}

/* --- applications --- */

static struct yarn_app app;

static int parse(const char *fixture) {
    struct error err;
    size_t length = 0;
    char *text = support_read(fixture, &length);
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
        {"{\"apps\":{\"app\":[{\"id\":\"application_1_2\",\"state\":\"RUNNING\"},{\"id\":\"x\"},7]}}", 0, 1},
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
    assert_true(yarn_app_newer(&one, "application_1700000000000_0009"));
    assert_true(yarn_app_newer(&one, "application_1600000000000_9999"));
    assert_false(yarn_app_newer(&one, "application_1700000000000_0010"));
    assert_false(yarn_app_newer(&one, "application_1700000000000_10000"));
    assert_true(yarn_app_newer(&one, ""));
}

/* --- the Spark driver's REST interface --- */

static void test_spark(void **state) {
    (void)state;
    struct error err;
    struct spark_progress progress;
    char id[SPARK_ID_MAX];
    size_t length = 0;
    char *text = support_read("spark-applications.json", &length);
    assert_int_equal(spark_parse_applications(text, length, id, &err), 0);
    assert_string_equal(id, "local-1795169491161");
    free(text);
    text = support_read("spark-jobs.json", &length);
    assert_int_equal(spark_parse_jobs(text, length, &progress, &err), 0);
    assert_int_equal(progress.percent, 87);
    assert_string_equal(progress.text, "stage 2/2, 7/8 tasks");
    free(text);
}

static void test_spark_hostile(void **state) {
    (void)state;
    struct error err;
    struct spark_progress progress;
    char id[SPARK_ID_MAX];
    static const char *const bad[] = {
        "", "{}", "[]", "[{}]", "[{\"id\":\"a/../b\"}]", "[{\"id\":\"\"}]", "[{\"id\":5}]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(spark_parse_applications(bad[i], strlen(bad[i]), id, &err), -1);
    assert_int_equal(spark_parse_jobs("{}", 2, &progress, &err), -1);
    static const char *const odd[] = {"[]", "[7]", "[{\"status\":\"RUNNING\",\"numTasks\":-5}]",
                                      "[{\"status\":\"RUNNING\",\"numTasks\":99999999999999}]"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_int_equal(spark_parse_jobs(odd[i], strlen(odd[i]), &progress, &err), 0);
        assert_int_equal(progress.percent, -1);
    }
    static const char over[] = "[{\"status\":\"RUNNING\",\"numTasks\":5,\"numCompletedTasks\":9,\"stageIds\":[]}]";
    assert_int_equal(spark_parse_jobs(over, sizeof over - 1, &progress, &err), 0);
    assert_int_equal(progress.percent, 100);
}

static int begin(void **state) {
    (void)state;
    telling_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sites),           cmocka_unit_test(test_site_of_any_size),
        cmocka_unit_test(test_conf_dir),        cmocka_unit_test(test_real_answers),
        cmocka_unit_test(test_hostile_answers), cmocka_unit_test(test_lists),
        cmocka_unit_test(test_identity),        cmocka_unit_test(test_spark),
        cmocka_unit_test(test_spark_hostile),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
