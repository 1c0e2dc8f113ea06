/* Site files read as Hadoop reads them: order, <final>, includes, ${…}, and files that cannot be used. What the real
 * Configuration makes of the same is tests/conformance. */

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

#include "remote/hadoop_conf.h"
#include "support_dir.h"

#define P(name, value) "<property><name>" name "</name><value>" value "</value></property>"
#define F(name, value) "<property><name>" name "</name><value>" value "</value><final>true</final></property>"
#define C(...)         "<configuration>" __VA_ARGS__ "</configuration>"

static char directory[SUPPORT_PATH_MAX];

static int begin(void **state) {
    (void)state;
    support_clear_environment();
    support_directory(directory);
    return 0;
}

static int end(void **state) {
    (void)state;
    support_remove(directory);
    support_clear_environment();
    return 0;
}

/* --- values of one file --- */

static const struct {
    const char *xml, *name, *want; /* want NULL: not set */
} values[] = {
    {C(P("a", "1")), "a", "1"},
    {C(P("a", "1")), "b", NULL},
    {"<?xml version='1.0'?><!-- c --><?x y?>" C(P(" a\n", "\n 1 <!-- x -->2\t")), "a", "1 2"},
    {C(P("a", "1") P("a", "2")), "a", "2"},
    {C(F("a", "1") P("a", "2")), "a", "1"},
    {C(P("a", "1") "<property><name>a</name><final>true</final></property>" P("a", "2")), "a", "1"},
    {C(P("a", "1") P("a", "")), "a", "1"},
    {C(P("a", " ")), "a", NULL},
    {C("<property name='a' value='1'/>"), "a", "1"},
    {C("<property name='a' value='1' final='true'/>" P("a", "2")), "a", "1"},
    {C("<property><value>1</value><name>a</name><description>d<b>x</b></description></property>"), "a", "1"},
    {C("<property><value>1</value></property>"), "", NULL},
    {C(P("a", "&lt;&#65;&amp;<![CDATA[<b>]]>")), "a", "<A&<b>"},
    {C(P("a", "x${b}y${c}") P("b", "1") P("c", "2")), "a", "x1y2"},
    {C(P("a", "${b}") P("b", "${c}") P("c", "3")), "a", "3"},
    {C(P("a", "${b}${c}") P("c", "3")), "a", "${b}${c}"}, /* what is not known ends it */
    {C(P("a", "${c}${b}") P("c", "3")), "a", "3${b}"},
    {C(P("a", "${b}") P("b", "${a}")), "a", NULL},
    {C(P("a", "${b}") P("b", "x${b}")), "a", "${b}"},
    {C(P("a", "${a}")), "a", "${a}"},
    {C(P("a", "$ ${ b} {b} ${} ${$b ${b") P("b", "1")), "a", "$ ${ b} {b} ${} ${$b ${b"},
    {C(P("a", "${$${b}}") P("b", "1")), "a", "${$1}"},
    {C(P("a", "${env.WEIR_SET}/${env.WEIR_SET:-x}/${env.WEIR_SET-x}")), "a", "set/set/set"},
    {C(P("a", "${env.WEIR_NONE:-x}/${env.WEIR_NONE-y}")), "a", "x/y"},
    {C(P("a", "<${env.WEIR_EMPTY:-x}/${env.WEIR_EMPTY-y}/${env.WEIR_EMPTY}>")), "a", NULL}, /* no XML */
    {C(P("a", "${env.WEIR_EMPTY:-x}/${env.WEIR_EMPTY-y}/${env.WEIR_EMPTY}!")), "a", "x//!"},
    {C(P("a", "${env.WEIR_NONE:-}!${env.WEIR_NONE-}!${env.WEIR_NONE}")), "a", "!!${env.WEIR_NONE}"},
    {C(P("a", "${env.}") P("env.", "1")), "a", "1"},
    {C(P("a", "${java.io.tmpdir}${file.separator}b")), "a", "/tmp/b"},
    {C(P("java.io.tmpdir", "/x") P("a", "${java.io.tmpdir}")), "a", "/tmp"},
    {C(P("yarn.resourcemanager.hostname", "rm")), "yarn.resourcemanager.webapp.address", "rm:8088"},
    {"<x:configuration xmlns:x='y'><x:property><x:name>a</x:name><x:value>1</x:value></x:property></x:configuration>",
     "a", "1"},
};

