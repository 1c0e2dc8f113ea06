#pragma once

/* One attempt of a task, from the first look for what a lost attempt left behind to the final record; or, without a
 * command, the end of what a dead launcher left. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "remote/remote.h"

enum { EARLIER_MAX = 16 };

struct launch_options {
    struct remote_config remote;
    const char *earlier[EARLIER_MAX]; /* remote.earlier points here */
    const char *tagged_conf;          /* directory for a copy of the client's configuration with the tag; NULL: none */
    const char *kerberos;             /* directory of keytab and principal; NULL: none */
    bool by_remote;                   /* the verdict is the cluster manager's, not the exit code */
    int64_t attempt;                  /* from 1 */
    bool adopt;                       /* what an earlier attempt left running is followed instead of started anew */
    int64_t timeout_ms;               /* of the attempt; 0: none */
    int64_t grace_ms;                 /* from a stop to our end */
    int64_t look_ms;                  /* how long an unclear answer about earlier attempts is waited for */
    const char *report_url, *report_address, *token_file; /* url NULL: no reports */
    const char *termination_log;                          /* NULL: none */
    size_t record_max;                                    /* bytes of the final record */
    char **command; /* NULL-terminated; command[0] is looked for in PATH. NULL: only clean up, within grace_ms */
};

/* Returns the exit code for the process: the command's own, 126/127 when it could not be started, 143 when stopped, 124
 * when timed out, 1 when the verdict is failure though the command exited with 0. Without a command all that the task
 * has on the cluster is ended: 0 when nothing is left, 1 when something may be. Only a mistake in the options makes it
 * fail (-1) before anything is started. */
int launch_run(const struct launch_options *options, struct error *err);
