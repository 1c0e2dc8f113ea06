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
#define TASK_PHASES(X)                                                                      \
    X(Queued, "may start; waits for room, for its back-off or for the end of a suspension") \
    X(Starting, "its pod exists and does not run yet")                                      \
    X(Running, "its launcher runs")                                                         \
    X(Succeeded, "final")                                                                   \
    X(Failed, "final: no attempt left")                                                     \
    X(Skipped, "final: not needed")                                                         \
    X(Omitted, "final: cannot start any more")                                              \
    X(Cancelled, "final: stopped on request")

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

/* Bytes. CONDITION_MESSAGE_MAX: a condition may list PROBLEMS_MAX problems. */
enum {
    STATUS_ATTEMPTS_MAX = 5,
    STATUS_NAME_MAX = 128,
    STATUS_MESSAGE_MAX = 512,
    CONDITION_MESSAGE_MAX = 32 * 1024,
    STATUS_MAX = 600 * 1000,
};

/* One ended attempt: its outcome is recorded here, keyed by pod UID, before its pod is let go. */
struct attempt_status {
    int64_t attempt;
    const char *pod_uid;
    const char *reason; /* "" on success */
    int exit_code;
    bool has_exit_code;
    bool infra; /* lost by the infrastructure: not counted against retry.limit */
    const char *application_id;
    int64_t started_at, finished_at; /* wall ms; 0: unknown */
};

struct task_status {
    const char *name;
    enum task_phase phase;
    const char *reason;
    const char *message;
    int64_t attempt; /* the newest; 0: none yet */
    const char *pod, *pod_uid;
    const char *application_id, *tracking_url, *history_url;
    const char *job_ids[16];
    size_t job_count;
    int percent; /* -1: unknown */
    const char *progress_text;
    int exit_code;
    bool has_exit_code;
    int64_t started_at, finished_at;
    int64_t failures, losses; /* ended attempts that counted against retry.limit / retry.infraLimit */
    int64_t retry_at;         /* wall ms; the next attempt is not due before; 0: none */
    struct attempt_status attempts[STATUS_ATTEMPTS_MAX]; /* the last ones, oldest first */
    size_t attempt_count;
};

struct condition {
    const char *type;
    bool status;
    const char *reason;
    const char *message;
    int64_t changed_at;
    int64_t observed_generation;
};

enum { CONDITION_RECONCILING, CONDITION_STALLED, CONDITION_SUCCEEDED, CONDITION_SUSPENDED, CONDITION_COUNT };

struct run_status {
    int64_t observed_generation;
    bool recorded; /* there was a status at all */
    enum run_phase phase;
    int64_t started_at, finished_at;
    struct condition conditions[CONDITION_COUNT]; /* type NULL: not there */
    struct task_status *tasks;                    /* those with an entry */
    size_t task_count;
};

const char *run_phase_name(enum run_phase phase);
const char *task_phase_name(enum task_phase phase);
bool task_phase_final(enum task_phase phase);
bool run_phase_final(enum run_phase phase);

/* Trusts nothing: what is malformed counts as absent. NULL gives an empty status. */
void status_decode(yyjson_val *status, struct run_status *ret_status, struct arena *arena);
/* Includes the derived fields: counts by task phase, progress "7/12" (succeeded or skipped), running "a,b", and
 * message: of Stalled when that is true, else of the first failed task, else of Reconciling. Empty members are left
 * out. Times have seconds, so what is decoded again is the same only to the second: compare the encoded forms. Never
 * more than STATUS_MAX bytes: when a large run would need more, job ids, progress texts and older attempts go first,
 * then URLs, and messages are cut. Texts are copied. */
yyjson_mut_val *status_encode(const struct run_status *status, size_t task_total, yyjson_mut_doc *doc);
struct task_status *status_task(struct run_status *status, const char *name); /* NULL when it has no entry */
