#pragma once

/* The status of a Pipeline: small, bounded, readable. Decoded from what was recorded, changed by the plan, encoded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/* X(value, meaning) */
#define RUN_PHASES(X)                                                                   \
    X(Pending, "nothing has started yet")                                               \
    X(Running, "tasks run or can run")                                                  \
    X(Suspended, "nothing runs, and spec.suspend holds the rest back")                  \
    X(Stopping, "being deleted or past its timeout: what runs is being stopped")        \
    X(Succeeded, "every task succeeded, was skipped, or failed with onFailure: Ignore") \
    X(Failed, "a task failed for good, or the run timed out")                           \
    X(Cancelled, "stopped on request")

/* X(value, meaning) */
#define TASK_PHASES(X)                                                                                  \
    X(Queued, "may start; waits for what its reason says: room, its back-off, the end of a suspension") \
    X(Starting, "its pod exists and does not run yet")                                                  \
    X(Running, "its launcher runs")                                                                     \
    X(Succeeded, "final")                                                                               \
    X(Failed, "final: no attempt left")                                                                 \
    X(Skipped, "final: not needed")                                                                     \
    X(Omitted, "final: cannot start any more")                                                          \
    X(Cancelled, "final: stopped on request")

/* Of what ended attempts may have left on a cluster: X(value, meaning) */
#define CLEANUP_PHASES(X)                                                                                      \
    X(Pending, "something may run there: the next attempt looks after it, or a cleaner pod when none follows") \
    X(Done, "a cleaner pod saw to it that nothing is left")                                                    \
    X(Failed, "it could not be ended; the message says what and why")

enum run_phase {
#define X(value, meaning) RUN_##value,
    RUN_PHASES(X)
#undef X
};
enum task_phase {
    TASK_None, /* not started and no entry in status */
#define X(value, meaning) TASK_##value,
    TASK_PHASES(X)
#undef X
        TASK_PHASE_COUNT
};

enum cleanup_phase {
    CLEANUP_None, /* nothing is left, as far as is known */
#define X(value, meaning) CLEANUP_##value,
    CLEANUP_PHASES(X)
#undef X
        CLEANUP_PHASE_COUNT
};

/* Bytes. CONDITION_MESSAGE_MAX: a condition may list PROBLEMS_MAX problems. STATUS_TASKS_MAX: entries of tasks that
 * were taken out of the spec stand beside those of the spec until their pods are gone. */
enum {
    STATUS_ATTEMPTS_MAX = 5,
    STATUS_TASKS_MAX = 2000,
    STATUS_NAME_MAX = 128,
    STATUS_MESSAGE_MAX = 512,
    CONDITION_MESSAGE_MAX = 32 * 1024,
    STATUS_MAX = 600 * 1000,
};

/* An ended attempt that another one follows or may follow. */
struct attempt_status {
    int64_t attempt;
    const char *pod_uid;
    const char *reason;
    int exit_code;
    bool has_exit_code;
    bool infra;       /* lost by the infrastructure: not counted against retry.limit */
    const char *hash; /* of the rendered spec that it ran (struct task) */
    const char *application_id;
    const char *const *application_ids; /* all that are known, newest last */
    size_t application_count;
    int64_t started_at, finished_at; /* wall ms; 0: unknown */
};

struct cleanup_status {
    enum cleanup_phase phase;
    const char *message;
    int64_t since; /* wall ms; Pending: when it became a cleaner's matter; 0: it is not */
};

struct task_status {
    const char *name;
    enum task_phase phase;
    const char *reason;
    const char *message;
    int64_t since;   /* Queued, Starting: when it began to wait for this reason; 0: it has none */
    int64_t attempt; /* the newest; 0: none yet */
    const char *pod, *pod_uid;
    const char *hash;   /* of the rendered spec of the newest attempt (struct task) */
    const char *remote; /* the cluster manager that the newest attempt may use; "": none */
    const char *application_id, *tracking_url, *history_url;
    const char *const *application_ids; /* all of the newest attempt, newest last */
    size_t application_count;
    const char *const *job_ids;
    size_t job_count;
    int percent; /* -1: unknown */
    const char *progress_text;
    int exit_code;
    bool has_exit_code;
    bool removed; /* was taken out of the spec: named again, it begins anew */
    int64_t started_at, finished_at;
    int64_t failures, losses;              /* ended attempts that counted against retry.limit / retry.infraLimit */
    int64_t retry_at;                      /* wall ms; the next attempt is not due before; 0: none */
    const struct attempt_status *attempts; /* the last of those before the newest, or before the one that is to come */
    size_t attempt_count;
    struct cleanup_status cleanup;
};

struct condition {
    const char *type;
    bool status;
    const char *reason;
    const char *message;
    int64_t changed_at;
    int64_t observed_generation;
};

/* X(value, type) */
#define CONDITIONS(X)           \
    X(RECONCILING, Reconciling) \
    X(STALLED, Stalled)         \
    X(SUCCEEDED, Succeeded)     \
    X(SUSPENDED, Suspended)     \
    X(WARNING, Warning)

enum {
#define X(value, type) CONDITION_##value,
    CONDITIONS(X)
#undef X
        CONDITION_COUNT
};
extern const char *const condition_types[CONDITION_COUNT];

struct run_status {
    int64_t observed_generation;
    bool recorded; /* there was a status at all */
    enum run_phase phase;
    const char *message; /* what a person should know, in one line */
    int64_t started_at, finished_at;
    int64_t timeout_at;                           /* when spec.timeout ends the run; 0: never, or not while suspended */
    int64_t suspended_ms;                         /* that spec.timeout stood still, up to the last resumption */
    struct condition conditions[CONDITION_COUNT]; /* type NULL: not there */
    struct task_status *tasks;                    /* those with an entry */
    size_t task_count;
};

const char *run_phase_name(enum run_phase phase);
const char *cleanup_phase_name(enum cleanup_phase phase);
const char *task_phase_name(enum task_phase phase);
const char *task_phase_count_name(enum task_phase phase); /* its member of `counts`; TASK_None: "pending" */
bool task_phase_final(enum task_phase phase);
bool run_phase_final(enum run_phase phase);
enum run_phase run_phase_find(const char *name); /* Pending when it is none */

/* Trusts nothing: what is malformed counts as absent. NULL gives an empty status. */
void status_decode(yyjson_val *status, struct run_status *ret_status, struct arena *arena);
/* Includes the derived fields: counts by task phase, progress "7/12" (succeeded or skipped) and running "a,b", all
 * without removed tasks. Empty members are left out, and so are applicationIDs of less than two and the hash of an
 * attempt that ran the same as the newest. Times have seconds, so what is decoded again is the same only to
 * the second: compare the encoded forms. Never more than `max` bytes, 0: STATUS_MAX: when a large run would need more,
 * job ids, progress texts and older attempts go first, then URLs, and messages are cut. Texts are copied. */
yyjson_mut_val *status_encode(const struct run_status *status, size_t task_total, size_t max, yyjson_mut_doc *doc);
struct task_status *status_task(struct run_status *status, const char *name); /* NULL when it has no entry */
