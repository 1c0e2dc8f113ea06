/* The copy of a configuration directory with a tag: what is in it, what we read from it, and made again. What Hadoop
 * reads from it is tests/conformance. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "remote/hadoop_tagged.h"
#include "support_dir.h"
#include "support_file.h"

#define P(name, value) "<property><name>" name "</name><value>" value "</value></property>"
#define F(name, value) "<property><name>" name "</name><value>" value "</value><final>true</final></property>"
#define C(...)         "<configuration>" __VA_ARGS__ "</configuration>"
#define TAGS           "mapreduce.job.tags"

static char place[SUPPORT_PATH_MAX], source[SUPPORT_PATH_MAX + 16], target[SUPPORT_PATH_MAX + 16];

static int begin(void **state) {
    (void)state;
    support_clear_environment();
    support_directory(place);
    snprintf(source, sizeof source, "%s/source", place);
    snprintf(target, sizeof target, "%s/target", place);
    return mkdir(source, 0700);
}

static int end(void **state) {
    (void)state;
    support_remove(place);
    support_clear_environment();
    return 0;
}

static struct hadoop_conf *load(const char *from) {
    struct hadoop_conf *conf = NULL;
    struct error err = {0};
    if (hadoop_conf_load(from, &conf, &err) < 0)
        fail_msg("%s", err.text);
    return conf;
}

static void tag(const char *from, const char *with) {
    struct error err = {0};
    struct hadoop_conf *conf = load(from);
    if (hadoop_tagged_write(conf, with, target, &err) < 0)
        fail_msg("%s", err.text);
    hadoop_conf_free(conf);
}

static void expect(const char *name, const char *want) {
    AUTO_STRBUF out = STRBUF_INIT;
    struct hadoop_conf *conf = load(target);
    const char *got = hadoop_conf_get(conf, name, &out);
    assert_string_equal(got ? got : "(unset)", want);
    hadoop_conf_free(conf);
}

static size_t entries(const char *path) {
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static const struct {
    const char *core, *mapred, *yarn, *tags; /* NULL: no such file */
} tagged[] = {
    {C(), NULL, NULL, "weir-1"},
    {NULL, C(), NULL, "weir-1"},
    {NULL, C(P(TAGS, "a, b ,")), NULL, "a,b,weir-1"},
    {NULL, C(P(TAGS, " ")), NULL, "weir-1"},
    {NULL, C(P(TAGS, "a,WEIR-1")), NULL, "a,WEIR-1"}, /* YARN folds case */
    {NULL, C(F(TAGS, "a")), NULL, "a,weir-1"},
    {C(F(TAGS, "a")), C(P(TAGS, "b")), C(F(TAGS, "c")), "a,weir-1"},
    {NULL, C(P(TAGS, "a")), C(P(TAGS, "b")), "b,weir-1"},
    {NULL, C(P(TAGS, "&lt;&amp;\"${x}") P("x", "y")), NULL, "<&\"y,weir-1"},
};

static void test_tags(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof tagged / sizeof tagged[0]; i++) {
        support_remove(source);
        support_remove(target);
        assert_int_equal(mkdir(source, 0700), 0);
        if (tagged[i].core)
            support_write(source, "core-site.xml", tagged[i].core);
        if (tagged[i].mapred)
            support_write(source, "mapred-site.xml", tagged[i].mapred);
        if (tagged[i].yarn)
            support_write(source, "yarn-site.xml", tagged[i].yarn);
        tag(source, "weir-1");
        expect(TAGS, tagged[i].tags);
    }
}

static void test_files(void **state) {
    (void)state;
    char path[2 * SUPPORT_PATH_MAX], link[2 * SUPPORT_PATH_MAX] = "";
    support_write(source, "core-site.xml", C(P("fs.defaultFS", "hdfs://a") "<include href='more/m.xml'/>"));
    support_write(source, "mapred-site.xml", C(P("mapreduce.framework.name", "yarn") "<include href='more/m.xml'/>"));
    support_write(source, "log4j.properties", "x");
    support_write(source, "..data", "x");
    snprintf(path, sizeof path, "%s/more", source);
    assert_int_equal(mkdir(path, 0700), 0);
    support_write(path, "m.xml", C(P("more", "1")));
    tag(source, "t");
    assert_int_equal(entries(target), 4); /* core, mapred, log4j.properties, more */
    assert_int_equal(entries(place), 2);  /* nothing stays of the making */
    expect("fs.defaultFS", "hdfs://a");
    expect("mapreduce.framework.name", "yarn");
    expect("more", "1");
    expect(TAGS, "t");
    snprintf(path, sizeof path, "%s/log4j.properties", target);
    ssize_t length = readlink(path, link, sizeof link - 1);
    assert_true(length > 0 && link[0] == '/');
    assert_string_equal(link + strlen(link) - strlen("/source/log4j.properties"), "/source/log4j.properties");
}

