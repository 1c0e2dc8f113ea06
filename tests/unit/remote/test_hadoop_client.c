/* What would be run, for images of different making. Running it is tests/conformance. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "remote/hadoop_client.h"
#include "support_dir.h"

static char root[SUPPORT_PATH_MAX];

/* "@" in a text is the root of the made-up image. */
static void expand(const char *text, struct strbuf *out) {
    for (; *text; text++)
        if (*text == '@')
            strbuf_puts(out, root);
        else
            strbuf_putc(out, *text);
}

static void put(const char *file) {
    AUTO_STRBUF path = STRBUF_INIT;
    strbuf_printf(&path, "%s/", root);
    for (const char *slash; (slash = strchr(file, '/')); file = slash + 1) {
        strbuf_add(&path, file, (size_t)(slash - file));
        mkdir(strbuf_text(&path), 0700);
        strbuf_putc(&path, '/');
    }
    strbuf_cut(&path, path.length - 1);
    support_write(strbuf_text(&path), file, "<configuration/>");
    strbuf_printf(&path, "/%s", file);
    assert_int_equal(chmod(strbuf_text(&path), 0700), 0);
}

static int begin(void **state) {
    *state = strdup(getenv("PATH") ? getenv("PATH") : "");
    support_clear_environment();
    support_directory(root);
    return 0;
}

static int end(void **state) {
    support_remove(root);
    support_clear_environment();
    setenv("PATH", *state, 1);
    free(*state);
    return 0;
}

static const struct {
    const char *files[8], *environment[6], *classpath; /* classpath NULL: not found */
} images[] = {
    {{"h/lib/hadoop-yarn-client-3.4.2.jar"}, {"HADOOP_HOME=@/h"}, "@/conf:@/h/lib/*"},
    {{"h/share/hadoop/yarn/hadoop-yarn-client-3.4.2.jar", "h/lib/native/x"},
     {"HADOOP_HOME=@/h"},
     "@/conf:@/h/share/hadoop/common/lib/*:@/h/share/hadoop/common/*:@/h/share/hadoop/yarn/lib/*:"
     "@/h/share/hadoop/yarn/*"},
    {{"h/bin/yarn", "h/lib/hadoop-yarn-client-3.4.2.jar"}, {"PATH=/none:@/h/bin:@/java/bin"}, "@/conf:@/h/lib/*"},
    {{"hadoop/bin/hadoop", "hadoop-yarn/hadoop-yarn-client-3.jar"},
     {"PATH=@/hadoop/bin:@/java/bin"},
     "@/conf:@/hadoop/lib/*:@/hadoop/*:@/hadoop/../hadoop-yarn/lib/*:@/hadoop/../hadoop-yarn/*"},
    {{"s/jars/hadoop-client-api-3.4.2.jar"}, {"SPARK_HOME=@/s"}, "@/conf:@/s/jars/*"},
    {{"s/jars/hadoop-yarn-client-2.7.jar", "s/bin/spark-submit"}, {"PATH=@/java/bin:@/s/bin"}, "@/conf:@/s/jars/*"},
    {{"h/lib/other.jar", "s/jars/hadoop-client-api-3.4.2.jar"},
     {"HADOOP_HOME=@/h", "SPARK_HOME=@/s"},
     "@/conf:@/s/jars/*"},
    {{"h/lib/hadoop-yarn-client-3.4.2.txt"}, {"HADOOP_HOME=@/h"}, NULL},
    {{"y/yarn-site.xml", "h/lib/hadoop-yarn-client-3.jar"},
     {"HADOOP_HOME=@/h", "HADOOP_CONF_DIR=@/conf", "YARN_CONF_DIR=@/y"},
     "@/conf:@/y:@/h/lib/*"},
};

static struct hadoop_client *find(const char *const *environment, struct error *err) {
    struct hadoop_conf *conf = NULL;
    struct hadoop_client *client = NULL;
    for (; *environment; environment++) {
        AUTO_STRBUF text = STRBUF_INIT;
        const char *equals = strchr(*environment, '=');
        char *name = strndup(*environment, (size_t)(equals - *environment));
        expand(equals + 1, &text);
        setenv(name, strbuf_text(&text), 1);
        free(name);
    }
    assert_int_equal(hadoop_conf_load(NULL, &conf, err), 0);
    if (hadoop_client_find(conf, getenv("KRB5_CONFIG"), &client, err) < 0)
        assert_null(client);
    hadoop_conf_free(conf);
    return client;
}

