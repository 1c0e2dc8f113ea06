/* See task.h. Told to end, or out of time. SIGTERM is not always "kill it": a drain and an eviction send it too, and a
 * job that lives on the cluster can be followed by the next attempt. So the operator is asked; without its word such a
 * job is left. What lives in this pod ends with it: SIGTERM, and SIGKILL shortly before the grace is over. */

#include <signal.h>
#include <string.h>

#include "launcher/task.h"

enum {
    SUBMIT_MS = 500,         /* a submission that was under way when the client died has arrived */
    DECISION_MS = 10 * 1000, /* for the operator's word; half of the grace if that is less */
    LAST_MS = 5 * 1000,      /* from SIGKILL to the end of the grace */
    END_MS = 1000,
};

static void end_remote(struct task *task) {
    task->asked_end_at = task->now;
    remote_want(task->remote, REMOTE_END, END_MS, task->now);
}

void stopping_begin(struct task *task) {
    bool detached = task->options->by_remote && task->cause == CAUSE_STOP && reporter_enabled(&task->reporter);
    snapshot_set_phase(&task->snapshot, "Stopping");
    task->asked_end_at = 0;
    task->term_at = task->child.running ? 0 : task->term_at;
    reporter_ask(&task->reporter);
    if (detached)
        remote_want(task->remote, REMOTE_FOLLOW, END_MS, task->now);
    else
        end_remote(task);
    child_signal(&task->child, SIGTERM);
    child_signal(&task->child, SIGCONT); /* a stopped process would not hear it */
}

static void take_decision(struct task *task) {
    int64_t half = task->options->grace_ms / 2, wait = half < DECISION_MS ? half : DECISION_MS;
    enum decision decision = reporter_decision(&task->reporter);
    const struct remote_job *current = remote_current(task->view);
    if (task->asked_end_at || task->left || (current && current->ended))
        return;
    if (decision == DECISION_STOP) {
        end_remote(task);
    } else if (decision == DECISION_LEAVE || phase_age(task) >= wait) {
        task->left = true;
        task_say("%s is left running: %s", current ? current->id : "what may have been submitted",
                 decision == DECISION_LEAVE ? "the next attempt follows it" : "nobody said that it should end");
    }
}

/* In this pod nothing of the task is left. */
static bool gone(struct task *task) {
    int64_t grace = task->options->grace_ms;
    int64_t kill_after = grace - LAST_MS > grace / 2 ? grace - LAST_MS : grace / 2;
    if (phase_age(task) >= kill_after) {
        child_signal(&task->child, SIGKILL);
        if (task->child.pid > 0)
            child_rest(&task->child, helpers_session(task->helpers), SIGKILL);
        task->kill_at = task->kill_at ? task->kill_at : task->now;
    }
    if (!task->child.running && task->child.pid > 0 && !task->child_ended_at)
        task->child_ended_at = task->now;
    return !task->child.running && settle_swept(task);
}

/* At the remote side nothing is left, or nothing more can be done about it. */
static bool clear(const struct task *task) {
    const struct remote_view *view = task->view;
    const struct remote_job *current = remote_current(view);
    bool possible = task->options->remote.manager && (task->options->remote.tag || view->count > 0);
    int64_t settled = task->child_ended_at ? task->child_ended_at + SUBMIT_MS : task->phase_since - 1;
    if (!possible || task->left || view->deaf)
        return true;
    return task->asked_end_at ? view->clear_at > settled : current && current->ended;
}

void stopping_step(struct task *task) {
    take_decision(task);
    bool nothing_here = gone(task);
    if ((nothing_here && clear(task)) || phase_age(task) >= task->options->grace_ms)
        phase_move(task, PHASE_COMMITTING);
}
