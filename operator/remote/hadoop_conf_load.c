/* Where Hadoop's configuration is, and reading it in Hadoop's order. Relies on the environment and on the files; never
 * writes, and never falls back to another directory when one was named. */

#include "remote/hadoop_conf_private.h"
#include "remote/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const sites[HADOOP_SITES] = {
    [HADOOP_SITE_CORE] = "core-site.xml",
    [HADOOP_SITE_MAPRED] = "mapred-site.xml",
    [HADOOP_SITE_YARN] = "yarn-site.xml",
    [HADOOP_SITE_HDFS] = "hdfs-site.xml",
};

/* Of core-default.xml and so on, what weir reads. They stand before the site file of the same stem, so what an earlier
 * site file says of a later one's properties is lost, as in Hadoop. */
static const struct {
    enum hadoop_site site;
    const char *name, *value;
} defaults[] = {
    {HADOOP_SITE_CORE, "hadoop.security.authentication", "simple"},
    {HADOOP_SITE_CORE, "hadoop.http.authentication.type", "simple"},
    {HADOOP_SITE_CORE, "hadoop.http.filter.initializers", "org.apache.hadoop.http.lib.StaticUserWebFilter"},
    {HADOOP_SITE_CORE, "hadoop.tmp.dir", "/tmp/hadoop-${user.name}"},
    {HADOOP_SITE_CORE, "fs.defaultFS", "file:///"},
    {HADOOP_SITE_MAPRED, "mapreduce.framework.name", "local"},
    {HADOOP_SITE_MAPRED, "mapreduce.jobhistory.address", "0.0.0.0:10020"},
    {HADOOP_SITE_MAPRED, "mapreduce.jobhistory.webapp.address", "0.0.0.0:19888"},
    {HADOOP_SITE_MAPRED, "mapreduce.jobhistory.webapp.https.address", "0.0.0.0:19890"},
    {HADOOP_SITE_MAPRED, "mapreduce.jobhistory.http.policy", "HTTP_ONLY"},
    {HADOOP_SITE_YARN, "yarn.resourcemanager.hostname", "0.0.0.0"},
    {HADOOP_SITE_YARN, "yarn.resourcemanager.address", "${yarn.resourcemanager.hostname}:8032"},
    {HADOOP_SITE_YARN, "yarn.resourcemanager.webapp.address", "${yarn.resourcemanager.hostname}:8088"},
    {HADOOP_SITE_YARN, "yarn.resourcemanager.webapp.https.address", "${yarn.resourcemanager.hostname}:8090"},
    {HADOOP_SITE_YARN, "yarn.resourcemanager.ha.enabled", "false"},
    {HADOOP_SITE_YARN, "yarn.http.policy", "HTTP_ONLY"},
    {HADOOP_SITE_YARN, "yarn.acl.enable", "false"},
};

const char *hadoop_site_name(enum hadoop_site site) {
    return sites[site];
}

const char *hadoop_conf_directory(const struct hadoop_conf *conf) {
    return conf->directory;
}

const char *hadoop_conf_path(const struct hadoop_conf *conf, enum hadoop_site site) {
    return conf->paths[site];
}

struct hadoop_conf *hadoop_conf_free(struct hadoop_conf *conf) {
    if (!conf)
        return NULL;
    strbuf_fini(&conf->texts);
    free(conf->items);
    free(conf->directory);
    for (size_t i = 0; i < HADOOP_SITES; i++)
        free(conf->paths[i]);
    free(conf);
    return NULL;
}

static int add_defaults(struct hadoop_conf *conf, enum hadoop_site site, struct error *err) {
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (defaults[i].site == site &&
            hadoop_conf_add(conf, HADOOP_FROM_DEFAULT, defaults[i].name, defaults[i].value, false, err) < 0)
            return -1;
    return 0;
}

static bool has_file(const char *directory, const char *name) {
    AUTO_STRBUF path = STRBUF_INIT;
    struct stat status;
    strbuf_printf(&path, "%s/%s", directory, name);
    return !strbuf_failed(&path) && stat(strbuf_text(&path), &status) == 0;
}

static bool has_site(const char *directory) {
    for (size_t i = 0; i < HADOOP_SITES; i++)
        if (has_file(directory, sites[i]))
            return true;
    return false;
}

