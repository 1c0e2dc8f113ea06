/* See task.h. Which source wins when several speak is decided in remote/. */

#include "launcher/task.h"

enum {
    SILENT_MS = 30 * 1000, /* then what the task waits for is that somebody answers */
    LOOKING_MS = 2 * 1000,
};

static void hear(struct task *task, enum telling_stream stream, const char *line, size_t length) {
    struct facts facts;
    telling_line(&task->telling, stream, line, length);
    scan_line(task->scanner, line, length, &facts);
    for (size_t i = 0; i < facts.count; i++) {
        if (facts.items[i].type == FACT_JOB)
            snapshot_add_job(&task->snapshot, facts.items[i].text);
        else
            remote_hear(task->remote, &facts.items[i], task->now);
    }
}

void hearing_out(void *task, const char *line, size_t length) {
    hear(task, TELLING_STDOUT, line, length);
}

void hearing_err(void *task, const char *line, size_t length) {
    hear(task, TELLING_STDERR, line, length);
}

/* What it waits for, or how far it is. */
static const char *progress_of(const struct task *task) {
    const struct remote_view *view = task->view;
    bool looking = task->phase == PHASE_LOOKING && phase_age(task) >= LOOKING_MS;
    bool silent = view->failing_since && task->now - view->failing_since >= SILENT_MS;
    if (looking && task->asked_end_at)
        return "waits until what an earlier attempt left on the cluster has ended";
    if (looking)
        return *view->trouble ? view->trouble : "looks for what an earlier attempt left on the cluster";
    return silent ? view->trouble : view->progress;
}

void hearing_remote(struct task *task) {
    const struct remote_view *view = task->view;
    struct snapshot *snapshot = &task->snapshot;
    if (task->phase >= PHASE_REPORTING)
        return;
    snapshot_set_progress(snapshot, view->percent, progress_of(task));
    if (task->view_changes == view->changes)
        return;
    task->view_changes = view->changes;
    for (size_t i = 0; i < view->count; i++)
        if (!view->jobs[i].former && !view->jobs[i].foreign)
            snapshot_add_application(snapshot, view->jobs[i].id);
    snapshot_set_application(snapshot, view->application_id);
    snapshot_set_url(snapshot, view->tracking_url);
    snapshot_set_history(snapshot, view->history_url);
}