static void test_values(void **state) {
    (void)state;
    setenv("WEIR_SET", "set", 1);
    setenv("WEIR_EMPTY", "", 1);
    unsetenv("WEIR_NONE");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct error err = {0};
        AUTO_STRBUF out = STRBUF_INIT;
        if (hadoop_conf_parse(HADOOP_SITE_YARN, "x", values[i].xml, strlen(values[i].xml), &conf, &err) < 0) {
            assert_null(values[i].want);
            continue;
        }
        const char *got = hadoop_conf_get(conf, values[i].name, &out);
        if (!got != !values[i].want || (got && strcmp(got, values[i].want) != 0))
            fail_msg("%s: %s is %s, want %s", values[i].xml, values[i].name, got ? got : "unset",
                     values[i].want ? values[i].want : "unset");
        conf = hadoop_conf_free(conf);
    }
}

static void test_depth(void **state) {
    (void)state;
    for (int deep = 19; deep <= 21; deep++) {
        AUTO_STRBUF xml = STRBUF_INIT, out = STRBUF_INIT;
        struct hadoop_conf *conf = NULL;
        struct error err = {0};
        strbuf_puts(&xml, "<configuration>");
        for (int i = 0; i < deep; i++)
            strbuf_printf(&xml, P("a%d", "${a%d}"), i, i + 1);
        strbuf_printf(&xml, P("a%d", "end") "</configuration>", deep);
        assert_int_equal(hadoop_conf_parse(HADOOP_SITE_CORE, "x", xml.data, xml.length, &conf, &err), 0);
        const char *got = hadoop_conf_get(conf, "a0", &out);
        if (deep < 20)
            assert_string_equal(got, "end");
        else
            assert_null(got); /* Hadoop looks for the end after the 20th only in a 21st */
        hadoop_conf_free(conf);
    }
}

static void test_huge(void **state) {
    (void)state;
    enum { LENGTH = 3 * 1024 * 1024 };
    AUTO_STRBUF value = STRBUF_INIT, out = STRBUF_INIT;
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    strbuf_puts(&value, "<configuration><property><name>a</name><value>");
    for (int i = 0; i < LENGTH; i++)
        strbuf_putc(&value, (char)('a' + i % 26));
    strbuf_puts(&value, "</value></property>" P("twice", "${a}${a}") P("thrice", "${a}${a}${a}") "</configuration>");
    assert_int_equal(hadoop_conf_parse(HADOOP_SITE_CORE, "x", value.data, value.length, &conf, &err), 0);
    assert_non_null(hadoop_conf_get(conf, "a", &out));
    assert_int_equal(out.length, LENGTH);
    assert_non_null(hadoop_conf_get(conf, "twice", &out));
    assert_int_equal(out.length, 2 * LENGTH);
    assert_null(hadoop_conf_get(conf, "thrice", &out)); /* more than there is room for */
    hadoop_conf_free(conf);
    while (value.length <= HADOOP_FILE_MAX)
        strbuf_puts(&value, "                                                                ");
    assert_int_equal(hadoop_conf_parse(HADOOP_SITE_CORE, "x", value.data, value.length, &conf, &err), -1);
    assert_string_equal(err.text, "x is larger than 4194304 bytes");
}

static void test_bool(void **state) {
    (void)state;
    static const char xml[] = C(P("t", " TRUE ") P("f", "False") P("x", "yes"));
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    assert_int_equal(hadoop_conf_parse(HADOOP_SITE_CORE, "x", xml, strlen(xml), &conf, &err), 0);
    assert_true(hadoop_conf_bool(conf, "t", false));
    assert_false(hadoop_conf_bool(conf, "f", true));
    assert_true(hadoop_conf_bool(conf, "x", true));
    assert_false(hadoop_conf_bool(conf, "none", false));
    hadoop_conf_free(conf);
}

static void collect(void *context, const char *name, const char *raw) {
    if (strchr("abc", name[0]) && !name[1])
        strbuf_printf(context, "%s=%s;", name, raw);
}