/* The first of a ':' list that has `name` (NULL: any site file); the caller frees. */
static char *first_of(const char *list, const char *name) {
    while (list && *list) {
        size_t length = strcspn(list, ":");
        char *directory = strndup(list, length);
        if (directory && length > 0 && (name ? has_file(directory, name) : has_site(directory)))
            return directory;
        free(directory);
        list += length + (list[length] == ':');
    }
    return NULL;
}

/* ROOT/etc/hadoop; the caller frees; NULL: nothing is there. */
static char *of_root(const char *root) {
    AUTO_STRBUF path = STRBUF_INIT;
    strbuf_printf(&path, "%s/etc/hadoop", root ? root : "");
    return root && *root && !strbuf_failed(&path) && has_site(strbuf_text(&path)) ? strbuf_steal(&path) : NULL;
}

/* What the environment says, as Hadoop's own scripts read it; NULL: nothing that is there. `ret_hadoop`: it was
 * $HADOOP_CONF_DIR. */
static char *search(bool *ret_hadoop) {
    static const char *const places[] = {"/etc/hadoop/conf", "/etc/hadoop", "/opt/hadoop/etc/hadoop"};
    char *found = first_of(getenv("HADOOP_CONF_DIR"), NULL);
    *ret_hadoop = found != NULL;
    if (!found)
        found = first_of(getenv("YARN_CONF_DIR"), NULL);
    if (!found)
        found = of_root(getenv("HADOOP_HOME"));
    if (!found) {
        char *root = program_root("hadoop");
        found = of_root(root);
        free(root);
    }
    for (size_t i = 0; !found && i < sizeof places / sizeof places[0]; i++)
        if (has_site(places[i]))
            found = strdup(places[i]);
    return found;
}

static int read_site(struct hadoop_conf *conf, enum hadoop_site site, const char *directory, struct error *err) {
    AUTO_STRBUF path = STRBUF_INIT;
    strbuf_printf(&path, "%s/%s", directory, sites[site]);
    if (strbuf_failed(&path))
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    if (hadoop_xml_read(conf, site, strbuf_text(&path), err) < 0)
        return err->code == ERROR_NOT_FOUND ? 0 : -1;
    conf->paths[site] = strbuf_steal(&path);
    return conf->paths[site] ? 0 : error_set(err, ERROR_TRANSIENT, "out of memory");
}

static int load_sites(struct hadoop_conf *conf, const char *yarn, struct error *err) {
    for (enum hadoop_site site = 0; site < HADOOP_SITES; site++)
        if (add_defaults(conf, site, err) < 0 ||
            (conf->directory &&
             read_site(conf, site, site == HADOOP_SITE_YARN && yarn ? yarn : conf->directory, err) < 0))
            return -1;
    hadoop_conf_settle(conf);
    return 0;
}

int hadoop_conf_load(const char *directory, struct hadoop_conf **ret, struct error *err) {
    bool hadoop = false;
    char *yarn = NULL;
    struct hadoop_conf *conf = calloc(1, sizeof *conf);
    if (!conf)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    if (directory && !has_site(directory)) {
        hadoop_conf_free(conf);
        return error_set(err, ERROR_NOT_FOUND, "%.150s has none of core-, mapred-, yarn- and hdfs-site.xml", directory);
    }
    conf->directory = directory ? strdup(directory) : search(&hadoop);
    if (hadoop && !has_file(conf->directory, sites[HADOOP_SITE_YARN]))
        yarn = first_of(getenv("YARN_CONF_DIR"), sites[HADOOP_SITE_YARN]);
    int result =
        directory && !conf->directory ? error_set(err, ERROR_TRANSIENT, "out of memory") : load_sites(conf, yarn, err);
    free(yarn);
    if (result < 0)
        hadoop_conf_free(conf);
    else
        *ret = conf;
    return result;
}

int hadoop_conf_parse(enum hadoop_site site, const char *name, const char *xml, size_t length, struct hadoop_conf **ret,
                      struct error *err) {
    struct hadoop_conf *conf = calloc(1, sizeof *conf);
    if (!conf)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    for (enum hadoop_site each = 0; each < HADOOP_SITES; each++)
        if (add_defaults(conf, each, err) < 0 ||
            (each == site && hadoop_xml_parse(conf, site, name, xml, length, err) < 0)) {
            hadoop_conf_free(conf);
            return -1;
        }
    hadoop_conf_settle(conf);
    *ret = conf;
    return 0;
}
