/* What the run as a whole has come to: its phase, its conditions, and the events of what was decided in this pass.
 * Everything is read off the tasks anew; only the end, once there, does not depend on stray pods any more. */

#include "plan/pass.h"

#include <inttypes.h>

#include "base/strbuf.h"

enum { NAMED_MAX = 8, PROBLEMS_TEXT_MAX = 16 * 1024 };

static const char *reason_text(const struct pass *pass, const struct task_status *status) {
    const char *reason = text_empty(status->reason) ? task_phase_name(status->phase) : status->reason;
    if (status->has_exit_code && text_equal(reason, "ExitCode"))
        return arena_printf(pass->arena, "ExitCode %d", status->exit_code);
    return reason;
}

static bool ignored(const struct node *node) {
    return node->status.phase == TASK_Failed && !node_failed(node);
}

static bool unfinished(const struct node *node) {
    return task_phase_final(node->status.phase) && !node_satisfied(node);
}

/* "2 of 5 tasks failed: a (ExitCode 3), b (OOMKilled)"; NULL when it is true of none. */
static const char *list_tasks(const struct pass *pass, bool (*which)(const struct node *), const char *what) {
    AUTO_STRBUF text = STRBUF_INIT;
    size_t count = 0;
    for (size_t i = 0; i < pass->spec_count; i++) {
        const struct node *node = pass->nodes[i];
        if (!which(node))
            continue;
        if (count++ < NAMED_MAX)
            strbuf_printf(&text, "%s%s (%s)", count > 1 ? ", " : "", node->name, reason_text(pass, &node->status));
    }
    if (count > NAMED_MAX)
        strbuf_printf(&text, " and %zu more", count - NAMED_MAX);
    if (count == 0)
        return NULL;
    return pass_message(pass, "%zu of %zu tasks %s: %s", count, pass->spec_count, what, strbuf_text(&text));
}

static bool all_final(const struct pass *pass) {
    for (size_t i = 0; i < pass->spec_count; i++)
        if (!task_phase_final(pass->nodes[i]->status.phase))
            return false;
    return pass->spec != NULL;
}

static bool run_ended(const struct pass *pass) {
    return all_final(pass) && (pass->live == 0 || run_phase_final(pass->run->recorded.phase));
}

static bool stopped_late(const struct pass *pass) {
    for (size_t i = 0; i < pass->spec_count; i++)
        if (text_equal(pass->nodes[i]->status.reason, "PipelineTimeout"))
            return true;
    return false;
}

static void end_run(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    struct run_status *status = &pass->plan->status;
    const char *reason = "Succeeded";
    const char *message = list_tasks(pass, unfinished, "did not run to their end");
    if (message != NULL) {
        const char *fails = list_tasks(pass, node_failed, "failed");
        bool late = stopped_late(pass);
        reason = late ? "PipelineTimeout" : "TasksFailed";
        if (late)
            message = pass_message(pass, "the run did not end within its timeout: %s", message);
        else if (fails != NULL)
            message = fails;
        status->phase = RUN_Failed;
    } else {
        status->phase = RUN_Succeeded;
        message = list_tasks(pass, ignored, "failed, which is ignored");
        if (message == NULL)
            message = pass_message(pass, "%zu of %zu tasks are done", pass->spec_count, pass->spec_count);
    }
    status->finished_at = run_phase_final(recorded->phase) ? recorded->finished_at : pass_seconds(pass->now);
    condition_set(pass, CONDITION_SUCCEEDED, status->phase == RUN_Succeeded, reason, message);
    condition_set(pass, CONDITION_RECONCILING, false, run_phase_name(status->phase), "");
}

/* Tasks that were added after the end make a new round with a timeout of its own. */
static void go_on(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    if (run_phase_final(pass->run->recorded.phase))
        pass->started_at = pass_seconds(pass->now);
    bool suspended = pass->spec->suspend && pass->live == 0 && !pass->timed_out;
    status->phase = pass->timed_out                           ? RUN_Stopping
                    : suspended                               ? RUN_Suspended
                    : pass->started_at != 0 || pass->live > 0 ? RUN_Running
                                                              : RUN_Pending;
    condition_set(pass, CONDITION_RECONCILING, !suspended, run_phase_name(status->phase), "");
    if (pass->started_at != 0 && pass->spec->timeout_ms > 0)
        pass_wake(pass, pass->started_at + pass->spec->timeout_ms);
}