static void test_each(void **state) {
    (void)state;
    static const char xml[] = C(P("c", "${a}") P("a", "1") P("b", "") P("a", "2"));
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    AUTO_STRBUF out = STRBUF_INIT;
    assert_int_equal(hadoop_conf_parse(HADOOP_SITE_CORE, "x", xml, strlen(xml), &conf, &err), 0);
    hadoop_conf_each(conf, collect, &out);
    assert_string_equal(strbuf_text(&out), "a=2;c=${a};");
    hadoop_conf_free(conf);
}

/* --- text that is no configuration --- */

static const struct {
    const char *xml, *error;
} broken[] = {
    {"", "/x/yarn-site.xml, line 1: no element found"},
    {"a=b", "/x/yarn-site.xml, line 1: not well-formed (invalid token)"},
    {"<configuration>\n<property>\n</configuration>", "/x/yarn-site.xml, line 3: mismatched tag"},
    {"<configuration>", "/x/yarn-site.xml, line 1: no element found"},
    {"<!DOCTYPE c [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>" C(P("a", "&b;")),
     "/x/yarn-site.xml, line 1: a document type is not allowed"},
    {"\n" C(P("a", "&b;")), "/x/yarn-site.xml, line 2: undefined entity"},
    {C(P("a", "\xff")), "/x/yarn-site.xml, line 1: not well-formed (invalid token)"},
    {C("\n<xi:include href='b.xml'/>"), "/x/yarn-site.xml, line 2: no file \"b.xml\" to include"},
};

static void test_broken(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct error err = {0};
        assert_int_equal(
            hadoop_conf_parse(HADOOP_SITE_YARN, "/x/yarn-site.xml", broken[i].xml, strlen(broken[i].xml), &conf, &err),
            -1);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.text, broken[i].error);
        assert_null(conf);
    }
}

/* --- files of a directory --- */

static void expect(const struct hadoop_conf *conf, const char *name, const char *want) {
    AUTO_STRBUF out = STRBUF_INIT;
    const char *got = hadoop_conf_get(conf, name, &out);
    if (want)
        assert_string_equal(got ? got : "(unset)", want);
    else
        assert_null(got);
}

static struct hadoop_conf *load(const char *from) {
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    if (hadoop_conf_load(from, &conf, &err) < 0)
        fail_msg("%s", err.text);
    return conf;
}

static void test_order(void **state) {
    (void)state;
    support_write(directory, "core-site.xml", C(P("a", "core") F("f", "core") P("yarn.http.policy", "HTTPS_ONLY")));
    support_write(directory, "mapred-site.xml", C(P("a", "mapred") P("b", "mapred") P("f", "mapred") F("g", "mapred")));
    support_write(directory, "yarn-site.xml", C(P("b", "yarn") F("f", "yarn") P("c", "yarn") P("g", "yarn")));
    support_write(directory, "hdfs-site.xml", C(P("c", "hdfs")));
    struct hadoop_conf *conf = load(directory);
    expect(conf, "a", "mapred");
    expect(conf, "b", "yarn");
    expect(conf, "c", "hdfs");
    expect(conf, "f", "core");
    expect(conf, "g", "mapred");
    expect(conf, "yarn.http.policy", "HTTP_ONLY"); /* yarn-default.xml comes after core-site.xml */
    assert_true(hadoop_conf_final_in(conf, "f", HADOOP_SITE_CORE));
    assert_true(hadoop_conf_final_in(conf, "f", HADOOP_SITE_YARN));
    assert_false(hadoop_conf_final_in(conf, "f", HADOOP_SITE_MAPRED));
    assert_true(hadoop_conf_configured(conf, "a"));
    assert_false(hadoop_conf_configured(conf, "yarn.http.policy"));
    assert_string_equal(hadoop_conf_directory(conf), directory);
    assert_true(strcmp(hadoop_conf_path(conf, HADOOP_SITE_CORE) + strlen(directory), "/core-site.xml") == 0);
    hadoop_conf_free(conf);
}

