#pragma once

/* How to ask YARN by RPC, where its web does not let us in: by Hadoop's own ApplicationCLI, from jars and a java that
 * are in the image anyway. This finds them and says what to run; running it is the caller's, with a time limit: without
 * a ticket the program is silent and goes on trying for 15 minutes. It takes 1 to 2 s and 80 to 110 MiB. */

#include "base/error.h"
#include "remote/hadoop_conf.h"

struct hadoop_client;

enum hadoop_question {
    HADOOP_STATUS, /* of an application id */
    HADOOP_KILL,   /* an application id; returns when it has ended */
    HADOOP_LIST,   /* of all that carry a tag, ended ones too */
};

/* Looks for java in $JAVA_HOME and $PATH; for the jars in $HADOOP_HOME, where `yarn` and `hadoop` of $PATH are,
 * /opt/hadoop, then $SPARK_HOME, where spark-submit of $PATH is, /opt/spark. `krb5_config`: what the program's
 * $KRB5_CONFIG is going to be; NULL: not set. ERROR_NOT_FOUND says what is missing. The configuration need not live on.
 */
int hadoop_client_find(const struct hadoop_conf *conf, const char *krb5_config, struct hadoop_client **ret,
                       struct error *err);
struct hadoop_client *hadoop_client_free(struct hadoop_client *client); /* takes NULL, returns NULL */

/* The program (a path) and its arguments, NULL at the end; they live until the next call, `subject` as long as it does.
 * NULL: `subject` is no application id, or no tag. */
const char *const *hadoop_client_argv(struct hadoop_client *client, enum hadoop_question question, const char *subject);
