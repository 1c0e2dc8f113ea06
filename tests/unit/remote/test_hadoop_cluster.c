/* What a configuration says of a cluster: made-up files for addresses, the site files of real clusters for security. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "remote/hadoop_cluster.h"

#define P(name, value) "<property><name>" name "</name><value>" value "</value></property>"
#define C(...)         "<configuration>" __VA_ARGS__ "</configuration>"
#define RM             "yarn.resourcemanager."
#define HA             P(RM "ha.enabled", "true") P(RM "ha.rm-ids", "rm1, rm2")
#define HTTPS          P("yarn.http.policy", "HTTPS_ONLY")

static const char *join(const struct hadoop_cluster *cluster, struct strbuf *out) {
    for (size_t i = 0; i < cluster->manager_count; i++)
        strbuf_printf(out, "%s%s", i ? " " : "", cluster->managers[i]);
    return strbuf_text(out);
}

static const struct {
    const char *xml, *managers;
} yarn_sites[] = {
    {C(), ""},
    {C(P(RM "hostname", "rm.example")), "http://rm.example:8088"},
    {C(P(RM "hostname", "rm") P(RM "webapp.address", "\n ${yarn.resourcemanager.hostname}:9088 \n")), "http://rm:9088"},
    {C(P(RM "webapp.address", "rm.example:8088")), "http://rm.example:8088"},
    {C(P(RM "webapp.address", "rm.example")), "http://rm.example:8088"},
    {C(P(RM "webapp.address", "[::1]:9088")), "http://[::1]:9088"},
    {C(P(RM "hostname", "")), ""},
    /* the address of RPC at least says the host */
    {C(P(RM "address", "rm:18032")), "http://rm:8088"},
    {C(P(RM "address", "rm:18032") P(RM "webapp.address", "0.0.0.0:9088")), "http://rm:9088"},
    /* a server's "all addresses" is nobody's name */
    {C(P(RM "hostname", "rm") P(RM "webapp.address", "0.0.0.0:9088")), "http://rm:9088"},
    {C(P(RM "hostname", "0.0.0.0")), "http://0.0.0.0:8088"},
    {C(P(RM "webapp.address", "0.0.0.0:9088")), "http://0.0.0.0:9088"},
    /* https */
    {C(HTTPS P(RM "hostname", "rm")), "https://rm:8090"},
    {C(HTTPS P(RM "hostname", "rm") P(RM "webapp.https.address", "web:8443")), "https://web:8443"},
    {C(HTTPS P(RM "webapp.address", "rm:8088")), ""},
    {C(P("yarn.http.policy", "HTTP_AND_HTTPS") P(RM "hostname", "rm")), "http://rm:8088"},
    {C(P("yarn.http.policy", "https_only") P(RM "hostname", "rm")), "https://rm:8090"},
    /* HA */
    {C(HA P(RM "hostname.rm1", "a") P(RM "hostname.rm2", "b")), "http://a:8088 http://b:8088"},
    {C(HA P(RM "hostname.rm1", "a") P(RM "webapp.address.rm2", "b:1234")), "http://a:8088 http://b:1234"},
    {C(HA P(RM "hostname.rm1", "a") P(RM "webapp.address.rm1", "0.0.0.0:1234") P(RM "address.rm2", "b:8032")),
     "http://a:1234 http://b:8088"},
    {C(HA HTTPS P(RM "hostname.rm1", "a") P(RM "webapp.https.address.rm2", "b:8443") P(RM "hostname", "old")),
     "https://a:8090 https://b:8443"},
    {C(HA P(RM "hostname.rm1", "a") P(RM "hostname.rm2", "a")), "http://a:8088"},
    {C(HA P(RM "hostname", "only")), "http://only:8088"},
    {C(P(RM "ha.rm-ids", "rm1,rm2") P(RM "hostname.rm1", "a") P(RM "hostname.rm2", "b")),
     "http://a:8088 http://b:8088"},
    {C(P(RM "ha.rm-ids", "rm1") P(RM "hostname.rm1", "a") P(RM "hostname", "one")), "http://one:8088"},
    {C(P(RM "ha.enabled", "true") P(RM "hostname", "one")), "http://one:8088"},
};

static void test_managers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof yarn_sites / sizeof yarn_sites[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct hadoop_cluster cluster;
        struct error err = {0};
        AUTO_STRBUF got = STRBUF_INIT;
        const char *xml = yarn_sites[i].xml;
        assert_int_equal(hadoop_conf_parse(HADOOP_SITE_YARN, "x", xml, strlen(xml), &conf, &err), 0);
        assert_int_equal(hadoop_cluster_read(conf, &cluster, &err), 0);
        if (strcmp(join(&cluster, &got), yarn_sites[i].managers) != 0)
            fail_msg("%s: %s, want %s", xml, strbuf_text(&got), yarn_sites[i].managers);
        hadoop_conf_free(conf);
    }
}