static void test_includes(void **state) {
    (void)state;
    char xml[8 * SUPPORT_PATH_MAX], sub[2 * SUPPORT_PATH_MAX];
    snprintf(sub, sizeof sub, "%s/sub", directory);
    assert_int_equal(mkdir(sub, 0700), 0);
    support_write(sub, "inner.xml", C(P("inner", "1") "<xi:include href='beside.xml'/>"));
    support_write(sub, "beside.xml", C(P("beside", "1")));
    support_write(directory, "more.xml", C(P("a", "more") P("b", "more") F("f", "more")));
    snprintf(xml, sizeof xml,
             "<configuration xmlns:xi='http://www.w3.org/2001/XInclude'>" P("a", "first")
                 P("f", "first") "<xi:include href='more.xml'><xi:fallback>" P(
                     "b", "fallback") "</xi:fallback></xi:include>" P("b", "last")
                     P("f", "last") "<xi:include href='%s/inner.xml'/><xi:include href='file://%s/beside.xml'/>"
                                    "<xi:include href='none.xml'><xi:fallback>" P(
                                        "none", "fallback") "</xi:fallback></xi:include>"
                                                            "<xi:include href='none.xml'><xi:fallback/></xi:include>" P(
                                                                "z", "1") "</configuration>",
             sub, sub);
    support_write(directory, "core-site.xml", xml);
    struct hadoop_conf *conf = load(directory);
    expect(conf, "a", "more");
    expect(conf, "b", "last");
    expect(conf, "f", "more");
    expect(conf, "inner", "1");
    expect(conf, "beside", "1");
    expect(conf, "none", "fallback");
    expect(conf, "z", "1");
    hadoop_conf_free(conf);
}

static const struct {
    const char *core, *other, *error; /* error: its end */
} bad_files[] = {
    {C(), "<configuration>", NULL},
    {C("<include href='other.xml'/>"), "<configuration>\n", "/other.xml, line 2: no element found"},
    {C("<include href='core-site.xml'/>"), "", "/core-site.xml, line 1: files include each other too deep"},
    {C("<include href='other.xml'/>"), C("<include href='core-site.xml'/>"),
     "line 1: files include each other too deep"},
    {C("<include href='/dev/zero'/>"), "", "/dev/zero is no regular file"},
    {C("<include href='.'/>"), "", "/. is no regular file"},
    {C("<include href='http://127.0.0.1/a.xml'/>"), "", "line 1: no file \"http://127.0.0.1/a.xml\" to include"},
};

static void test_bad_files(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct error err = {0};
        support_write(directory, "core-site.xml", bad_files[i].core);
        support_write(directory, "other.xml", bad_files[i].other);
        int result = hadoop_conf_load(directory, &conf, &err);
        assert_int_equal(result, bad_files[i].error ? -1 : 0);
        if (bad_files[i].error) {
            assert_int_equal(err.code, ERROR_INVALID);
            size_t length = strlen(err.text), tail = strlen(bad_files[i].error);
            assert_true(length >= tail);
            assert_string_equal(err.text + length - tail, bad_files[i].error);
        }
        conf = hadoop_conf_free(conf);
    }
}

/* Files that include one file many times cost time, not memory without end. */
static void test_breadth(void **state) {
    (void)state;
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    AUTO_STRBUF big = STRBUF_INIT;
    strbuf_puts(&big, "<configuration>");
    while (big.length < HADOOP_FILE_MAX - 64)
        strbuf_puts(&big, "                                ");
    strbuf_puts(&big, "</configuration>");
    support_write(directory, "big.xml", strbuf_text(&big));
    strbuf_reset(&big);
    strbuf_puts(&big, "<configuration>");
    for (int i = 0; i < 1000; i++)
        strbuf_puts(&big, "<include href='big.xml'/>");
    strbuf_puts(&big, "</configuration>");
    support_write(directory, "core-site.xml", strbuf_text(&big));
    assert_int_equal(hadoop_conf_load(directory, &conf, &err), -1);
    assert_non_null(strstr(err.text, "larger than 33554432 bytes together"));
}

/* --- which directory --- */