static const char *problems_text(const struct pass *pass) {
    const struct problems *problems = pass->run->problems;
    if (problems == NULL || problems->count == 0)
        return "the spec cannot be read";
    AUTO_STRBUF text = STRBUF_INIT;
    size_t shown = 0;
    while (shown < problems->count && text.length < PROBLEMS_TEXT_MAX) {
        strbuf_printf(&text, "%s%s", shown > 0 ? "; " : "", problems->items[shown]);
        shown++;
    }
    if (problems->total > shown)
        strbuf_printf(&text, "; and %zu more", problems->total - shown);
    return arena_strdup(pass->arena, strbuf_text(&text));
}

/* What runs goes on, and what is over stays so. */
static void stall(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    struct run_status *status = &pass->plan->status;
    status->phase = recorded->phase;
    if (pass->live > 0)
        status->phase = RUN_Running;
    status->finished_at = recorded->finished_at;
    status->conditions[CONDITION_SUCCEEDED] = recorded->conditions[CONDITION_SUCCEEDED];
    status->conditions[CONDITION_SUSPENDED] = recorded->conditions[CONDITION_SUSPENDED];
    condition_set(pass, CONDITION_STALLED, true, "InvalidSpec", problems_text(pass));
    condition_set(pass, CONDITION_RECONCILING, pass->live > 0, pass->live > 0 ? "Running" : "InvalidSpec", "");
}

static void list_entries(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    status->tasks = ARENA_NEW_ARRAY(pass->arena, pass->node_count + 1, struct task_status);
    for (size_t i = 0; i < pass->node_count; i++) {
        const struct node *node = pass->nodes[i];
        bool over = node->removed && node->pods == NULL && !node->live;
        if (node->status.phase != TASK_None && !over)
            status->tasks[status->task_count++] = node->status;
    }
}

void summary_run(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    if (pass->spec == NULL) {
        stall(pass);
    } else {
        condition_clear(pass, CONDITION_STALLED, "SpecValid");
        if (run_ended(pass))
            end_run(pass);
        else
            go_on(pass);
        if (pass->spec->suspend && !run_phase_final(status->phase))
            condition_set(pass, CONDITION_SUSPENDED, true, "Suspended", "spec.suspend is true");
        else
            condition_clear(pass, CONDITION_SUSPENDED, "NotSuspended");
    }
    status->recorded = true;
    status->observed_generation = pass->run->generation;
    status->started_at = pass->started_at;
    list_entries(pass);
}

static void task_events(struct pass *pass, const struct node *node) {
    const struct task_status *status = &node->status;
    bool was_failed = node->recorded != NULL && node->recorded->phase == TASK_Failed;
    const char *message = status->message != NULL ? status->message : "";
    if (status->phase == TASK_Failed && !was_failed) {
        pass_event(pass, true, "TaskFailed", "task %s: %s%s%s", node->name, reason_text(pass, status),
                   text_empty(message) ? "" : ": ", message);
    } else if (node->ended && node->task != NULL && !task_phase_final(status->phase) && status->attempt_count > 0) {
        const struct attempt_status *last = &status->attempts[status->attempt_count - 1];
        pass_event(pass, true, "TaskRetried", "task %s: attempt %" PRId64 " ended with %s, another one follows",
                   node->name, last->attempt, last->reason);
    }
}

void summary_events(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    const struct run_status *status = &pass->plan->status;
    const struct condition *stalled = &status->conditions[CONDITION_STALLED];
    const struct condition *before = &recorded->conditions[CONDITION_STALLED];
    bool known = before->type != NULL && before->status && text_equal(before->message, stalled->message);
    if (stalled->type != NULL && stalled->status && !known)
        pass_event(pass, true, "InvalidSpec", "%s", stalled->message);
    if (status->started_at != recorded->started_at)
        pass_event(pass, false, "PipelineStarted", "the first tasks start");
    for (size_t i = 0; i < pass->node_count; i++)
        task_events(pass, pass->nodes[i]);
    bool bad = status->phase == RUN_Failed;
    if (run_phase_final(status->phase) && status->phase != recorded->phase)
        pass_event(pass, bad, bad ? "PipelineFailed" : "PipelineSucceeded", "%s",
                   status->conditions[CONDITION_SUCCEEDED].message);
}
