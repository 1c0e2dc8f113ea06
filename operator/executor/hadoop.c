/* See hadoop.h. The order of options is that of Luigi's runner; Hadoop itself takes them in any. */

#include "executor/hadoop.h"

#include <strings.h>

/* Hadoop takes -jt local for the framework too, in any case (GenericOptionsParser). */
static bool runs_locally(const struct hadoop *hadoop) {
    const char *framework = pairs_find(&hadoop->conf, "mapreduce.framework.name");
    if (framework != NULL)
        return strcasecmp(framework, "local") == 0;
    return hadoop->jt != NULL && strcasecmp(hadoop->jt, "local") == 0;
}

struct remote hadoop_remote(const struct hadoop *hadoop) {
    static const struct remote none = {0};
    if (runs_locally(hadoop))
        return none;
    return (struct remote){.manager = "yarn",
                           .hadoop_conf = text_empty(hadoop->config_dir) ? NULL : hadoop->config_dir};
}

void hadoop_add_command(const struct hadoop *hadoop, const char *config_dir, struct argv *argv) {
    argv_add(argv, text_empty(hadoop->program) ? "hadoop" : hadoop->program);
    argv_add_option(argv, "--config", config_dir);
    argv_add(argv, "jar");
    argv_add(argv, hadoop->jar);
}

bool hadoop_has_generic(const struct hadoop *hadoop) {
    return hadoop->conf.count + hadoop->conf_files.count + hadoop->lib_jars.count + hadoop->files.count +
                   hadoop->archives.count >
               0 ||
           !text_empty(hadoop->fs) || !text_empty(hadoop->jt) || !text_empty(hadoop->token_cache_file);
}

void hadoop_add_generic(const struct hadoop *hadoop, const char *tag, struct argv *argv) {
    argv_add_each(argv, "-conf", &hadoop->conf_files);
    argv_add_option(argv, "-fs", hadoop->fs);
    argv_add_option(argv, "-jt", hadoop->jt);
    argv_add_option(argv, "-tokenCacheFile", hadoop->token_cache_file);
    argv_add_joined(argv, "-libjars", &hadoop->lib_jars);
    argv_add_joined(argv, "-archives", &hadoop->archives);
    argv_add_joined(argv, "-files", &hadoop->files);
    argv_add_pairs(argv, "-D", &hadoop->conf, HADOOP_TAG_PROPERTY, tag);
}
