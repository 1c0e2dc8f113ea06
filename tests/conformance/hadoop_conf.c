/* What weir makes of a Hadoop configuration, for the comparison with Hadoop itself.
 * usage: hadoop_conf values DIRECTORY...        "DIRECTORY TAB NAME TAB VALUE" of all that is set
 *        hadoop_conf tag DIRECTORY TAG TARGET   the copy with a tag
 *        hadoop_conf list DIRECTORY TAG         runs Hadoop's own client to list what has the tag */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remote/hadoop_client.h"
#include "remote/hadoop_tagged.h"

struct listing {
    const struct hadoop_conf *conf;
    const char *directory;
};

static void print(void *context, const char *name, const char *raw) {
    const struct listing *listing = context;
    AUTO_STRBUF value = STRBUF_INIT;
    (void)raw;
    const char *text = hadoop_conf_get(listing->conf, name, &value);
    for (char *at = value.data; at && (at = strchr(at, '\n'));)
        *at = ' ';
    printf("%s\t%s\t%s\n", listing->directory, name, text ? text : "");
}

static int refuse(const struct error *err) {
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

static int list(const char *directory, const char *tag) {
    struct error err = {0};
    struct hadoop_conf *conf = NULL;
    struct hadoop_client *client = NULL;
    const char *const *argv = NULL;
    if (hadoop_conf_load(directory, &conf, &err) < 0 || hadoop_client_find(conf, getenv("KRB5_CONFIG"), &client, &err) < 0)
        refuse(&err);
    else if ((argv = hadoop_client_argv(client, HADOOP_LIST, tag)))
        execv(argv[0], (char *const *)(uintptr_t)argv);
    hadoop_client_free(client);
    hadoop_conf_free(conf);
    return 1;
}

int main(int argc, char **argv) {
    struct error err = {0};
    struct hadoop_conf *conf = NULL;
    if (argc == 5 && strcmp(argv[1], "tag") == 0) {
        int result = hadoop_conf_load(argv[2], &conf, &err);
        if (result == 0)
            result = hadoop_tagged_write(conf, argv[3], argv[4], &err);
        hadoop_conf_free(conf);
        return result < 0 ? refuse(&err) : 0;
    }
    if (argc == 4 && strcmp(argv[1], "list") == 0)
        return list(argv[2], argv[3]);
    for (int i = 2; i < argc; i++) {
        if (hadoop_conf_load(argv[i], &conf, &err) < 0)
            return refuse(&err);
        struct listing listing = {conf, argv[i]};
        hadoop_conf_each(conf, print, &listing);
        conf = hadoop_conf_free(conf);
    }
    return argc > 2 ? 0 : 2;
}
