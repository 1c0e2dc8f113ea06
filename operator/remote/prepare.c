/* See remote.h: remote_prepare(). */

#include "remote/hadoop_conf.h"
#include "remote/hadoop_tagged.h"
#include "remote/remote.h"

int remote_prepare(const struct remote_config *config, const char *tagged_conf, struct environment *env,
                   struct error *err) {
    struct hadoop_conf *conf = NULL;
    if (!tagged_conf || !config->tag)
        return 0;
    int result = hadoop_conf_load(config->hadoop_conf, &conf, err);
    if (result == 0)
        result = hadoop_tagged_write(conf, config->tag, tagged_conf, err);
    if (result == 0)
        result = environment_set(env, "HADOOP_CONF_DIR", tagged_conf, err);
    hadoop_conf_free(conf);
    return result;
}
