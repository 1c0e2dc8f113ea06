#pragma once

/* Programs of the image that are asked something (kinit, YARN's command line): one after the other, each with a
 * deadline, in a session of its own, so that the sweep of the task's processes can tell them from the task's.
 * Whoever reaps the process's children hands them over by helpers_reaped(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/wait.h"

enum { HELPERS_MAX = 4, HELPER_OUTPUT_MAX = 256 * 1024, HELPER_ARGS_MAX = 24 };

struct helper_result {
    bool started, timed_out;
    int exit_code;      /* 128 + signal when it died of one; 127 when it could not be started */
    const char *output; /* what it printed, both streams, at most HELPER_OUTPUT_MAX bytes of it; terminated */
    size_t length;
};
typedef void helper_done(void *context, const struct helper_result *result);

struct helpers;

int helpers_new(struct helpers **ret, struct error *err);
void helpers_free(struct helpers *helpers); /* kills what runs; takes NULL */

/* argv (copied; argv[0] is looked for in PATH) with these variables, which must live until `done` is called:
 * once, later. With an error `done` is not called: the queue is full, or memory has ended. */
int helpers_start(struct helpers *helpers, const char *const argv[], char *const env[], int64_t deadline_ms,
                  helper_done *done, void *context, struct error *err);
void helpers_cancel(struct helpers *helpers, void *context); /* all of that context: `done` is not called */
/* Its session, in which all that it starts is found too; 0: none runs. */
pid_t helpers_session(const struct helpers *helpers);
bool helpers_reaped(struct helpers *helpers, pid_t pid, int status); /* true: it was one of ours */
void helpers_wait(const struct helpers *helpers, struct wait *wait);
void helpers_step(struct helpers *helpers, int64_t now);
