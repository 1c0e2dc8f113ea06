#pragma once

/* What the files of the plan share: one pass over one run. For this folder only; plan.h is the contract.
 *
 * The steps of a pass, each a full sweep: gather (who is there) -> attempt (what the pods say) -> retry (what a failure
 * means) -> withdraw (whose pods are taken back) -> schedule (who may start) -> left (what ended attempts left at the
 * remote side) -> summary (phase and conditions of the run) -> record (is it time to write that down?) -> clean (whose
 * pods may go). */

#include "base/sm.h"
#include "pipeline/names.h"
#include "pipeline/reasons.h"
#include "plan/plan.h"

struct node_pod {
    const struct pod_view *view;
    int64_t attempt; /* >= 1; the recorded one when the UID is the recorded one, whatever the label says */
    bool surplus;    /* another pod has this attempt */
    struct node_pod *next;
};

/* One task in this pass. */
struct node {
    const char *name;
    const struct task *task;            /* NULL: not in the spec, or the spec cannot be used */
    const struct task_status *recorded; /* NULL: no entry */
    struct task_status status;          /* wanted; TASK_None: no entry */
    struct node_pod *pods;              /* by attempt, oldest first */
    struct node_pod *cleaners;          /* by attempt and turn, oldest first */
    const struct create_failure *failure, *cleaner_failure;
    int64_t taken;              /* attempts that pods which were let go have used up */
    int64_t creating;           /* the attempt whose pod was asked for and is not seen yet; 0: none */
    bool asked_cleaner;         /* and is not seen yet */
    bool removed;               /* the spec can be used and does not name it */
    bool reborn;                /* it was removed, and is named again: what is recorded is a former life */
    bool live;                  /* a pod of it has not ended, or may not have */
    bool missing;               /* the recorded pod is not seen: ask live */
    bool in_flight;             /* its pod is recorded as created, or was asked for, and is not seen yet */
    bool ended;                 /* an attempt was counted in this pass */
    const char *stop;           /* why its pod is to be stopped; NULL: it is not */
    struct cleaning *cleaning;  /* a cleaner is its matter; NULL: none */
    const struct node *blocker; /* omitted because of this one's failure */
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
    struct node **owners; /* the same size, by the UID of the recorded pod */

    int64_t started_at; /* of the run; 0: not started */
    int64_t deadline;   /* of the run; 0: none */
    bool timed_out;
    const struct node *culprit; /* under FailFast: the task whose failure stops the rest */
    size_t live;                /* nodes that are live */
    bool unclean;               /* something is left at the remote side, or pods are held for that */
    size_t create_room;         /* pods that may still be asked for in this pass */
    bool wants_check;           /* a pod is to be created and the spec's pods have not been checked */
};

