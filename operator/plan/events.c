/* Events of what was decided, for what somebody would look up: failed, retried, refused, stalled, ended. They are told
 * by the pass that records the change, so each is told once; a restart between record and event loses the event. */

#include "plan/pass.h"

#include <inttypes.h>

static const char *exit_text(const struct pass *pass, const struct task_status *status) {
    if (status->has_exit_code && reason_is(status->reason, REASON_ExitCode))
        return arena_printf(pass->arena, "ExitCode %d", status->exit_code);
    return text_empty(status->reason) ? task_phase_name(status->phase) : status->reason;
}

/* Waits for something that it did not wait for before, and that a person should know of. */
static bool newly_waits(const struct node *node, enum reason_id reason) {
    const struct task_status *recorded = node->recorded;
    return reason_is(node->status.reason, reason) && (recorded == NULL || !reason_is(recorded->reason, reason));
}

static void waiting_event(struct pass *pass, const struct node *node) {
    static const enum reason_id told[] = {REASON_CreateFailed, REASON_QuotaExceeded, REASON_NodeUnreachable,
                                          REASON_PodHidden};
    if (task_phase_final(node->status.phase))
        return;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (newly_waits(node, told[i]))
            pass_event(pass, true, reasons[told[i]].name, "task %s: %s", node->name, node->status.message);
}

static void retried_event(struct pass *pass, const struct node *node) {
    const struct task_status *status = &node->status;
    const struct attempt_status *last = status->attempt_count > 0 ? &status->attempts[status->attempt_count - 1] : NULL;
    if (last != NULL && !reason_is(last->reason, REASON_Suspended))
        pass_event(pass, true, "TaskRetried", "task %s: attempt %" PRId64 " ended with %s, another one follows",
                   node->name, last->attempt, last->reason);
}

static void left_event(struct pass *pass, const struct node *node) {
    bool was_failed = node->recorded != NULL && node->recorded->cleanup.phase == CLEANUP_Failed;
    if (node->status.cleanup.phase == CLEANUP_Failed && !was_failed)
        pass_event(pass, true, REASON(CleanupFailed), "task %s: what attempt %" PRId64 " started may still run: %s",
                   node->name, node->status.attempt, node->status.cleanup.message);
}

static void task_events(struct pass *pass, const struct node *node) {
    const struct task_status *status = &node->status;
    bool was_failed = node->recorded != NULL && node->recorded->phase == TASK_Failed;
    const char *message = status->message != NULL ? status->message : "";
    if (status->phase == TASK_Failed && !was_failed)
        pass_event(pass, true, "TaskFailed", "task %s: %s%s%s", node->name, exit_text(pass, status),
                   text_empty(message) ? "" : ": ", message);
    else if (node->ended && node->task != NULL && !task_phase_final(status->phase))
        retried_event(pass, node);
    waiting_event(pass, node);
    left_event(pass, node);
}

static void condition_event(struct pass *pass, int which, const char *reason) {
    const struct condition *now = &pass->plan->status.conditions[which];
    const struct condition *before = &pass->run->recorded.conditions[which];
    bool known = before->type != NULL && before->status && text_equal(before->message, now->message);
    if (now->type != NULL && now->status && text_equal(now->reason, reason) && !known)
        pass_event(pass, true, reason, "%s", now->message);
}

void events_emit(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    const struct run_status *status = &pass->plan->status;
    condition_event(pass, CONDITION_STALLED, RUN_REASON(InvalidSpec));
    condition_event(pass, CONDITION_WARNING, RUN_REASON(SpecWarnings));
    for (size_t i = 0; i < pass->node_count; i++)
        task_events(pass, pass->nodes[i]);
    bool bad = status->phase == RUN_Failed;
    if (run_phase_final(status->phase) && status->phase != recorded->phase)
        pass_event(pass, bad, bad ? "PipelineFailed" : "PipelineSucceeded", "%s",
                   status->conditions[CONDITION_SUCCEEDED].message);
}
