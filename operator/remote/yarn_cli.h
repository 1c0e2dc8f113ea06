#pragma once

/* Inside remote/ only: YARN asked by its command line (ApplicationCLI of Hadoop's or Spark's own jars), as the task's
 * user and with its ticket. A second and 100 MB a question: for clusters that refuse REST. */

#include "remote/environment.h"
#include "remote/hadoop_client.h"
#include "remote/helpers.h"
#include "remote/yarn_ask.h"

struct yarn_cli {
    struct helpers *helpers;
    const struct environment *env;
    const struct yarn_asker *asker;
    struct hadoop_client *client; /* NULL: there is none in this image */
    enum yarn_question question;
    char subject[160];
};

void yarn_cli_open(struct yarn_cli *cli, const struct hadoop_conf *conf); /* looks what the image has */
void yarn_cli_close(struct yarn_cli *cli);
bool yarn_cli_available(const struct yarn_cli *cli);
void yarn_cli_ask(struct yarn_cli *cli, enum yarn_question question, const char *subject); /* a tag or an id */
void yarn_cli_stop(struct yarn_cli *cli);