static void make(const char *name, const char *file, const char *value) {
    char path[2 * SUPPORT_PATH_MAX], xml[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    mkdir(path, 0700);
    snprintf(xml, sizeof xml, C(P("from", "%s")), value);
    if (file)
        support_write(path, file, xml);
}

static void set(const char *variable, const char *format) { /* every '@' is the test's directory */
    AUTO_STRBUF text = STRBUF_INIT;
    for (; *format; format++)
        if (*format == '@')
            strbuf_puts(&text, directory);
        else
            strbuf_putc(&text, *format);
    setenv(variable, strbuf_text(&text), 1);
}

static const struct {
    const char *hadoop, *yarn, *home, *from;
} places[] = {
    {"@/one", NULL, NULL, "one"},
    {"@/one", "@/two", "@/home", "one"},
    {"@/empty", "@/two", "@/home", "two"},
    {"@/none:@/empty::@/one:@/two", NULL, NULL, "one"},
    {"", "@/empty:@/two", NULL, "two"},
    {NULL, NULL, "@/home", "home"},
    {NULL, "@/one/core-site.xml", "@/home", "home"},
    {"@/one", "@/yarn", NULL, "yarn"}, /* yarn-site.xml from there, the rest from one */
    {"@/yarn", "@/two", NULL, "yarn"},
};

static void test_places(void **state) {
    (void)state;
    make("one", "core-site.xml", "one");
    make("two", "hdfs-site.xml", "two");
    make("yarn", "yarn-site.xml", "yarn");
    make("empty", NULL, "");
    make("home", NULL, "");
    make("home/etc", NULL, "");
    make("home/etc/hadoop", "mapred-site.xml", "home");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        support_clear_environment();
        if (places[i].hadoop)
            set("HADOOP_CONF_DIR", places[i].hadoop);
        if (places[i].yarn)
            set("YARN_CONF_DIR", places[i].yarn);
        if (places[i].home)
            set("HADOOP_HOME", places[i].home);
        struct hadoop_conf *conf = load(NULL);
        expect(conf, "from", places[i].from);
        hadoop_conf_free(conf);
    }
}

/* As Hadoop's scripts do when nothing tells: beside the program itself, links followed. */
static void test_beside_the_program(void **state) {
    (void)state;
    char before[4096], program[SUPPORT_PATH_MAX + 32], link[SUPPORT_PATH_MAX + 32];
    snprintf(before, sizeof before, "%s", getenv("PATH"));
    make("dist", NULL, "");
    make("dist/etc", NULL, "");
    make("dist/etc/hadoop", "core-site.xml", "dist");
    make("dist/bin", NULL, "");
    make("bin", NULL, "");
    support_clear_environment();
    snprintf(program, sizeof program, "%s/dist/bin/hadoop", directory);
    snprintf(link, sizeof link, "%s/bin/hadoop", directory);
    support_write(directory, "dist/bin/hadoop", "#!/bin/sh\n");
    assert_int_equal(chmod(program, 0755), 0);
    assert_int_equal(symlink(program, link), 0);
    set("PATH", "@/none:@/bin");
    struct hadoop_conf *conf = load(NULL);
    setenv("PATH", before, 1);
    expect(conf, "from", "dist");
    hadoop_conf_free(conf);
}

static void test_named(void **state) {
    (void)state;
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    make("one", "core-site.xml", "one");
    set("HADOOP_CONF_DIR", "@/one");
    assert_int_equal(hadoop_conf_load(directory, &conf, &err), -1); /* never another one instead */
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, directory));
}

static void test_user(void **state) {
    (void)state;
    AUTO_STRBUF user = STRBUF_INIT;
    assert_true(strlen(hadoop_user(&user)) > 0);
    setenv("HADOOP_USER_NAME", "alice", 1);
    assert_string_equal(hadoop_user(&user), "alice");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, begin, end),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_bool),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_broken),
        cmocka_unit_test_setup_teardown(test_order, begin, end),
        cmocka_unit_test_setup_teardown(test_includes, begin, end),
        cmocka_unit_test_setup_teardown(test_bad_files, begin, end),
        cmocka_unit_test_setup_teardown(test_breadth, begin, end),
        cmocka_unit_test_setup_teardown(test_places, begin, end),
        cmocka_unit_test_setup_teardown(test_beside_the_program, begin, end),
        cmocka_unit_test_setup_teardown(test_named, begin, end),
        cmocka_unit_test_setup_teardown(test_user, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
