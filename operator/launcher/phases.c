/* See task.h. What happens when, as a declared machine: one function a phase, called each turn, which may move on to a
 * phase that the table allows. Does its work through child.h, yarn.h, spark.h and reporter.h; never blocks. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "launcher/cgroup.h"
#include "launcher/task.h"

enum {
    ADOPT_AWAY_MS = 3 * 1000, /* a ResourceManager that does not answer does not hold up the task */
    ADOPT_MAX_MS = 30 * 1000,
    REAP_MAX_MS = 3 * 1000,   /* a killed process that the kernel cannot end yet */
    DRAIN_MAX_MS = 30 * 1000, /* output that nobody takes does not hold up the end for ever */
    WATCH_MS = 5 * 1000,
    FOLLOW_MIN_MS = 1000,
    FOLLOW_MAX_MS = 10 * 1000,
    DETAILS_AWAY_MS = 2 * 1000,
    DETAILS_MAX_MS = 8 * 1000,  /* for YARN to see the end that the client has seen */
    REMAINS_MAX_MS = 30 * 1000, /* to end what a failed client left running */
    TRUTH_AWAY_MS = 60 * 1000,  /* the ResourceManager is away and the client has said how it ended */
    LOST_MS = 60 * 1000,        /* it says there is no such application */
    SUBMIT_MS = 500,            /* a submission that was under way when the client died has arrived */
};

#define TO(value) SM_TO(PHASE_##value)
const struct sm_state phase_table[PHASE_COUNT] = {
    [PHASE_ADOPTING] = {"ADOPTING", TO(RUNNING) | TO(STOPPING) | TO(REPORTING), SM_INITIAL},
    [PHASE_RUNNING] = {"RUNNING", TO(SETTLING) | TO(STOPPING), 0},
    [PHASE_SETTLING] = {"SETTLING", TO(STOPPING) | TO(REPORTING), 0},
    [PHASE_STOPPING] = {"STOPPING", TO(REPORTING), 0},
    [PHASE_REPORTING] = {"REPORTING", TO(DONE), 0},
    [PHASE_DONE] = {"DONE", 0, SM_FINAL},
};

static int64_t in_phase(const struct task *task) {
    return task->now - task->phase_since;
}

static void move(struct task *task, enum phase to) {
    if (!sm_allows(phase_table, task->phase, to))
        abort();
    task->phase = to;
    task->phase_since = task->now;
}

/* --- the final record --- */

