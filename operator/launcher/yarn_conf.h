#pragma once

/* Where YARN's ResourceManagers answer HTTP, from a yarn-site.xml. Pure apart from yarn_conf_read(). */

#include <stddef.h>

#include "base/error.h"
#include "launcher/endpoint.h"

enum { YARN_RMS_MAX = 4, YARN_CONF_MAX = 1024 * 1024 };

struct yarn_rms {
    struct endpoint items[YARN_RMS_MAX];
    size_t count; /* 0 with no error: the file does not say, so there is no cluster to ask */
};

/* ERROR_INVALID when it is no XML, or demands HTTPS (not supported yet). */
int yarn_conf_parse(const char *xml, size_t length, struct yarn_rms *ret, struct error *err);

/* yarn-site.xml in $HADOOP_CONF_DIR, $YARN_CONF_DIR, $HADOOP_HOME/etc/hadoop or /etc/hadoop/conf, the first that is
 * there. No file: 0 and count 0. */
int yarn_conf_read(struct yarn_rms *ret, struct error *err);