static const struct {
    const char *xml, *error;
} wrong[] = {
    {C(P(RM "hostname", "bad host/")), "yarn.resourcemanager.webapp.address: \"bad host/:8088\" is not HOST:PORT"},
    {C(P(RM "webapp.address", "rm:0")), "yarn.resourcemanager.webapp.address: \"rm:0\" is not HOST:PORT"},
    {C(P(RM "webapp.address", "rm:65536")), "yarn.resourcemanager.webapp.address: \"rm:65536\" is not HOST:PORT"},
    {C(P(RM "webapp.address", "rm:80/x")), "yarn.resourcemanager.webapp.address: \"rm:80/x\" is not HOST:PORT"},
    {C(P(RM "webapp.address", "u@rm")), "yarn.resourcemanager.webapp.address: \"u@rm\" is not HOST:PORT"},
    {C(P(RM "webapp.address", "[]:1")), "yarn.resourcemanager.webapp.address: \"[]:1\" is not HOST:PORT"},
    /* a blank that comes in by ${…} stays, and Hadoop refuses it too */
    {C(P(RM "hostname", " rm ")), "yarn.resourcemanager.webapp.address: \"rm :8088\" is not HOST:PORT"},
    {C(P(RM "webapp.address", "[::1")), "yarn.resourcemanager.webapp.address: \"[::1\" is not HOST:PORT"},
    {C(P(RM "webapp.address", ":80")), "yarn.resourcemanager.webapp.address: \":80\" is not HOST:PORT"},
    {C(HA P(RM "hostname.rm2", "${none}")), "yarn.resourcemanager.hostname.rm2: \"${none}\" is not HOST:PORT"},
    {C(P(RM "ha.enabled", "true") P(RM "ha.rm-ids", "1,2,3,4,5,6,7,8,9") P(RM "hostname.1", "a") P(RM "hostname.2", "b")
           P(RM "hostname.3", "c") P(RM "hostname.4", "d") P(RM "hostname.5", "e") P(RM "hostname.6", "f")
               P(RM "hostname.7", "g") P(RM "hostname.8", "h") P(RM "hostname.9", "i")),
     "yarn.resourcemanager.ha.rm-ids: more than 8 ids, or one longer than 64 bytes"},
};

static void test_wrong(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct hadoop_cluster cluster;
        struct error err = {0};
        assert_int_equal(hadoop_conf_parse(HADOOP_SITE_YARN, "x", wrong[i].xml, strlen(wrong[i].xml), &conf, &err), 0);
        assert_int_equal(hadoop_cluster_read(conf, &cluster, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.text, wrong[i].error);
        hadoop_conf_free(conf);
    }
}

static const struct {
    const char *xml, *origin;
} mapred_sites[] = {
    {C(), ""},
    {C(P("mapreduce.jobhistory.webapp.address", "jhs:19888")), "http://jhs:19888"},
    {C(P("mapreduce.jobhistory.address", "jhs:10020")), "http://jhs:19888"},
    {C(P("mapreduce.jobhistory.address", "jhs:10020") P("mapreduce.jobhistory.webapp.address", "0.0.0.0:1")),
     "http://jhs:1"},
    {C(P("mapreduce.jobhistory.http.policy", "HTTPS_ONLY") P("mapreduce.jobhistory.webapp.https.address", "jhs:19890")),
     "https://jhs:19890"},
};

static void test_history(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mapred_sites / sizeof mapred_sites[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct hadoop_cluster cluster;
        struct error err = {0};
        const char *xml = mapred_sites[i].xml;
        assert_int_equal(hadoop_conf_parse(HADOOP_SITE_MAPRED, "x", xml, strlen(xml), &conf, &err), 0);
        assert_int_equal(hadoop_cluster_read(conf, &cluster, &err), 0);
        assert_string_equal(cluster.history, mapred_sites[i].origin);
        hadoop_conf_free(conf);
    }
}

/* What these clusters did when asked to kill was measured. */
static const struct {
    const char *directory, *managers, *history;
    bool kerberos, web_kerberos, acls, rest_kills;
} clusters[] = {
    {"plain", "http://127.0.0.1:8088", "http://127.0.0.1:19888", false, false, false, true},
    {"secured", "http://localhost:8088", "", true, true, true, true},
    {"https", "https://localhost:8090", "", true, true, true, true},
    {"plainweb", "http://localhost:8088", "", true, false, true, false},
    {"simple", "http://localhost:8088", "", false, false, true, true},
};

static void test_clusters(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof clusters / sizeof clusters[0]; i++) {
        struct hadoop_conf *conf = NULL;
        struct hadoop_cluster cluster;
        struct error err = {0};
        AUTO_STRBUF path = STRBUF_INIT, managers = STRBUF_INIT;
        strbuf_printf(&path, SOURCE_DIR "/tests/unit/remote/fixtures/conf/%s", clusters[i].directory);
        assert_int_equal(hadoop_conf_load(strbuf_text(&path), &conf, &err), 0);
        assert_int_equal(hadoop_cluster_read(conf, &cluster, &err), 0);
        assert_string_equal(join(&cluster, &managers), clusters[i].managers);
        assert_string_equal(cluster.history, clusters[i].history);
        assert_int_equal(cluster.kerberos, clusters[i].kerberos);
        assert_int_equal(cluster.web_kerberos, clusters[i].web_kerberos);
        assert_int_equal(cluster.acls, clusters[i].acls);
        assert_int_equal(cluster.rest_kills, clusters[i].rest_kills);
        hadoop_conf_free(conf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_managers),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
