/* What a failed attempt means: another one at a later time, or the end of the task. Judged anew in each pass from the
 * recorded counts and the present spec, so that an edit of the policy counts at once. */

#include "plan/pass.h"

enum { BACKOFF_STEPS_MAX = 64 };

const struct attempt_status *retry_last(const struct task_status *status) {
    if (status->attempt_count == 0)
        return NULL;
    const struct attempt_status *last = &status->attempts[status->attempt_count - 1];
    return last->attempt == status->attempt ? last : NULL;
}

static bool named(const struct pass *pass, const struct strings *on, const struct attempt_status *last) {
    if (on->count == 0 || strings_contain(on, last->reason))
        return true;
    return last->has_exit_code && strings_contain(on, arena_printf(pass->arena, "%d", last->exit_code));
}

static bool taken_back(const struct attempt_status *last) {
    const struct reason *reason = reason_find(last->reason);
    return reason != NULL && reason->end == END_AGAIN;
}

static bool allowed(const struct pass *pass, const struct node *node, const struct attempt_status *last) {
    const struct retry *retry = node->task->retry;
    if (taken_back(last))
        return true;
    if (last->infra)
        return node->status.losses <= retry->infra_limit;
    return node->status.failures <= retry->limit && named(pass, &retry->on, last);
}

static int64_t delay(const struct retry_backoff *backoff, int64_t step) {
    double wait = (double)backoff->initial_ms;
    for (int64_t i = 1; i < step && i < BACKOFF_STEPS_MAX && wait < (double)backoff->max_ms; i++)
        wait *= backoff->factor;
    return wait < (double)backoff->max_ms ? (int64_t)wait : backoff->max_ms;
}

/* The first loss costs no time: nothing is known against the task. */
static int64_t due(const struct node *node, const struct attempt_status *last) {
    if (taken_back(last) || (last->infra && node->status.losses <= 1))
        return 0;
    int64_t step = last->infra ? node->status.losses - 1 : node->status.failures;
    return pass_seconds_up(node->status.finished_at + delay(node->task->retry->backoff, step));
}

void retry_judge(struct pass *pass, struct node *node) {
    struct task_status *status = &node->status;
    const struct attempt_status *last = retry_last(status);
    if (status->phase != TASK_Queued)
        return;
    if (node->removed)
        task_move(node, TASK_Cancelled, REASON(Removed), reasons[REASON_Removed].sentence);
    else if (node->task == NULL || last == NULL)
        status->retry_at = 0;
    else if (allowed(pass, node, last))
        status->retry_at = due(node, last);
    else
        retry_stop(pass, node, NULL);
}

void retry_stop(struct pass *pass, struct node *node, const char *why) {
    const struct attempt_status *last = retry_last(&node->status);
    if (node->status.phase != TASK_Queued || last == NULL || taken_back(last))
        return;
    node->status.retry_at = 0;
    node->status.attempt_count--; /* no earlier one any more: it is what the task came to */
    const char *message = node->status.message != NULL ? node->status.message : "";
    if (why != NULL)
        message = pass_message(pass, "%s%s(not tried again: %s)", message, text_empty(message) ? "" : " ", why);
    task_move(node, TASK_Failed, last->reason, message);
}
