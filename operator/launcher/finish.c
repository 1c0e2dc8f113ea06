/* See task.h. Gathers what is known for outcome.c, which decides; writes the final record. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "launcher/cgroup.h"
#include "launcher/task.h"

/* In place, so that a full disk or a kill between two calls leaves one that can be read: the new one, with blanks where
 * the old one was longer, until it is cut. */
void finish_write_record(const struct task *task) {
    const char *path = task->options->termination_log;
    AUTO_STRBUF text = STRBUF_INIT;
    struct stat old = {0};
    record_encode(&task->snapshot.record, task->options->record_max, &text);
    size_t length = text.length;
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd >= 0 && fstat(fd, &old) == 0 && S_ISREG(old.st_mode) && old.st_size < RECORD_MAX)
        while (text.length < (size_t)old.st_size && !strbuf_failed(&text))
            strbuf_putc(&text, ' ');
    if (path && (fd < 0 || write(fd, strbuf_text(&text), text.length) != (ssize_t)text.length))
        task_say("the record could not be written to %s: %s", path, strerror(errno));
    else if (fd >= 0 && S_ISREG(old.st_mode) && ftruncate(fd, (off_t)length) < 0)
        task_say("the record in %s could not be cut: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* What ended before we told it to keeps its own verdict. */
static enum cause cause_of(const struct task *task) {
    const struct remote_job *current = remote_current(task->view);
    if (task->cause != CAUSE_STOP && task->cause != CAUSE_TIMEOUT)
        return task->cause;
    if (!task->options->by_remote)
        return task->ended_before_stop ? CAUSE_ENDED : task->cause;
    bool never_submitted = task->ended_before_stop && !current && task->child.status != 0;
    return never_submitted || (current && remote_ended_by_itself(current)) ? CAUSE_ENDED : task->cause;
}

/* Why something may be left running at the remote side; "" when nothing is. */
static const char *why_left(const struct task *task, enum cause cause) {
    const struct remote_view *view = task->view;
    if (task->left)
        return "left for the next attempt";
    if (cause == CAUSE_START)
        return "nobody has looked";
    if (cause == CAUSE_CLEAN && *task->trouble.text)
        return task->trouble.text;
    return *view->trouble ? view->trouble : "it did not end in time, or does not carry weir's tag";
}

/* Success by exit code says nothing of jobs that a client started and let go: they are meant to run. A command that
 * could not be started has left nothing, but of an earlier attempt something may be left that nobody has looked for. */
static bool may_remain(const struct task *task, enum cause cause) {
    if (!task->options->remote.manager)
        return false;
    if (cause == CAUSE_START)
        return task->options->attempt != 1 && !task->view->answered_at && !task->view->nobody;
    if (cause == CAUSE_ENDED && !task->options->by_remote)
        return task->child.status != 0;
    return true;
}

static void find_remains(struct task *task, enum cause cause, char *alive, size_t size, struct strbuf *remains) {
    bool some = remote_alive(task->view, alive, size);
    if (!may_remain(task, cause)) {
        alive[0] = '\0';
        return;
    }
    bool asked = task->view->clear_at >= task->child_ended_at && task->view->clear_at > 0;
    bool possible = task->options->remote.tag && (task->child.pid > 0 || task->options->attempt != 1);
    bool blind = (task->view->deaf || task->view->failing_since) && !task->view->nobody;
    bool doubt = cause != CAUSE_ENDED || (blind && !remote_current(task->view));
    bool unseen = !some && !asked && doubt && possible;
    if (unseen)
        snprintf(alive, size, "a job with the tag %s", task->options->remote.tag);
    if (some || unseen)
        strbuf_printf(remains, "%s may still run: %s", alive, why_left(task, cause));
}

static const char *told_to_end(const struct remote_view *view) {
    for (size_t i = view->count; i > 0; i--)
        if (view->jobs[i - 1].told_at && !view->jobs[i - 1].former)
            return view->jobs[i - 1].id;
    return "";
}

void finish(struct task *task) {
    char alive[REMOTE_TEXT_MAX];
    AUTO_STRBUF remains = STRBUF_MAX(RECORD_MESSAGE_MAX);
    enum cause cause = cause_of(task);
    const struct remote_view *view = task->view;
    hearing_remote(task); /* what came last */
    find_remains(task, cause, alive, sizeof alive, &remains);
    struct ending ending = {
        .command = task->options->command ? task->options->command[0] : NULL,
        .cause = cause,
        .ran = task->child.pid > 0,
        .wait_status = task->child.status,
        .start_exit_code = task->start_exit_code,
        .trouble = task->trouble.text,
        .oom = task->oom_kills >= 0 && cgroup_oom_kills() > task->oom_kills,
        .timeout_ms = task->options->timeout_ms,
        .by_remote = task->options->by_remote,
        .words = remote_words(task->remote),
        .job = remote_current(view),
        .client_verdict = view->client_lost ? "" : view->client_verdict,
        .remote_trouble = view->deaf || view->failing_since ? view->trouble : "",
        .killed = told_to_end(view),
        .remains = strbuf_text(&remains),
        .telling = &task->telling,
    };
    outcome_decide(&ending, &task->outcome);
    const struct outcome *outcome = &task->outcome;
    bool well = !*outcome->reason;
    snapshot_set_progress(&task->snapshot,
                          well && task->snapshot.record.percent >= 0 ? 100 : task->snapshot.record.percent, "");
    snapshot_finish(&task->snapshot, outcome->exit_code, outcome->signal, outcome->reason, outcome->message,
                    strbuf_text(&remains), clock_wall_ms());
    finish_write_record(task);
    if (*outcome->message)
        task_say("%s", outcome->message);
    remote_want(task->remote, REMOTE_IDLE, 0, task->now);
    reporter_finish(&task->reporter, task->now);
    phase_move(task, PHASE_REPORTING);
}
