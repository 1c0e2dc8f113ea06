#pragma once

/* One attempt of a task, from the first look for what a lost launcher left behind to the final record. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "launcher/scan.h"

struct launch_options {
    enum scan_kind kind;
    bool by_yarn;                                         /* the verdict is YARN's final status, not the exit code */
    const char *yarn_tag;                                 /* NULL: applications are not looked for by tag */
    int64_t timeout_ms;                                   /* of the attempt; 0: none */
    int64_t grace_ms;                                     /* from a stop to our end */
    const char *report_url, *report_address, *token_file; /* url NULL: no reports */
    const char *termination_log;                          /* NULL: none */
    char **command;                                       /* NULL-terminated; command[0] is looked for in PATH */
};

/* Returns the exit code for the process: the command's own, 126/127 when it could not be started, 143 when stopped, 124
 * when timed out, 1 when the verdict is failure though the command exited with 0. Only a mistake in the options makes
 * it fail (-1) before anything is started. */
int launch_run(const struct launch_options *options, struct error *err);
