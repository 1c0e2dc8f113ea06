#pragma once

/* Inside remote/ only: one question to YARN at a time. Two ways to ask (transports) give the same answers: by REST
 * (yarn_rest.c) and by its command line (yarn_cli.c), where REST is refused. */

#include <stdbool.h>
#include <stdint.h>

#include "remote/yarn_app.h"

enum yarn_question {
    YARN_LIST,       /* applications with a tag */
    YARN_LIST_ALIVE, /* … that have not ended */
    YARN_STATUS,     /* of one id */
    YARN_KILL,       /* one id */
    YARN_INFO,       /* is it in charge, and since when? */
};

enum yarn_result {
    YARN_ANSWERED,
    YARN_NOT_THERE, /* it says that it knows no such application: to be believed with care */
    YARN_REFUSED,   /* it does not let us, and will not later */
    YARN_FAILED,    /* no answer, or one that makes no sense: ask again */
};

struct yarn_answer {
    enum yarn_question question;
    enum yarn_result result;
    const char *text; /* REFUSED, FAILED: why, for a person */
    bool in_charge;   /* INFO */
    int64_t charge;   /* INFO: changes whenever it has been started anew */
};

/* on_app comes for each well-formed application of an answer, then on_answer, once a question, perhaps before the
 * asking function returns. Neither may ask again. */
struct yarn_asker {
    void (*on_app)(void *context, const struct yarn_app *app);
    void (*on_answer)(void *context, const struct yarn_answer *answer);
    void *context;
};
