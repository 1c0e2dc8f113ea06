#pragma once

/* The launcher's state, shared by the files that drive it: launch.c (loop), phases.c (what happens when), observe.c
 * (facts into the snapshot). Process lifetime; one per process; allocated before the task starts. */

#include <stdbool.h>
#include <stdint.h>

#include "base/sm.h"
#include "launcher/child.h"
#include "launcher/launch.h"
#include "launcher/outcome.h"
#include "launcher/pump.h"
#include "launcher/reporter.h"
#include "launcher/snapshot.h"
#include "launcher/spark.h"
#include "launcher/telling.h"
#include "launcher/yarn.h"

/* X(value, meaning) */
#define PHASES(X)                                                                        \
    X(ADOPTING, "what an earlier, lost attempt left running is ended; the task waits")   \
    X(RUNNING, "the command runs")                                                       \
    X(SETTLING, "the command has ended: its output is drained, the truth is asked for")  \
    X(STOPPING, "told to end, or out of time: remote application and process group die") \
    X(REPORTING, "the final record is written; the operator is told if it listens")      \
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

    char adopted[YARN_ID_MAX]; /* application of an earlier attempt that was last told to end */

    int signals; /* signalfd */
    struct signals before;
    struct child child, killer; /* killer: `yarn application -kill`, when REST does not let us */
    int start_exit_code;
    struct error start_error;
    int64_t child_ended_at; /* boot ms; 0: it runs, or never did */
    bool group_killed;      /* SIGKILL was sent to what did not heed SIGTERM */
    bool swept;             /* nothing of the task is left in this pod, and all its output has been passed on */
    int64_t oom_kills;      /* before the task; -1: unknown */
    char **env;             /* of the child: ours without WEIR_… */
    const char *pod_ip;

    struct pump out, err;
    struct telling telling;
    struct snapshot snapshot;
    struct yarn yarn;
    struct error yarn_trouble; /* why there is no one to ask; text "" when there is */
    char final_status[16];     /* what the client printed last; a hint */
    struct spark spark;
    int64_t tasks_seen_at;
    struct reporter reporter;
    struct outcome outcome;
};

extern const struct sm_state phase_table[PHASE_COUNT];

/* phases.c: starts the first phase; lets the current one go on. Both only look at task->now. */
void phase_begin(struct task *task);
void phase_step(struct task *task);
void phase_stop(struct task *task, enum cause cause); /* no-op when it is ending already */
void phase_wait(const struct task *task, struct wait *wait);

/* observe.c: what the output and the REST interfaces say, into the snapshot. */
void observe_out(void *task, const char *line, size_t length);
void observe_err(void *task, const char *line, size_t length);
void observe_yarn(struct task *task);
void observe_spark(struct task *task);

/* "weir: …" on standard error, one line. */
void task_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