static void test_jars(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++) {
        struct error err = {0};
        AUTO_STRBUF want = STRBUF_INIT, conf = STRBUF_INIT, path = STRBUF_INIT;
        support_remove(root);
        assert_int_equal(mkdir(root, 0700), 0);
        support_clear_environment();
        put("conf/core-site.xml");
        put("java/bin/java");
        for (const char *const *file = images[i].files; *file; file++)
            put(*file);
        expand("@/conf", &conf);
        expand("@/java/bin", &path);
        setenv("HADOOP_CONF_DIR", strbuf_text(&conf), 1);
        setenv("PATH", strbuf_text(&path), 1);
        struct hadoop_client *client = find(images[i].environment, &err);
        if (!images[i].classpath) {
            if (access("/opt/hadoop", F_OK) == 0 || access("/opt/spark", F_OK) == 0) { /* the usual places */
                hadoop_client_free(client);
                continue;
            }
            assert_null(client);
            assert_int_equal(err.code, ERROR_NOT_FOUND);
            continue;
        }
        if (!client)
            fail_msg("image %zu: %s", i, err.text);
        expand(images[i].classpath, &want);
        assert_string_equal(hadoop_client_argv(client, HADOOP_STATUS, "application_1_2")[5], strbuf_text(&want));
        hadoop_client_free(client);
    }
}

static void expect(struct hadoop_client *client, enum hadoop_question question, const char *subject, const char *want) {
    AUTO_STRBUF got = STRBUF_INIT, wanted = STRBUF_INIT;
    const char *const *argv = hadoop_client_argv(client, question, subject);
    assert_non_null(argv);
    for (; *argv; argv++)
        strbuf_printf(&got, "%s%s", got.length ? " " : "", *argv);
    expand(want, &wanted);
    assert_string_equal(strbuf_text(&got), strbuf_text(&wanted));
}

static void test_arguments(void **state) {
    (void)state;
    static const char *const environment[] = {"HADOOP_CONF_DIR=@/conf",
                                              "HADOOP_HOME=@/h",
                                              "JAVA_HOME=@/java",
                                              "PATH=",
                                              "KRB5_CONFIG=/none:@/krb5.conf",
                                              NULL};
    struct error err = {0};
    put("conf/core-site.xml");
    put("java/bin/java");
    put("h/lib/hadoop-yarn-client-3.4.2.jar");
    put("krb5.conf");
    struct hadoop_client *client = find(environment, &err);
    assert_non_null(client);
#define BEGIN                                                                                                     \
    "@/java/bin/java -Xmx32m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.security.krb5.conf=@/krb5.conf -cp " \
    "@/conf:@/h/lib/* org.apache.hadoop.yarn.client.cli.ApplicationCLI application "
    expect(client, HADOOP_STATUS, "application_1_2", BEGIN "-status application_1_2");
    expect(client, HADOOP_KILL, "application_1_2", BEGIN "-kill application_1_2");
    expect(client, HADOOP_LIST, "weir-1", BEGIN "-list -appTags weir-1 -appStates ALL");
    assert_null(hadoop_client_argv(client, HADOOP_KILL, "weir-1"));
    assert_null(hadoop_client_argv(client, HADOOP_STATUS, "-help"));
    assert_null(hadoop_client_argv(client, HADOOP_LIST, "a,b"));
    assert_null(hadoop_client_argv(client, HADOOP_LIST, "-a"));
    assert_null(hadoop_client_argv(client, HADOOP_LIST, ""));
    client = hadoop_client_free(client);
    unsetenv("JAVA_HOME");
    assert_null(find((const char *const[]){NULL}, &err));
    assert_string_equal(err.text, "no java in the image (set JAVA_HOME, or PATH)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_jars, begin, end),
        cmocka_unit_test_setup_teardown(test_arguments, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
