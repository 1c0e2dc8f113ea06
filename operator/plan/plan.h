#pragma once

/* The core: what should happen next, as a pure function of (spec, recorded status, pods seen, now).
 *
 * Full recompute is the contract: no decision depends on which event arrived, and the same input gives the same plan.
 * O(tasks + edges + pods). Every action says why.
 *
 * Order that makes nothing get lost (KEP-2307's, for single tasks): an outcome is in the *recorded* status, keyed by
 * pod UID, before RELEASE_POD drops the finalizer of that pod; dependants are created in the pass that first sees the
 * outcome; attempt n+1 only after n is terminal; a pod that the status knows and nobody sees is VERIFYed live first; a
 * decision to stop a pod is recorded before the pod is deleted.
 *
 * What an attempt left at the remote side: unless its launcher's last word is that nothing remains, either the next
 * attempt looks after it, or, when none follows any more, a cleaner pod ends it. That it is owed is recorded first; the
 * attempt's pod is held until the cleaner has ended, so that it can be told from the pods alone what is still to be
 * done when the Pipeline is gone.
 *
 * Requests take time, and a pass does not wait for them: what was asked for and is not seen yet comes in as part of the
 * input (`creating`, pod_view.asked_…), so it is not asked for twice. */

#include "pipeline/model.h"
#include "pipeline/status.h"
#include "plan/pod_view.h"

/* The API server refuses to create a task's pod, for now. */
struct create_failure {
    const char *task;
    int64_t attempt;
    const char *reason, *message; /* CreateFailed or QuotaExceeded; the server's words */
    int64_t next_at;              /* wall ms: not tried again before */
    int64_t since;                /* wall ms: of a cleaner: refused since then */
    bool hopeless;                /* no pod will be taken there any more */
    bool too_small;               /* of a cleaner: one with more resources may be taken */
};

/* What a live look told of a pod that the status names and the watch does not show. */
struct look {
    const char *pod_uid;
    bool gone;       /* else it is there, and cannot be seen */
    int64_t next_at; /* wall ms: not looked for again before */
};

struct task_attempt {
    const char *task;
    int64_t attempt;
};

struct run {
    const char *name, *namespace, *uid;
    int64_t generation;
    bool deleting;
    bool old_finalizer; /* weir.dev/cleanup, of a former version */
    bool finished;      /* has ended and says so: of `recorded` only phase and finished_at are known */

    const struct pipeline *spec;      /* NULL when it could not be decoded */
    const struct problems *problems;  /* of decoding and validation; with any, nothing is started */
    const struct problems *warnings;  /* NULL: none */
    const struct pipeline *last_spec; /* while `spec` has problems: the last one that had none; NULL: not known */
    const size_t *order;              /* graph_order() of `spec`; NULL: make it */
    bool unchecked;                   /* no pod of this spec may be created before CHECK_PODS */
    int pod_retention;                /* enum pod_retention and TTL, when `finished` */
    int64_t ttl_seconds_after_finished;

    struct run_status recorded;  /* as the API server has it */
    const struct pod_view *pods; /* every pod of this run that has not been let go, any order */
    size_t pod_count;
    struct strings former; /* names of pods of former runs of this name that have not ended */

    /* What only requests could tell. */
    const struct look *looks;
    size_t look_count;
    const struct create_failure *failures;
    size_t failure_count;
    const struct task_attempt *taken; /* numbers up to these are used by pods that were let go */
    size_t taken_count;
    struct strings collisions; /* names of pods that exist and are not ours */

    /* The same for cleaners, by task. */
    const struct create_failure *cleaner_failures;
    size_t cleaner_failure_count;
    const struct task_attempt *cleaning; /* asked for and not seen yet */
    size_t cleaning_count;

    /* What is under way, and how fast things may go. */
    const struct task_attempt *creating; /* pods that were asked for and are not seen yet */
    size_t creating_count;
    size_t create_room;        /* more of them may be asked for now */
    int64_t create_at;         /* wall ms: none before */
    bool writing;              /* a status is being written */
    int64_t changed_at;        /* wall ms: since when something is not recorded; 0: nothing was so far */
    int64_t window_ms;         /* what is not urgent is recorded this long after changed_at */
    bool small;                /* the object is small enough for urgent details */
    size_t status_max;         /* bytes that a status may have; 0: as usual */
    int64_t write_at, tidy_at; /* wall ms: no status, no other request before; they failed lately */
};

