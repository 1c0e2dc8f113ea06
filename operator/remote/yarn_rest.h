#pragma once

/* Inside remote/ only: YARN's ResourceManagers asked by REST (ws/v1/cluster). */

#include "remote/yarn_ask.h"
#include "rest/origins.h"
#include "rest/rest.h"

struct yarn_rest {
    struct rest *rest;
    struct origins rms; /* none: there is nobody to ask */
    char user[96];      /* for user.name=, escaped; "" is not said */
    const struct yarn_asker *asker;
    struct rest_call *call; /* NULL: nothing is asked */
    enum yarn_question question;
};

void yarn_rest_set_user(struct yarn_rest *yarn); /* says from now on who we are: hadoop_user() */
void yarn_rest_ask(struct yarn_rest *yarn, enum yarn_question question, const char *subject); /* a tag or an id */
void yarn_rest_stop(struct yarn_rest *yarn); /* gives up what is asked; no-op when nothing is */
