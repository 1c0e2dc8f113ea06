#pragma once

/* How an attempt ended, from everything that is known of it. Pure: this is where a message for a person is made. */

#include <stdbool.h>
#include <stdint.h>

#include "output/telling.h"
#include "record/record.h"
#include "remote/remote.h"

enum cause {
    CAUSE_ENDED,   /* by itself */
    CAUSE_START,   /* the command could not be started */
    CAUSE_STOP,    /* told to by a signal */
    CAUSE_TIMEOUT, /* out of time */
    CAUSE_CLEAN,   /* there is no command: what was left on the cluster had to be ended */
    CAUSE_UNKNOWN, /* not started: what an earlier attempt left cannot be told */
};

struct ending {
    const char *command; /* argv[0]; NULL: there is none */
    enum cause cause;
    bool ran; /* wait_status holds */
    int wait_status;
    int start_exit_code; /* CAUSE_START: 126 or 127 */
    const char *trouble; /* CAUSE_START, CAUSE_UNKNOWN: why */
    bool oom;            /* the kernel killed a process of this container for lack of memory meanwhile */
    int64_t timeout_ms;
    bool by_remote;                   /* the verdict is the cluster manager's, not the exit code's */
    const struct remote_words *words; /* of the manager */
    const struct remote_job *job;     /* the task's newest there; NULL: it knows none of ours */
    const char *client_verdict;       /* what the client said, who could ask; "": nothing */
    const char *remote_trouble;       /* why the manager cannot be asked now; "": it can */
    const char *killed;               /* the job that was told to end; "": none */
    const char *remains;              /* what may be left running and why; "": nothing is */
    const struct telling *telling;
};

struct outcome {
    int exit_code, signal;
    int launcher_exit_code; /* of our own process */
    const char *reason;     /* literal; "" on success */
    char message[RECORD_MESSAGE_MAX + 1];
};

void outcome_decide(const struct ending *ending, struct outcome *ret);
