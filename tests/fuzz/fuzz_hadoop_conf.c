/* A site file from an image that anybody may have built: the addresses taken from it are connected to and put into
 * URLs.
 */

#include <string.h>

#include "remote/hadoop_cluster.h"
#include "support_fuzz.h"

static void check_origin(const char *origin) {
    const char *host = strncmp(origin, "https://", 8) == 0 ? origin + 8 : origin + 7;
    CHECK(strncmp(origin, "http://", 7) == 0 || host == origin + 8);
    CHECK(*host != '\0' && *host != ':' && strlen(origin) < HADOOP_ORIGIN_MAX);
    CHECK(strpbrk(host, " \t\r\n/@?#%\\") == NULL && strrchr(host, ':') != NULL);
}

static void check_value(void *context, const char *name, const char *raw) {
    const struct hadoop_conf *conf = context;
    AUTO_STRBUF value = STRBUF_INIT;
    CHECK(name != NULL && raw != NULL && strcmp(hadoop_conf_raw(conf, name), raw) == 0);
    const char *text = hadoop_conf_get(conf, name, &value);
    CHECK(text == NULL || (*text != '\0' && strlen(text) == value.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct hadoop_conf *conf = NULL;
    struct hadoop_cluster cluster;
    struct error err = {0};
    if (hadoop_conf_parse(HADOOP_SITE_YARN, "yarn-site.xml", (const char *)data, size, &conf, &err) < 0) {
        CHECK(err.code == ERROR_INVALID && err.text[0] != '\0' && conf == NULL);
        return 0;
    }
    if (size < 4096) /* quadratic in what refers to what */
        hadoop_conf_each(conf, check_value, conf);
    if (hadoop_cluster_read(conf, &cluster, &err) == 0) {
        CHECK(cluster.manager_count <= HADOOP_MANAGERS_MAX);
        for (size_t i = 0; i < cluster.manager_count; i++)
            check_origin(cluster.managers[i]);
        if (cluster.history[0])
            check_origin(cluster.history);
    } else {
        CHECK(err.code == ERROR_INVALID && err.text[0] != '\0');
    }
    hadoop_conf_free(conf);
    return 0;
}
