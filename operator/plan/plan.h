#pragma once

/* The core: what should happen next, as a pure function of (spec, recorded status, pods seen, now).
 *
 * Full recompute is the contract: no decision depends on which event arrived, and the same input gives the same plan.
 * O(tasks + edges + pods). Every action says why.
 *
 * Order that makes nothing get lost (KEP-2307's, for single tasks): an outcome is in the *recorded* status, keyed by
 * pod UID, before RELEASE_POD drops the finalizer of that pod; dependants are created in the pass that first sees the
 * outcome; attempt n+1 only after n is terminal; a pod that the status knows and nobody sees is VERIFYed live first. */

#include "pipeline/model.h"
#include "pipeline/status.h"

/* A pod's life as executor/ judges it (reliability: KEP-3329's table). */
enum pod_state {
    POD_PENDING,   /* accepted, nothing of it runs yet */
    POD_RUNNING,   /* the launcher runs */
    POD_SUCCEEDED, /* ended; the launcher's final record says success */
    POD_FAILED,    /* ended by the task's own fault */
    POD_LOST,      /* ended by the infrastructure: evicted, preempted, node lost, deleted by somebody */
};

struct pod_view {
    const char *name, *uid;
    const char *task;
    int64_t attempt;
    enum pod_state state;
    bool deleting;      /* deletionTimestamp is set */
    bool held;          /* carries our finalizer */
    const char *reason; /* why it ended so, or why it is still pending (ImagePullBackOff, Unschedulable); "" */
    const char *message;
    bool hopeless; /* pending for a reason that waiting will not mend (InvalidImageName) or has not for long */
    int exit_code;
    bool has_exit_code;
    int64_t created_at, started_at, finished_at; /* wall ms; 0: not yet */
    int64_t deleting_since;
    /* What the launcher reported last. */
    const char *application_id, *tracking_url, *history_url;
    const char *job_ids[16];
    size_t job_count;
    int percent;
    const char *progress_text;
};

struct run {
    const char *name, *namespace, *uid;
    int64_t generation;
    int64_t created_at;
    bool deleting;
    int64_t deleting_since;
    bool finalizer;                  /* ours is on the Pipeline */
    const struct pipeline *spec;     /* NULL when it could not be decoded */
    const struct problems *problems; /* of decoding and validation; with any, nothing is started */
    struct run_status recorded;      /* as the API server has it */
    int64_t recorded_at;         /* wall ms of our last status write; 0: unknown. Only for folding progress writes */
    const struct pod_view *pods; /* every pod of this run, any order */
    size_t pod_count;
    struct strings gone;       /* UIDs of pods that a live GET said are gone */
    struct strings collisions; /* names of pods that exist and are not ours */
    struct pairs refusals;     /* task -> why the API server refused its pod for good (403, 422) */
};

enum action_type {
    ACTION_ADD_FINALIZER,   /* put ours on the Pipeline, before the first pod */
    ACTION_CREATE_POD,      /* task, attempt, pod (the name) */
    ACTION_DELETE_POD,      /* pod, pod_uid: gracefully, with UID precondition */
    ACTION_RELEASE_POD,     /* pod, pod_uid: drop our finalizer */
    ACTION_VERIFY_POD,      /* pod, pod_uid: live GET */
    ACTION_WRITE_STATUS,    /* plan->status */
    ACTION_EVENT,           /* event_type, event_reason, reason */
    ACTION_WAKE,            /* at: plan again then */
    ACTION_DROP_FINALIZER,  /* let the Pipeline go */
    ACTION_DELETE_PIPELINE, /* TTL */
};

struct action {
    enum action_type type;
    size_t task; /* index into spec->tasks; CREATE_POD */
    int64_t attempt;
    const char *pod, *pod_uid;
    int64_t at;               /* WAKE: wall ms */
    bool warning;             /* EVENT: Warning, else Normal */
    const char *event_reason; /* EVENT: CamelCase */
    const char *reason;       /* in words, for the log and the event's note */
};

struct plan {
    struct action *actions;
    size_t count;
    struct run_status status; /* wanted */
};

enum {
    PLAN_CLEANUP_DEADLINE_MS = 5 * 60 * 1000, /* a stuck remote side holds a deletion no longer than this */
    PLAN_PROGRESS_MS = 5 * 1000,              /* progress alone is written at most this often */
    PLAN_TIMEOUT_SLACK_MS = 60 * 1000,        /* the launcher ends itself at its timeout; this much later we do */
    PLAN_IMAGE_PATIENCE_MS = 10 * 60 * 1000,  /* image cannot be pulled */
};

void plan_run(const struct run *run, int64_t now, struct arena *arena, struct plan *ret_plan);
const char *action_type_name(enum action_type type);