/* pass.c */
struct action *pass_act(struct pass *pass, enum action_type type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct action *pass_act_pod(struct pass *pass, enum action_type type, const struct pod_view *pod, const char *reason);
void pass_event(struct pass *pass, bool warning, const char *event_reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void pass_wake(struct pass *pass, int64_t at);                             /* no-op when it is not in the future */
const char *pass_message(const struct pass *pass, const char *format, ...) /* clean and bounded */
    __attribute__((format(printf, 2, 3)));
int64_t pass_seconds(int64_t ms);    /* whole seconds, as status keeps times; rounded down */
int64_t pass_seconds_up(int64_t ms); /* rounded up */

/* plan.c: who is there and what their pods say; nothing is asked for */
void pass_judge(struct pass *pass);

/* gather.c */
void gather_nodes(struct pass *pass);
bool gather_owned(const struct pass *pass, const char *pod_uid); /* a task has recorded this pod */

/* attempt.c: which phase may follow which; what the pods say of a task */
extern const struct sm_state task_states[TASK_PHASE_COUNT];
void task_move(struct node *node, enum task_phase to, const char *reason, const char *message);
bool task_occupied(const struct task_status *status); /* Starting or Running */
bool pod_ended(const struct pod_view *pod);
bool attempt_counted(const struct node *node, const struct node_pod *pod);
void attempt_begin(struct task_status *status, int64_t attempt, const char *pod, const char *pod_uid);
void attempt_observe(struct pass *pass, struct node *node);
const struct look *attempt_look(const struct pass *pass, const char *pod_uid); /* NULL: nobody has looked */

/* ending.c: how an attempt ended */
void ending_of_pod(struct pass *pass, struct node *node, const struct node_pod *pod);
void ending_missing(struct pass *pass, struct node *node);   /* the recorded pod is gone without a trace */
void ending_uncreated(struct pass *pass, struct node *node); /* its pod could not be created in time */

/* overdue.c: when the plan itself stops a pod */
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

/* withdraw.c: pods that have not started their program and are not to */
void withdraw_pods(struct pass *pass);

/* schedule.c */
bool node_satisfied(const struct node *node); /* dependants may start */
bool node_failed(const struct node *node);    /* final, and not to be ignored */
void schedule_infer(struct pass *pass);       /* only for a run whose status was lost */
void schedule_tasks(struct pass *pass);

/* create.c: asking for a pod, and what stands in the way */
void create_judge(struct pass *pass, struct node *node); /* a name that is taken, a time that is over */
bool create_held(struct pass *pass, struct node *node);  /* refused for now, or no room for one more request */
/* Says so in the status of a task whose pod was refused lately; false when it was not. */
bool create_refused(struct node *node);
void create_pod(struct pass *pass, struct node *node);

/* summary.c */
void summary_run(struct pass *pass);

/* events.c: of what this pass decided */
void events_emit(struct pass *pass);

/* condition.c */
void condition_set(struct pass *pass, int which, bool status, const char *reason, const char *message);
void condition_clear(struct pass *pass, int which, const char *reason); /* False when it was there, else stays away */

/* deadline.c: spec.timeout, which stands still while the run is suspended */
void deadline_find(struct pass *pass);

/* recording.c */
void record_status(struct pass *pass); /* writes it, with its events, or says when that is due */

/* left.c: what attempts left at the remote side, as the task's status says it */
bool left_unclear(const struct pod_view *pod);  /* it may have left something, and nobody said that it did not */
bool left_followed(const struct node_pod *pod); /* a newer attempt looks after it */
void left_by_pod(const struct pass *pass, struct node *node, const struct node_pod *pod);
/* By one that ran beside those that count. */
void left_by_stranger(const struct pass *pass, struct node *node, const struct node_pod *pod);
void left_by_missing(const struct pass *pass, struct node *node);
/* The pod is held: the record or the next attempt is to come, or a cleaner. */
bool left_holds(struct pass *pass, const struct node *node, const struct node_pod *pod);
void left_tend(struct pass *pass);                     /* judges what is owed by tasks that are over */
void left_clean(struct pass *pass, struct node *node); /* and does what is to be done about it */

/* cleaner.c: one cleaner pod after the other, until one has ended well or it is given up */
enum cleaning_state { CLEANING_GOES_ON, CLEANING_DONE, CLEANING_FAILED };
struct cleaning {
    int64_t attempt;
    const struct pod_view *from; /* to be made after it; NULL: after the spec */
    int64_t since;               /* wall ms */
    enum cleaning_state state;   /* judged, as what follows */
    const char *message;         /* how it ended, or what it waits for; NULL: nothing to say */
    const struct pod_view *stop; /* a cleaner that is to be stopped; NULL: none */
    int64_t turn;                /* of one that is to be made; 0: none */
};
void cleaner_judge(struct pass *pass, const struct node *node, struct cleaning *cleaning);
void cleaner_act(struct pass *pass, const struct node *node, const struct cleaning *cleaning);
const struct pod_view *cleaner_newest(const struct node *node); /* NULL: none */
bool cleaner_runs(const struct node *node);                     /* one has not ended, or was asked for */
/* Lets those go that have ended and that another one follows; `all`: every one, in time. */
void cleaner_release(struct pass *pass, const struct node *node, bool all);

/* rest.c: pods of a run that is over or gone */
void rest_tend(struct pass *pass, const char *why);

/* clean.c */
bool clean_keeps(int retention, const struct pod_view *view);
/* Lets go of a pod that has ended and is recorded; a kept one is marked as done, others are deleted. */
void clean_ended(struct pass *pass, const struct pod_view *view, bool keep, const char *why);
void clean_pods(struct pass *pass);

/* finished.c: the run has ended, and its status says so */
void finished_plan(struct pass *pass);

/* deletion.c: the Pipeline is being deleted */
void deletion_plan(struct pass *pass);
