#pragma once

/* Hadoop's Configuration as a value: the site files of one directory, with the rules of
 * org.apache.hadoop.conf.Configuration (later wins, <final>, xi:include, ${name} and ${env.NAME}), in the order in
 * which a MapReduce client loads them: core, mapred, yarn, hdfs, each after its defaults (those that weir reads).
 * A property without a value, or with an empty one, is as if it were not there, as in Hadoop. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

enum hadoop_site { HADOOP_SITE_CORE, HADOOP_SITE_MAPRED, HADOOP_SITE_YARN, HADOOP_SITE_HDFS, HADOOP_SITES };
enum { HADOOP_FILE_MAX = 4 * 1024 * 1024 };

struct hadoop_conf; /* immutable once made */

/* Reads `directory`, or, when that is NULL, the first directory with a site file of: $HADOOP_CONF_DIR, $YARN_CONF_DIR
 * (both may be lists with ':'), $HADOOP_HOME/etc/hadoop, /etc/hadoop/conf, /etc/hadoop, /opt/hadoop/etc/hadoop. Where
 * $HADOOP_CONF_DIR has no yarn-site.xml, that of $YARN_CONF_DIR counts. None found: 0, and only defaults.
 * ERROR_NOT_FOUND: `directory` has no site file; ERROR_INVALID: a file cannot be used (the text names it and the line);
 * ERROR_TRANSIENT: memory. */
int hadoop_conf_load(const char *directory, struct hadoop_conf **ret, struct error *err);

/* The same of one text, as if it were the only file of its directory; an xi:include finds nothing. `name` is for
 * errors.
 */
int hadoop_conf_parse(enum hadoop_site site, const char *name, const char *xml, size_t length, struct hadoop_conf **ret,
                      struct error *err);

struct hadoop_conf *hadoop_conf_free(struct hadoop_conf *conf); /* takes NULL, returns NULL */

const char *hadoop_site_name(enum hadoop_site site);                                 /* "core-site.xml" */
const char *hadoop_conf_directory(const struct hadoop_conf *conf);                   /* NULL: none was found */
const char *hadoop_conf_path(const struct hadoop_conf *conf, enum hadoop_site site); /* NULL: no such file */
bool hadoop_conf_final_in(const struct hadoop_conf *conf, const char *name, enum hadoop_site site); /* said there */

/* As written; NULL when not set. Lives as long as the configuration. */
const char *hadoop_conf_raw(const struct hadoop_conf *conf, const char *name);
/* Replaces what is in `out`, by what Hadoop's getTrimmed() gives. NULL when not set or empty, when ${} goes round in a
 * circle or deeper than 20 (Hadoop throws), or when it does not fit `out` (of which the bound may be 0: 8 MiB). */
const char *hadoop_conf_get(const struct hadoop_conf *conf, const char *name, struct strbuf *out);
bool hadoop_conf_bool(const struct hadoop_conf *conf, const char *name, bool otherwise); /* neither: `otherwise` */
bool hadoop_conf_configured(const struct hadoop_conf *conf, const char *name);           /* by a file, not a default */
/* In order of names, each once. */
void hadoop_conf_each(const struct hadoop_conf *conf, void (*visit)(void *context, const char *name, const char *raw),
                      void *context);

/* Who this process is to Hadoop: $HADOOP_USER_NAME, else its name in /etc/passwd, else its number. Replaces `out`. */
const char *hadoop_user(struct strbuf *out);
