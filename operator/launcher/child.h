#pragma once

/* The task's process and what PID 1 owes to all others: a process group of its own, signals as they were before us,
 * reaping, and nothing left behind. */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
    pid_t pid; /* also its process group; 0: never started */
    bool running;
    int status;   /* of waitpid(), once it does not run any more */
    int out, err; /* where its output is read; -1: passed through */
};

/* Signals as this process was started with; taken by signals_block(), given back to every child. */
struct signals {
    sigset_t mask;
    struct sigaction pipe, child;
};

/* Blocks what can be blocked, ignores SIGPIPE; the signalfd (non-blocking) that delivers them, or -1. */
int signals_block(struct signals *ret_before, struct error *err);
bool signal_is_forwarded(int signal); /* to the task; SIGTERM and SIGINT are requests to us */

/* Starts argv[0] (looked for in PATH) in a process group of its own, in the foreground if there is a terminal. With
 * `capture`, its output comes by child->out and err; else it goes to our standard error. On failure `ret_exit_code` is
 * what a shell would exit with (127: not found, 126: cannot be run) and err says which file. */
int child_start(struct child *child, char *const argv[], char *const env[], const struct signals *before, bool capture,
                int *ret_exit_code, struct error *err);

/* One dead process, whoever's it was: pid, or 0 when there is none to reap now. */
pid_t child_reap(struct child *child, int *ret_status);

void child_signal(const struct child *child, int signal); /* to its whole group; no-op when it never started */

/* A signal (0: none) to all that the task has left in this pod: its group, and every process that is or has become
 * ours, but those of the session `spared` (0: none). Returns how many there are, dead ones that wait for us left out.
 */
size_t child_rest(const struct child *child, pid_t spared, int signal);
