/* How an attempt ended, and the record of it. The reason says whose fault it was (pipeline/reasons.h), and that which
 * budget pays. A pod that the plan stopped itself is never a loss. Whether another attempt follows is retry.c's matter.
 */

#include "plan/pass.h"

#include <string.h>

struct ending {
    enum reason_end end;
    bool well;
    const char *reason, *message;
    int64_t started_at, finished_at;
};

/* The attempt becomes one of the earlier ones; the oldest goes when there are too many. */
static void keep_attempt(const struct pass *pass, struct task_status *status, const struct ending *ending) {
    size_t drop = status->attempt_count >= STATUS_ATTEMPTS_MAX ? status->attempt_count - STATUS_ATTEMPTS_MAX + 1 : 0;
    size_t kept = status->attempt_count - drop;
    struct attempt_status *attempts = ARENA_NEW_ARRAY(pass->arena, kept + 1, struct attempt_status);
    if (kept > 0)
        memcpy(attempts, status->attempts + drop, kept * sizeof *attempts);
    attempts[kept] = (struct attempt_status){
        .attempt = status->attempt,
        .pod_uid = status->pod_uid,
        .reason = ending->reason,
        .exit_code = status->exit_code,
        .has_exit_code = status->has_exit_code,
        .infra = ending->end == END_INFRA,
        .hash = status->hash,
        .application_id = status->application_id,
        .application_ids = status->application_ids,
        .application_count = status->application_count,
        .started_at = pass_seconds(ending->started_at),
        .finished_at = status->finished_at,
    };
    status->attempts = attempts;
    status->attempt_count = kept + 1;
}

static void record(const struct pass *pass, struct node *node, const struct ending *ending) {
    static const enum task_phase next[] = {
        [END_NONE] = TASK_Queued,  [END_TASK] = TASK_Queued,  [END_INFRA] = TASK_Queued,
        [END_AGAIN] = TASK_Queued, [END_OMIT] = TASK_Omitted, [END_CANCEL] = TASK_Cancelled,
    };
    struct task_status *status = &node->status;
    enum task_phase phase = ending->well ? TASK_Succeeded : next[ending->end];
    node->ended = true;
    status->finished_at = pass_seconds(ending->finished_at);
    status->failures += !ending->well && ending->end == END_TASK;
    status->losses += !ending->well && ending->end == END_INFRA;
    if (phase == TASK_Queued)
        keep_attempt(pass, status, ending);
    task_move(node, phase, ending->reason, ending->message);
}

/* A stop that was decided before the pod ended: as recorded, or as its deletion time shows. */
static const char *decided(const struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    bool current = recorded != NULL && recorded->attempt == pod->attempt && task_occupied(recorded);
    if (current && reason_decided(recorded->reason))
        return recorded->reason;
    if (node->removed)
        return REASON(Removed);
    if (!pod->view->deleting)
        return NULL;
    return overdue(pass, node, pod->view, current ? recorded->reason : "", pod->view->deleting_since);
}

static const char *default_message(const struct pass *pass, const struct pod_view *pod) {
    if (!text_empty(pod->message))
        return pass_message(pass, "%s", pod->message);
    return pod->has_exit_code ? pass_message(pass, "exit code %d", pod->exit_code) : "";
}

/* A task that FailFast held back and that ran all the same, since its pod was faster, was stopped. */
static enum reason_end end_of_stop(const char *reason, const struct pod_view *pod) {
    const struct reason *known = reason_find(reason);
    enum reason_end end = known != NULL ? known->end : END_TASK;
    return end == END_OMIT && pod != NULL && pod->started_at != 0 ? END_CANCEL : end;
}

static void name_ending(const struct pass *pass, const struct node *node, const struct node_pod *pod,
                        struct ending *ending) {
    const struct pod_view *view = pod->view;
    if (view->state == POD_SUCCEEDED) {
        *ending = (struct ending){.well = true, .reason = "", .message = ""};
        return;
    }
    const char *stop = decided(pass, node, pod);
    bool told_to_stop = view->deleting && (text_empty(view->reason) || reason_is(view->reason, REASON_Stopped));
    ending->message = default_message(pass, view);
    if (stop != NULL) {
        bool recorded = node->recorded != NULL && text_equal(node->recorded->reason, stop);
        ending->end = end_of_stop(stop, view);
        ending->reason = stop;
        ending->message = recorded ? node->recorded->message : overdue_message(pass, node, view, stop);
    } else if (view->state == POD_FAILED && !told_to_stop) {
        ending->end = END_TASK;
        ending->reason = text_empty(view->reason) ? REASON(Failed) : view->reason;
    } else {
        ending->end = END_INFRA;
        ending->reason = told_to_stop ? REASON(PodDeleted) : text_empty(view->reason) ? REASON(PodLost) : view->reason;
        if (told_to_stop)
            ending->message = pass_message(pass, "pod %s was deleted from outside", view->name);
    }
}

void ending_of_pod(struct pass *pass, struct node *node, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    struct ending ending = {.end = END_NONE};
    name_ending(pass, node, pod, &ending);
    ending.started_at = view->started_at;
    ending.finished_at = view->finished_at != 0      ? view->finished_at
                         : view->deleting_since != 0 ? view->deleting_since
                                                     : pass->now;
    node->status.has_exit_code = view->has_exit_code;
    node->status.exit_code = view->has_exit_code ? view->exit_code : 0;
    left_by_pod(pass, node, pod);
    record(pass, node, &ending);
}

void ending_missing(struct pass *pass, struct node *node) {
    const struct task_status *recorded = node->recorded;
    const char *stop = reason_decided(recorded->reason) ? recorded->reason : node->removed ? REASON(Removed) : NULL;
    struct ending ending = {
        .end = stop != NULL ? end_of_stop(stop, NULL) : END_INFRA,
        .reason = stop != NULL ? stop : REASON(PodLost),
        .started_at = recorded->started_at,
        .finished_at = pass->now,
    };
    ending.message = stop != NULL && !text_empty(recorded->message)
                         ? recorded->message
                         : pass_message(pass, "pod %s is gone and left no result", recorded->pod ? recorded->pod : "");
    left_by_missing(pass, node);
    record(pass, node, &ending);
}

void ending_uncreated(struct pass *pass, struct node *node) {
    const struct create_failure *failure = node->failure;
    struct ending ending = {.end = END_TASK, .reason = REASON(StartTimeout), .finished_at = pass->now};
    attempt_begin(&node->status, node->status.attempt + 1, NULL, NULL);
    ending.message = pass_message(pass, "its pod could not be created within startTimeout: %s: %s", failure->reason,
                                  failure->message);
    node->failure = NULL;
    record(pass, node, &ending);
}