static void write_termination_log(const struct task *task) {
    const char *path = task->options->termination_log;
    AUTO_STRBUF text = STRBUF_INIT;
    record_encode(&task->snapshot.record, RECORD_MAX, &text);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    if (path && (fd < 0 || write(fd, strbuf_text(&text), text.length) != (ssize_t)text.length))
        task_say("the final record could not be written to %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool remote_possible(const struct task *task) {
    return task->options->yarn_tag || task->yarn.hint[0];
}

static bool remote_clear_since(const struct task *task, int64_t when) {
    return !remote_possible(task) || task->yarn.clear_at > when;
}

static const char *yarn_trouble(const struct task *task) {
    if (task->yarn_trouble.text[0])
        return task->yarn_trouble.text;
    if (task->yarn.rms.count == 0)
        return "no ResourceManager address is known (set HADOOP_CONF_DIR)";
    return task->yarn.failing_since || task->yarn.refused ? task->yarn.err.text : "";
}

/* What a person should look after: an application that may outlive us. */
static const char *left_behind(const struct task *task) {
    if (task->cause == CAUSE_ENDED || task->cause == CAUSE_START || remote_clear_since(task, task->child_ended_at))
        return "";
    if (task->yarn.known)
        return task->yarn.app.id;
    return task->yarn.hint[0] ? task->yarn.hint : task->yarn.victims_seen ? task->yarn.killed : "";
}

static void finish(struct task *task) {
    struct ending ending = {
        .command = task->options->command[0],
        .cause = task->cause,
        .ran = task->child.pid > 0,
        .wait_status = task->child.status,
        .start_exit_code = task->start_exit_code,
        .start_error = task->start_error.text,
        .oom = task->oom_kills >= 0 && cgroup_oom_kills() > task->oom_kills,
        .timeout_ms = task->options->timeout_ms,
        .by_yarn = task->options->by_yarn,
        .app = task->yarn.known ? &task->yarn.app : NULL,
        .yarn_trouble = yarn_trouble(task),
        .killed = task->yarn.killed,
        .left_behind = left_behind(task),
        .telling = &task->telling,
    };
    outcome_decide(&ending, &task->outcome);
    const struct outcome *outcome = &task->outcome;
    if (!*outcome->reason && task->snapshot.record.percent >= 0)
        snapshot_set_progress(&task->snapshot, 100, "");
    snapshot_finish(&task->snapshot, outcome->exit_code, outcome->signal, outcome->reason, outcome->message,
                    clock_wall_ms());
    write_termination_log(task);
    if (*outcome->message)
        task_say("%s", outcome->message);
    spark_stop(&task->spark);
    yarn_set(&task->yarn, YARN_NOTHING, WATCH_MS, task->now);
    reporter_finish(&task->reporter, task->now);
    move(task, PHASE_REPORTING);
}

/* --- the phases --- */

static void start_child(struct task *task) {
    const struct launch_options *options = task->options;
    task->yarn.survey = false;
    task->yarn.known = false;
    task->yarn.killed[0] = '\0';     /* from here on: of this attempt */
    if (task->yarn.answered_at == 0) /* nobody told what was there before: go by time, a little generous to its clock */
        task->yarn.not_before = clock_wall_ms() - 30 * 1000;
    yarn_set(&task->yarn, YARN_WATCH, WATCH_MS, task->now);
    task->yarn.next_at = task->now + WATCH_MS;
    task->oom_kills = cgroup_oom_kills();
    if (child_start(&task->child, options->command, task->env, &task->before, true, &task->start_exit_code,
                    &task->start_error) < 0) {
        task->cause = CAUSE_START;
        finish(task);
        return;
    }
    pump_init(&task->out, task->child.out, STDOUT_FILENO, observe_out, task);
    pump_init(&task->err, task->child.err, STDERR_FILENO, observe_err, task);
    snapshot_set_phase(&task->snapshot, "Running");
    move(task, PHASE_RUNNING);
}

static void on_adopting(struct task *task) {
    struct yarn *yarn = &task->yarn;
    bool away = yarn->failing_since && task->now - yarn->failing_since >= ADOPT_AWAY_MS;
    bool nobody = yarn->rms.count == 0 || !task->options->yarn_tag;
    if (strcmp(task->adopted, yarn->killed) != 0) {
        memcpy(task->adopted, yarn->killed, sizeof task->adopted);
        task_say("%s of an earlier attempt still ran: killing it before the task starts", task->adopted);
    }
    if (!nobody && !yarn->clear_at && !away && in_phase(task) < ADOPT_MAX_MS)
        return;
    if (away)
        task_say("cannot look for applications of an earlier attempt: %s", yarn->err.text);
    else if (!nobody && !yarn->clear_at)
        task_say("an application of an earlier attempt has not ended: going on without waiting for it");
    start_child(task);
}

static void on_running(struct task *task) {
    if (!task->child.running) {
        task->child_ended_at = task->now;
        move(task, PHASE_SETTLING);
        if (remote_possible(task))
            yarn_set(&task->yarn, YARN_WATCH, FOLLOW_MIN_MS, task->now);
        task->yarn.next_at = task->now; /* the newest truth, not the one of seconds ago */
        http_close(&task->yarn.http);
    }
}

/* What the task left in this pod is killed, and what it wrote is passed on. Once: processes of our own come later. */
static bool swept(struct task *task) {
    if (task->swept || task->child.pid <= 0)
        return true;
    if (task->child.running || task->killer.running)
        return false;
    child_kill_rest(&task->child);
    bool passed_on = pump_done(&task->out) && pump_done(&task->err);
    int64_t since = task->now - task->child_ended_at;
    task->swept = passed_on && (child_none_left() || since >= REAP_MAX_MS);
    if (!task->swept && since >= DRAIN_MAX_MS) {
        task_say("nobody takes the last of the task's output: leaving it");
        task->swept = true;
    }
    return task->swept;
}

static bool failed_by_exit(const struct task *task) {
    return task->child.status != 0;
}

/* Has YARN told what it will tell? */
static bool truth_known_by_yarn(struct task *task) {
    const struct yarn *yarn = &task->yarn;
    bool fresh = yarn->answered_at >= task->child_ended_at;
    int64_t since = in_phase(task);
    if (yarn->rms.count == 0)
        return true;
    if (fresh && yarn->known && !yarn->absent)
        return yarn_app_ended(&yarn->app);
    if (fresh && !yarn->known && failed_by_exit(task)) /* the client failed before it submitted anything */
        return since >= FOLLOW_MIN_MS + SUBMIT_MS;
    if (fresh) /* known before and not any more; or the client says it submitted, and it is not there yet */
        return since >= LOST_MS;
    bool said_by_client = failed_by_exit(task) || (*task->final_status && strcmp(task->final_status, "UNDEFINED") != 0);
    return yarn->failing_since && said_by_client && task->now - yarn->failing_since >= TRUTH_AWAY_MS;
}

/* The exit code is the verdict; YARN is asked why, and what a dead client left running is ended. */
static bool truth_known_by_exit(struct task *task) {
    struct yarn *yarn = &task->yarn;
    bool away = yarn->failing_since && task->now - yarn->failing_since >= DETAILS_AWAY_MS;
    if (!failed_by_exit(task) || !yarn_available(yarn) || away || in_phase(task) >= REMAINS_MAX_MS)
        return true;
    bool fresh = yarn->answered_at >= task->child_ended_at;
    if (yarn->want == YARN_KILL)
        return yarn->clear_at > task->child_ended_at;
    if (fresh && yarn->known && yarn_app_ended(&yarn->app))
        return true;
    if (fresh && !yarn->known)
        return in_phase(task) >= FOLLOW_MIN_MS + SUBMIT_MS;
    if (in_phase(task) >= DETAILS_MAX_MS) {
        task_say("%s still runs though its client has failed: killing it", yarn->known ? yarn->app.id : yarn->hint);
        yarn_set(yarn, YARN_KILL, FOLLOW_MIN_MS, task->now);
    }
    return false;
}

static void on_settling(struct task *task) {
    bool known = task->options->by_yarn ? truth_known_by_yarn(task) : truth_known_by_exit(task);
    if (!known && task->options->by_yarn) {
        int64_t interval = in_phase(task) / 20;
        task->yarn.interval_ms = interval < FOLLOW_MIN_MS   ? FOLLOW_MIN_MS
                                 : interval > FOLLOW_MAX_MS ? FOLLOW_MAX_MS
                                                            : interval;
    }
    if (swept(task) && known)
        finish(task);
}

/* The command line does what REST may not; once a victim. */
static void start_killer(struct task *task) {
    const char *id = task->yarn.known ? task->yarn.app.id : task->yarn.hint;
    char yarn[] = "yarn", application[] = "application", kill_option[] = "-kill", victim[YARN_ID_MAX];
    struct error err;
    int ignored;
    bool by_rest = !task->yarn.refused && task->yarn.rms.count > 0 && in_phase(task) < ADOPT_AWAY_MS;
    bool trouble = task->yarn.refused || task->yarn.failing_since || task->yarn.rms.count == 0;
    if (task->killer.pid || by_rest || !trouble || !*id)
        return;
    snprintf(victim, sizeof victim, "%s", id);
    char *argv[] = {yarn, application, kill_option, victim, NULL};
    task_say("killing %s by `yarn application -kill`: %s", id, yarn_trouble(task));
    task->killer.pid = -1; /* tried */
    if (child_start(&task->killer, argv, task->env, &task->before, false, &ignored, &err) < 0)
        task_say("%s", err.text);
}

static void on_stopping(struct task *task) {
    int64_t grace = task->options->grace_ms, since = in_phase(task);
    int64_t kill_after = grace - 5000 > grace / 2 ? grace - 5000 : grace / 2;
    if (task->child.running && since >= kill_after && !task->group_killed) {
        child_signal(&task->child, SIGKILL);
        task->group_killed = true;
    }
    if (!task->child.running && task->child.pid > 0 && !task->child_ended_at)
        task->child_ended_at = task->now;
    if (remote_possible(task))
        start_killer(task);
    bool ended_by_killer = task->killer.pid > 0 && !task->killer.running && task->killer.status == 0;
    int64_t settled = task->child_ended_at ? task->child_ended_at + SUBMIT_MS : task->phase_since - 1;
    bool clear = remote_clear_since(task, settled) || (ended_by_killer && !task->yarn.tag) ||
                 (task->yarn.rms.count == 0 && !task->killer.running);
    bool gone = !task->child.running && swept(task);
    if ((gone && clear) || since >= grace)
        finish(task);
}

static void on_reporting(struct task *task) {
    if (reporter_done(&task->reporter, &task->snapshot, task->now))
        move(task, PHASE_DONE);
}

static void on_done(struct task *task) {
    (void)task;
}

/* --- interface --- */

void phase_begin(struct task *task) {
    task->phase = PHASE_ADOPTING;
    task->phase_since = task->now;
    task->yarn.survey = true;
    yarn_set(&task->yarn, YARN_KILL, WATCH_MS, task->now);
}

void phase_stop(struct task *task, enum cause cause) {
    if (!sm_allows(phase_table, task->phase, PHASE_STOPPING) || task->phase == PHASE_STOPPING)
        return;
    task->cause = cause;
    move(task, PHASE_STOPPING);
    snapshot_set_phase(&task->snapshot, "Stopping");
    spark_stop(&task->spark);
    task->yarn.survey = false;
    yarn_set(&task->yarn, YARN_NOTHING, WATCH_MS, task->now);
    yarn_set(&task->yarn, YARN_KILL, WATCH_MS, task->now);
    child_signal(&task->child, SIGTERM);
    child_signal(&task->child, SIGCONT); /* a stopped process would not hear it */
}

void phase_wait(const struct task *task, struct wait *wait) {
    if (task->options->timeout_ms > 0 && task->phase < PHASE_STOPPING)
        wait_until(wait, task->started_at + task->options->timeout_ms);
    if (task->phase == PHASE_RUNNING || task->phase == PHASE_DONE)
        return;
    bool first = task->phase == PHASE_ADOPTING && task->now == task->phase_since;
    bool following = task->phase == PHASE_SETTLING && task->swept;      /* perhaps for hours */
    wait_until(wait, task->now + (first ? 0 : following ? 1000 : 100)); /* deadlines are many there, so look often */
}

void phase_step(struct task *task) {
    static void (*const phases[PHASE_COUNT])(struct task *) = {
        [PHASE_ADOPTING] = on_adopting, [PHASE_RUNNING] = on_running,     [PHASE_SETTLING] = on_settling,
        [PHASE_STOPPING] = on_stopping, [PHASE_REPORTING] = on_reporting, [PHASE_DONE] = on_done,
    };
    if (task->options->timeout_ms > 0 && task->now - task->started_at >= task->options->timeout_ms)
        phase_stop(task, CAUSE_TIMEOUT);
    enum phase before;
    do {
        before = task->phase;
        phases[before](task);
    } while (task->phase != before);
}
