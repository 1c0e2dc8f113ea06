/* See task.h. After the command's end: whose word is it, and what has to be ended before it counts? The exit code's, or
 * the remote side's; a client that failed may have left its job running. */

#include <signal.h>
#include <string.h>

#include "launcher/task.h"

enum {
    LEFTOVER_MS = 5 * 1000,   /* for what the command left in this pod to heed SIGTERM */
    REAP_MAX_MS = 3 * 1000,   /* a killed process that the kernel cannot end yet */
    DRAIN_MAX_MS = 30 * 1000, /* output that nobody takes does not hold up the end for ever */
    FOLLOW_MIN_MS = 1000,
    FOLLOW_MAX_MS = 10 * 1000,
    SUBMIT_MS = 500,            /* a submission that was under way when the client died has arrived */
    DETAILS_MS = 8 * 1000,      /* for the cluster to see the end that the client has seen */
    AWAY_MS = 2 * 1000,         /* it does not answer, and nothing says that there is a job */
    AWAY_JOB_MS = 15 * 1000,    /* … or there is one */
    REMAINS_MAX_MS = 30 * 1000, /* to end what a failed client left running */
    TRUTH_AWAY_MS = 60 * 1000,  /* it does not answer, and the client has said how it ended */
    LOST_MS = 60 * 1000,        /* it says there is no such job */
};

bool settle_swept(struct task *task) {
    if (task->swept || task->child.pid <= 0)
        return true;
    if (task->child.running)
        return false;
    pid_t spared = helpers_session(task->helpers);
    size_t left = child_rest(&task->child, spared, 0);
    if (left > 0 && !task->term_at) {
        child_rest(&task->child, spared, SIGTERM);
        child_rest(&task->child, spared, SIGCONT);
        task->term_at = task->now;
    }
    if (left > 0 && task->phase == PHASE_SETTLING && task->now - task->term_at >= LEFTOVER_MS) {
        child_rest(&task->child, spared, SIGKILL);
        task->kill_at = task->kill_at ? task->kill_at : task->now;
    }
    bool stuck = task->kill_at && task->now - task->kill_at >= REAP_MAX_MS;
    bool passed_on = pump_done(&task->out) && pump_done(&task->err);
    task->swept = passed_on && (left == 0 || stuck);
    if (!task->swept && (left == 0 || stuck) && task->now - task->child_ended_at >= DRAIN_MAX_MS) {
        task_say("nobody takes the last of the task's output: leaving it");
        task->swept = true;
    }
    return task->swept;
}

static bool failing_for(const struct task *task, int64_t ms) {
    return task->view->failing_since && task->now - task->view->failing_since >= ms;
}

/* Has the remote side told what it will tell? */
static bool remote_told(const struct task *task) {
    const struct remote_view *view = task->view;
    const struct remote_job *current = remote_current(view);
    int64_t since = task->adopted ? task->phase_since : task->child_ended_at;
    bool fresh = view->answered_at >= since && view->answered_at > 0;
    bool client_failed = !task->adopted && task->child.status != 0;
    bool said = *view->client_verdict && strcmp(view->client_verdict, "UNDEFINED") != 0 && !view->client_lost;
    if ((current && current->ended) || view->deaf)
        return true;
    if (!fresh)
        return (said || (client_failed && !current)) && failing_for(task, TRUTH_AWAY_MS);
    if (!current && client_failed) /* it failed before it submitted anything */
        return phase_age(task) >= FOLLOW_MIN_MS + SUBMIT_MS;
    if (current && !current->absent_at)
        return false;
    int64_t absent = view->absent_since > since ? view->absent_since : since;
    return task->now - absent >= LOST_MS; /* known before and not any more, or submitted and never there */
}

static bool anything_alive(const struct remote_view *view) {
    for (size_t i = 0; i < view->count; i++)
        if (view->jobs[i].tagged && !view->jobs[i].former && !view->jobs[i].ended && !view->jobs[i].absent_at)
            return true;
    return false;
}

/* The exit code is the verdict; the remote side is asked why, and what a dead client left running is ended. */
static bool exit_told(struct task *task) {
    const struct remote_view *view = task->view;
    const struct remote_job *current = remote_current(view);
    bool possible = task->options->remote.manager && (task->options->remote.tag || current);
    if (task->child.status == 0 || !possible || view->deaf || phase_age(task) >= REMAINS_MAX_MS ||
        failing_for(task, current ? AWAY_JOB_MS : AWAY_MS))
        return true;
    if (task->asked_end_at)
        return view->clear_at > task->child_ended_at;
    if (view->answered_at < task->child_ended_at)
        return false;
    if (!anything_alive(view))
        return current || phase_age(task) >= FOLLOW_MIN_MS + SUBMIT_MS;
    if (phase_age(task) >= DETAILS_MS) {
        char alive[REMOTE_TEXT_MAX];
        remote_alive(view, alive, sizeof alive);
        task_say("%s still runs though its client has failed: ending it", alive);
        task->asked_end_at = task->now;
        remote_want(task->remote, REMOTE_END, FOLLOW_MIN_MS, task->now);
    }
    return false;
}

static void follow(struct task *task) {
    int64_t interval = phase_age(task) / 20;
    interval = interval < FOLLOW_MIN_MS ? FOLLOW_MIN_MS : interval > FOLLOW_MAX_MS ? FOLLOW_MAX_MS : interval;
    remote_want(task->remote, REMOTE_FOLLOW, interval, task->now);
}

void settle_step(struct task *task) {
    bool by_remote = task->options->by_remote;
    bool told = by_remote ? remote_told(task) : exit_told(task);
    if (settle_swept(task) && told)
        phase_move(task, PHASE_COMMITTING);
    else if (!told && by_remote)
        follow(task);
}
