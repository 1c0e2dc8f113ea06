#pragma once

/* The launcher's state, shared by the files that drive it: launch.c (loop), phases.c (what happens when), settle.c and
 * stop.c (the two long phases), finish.c (how it ended), hearing.c (facts into the snapshot). One per process, for its
 * life; allocated before the task starts. */

#include <stdbool.h>
#include <stdint.h>

#include "base/sm.h"
#include "base/wait.h"
#include "launcher/child.h"
#include "launcher/launch.h"
#include "launcher/outcome.h"
#include "launcher/pump.h"
#include "launcher/reporter.h"
#include "launcher/snapshot.h"
#include "output/scan.h"
#include "output/telling.h"
#include "remote/environment.h"
#include "remote/helpers.h"
#include "remote/kerberos.h"
#include "remote/remote.h"
#include "rest/rest.h"

/* X(value, meaning) */
#define PHASES(X)                                                                       \
    X(CHECKING, "what the task needs is made ready: tickets, configuration, inputs")    \
    X(LOOKING, "what an earlier attempt left is found, and adopted or ended")           \
    X(RUNNING, "the command runs")                                                      \
    X(SETTLING, "the command has ended: its output is drained, the truth is asked for") \
    X(STOPPING, "told to end, or out of time: remote jobs and process group end")       \
    X(COMMITTING, "outputs of a success are put in their place")                        \
    X(COLLECTING, "what tells why it failed is fetched")                                \
    X(REPORTING, "the final record is written; the operator is told if it listens")     \
    X(DONE, "nothing is left to do")

enum phase {
#define X(value, meaning) PHASE_##value,
    PHASES(X)
#undef X
        PHASE_COUNT
};

struct task {
    const struct launch_options *options;
    enum phase phase;
    int64_t now;         /* boot ms, read once a turn */
    int64_t phase_since; /* boot ms */
    int64_t started_at;  /* boot ms of the attempt */
    enum cause cause;
    struct error trouble; /* CAUSE_START, CAUSE_UNKNOWN, CAUSE_CLEAN that could not begin: why */

    int signals; /* signalfd */
    struct signals before;
    struct child child;
    int start_exit_code;
    int64_t child_ended_at;   /* boot ms; 0: it runs, or never did */
    int64_t term_at, kill_at; /* boot ms when what is left in this pod was first told to end, and killed; 0: not yet */
    bool ended_before_stop;   /* the command had ended by itself when we were told to stop */
    bool swept;               /* nothing of the task is left in this pod, and all its output has been passed on */
    bool adopted;             /* an earlier attempt's job is followed; there is no command */
    bool left;                /* the remote job is left running, on purpose */
    int64_t oom_kills;        /* before the task; -1: unknown */
    struct environment env;   /* of the child: ours without WEIR_… */

    struct rest *rest;
    struct helpers *helpers;
    struct kerberos kerberos;
    struct remote *remote;
    const struct remote_view *view;
    uint64_t view_changes; /* of what the snapshot has */

    struct scanner *scanner;
    struct pump out, err;
    struct telling telling;
    struct snapshot snapshot;
    struct reporter reporter;
    struct outcome outcome;
    int64_t asked_end_at; /* boot ms since when the truth about a dead command is asked for; 0: not yet */
};

extern const struct sm_state phase_table[PHASE_COUNT];

/* phases.c: starts the first phase; lets the current one go on. All only look at task->now. */
void phase_begin(struct task *task);
void phase_step(struct task *task);
void phase_stop(struct task *task, enum cause cause); /* no-op when it is ending already */
void phase_wait(const struct task *task, struct wait *wait);
void phase_move(struct task *task, enum phase to); /* aborts when the table does not allow it */
int64_t phase_age(const struct task *task);

/* settle.c */
void settle_step(struct task *task);
/* What the task left in this pod is told to end, then killed, and what it wrote is passed on. True once that is done.
 */
bool settle_swept(struct task *task);

/* stopping.c */
void stopping_begin(struct task *task);
void stopping_step(struct task *task);

/* finish.c: decides the outcome, and moves on. */
void finish(struct task *task);
void finish_write_record(const struct task *task); /* as far as it is known: to the termination log */

/* hearing.c: what the output and the remote side say, into the snapshot. */
void hearing_out(void *task, const char *line, size_t length);
void hearing_err(void *task, const char *line, size_t length);
void hearing_remote(struct task *task);

/* "weir: …" on standard error, one line. */
void task_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
