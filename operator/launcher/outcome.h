#pragma once

/* How an attempt ended, from everything that is known of it. Pure: this is where a message for a person is made. */

#include <stdbool.h>
#include <stdint.h>

#include "launcher/telling.h"
#include "launcher/yarn_app.h"
#include "record/record.h"

enum cause {
    CAUSE_ENDED, /* by itself */
    CAUSE_START, /* the command could not be started */
    CAUSE_STOP,  /* told to by a signal */
    CAUSE_TIMEOUT,
};

struct ending {
    const char *command; /* argv[0] */
    enum cause cause;
    bool ran; /* wait_status holds */
    int wait_status;
    int start_exit_code; /* CAUSE_START: 126 or 127 */
    const char *start_error;
    bool oom; /* the kernel killed a process of this container for lack of memory meanwhile */
    int64_t timeout_ms;
    bool by_yarn;               /* the verdict is YARN's, not the exit code's */
    const struct yarn_app *app; /* NULL: YARN knows none of ours */
    const char *yarn_trouble;   /* why YARN could not be asked at the end; "" or NULL: it could */
    const char *killed;         /* the remote application that was told to end; "" or NULL: none */
    const char *left_behind;    /* remote application that could not be seen to end; "" or NULL: none */
    const struct telling *telling;
};

struct outcome {
    int exit_code, signal;
    int launcher_exit_code; /* of our own process */
    const char *reason;     /* literal; "" on success */
    char message[RECORD_MESSAGE_MAX + 1];
};

void outcome_decide(const struct ending *ending, struct outcome *ret);
