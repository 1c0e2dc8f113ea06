/* How an attempt ended, and the record of it. Whose fault it was decides which budget pays: the task's own failures
 * count against retry.limit, losses by the infrastructure against retry.infraLimit. A pod that the plan stopped itself
 * is never a loss. Whether another attempt follows is retry.c's matter. */

#include "plan/pass.h"

enum fault { FAULT_NONE, FAULT_TASK, FAULT_INFRA, FAULT_STOPPED };

struct outcome {
    enum fault fault;
    const char *reason, *message;
    int64_t started_at, finished_at;
};

static bool pod_seen(const struct node *node, const char *uid) {
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next)
        if (text_equal(pod->view->uid, uid))
            return true;
    return false;
}

/* The oldest goes, but one whose pod still exists stays while there are others. */
static struct attempt_status *make_room(struct node *node) {
    struct task_status *status = &node->status;
    if (status->attempt_count < STATUS_ATTEMPTS_MAX)
        return &status->attempts[status->attempt_count++];
    size_t drop = 0;
    for (size_t i = 0; i < STATUS_ATTEMPTS_MAX; i++) {
        if (!pod_seen(node, status->attempts[i].pod_uid)) {
            drop = i;
            break;
        }
    }
    for (size_t i = drop + 1; i < STATUS_ATTEMPTS_MAX; i++)
        status->attempts[i - 1] = status->attempts[i];
    return &status->attempts[STATUS_ATTEMPTS_MAX - 1];
}

static void record(struct node *node, const struct outcome *outcome) {
    struct task_status *status = &node->status;
    node->ended = true;
    status->finished_at = pass_seconds(outcome->finished_at);
    *make_room(node) = (struct attempt_status){
        .attempt = status->attempt,
        .pod_uid = status->pod_uid,
        .reason = outcome->reason,
        .exit_code = status->exit_code,
        .has_exit_code = status->has_exit_code,
        .infra = outcome->fault == FAULT_INFRA,
        .application_id = status->application_id,
        .started_at = pass_seconds(outcome->started_at),
        .finished_at = status->finished_at,
    };
    status->failures += outcome->fault == FAULT_TASK;
    status->losses += outcome->fault == FAULT_INFRA;
    static const enum task_phase next[] = {
        [FAULT_NONE] = TASK_Succeeded,
        [FAULT_TASK] = TASK_Queued,
        [FAULT_INFRA] = TASK_Queued,
        [FAULT_STOPPED] = TASK_Cancelled,
    };
    task_move(node, next[outcome->fault], outcome->reason, outcome->message);
}

/* A stop that was decided before the pod ended: as recorded, or as its deletion time shows. */
static const char *decided(const struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    bool current = recorded != NULL && recorded->attempt == pod->attempt;
    if (current && stop_reason_known(recorded->reason))
        return recorded->reason;
    if (node->removed)
        return "Removed";
    if (!pod->view->deleting)
        return NULL;
    return overdue(pass, node, pod->view, current ? recorded->reason : "", pod->view->deleting_since);
}

static enum fault fault_of_stop(const char *reason) {
    bool whole_run = text_equal(reason, "PipelineTimeout") || text_equal(reason, "Removed");
    return whole_run ? FAULT_STOPPED : FAULT_TASK;
}

static const char *default_message(const struct pass *pass, const struct pod_view *pod) {
    if (!text_empty(pod->message))
        return pass_message(pass, "%s", pod->message);
    return pod->has_exit_code ? pass_message(pass, "exit code %d", pod->exit_code) : "";
}

static void name_outcome(const struct pass *pass, const struct node *node, const struct node_pod *pod,
                         struct outcome *outcome) {
    const struct pod_view *view = pod->view;
    if (view->state == POD_SUCCEEDED) {
        *outcome = (struct outcome){.fault = FAULT_NONE, .reason = "", .message = ""};
        return;
    }
    const char *stop = decided(pass, node, pod);
    bool told_to_stop = view->deleting && (text_empty(view->reason) || text_equal(view->reason, "Stopped"));
    outcome->message = default_message(pass, view);
    if (stop != NULL) {
        bool recorded = node->recorded != NULL && text_equal(node->recorded->reason, stop);
        outcome->fault = fault_of_stop(stop);
        outcome->reason = stop;
        outcome->message = recorded ? node->recorded->message : overdue_message(pass, node, view, stop);
    } else if (view->state == POD_FAILED && !told_to_stop) {
        outcome->fault = FAULT_TASK;
        outcome->reason = text_empty(view->reason) ? "Failed" : view->reason;
    } else {
        outcome->fault = FAULT_INFRA;
        outcome->reason = told_to_stop ? "PodDeleted" : text_empty(view->reason) ? "PodLost" : view->reason;
        if (told_to_stop)
            outcome->message = pass_message(pass, "pod %s was deleted from outside", view->name);
    }
}

void ending_of_pod(struct pass *pass, struct node *node, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    struct outcome outcome = {.fault = FAULT_NONE};
    name_outcome(pass, node, pod, &outcome);
    outcome.started_at = view->started_at;
    outcome.finished_at = view->finished_at != 0      ? view->finished_at
                          : view->deleting_since != 0 ? view->deleting_since
                                                      : pass->now;
    node->status.has_exit_code = view->has_exit_code;
    node->status.exit_code = view->has_exit_code ? view->exit_code : 0;
    record(node, &outcome);
}

void ending_missing(struct pass *pass, struct node *node) {
    const struct task_status *recorded = node->recorded;
    const char *stop = stop_reason_known(recorded->reason) ? recorded->reason : node->removed ? "Removed" : NULL;
    struct outcome outcome = {
        .fault = stop != NULL ? fault_of_stop(stop) : FAULT_INFRA,
        .reason = stop != NULL ? stop : "PodLost",
        .started_at = recorded->started_at,
        .finished_at = pass->now,
    };
    outcome.message = stop != NULL && !text_empty(recorded->message)
                          ? recorded->message
                          : pass_message(pass, "pod %s is gone and left no result", recorded->pod ? recorded->pod : "");
    record(node, &outcome);
}
