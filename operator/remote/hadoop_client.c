/* See hadoop_client.h. Relies on the environment and on what directories hold; starts nothing. The small heap and the
 * plain collector are what a call was measured to need. */

#include "remote/hadoop_client.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "remote/hadoop_tagged.h"
#include "remote/program.h"
#include "remote/yarn_app.h"

enum { ARGUMENTS_MAX = 16, PIECES_MAX = 4 };

struct hadoop_client {
    char *java, *classpath, *kerberos; /* kerberos: the whole -D option, or NULL */
    const char *argv[ARGUMENTS_MAX];
};

/* Where jars are below a root: the jar that has the class tells. */
static const struct layout {
    const char *directory, *jar, *pieces[PIECES_MAX];
} hadoop_layouts[] =
    {
        {"share/hadoop/yarn",
         "hadoop-yarn-client-",
         {"share/hadoop/common/lib/*", "share/hadoop/common/*", "share/hadoop/yarn/lib/*", "share/hadoop/yarn/*"}},
        {"lib", "hadoop-yarn-client-", {"lib/*"}},
        {"../hadoop-yarn", "hadoop-yarn-client-", {"lib/*", "*", "../hadoop-yarn/lib/*", "../hadoop-yarn/*"}},
},
  spark_layouts[] = {
      {"jars", "hadoop-client-api-", {"jars/*"}},
      {"jars", "hadoop-yarn-client-", {"jars/*"}},
};

static const struct home {
    const char *variable, *programs[2], *usual;
    const struct layout *layouts;
    size_t count;
} homes[] = {
    {"HADOOP_HOME",
     {"yarn", "hadoop"},
     "/opt/hadoop",
     hadoop_layouts,
     sizeof hadoop_layouts / sizeof hadoop_layouts[0]},
    {"SPARK_HOME", {"spark-submit"}, "/opt/spark", spark_layouts, sizeof spark_layouts / sizeof spark_layouts[0]},
};

static char *join(const char *directory, const char *rest) {
    AUTO_STRBUF path = STRBUF_INIT;
    strbuf_printf(&path, "%s/%s", directory, rest);
    return strbuf_failed(&path) ? NULL : strbuf_steal(&path);
}

static bool has_jar(const char *root, const struct layout *layout) {
    char *path = join(root, layout->directory);
    DIR *directory = path ? opendir(path) : NULL;
    bool found = false;
    free(path);
    if (!directory)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(directory));)
        found = text_starts_with(entry->d_name, layout->jar) && text_ends_with(entry->d_name, ".jar");
    closedir(directory);
    return found;
}

static bool add_jars(const char *root, const struct home *home, struct strbuf *classpath) {
    for (size_t i = 0; root && *root && i < home->count; i++) {
        if (!has_jar(root, &home->layouts[i]))
            continue;
        for (size_t p = 0; p < PIECES_MAX && home->layouts[i].pieces[p]; p++)
            strbuf_printf(classpath, ":%s/%s", root, home->layouts[i].pieces[p]);
        return true;
    }
    return false;
}

static bool find_jars(struct strbuf *classpath) {
    bool found = false;
    for (size_t i = 0; !found && i < sizeof homes / sizeof homes[0]; i++) {
        const struct home *home = &homes[i];
        found = add_jars(getenv(home->variable), home, classpath);
        for (size_t p = 0; !found && p < sizeof home->programs / sizeof home->programs[0]; p++) {
            char *root = program_root(home->programs[p]);
            found = add_jars(root, home, classpath);
            free(root);
        }
        found = found || add_jars(home->usual, home, classpath);
    }
    return found;
}

/* The directory of the configuration, and that of its yarn-site.xml when it is another. */
static void add_configuration(const struct hadoop_conf *conf, struct strbuf *classpath) {
    const char *directory = hadoop_conf_directory(conf), *yarn = hadoop_conf_path(conf, HADOOP_SITE_YARN);
    size_t length = strlen(directory);
    strbuf_puts(classpath, directory);
    if (yarn && (strncmp(yarn, directory, length) != 0 || strchr(yarn + length + 1, '/'))) {
        strbuf_putc(classpath, ':');
        strbuf_add(classpath, yarn, (size_t)(strrchr(yarn, '/') - yarn));
    }
}

static char *find_java(void) {
    const char *home = getenv("JAVA_HOME");
    char *java = home && *home ? join(home, "bin/java") : NULL;
    if (java && access(java, X_OK) == 0)
        return java;
    free(java);
    return program_find("java");
}

/* Java does not read the variable, and knows no lists. */
static char *kerberos_option(const char *list) {
    while (list && *list) {
        AUTO_STRBUF option = STRBUF_INIT;
        static const char name[] = "-Djava.security.krb5.conf=";
        size_t length = strcspn(list, ":");
        strbuf_puts(&option, name);
        strbuf_add(&option, list, length);
        if (!strbuf_failed(&option) && length > 0 && access(option.data + strlen(name), R_OK) == 0)
            return strbuf_steal(&option);
        list += length + (list[length] == ':');
    }
    return NULL;
}

int hadoop_client_find(const struct hadoop_conf *conf, const char *krb5_config, struct hadoop_client **ret,
                       struct error *err) {
    AUTO_STRBUF classpath = STRBUF_INIT;
    if (!hadoop_conf_directory(conf))
        return error_set(err, ERROR_NOT_FOUND, "there is no Hadoop configuration (set HADOOP_CONF_DIR)");
    add_configuration(conf, &classpath);
    if (!find_jars(&classpath))
        return error_set(err, ERROR_NOT_FOUND,
                         "no jars of a YARN client in the image (set HADOOP_HOME or SPARK_HOME to where they are)");
    char *java = find_java();
    if (!java)
        return error_set(err, ERROR_NOT_FOUND, "no java in the image (set JAVA_HOME, or PATH)");
    struct hadoop_client *client = calloc(1, sizeof *client);
    char *path = strbuf_failed(&classpath) ? NULL : strbuf_steal(&classpath);
    if (!client || !path) {
        free(client);
        free(path);
        free(java);
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    }
    *client = (struct hadoop_client){.java = java, .classpath = path, .kerberos = kerberos_option(krb5_config)};
    *ret = client;
    return 0;
}

struct hadoop_client *hadoop_client_free(struct hadoop_client *client) {
    if (client) {
        free(client->java);
        free(client->classpath);
        free(client->kerberos);
        free(client);
    }
    return NULL;
}

const char *const *hadoop_client_argv(struct hadoop_client *client, enum hadoop_question question,
                                      const char *subject) {
    static const char *const options[] = {
        [HADOOP_STATUS] = "-status", [HADOOP_KILL] = "-kill", [HADOOP_LIST] = "-list"};
    size_t count = 0;
    if (question == HADOOP_LIST ? !hadoop_tag_valid(subject) : !yarn_id_valid(subject))
        return NULL;
    const char *const begin[] = {client->java, "-Xmx32m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"};
    for (; count < sizeof begin / sizeof begin[0]; count++)
        client->argv[count] = begin[count];
    if (client->kerberos)
        client->argv[count++] = client->kerberos;
    const char *const end[] = {"-cp",         client->classpath, "org.apache.hadoop.yarn.client.cli.ApplicationCLI",
                               "application", options[question], question == HADOOP_LIST ? "-appTags" : subject};
    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++)
        client->argv[count++] = end[i];
    if (question == HADOOP_LIST) {
        client->argv[count++] = subject;
        client->argv[count++] = "-appStates";
        client->argv[count++] = "ALL";
    }
    client->argv[count] = NULL;
    return client->argv;
}
