/* See task.h. What happens when, as a declared machine: one function a phase, called each turn, which may move on to a
 * phase that the table allows. Never blocks, and knows of the cluster only what remote.h tells. */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/cgroup.h"
#include "launcher/task.h"

enum { WATCH_MS = 5 * 1000, LOOK_MS = 1000, OFTEN_MS = 100, SELDOM_MS = 1000 };

#define TO(value) SM_TO(PHASE_##value)
const struct sm_state phase_table[PHASE_COUNT] = {
    [PHASE_CHECKING] = {"CHECKING", TO(LOOKING) | TO(STOPPING) | TO(COLLECTING), SM_INITIAL},
    [PHASE_LOOKING] = {"LOOKING", TO(RUNNING) | TO(SETTLING) | TO(STOPPING) | TO(COLLECTING), 0},
    [PHASE_RUNNING] = {"RUNNING", TO(SETTLING) | TO(STOPPING), 0},
    [PHASE_SETTLING] = {"SETTLING", TO(STOPPING) | TO(COMMITTING), 0},
    [PHASE_STOPPING] = {"STOPPING", TO(COMMITTING), 0},
    [PHASE_COMMITTING] = {"COMMITTING", TO(COLLECTING), 0},
    [PHASE_COLLECTING] = {"COLLECTING", TO(REPORTING), 0},
    [PHASE_REPORTING] = {"REPORTING", TO(DONE), 0},
    [PHASE_DONE] = {"DONE", 0, SM_FINAL},
};

int64_t phase_age(const struct task *task) {
    return task->now - task->phase_since;
}

void phase_move(struct task *task, enum phase to) {
    if (!sm_allows(phase_table, task->phase, to))
        abort();
    task->phase = to;
    task->phase_since = task->now;
}

static void fail(struct task *task, enum cause cause, const struct error *why) {
    task->cause = cause;
    task->trouble = *why;
    task->start_exit_code = task->start_exit_code ? task->start_exit_code : 1;
    phase_move(task, PHASE_COLLECTING);
}

/* --- checking --- */

static void on_checking(struct task *task) {
    struct error err;
    if (!kerberos_settled(&task->kerberos))
        return;
    if (task->kerberos.state == KERBEROS_FAILED) {
        fail(task, task->options->command ? CAUSE_START : CAUSE_CLEAN, &task->kerberos.err);
    } else if (!task->options->command) {
        phase_stop(task, CAUSE_CLEAN);
    } else if (remote_prepare(&task->options->remote, task->options->tagged_conf, &task->env, &err) < 0) {
        fail(task, CAUSE_START, &err);
    } else {
        phase_move(task, PHASE_LOOKING);
    }
}

/* --- looking --- */

static void start_child(struct task *task) {
    struct error err;
    remote_begin(task->remote);
    remote_want(task->remote, REMOTE_IDLE, WATCH_MS, task->now);
    task->oom_kills = cgroup_oom_kills();
    if (child_start(&task->child, task->options->command, task->env.items, &task->before, true, &task->start_exit_code,
                    &err) < 0) {
        fail(task, CAUSE_START, &err);
        return;
    }
    pump_init(&task->out, task->child.out, STDOUT_FILENO, hearing_out, task);
    pump_init(&task->err, task->child.err, STDERR_FILENO, hearing_err, task);
    snapshot_set_phase(&task->snapshot, "Running");
    phase_move(task, PHASE_RUNNING);
    remote_want(task->remote, REMOTE_FOLLOW, WATCH_MS, task->now);
    remote_ask_later(task->remote, task->now + WATCH_MS);
}

static void adopt(struct task *task, const struct remote_job *job) {
    task_say("%s of an earlier attempt %s: following it instead of starting anew", job->id,
             job->ended ? "has succeeded" : "still runs");
    task->adopted = true;
    remote_adopt(task->remote, job);
    remote_want(task->remote, REMOTE_FOLLOW, LOOK_MS, task->now);
    snapshot_set_phase(&task->snapshot, "Running");
    phase_move(task, PHASE_SETTLING);
}

/* What may be followed: the only one that is alive, or, when none is, the newest if it has succeeded. NULL: none. */
static const struct remote_job *adoptable(const struct task *task) {
    const struct remote_view *view = task->view;
    const struct remote_job *alive = NULL, *newest = NULL;
    size_t living = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct remote_job *job = &view->jobs[i];
        if (!job->tagged || job->absent_at)
            continue;
        newest = job;
        living += !job->ended;
        alive = job->ended ? alive : job;
    }
    if (!task->options->adopt || living > 1)
        return NULL;
    return living == 1 ? alive : newest && newest->verdict == REMOTE_SUCCEEDED ? newest : NULL;
}

static void cannot_look(struct task *task, const char *why) {
    struct error err;
    char alive[REMOTE_TEXT_MAX];
    bool named = remote_alive(task->view, alive, sizeof alive);
    error_set(&err, ERROR_TRANSIENT,
              "what attempt %lld left on the cluster cannot be told, so it is not run again%s%s: %s",
              (long long)task->options->attempt - 1, named ? "; it may still be " : "", named ? alive : "", why);
    fail(task, CAUSE_UNKNOWN, &err);
}