/* Into a directory that is there, which another process may be reading. */
static void test_again(void **state) {
    (void)state;
    char path[2 * SUPPORT_PATH_MAX];
    support_write(source, "core-site.xml", C(F(TAGS, "a")));
    support_write(source, "old", "x");
    tag(source, "t");
    snprintf(path, sizeof path, "%s/mapred-site.xml", target);
    char *first = support_read(path, NULL);
    tag(source, "t");
    char *second = support_read(path, NULL);
    assert_string_equal(first, second);
    free(first);
    free(second);
    assert_int_equal(entries(target), 3);

    snprintf(path, sizeof path, "%s/old", source);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/core-site.xml", source);
    assert_int_equal(unlink(path), 0);
    support_write(source, "hdfs-site.xml", C());
    support_write(target, "stranger", "x"); /* not ours: it stays */
    tag(source, "u");
    assert_int_equal(entries(target), 3); /* hdfs, mapred, stranger */
    expect(TAGS, "u");
    assert_int_equal(entries(source), 1);
}

/* /dev/shm is another file system than /tmp wherever tests run; where it is not, the test says nothing new. */
static void test_other_file_system(void **state) {
    (void)state;
    char other[SUPPORT_PATH_MAX] = "/dev/shm/weir-remote-XXXXXX";
    support_write(source, "core-site.xml", C(P("a", "1")));
    if (!mkdtemp(other))
        skip();
    snprintf(target, sizeof target, "%.200s/target", other);
    tag(source, "t");
    expect("a", "1");
    expect(TAGS, "t");
    support_remove(other);
}

/* yarn-site.xml of $YARN_CONF_DIR belongs to the configuration. */
static void test_two_directories(void **state) {
    (void)state;
    char yarn[2 * SUPPORT_PATH_MAX];
    snprintf(yarn, sizeof yarn, "%s/yarn", place);
    assert_int_equal(mkdir(yarn, 0700), 0);
    support_write(source, "core-site.xml", C());
    support_write(yarn, "yarn-site.xml", C(P("yarn.resourcemanager.hostname", "rm") F(TAGS, "y")));
    setenv("HADOOP_CONF_DIR", source, 1);
    setenv("YARN_CONF_DIR", yarn, 1);
    tag(NULL, "t");
    expect("yarn.resourcemanager.hostname", "rm");
    expect(TAGS, "y,t");
}

static void refuse(const char *with, const char *into, const char *want) {
    struct error err = {0};
    struct hadoop_conf *conf = load(source);
    assert_int_equal(hadoop_tagged_write(conf, with, into, &err), -1);
    if (!strstr(err.text, want))
        fail_msg("%s, want %s", err.text, want);
    hadoop_conf_free(conf);
}

static void test_refused(void **state) {
    (void)state;
    char path[2 * SUPPORT_PATH_MAX];
    support_write(source, "core-site.xml", C());
    refuse("a,b", target, "\"a,b\" is no tag");
    refuse("", target, "\"\" is no tag");
    refuse("t", source, "/source is the original itself");
    snprintf(path, sizeof path, "%s/none/target", place);
    refuse("t", path, "/none/target.");
    support_write(place, "file", "x");
    snprintf(path, sizeof path, "%s/file", place);
    refuse("t", path, "/file: Not a directory");
    snprintf(path, sizeof path, "%s/target/core-site.xml", place);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse("t", target, "/target/core-site.xml: Is a directory");
    assert_int_equal(entries(source), 1);
    assert_int_equal(entries(place), 3);
}

static void test_no_directory(void **state) {
    (void)state;
    struct error err = {0};
    struct hadoop_conf *conf = NULL;
    assert_int_equal(hadoop_conf_parse(HADOOP_SITE_CORE, "x", C(), strlen(C()), &conf, &err), 0);
    assert_int_equal(hadoop_tagged_write(conf, "t", target, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    hadoop_conf_free(conf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tags, begin, end),
        cmocka_unit_test_setup_teardown(test_files, begin, end),
        cmocka_unit_test_setup_teardown(test_again, begin, end),
        cmocka_unit_test_setup_teardown(test_other_file_system, begin, end),
        cmocka_unit_test_setup_teardown(test_two_directories, begin, end),
        cmocka_unit_test_setup_teardown(test_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_no_directory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
