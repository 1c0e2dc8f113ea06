#pragma once

/* What the files of the plan share: one pass over one run. For this folder only; plan.h is the contract.
 *
 * The steps of a pass, each a full sweep: gather (who is there) -> attempt (what the pods say) -> retry (what a failure
 * means) -> schedule (who may start) -> summary (phase and conditions of the run) -> clean (whose pods may go). */

#include "base/sm.h"
#include "pipeline/names.h"
#include "plan/plan.h"

struct node_pod {
    const struct pod_view *view;
    int64_t attempt; /* >= 1; the recorded one when the UID is the recorded one, whatever the label says */
    struct node_pod *next;
};

/* One task in this pass. */
struct node {
    const char *name;
    const struct task *task;            /* NULL: not in the spec, or the spec cannot be used */
    const struct task_status *recorded; /* NULL: no entry */
    struct task_status status;          /* wanted; TASK_None: no entry */
    struct node_pod *pods;              /* by attempt, oldest first */
    bool removed;                       /* the spec can be used and does not name it */
    bool live;                          /* a pod of it has not ended, or may not have */
    bool missing;                       /* the recorded pod is not seen: ask live */
    bool in_flight;                     /* recorded as created and not seen yet: create again, same name */
    bool ended;                         /* an attempt was counted in this pass */
    const char *stop;                   /* why its pod is to be stopped; NULL: it is not */
    const struct node *blocker;         /* omitted because of this one's failure */
};

struct pass {
    const struct run *run;
    const struct pipeline *spec; /* NULL when it has problems */
    int64_t now;
    struct arena *arena;
    struct plan *plan;
    size_t action_room;
    int64_t wake; /* earliest time something is due; 0: none */

    struct node **nodes;           /* those of the spec first, in its order */
    size_t node_count, spec_count; /* node_count includes them */
    struct node **slots;           /* open-addressed by name */
    size_t slot_mask;

    int64_t started_at; /* of the run; 0: not started */
    int64_t deadline;   /* of the run; 0: none */
    bool timed_out;
    const struct node *culprit; /* under FailFast: the task whose failure stops the rest */
    size_t live;                /* nodes that are live */
    bool wants_finalizer;       /* a pod is to be created and ours is not on the Pipeline */
};

/* pass.c */
struct action *pass_act(struct pass *pass, enum action_type type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pass_act_pod(struct pass *pass, enum action_type type, const struct pod_view *pod, const char *reason);
void pass_event(struct pass *pass, bool warning, const char *event_reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void pass_wake(struct pass *pass, int64_t at);                             /* no-op when it is not in the future */
const char *pass_message(const struct pass *pass, const char *format, ...) /* clean and bounded */
    __attribute__((format(printf, 2, 3)));
int64_t pass_seconds(int64_t ms);    /* whole seconds, as status keeps times; rounded down */
int64_t pass_seconds_up(int64_t ms); /* rounded up */

/* gather.c */
void gather_nodes(struct pass *pass);

/* attempt.c: which phase may follow which; what the pods say of a task */
extern const struct sm_state task_states[TASK_PHASE_COUNT];
void task_move(struct node *node, enum task_phase to, const char *reason, const char *message);
bool pod_ended(const struct pod_view *pod);
bool attempt_counted(const struct task_status *recorded, const struct node_pod *pod);
void attempt_begin(struct task_status *status, int64_t attempt, const char *pod, const char *pod_uid);
void attempt_observe(struct pass *pass, struct node *node);

/* ending.c: how an attempt ended */
void ending_of_pod(struct pass *pass, struct node *node, const struct node_pod *pod);
void ending_missing(struct pass *pass, struct node *node); /* the recorded pod is gone without a trace */

/* overdue.c: when the plan itself stops a pod */
bool stop_reason_known(const char *reason); /* one that only the plan gives: survives the pod */
const char *waiting_reason(const struct node *node, const struct pod_view *pod);
const char *waiting_message(const struct node *node, const struct pod_view *pod);
const char *overdue(const struct pass *pass, const struct node *node, const struct pod_view *pod, const char *waiting,
                    int64_t at);
const char *overdue_message(const struct pass *pass, const struct node *node, const struct pod_view *pod,
                            const char *reason);
void overdue_wake(struct pass *pass, const struct node *node, const struct pod_view *pod);

/* retry.c */
const struct attempt_status *retry_last(const struct task_status *status); /* the ended attempt a retry would follow */
void retry_judge(struct pass *pass, struct node *node);
/* No attempt follows any more; `why` when it is not the policy that says so. No-op unless one has failed. */
void retry_stop(struct pass *pass, struct node *node, const char *why);

/* schedule.c */
bool node_satisfied(const struct node *node);                /* dependants may start */
bool node_failed(const struct node *node);                   /* final, and not to be ignored */
void schedule_refused(struct pass *pass, struct node *node); /* no-op unless its pod was refused for good */
void schedule_infer(struct pass *pass);                      /* only for a run whose status was lost */
void schedule_tasks(struct pass *pass);

/* summary.c */
void summary_run(struct pass *pass);
void summary_events(struct pass *pass);

/* condition.c */
void condition_set(struct pass *pass, int which, bool status, const char *reason, const char *message);
void condition_clear(struct pass *pass, int which, const char *reason); /* False when it was there, else stays away */

/* diff.c */
enum difference { DIFFERENCE_NONE, DIFFERENCE_PROGRESS, DIFFERENCE_CHANGE };
enum difference status_difference(const struct pass *pass); /* of what is wanted from what is recorded */

/* clean.c */
void clean_verify(struct pass *pass, const struct task_status *recorded);
void clean_pods(struct pass *pass);
void clean_finished_run(struct pass *pass);

/* deletion.c: the Pipeline is being deleted */
void deletion_plan(struct pass *pass);