/* Nothing of ours is alive any more, or is being ended; but for what does not carry our tag. */
static void on_found(struct task *task) {
    const struct remote_view *view = task->view;
    const struct remote_job *job = task->asked_end_at ? NULL : adoptable(task); /* once told to end, none is followed */
    char alive[REMOTE_TEXT_MAX];
    if (job) {
        adopt(task, job);
    } else if (!remote_alive(view, alive, sizeof alive)) {
        start_child(task);
    } else if (!view->clear_at && task->asked_end_at == 0) {
        task_say("%s of an earlier attempt may still run: ending it before the task starts", alive);
        task->asked_end_at = task->now;
        remote_want(task->remote, REMOTE_END, LOOK_MS, task->now);
    }
}

static void on_looking(struct task *task) {
    const struct launch_options *options = task->options;
    const struct remote_view *view = task->view;
    bool needed =
        options->remote.manager && options->attempt > 1 && (options->remote.tag || options->remote.earlier_count);
    if (!needed) {
        start_child(task);
        return;
    }
    if (phase_age(task) == 0)
        remote_want(task->remote, REMOTE_LOOK, LOOK_MS, task->now);
    int64_t since = task->asked_end_at ? task->asked_end_at : task->phase_since;
    if (view->deaf && view->nobody && !options->by_remote && options->remote.earlier_count == 0)
        start_child(task); /* there is no cluster that it could have left something on */
    else if (view->deaf)
        cannot_look(task, view->trouble);
    else if (view->answered_at >= since && view->answered_at > 0)
        on_found(task);
    if (task->phase == PHASE_LOOKING && phase_age(task) >= options->look_ms)
        cannot_look(task, *view->trouble ? view->trouble : "it does not end, or does not carry weir's tag");
}

/* --- running --- */

static void on_running(struct task *task) {
    if (task->child.running)
        return;
    task->child_ended_at = task->now;
    phase_move(task, PHASE_SETTLING);
    bool anything = task->options->by_remote || task->child.status != 0;
    remote_want(task->remote,
                !anything                  ? REMOTE_IDLE
                : task->options->by_remote ? REMOTE_FOLLOW
                                           : REMOTE_LOOK,
                LOOK_MS, task->now);
    if (anything)
        remote_ask_now(task->remote, task->now); /* the newest truth, not the one of seconds ago */
}

/* --- the end --- */

static void on_committing(struct task *task) {
    phase_move(task, PHASE_COLLECTING);
}

static void on_collecting(struct task *task) {
    finish(task);
}

static void on_reporting(struct task *task) {
    if (reporter_done(&task->reporter, &task->snapshot, task->now))
        phase_move(task, PHASE_DONE);
}

static void on_done(struct task *task) {
    (void)task;
}

/* --- interface --- */

void phase_begin(struct task *task) {
    task->phase = PHASE_CHECKING;
    task->phase_since = task->now;
}

void phase_stop(struct task *task, enum cause cause) {
    if (!sm_allows(phase_table, task->phase, PHASE_STOPPING) || task->phase == PHASE_STOPPING)
        return;
    task->cause = cause;
    task->ended_before_stop = task->phase == PHASE_SETTLING && !task->adopted;
    phase_move(task, PHASE_STOPPING);
    stopping_begin(task);
}

void phase_wait(const struct task *task, struct wait *wait) {
    if (task->options->timeout_ms > 0 && task->phase < PHASE_STOPPING)
        wait_until(wait, task->started_at + task->options->timeout_ms);
    if (task->phase == PHASE_RUNNING || task->phase == PHASE_DONE)
        return;
    bool first = task->now == task->phase_since;
    bool following = task->phase == PHASE_SETTLING && (task->swept || task->adopted); /* perhaps for hours */
    wait_until(wait, task->now + (first ? 0 : following ? SELDOM_MS : OFTEN_MS));
}

void phase_step(struct task *task) {
    static void (*const phases[PHASE_COUNT])(struct task *) = {
        [PHASE_CHECKING] = on_checking,     [PHASE_LOOKING] = on_looking,     [PHASE_RUNNING] = on_running,
        [PHASE_SETTLING] = settle_step,     [PHASE_STOPPING] = stopping_step, [PHASE_COMMITTING] = on_committing,
        [PHASE_COLLECTING] = on_collecting, [PHASE_REPORTING] = on_reporting, [PHASE_DONE] = on_done,
    };
    bool ended = task->phase == PHASE_RUNNING && !task->child.running; /* that was first, however late it is seen */
    if (task->options->timeout_ms > 0 && task->now - task->started_at >= task->options->timeout_ms && !ended)
        phase_stop(task, CAUSE_TIMEOUT);
    enum phase before;
    do {
        before = task->phase;
        phases[before](task);
    } while (task->phase != before);
}