enum action_type {
    ACTION_CHECK_PODS,      /* would the API server take the pods of this spec? */
    ACTION_CREATE_POD,      /* task, attempt, pod (the name), known, ended_seen */
    ACTION_CREATE_CLEANER,  /* cleaner, attempt, pod (its name) */
    ACTION_DELETE_POD,      /* pod, pod_uid: gracefully, with UID precondition */
    ACTION_RELEASE_POD,     /* pod, pod_uid: drop our finalizer; mark it done, or delete it then */
    ACTION_VERIFY_POD,      /* pod, pod_uid: live GET */
    ACTION_WRITE_STATUS,    /* plan->status */
    ACTION_EVENT,           /* event_type, event_reason, reason: when the status of this plan is recorded */
    ACTION_WAKE,            /* at: plan again then */
    ACTION_DROP_FINALIZER,  /* a former version's, from the Pipeline */
    ACTION_DELETE_PIPELINE, /* TTL */
};

/* The pod that ends what an attempt left. */
struct cleaner {
    const char *task;
    int64_t attempt, turn;
    bool large;                  /* with all the resources of the attempt's container */
    const char *from, *from_uid; /* the attempt's pod, to be made after it; NULL: after the task's spec */
    struct strings applications; /* ids that are known of the task, newest first */
};
enum { CLEANER_APPLICATIONS_MAX = 16 };

struct action {
    enum action_type type;
    size_t task; /* index into spec->tasks; CREATE_POD */
    int64_t attempt;
    const char *pod, *pod_uid;
    bool keep;        /* RELEASE_POD: mark it done and keep it; else it is deleted */
    bool deleting;    /* RELEASE_POD: it is on its way already */
    bool late;        /* RELEASE_POD: though it has not ended */
    const char *left; /* RELEASE_POD: what may still run elsewhere, for a person; NULL: nothing */
    const struct cleaner *cleaner;
    int64_t at;                      /* WAKE: wall ms */
    const struct task_status *known; /* CREATE_POD: what is wanted of the task, its earlier attempts among it */
    int64_t ended_seen;       /* CREATE_POD: boot ms when the last of those it waited for was seen to end; 0: unknown */
    bool warning;             /* EVENT: Warning, else Normal */
    const char *event_reason; /* EVENT: CamelCase */
    const char *reason;       /* in words, for the log and the event's note */
};

struct plan {
    struct action *actions;
    size_t count;
    struct run_status status; /* wanted */
    bool unrecorded;          /* it differs from what is recorded */
};

enum {
    PLAN_CLEANUP_DEADLINE_MS = 5 * 60 * 1000, /* a stuck remote side holds a deletion no longer than this */
    PLAN_TIMEOUT_SLACK_MS = 60 * 1000,        /* the launcher ends itself at its timeout; this much later we do */
    PLAN_PATIENCE_MS = 10 * 60 * 1000,        /* of reasons that somebody may still mend (WAITS_A_WHILE) */
    PLAN_CLEANER_TURNS = 3,                   /* cleaners for one attempt, one after the other */
    PLAN_CLEANER_START_MS = 5 * 60 * 1000,    /* until a cleaner must run */
    PLAN_CLEANER_RUN_MS = 5 * 60 * 1000,      /* that it may run: its activeDeadlineSeconds */
    PLAN_CLEANER_SLACK_MS = 60 * 1000,        /* after that and its grace, it is given up */
    PLAN_CLEANER_CREATE_MS = 10 * 60 * 1000,  /* that its creation may be refused */
    PLAN_LEFT_HOLD_MS = 60 * 1000,            /* that a pod which somebody deleted is held for the next attempt */
};

void plan_run(const struct run *run, int64_t now, struct arena *arena, struct plan *ret_plan);
/* The same for pods of a run that is known to be gone: stopped, and let go when they have ended and nothing of them is
 * left. Of `run` counts: name (or the label's value), namespace, uid, pods, and what is known of requests. */
void plan_orphans(const struct run *run, int64_t now, struct arena *arena, struct plan *ret_plan);
/* Does a new run of the same name wait for this pod of a former one? */
bool plan_waits_for(const struct pod_view *pod);

/* A launcher was told to stop and asks what becomes of its remote side. UNKNOWN: it cannot be said. */
enum decision {
    DECISION_UNKNOWN,
    DECISION_STOP,  /* the end of the attempt is ours, or no other attempt would follow: end it */
    DECISION_LEAVE, /* the pod goes for reasons of its own: the next attempt looks after it */
};
enum decision plan_decide(const struct run *run, const char *pod_uid, int64_t now, struct arena *arena);
const char *action_type_name(enum action_type type);
