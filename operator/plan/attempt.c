/* What the pods say of a task: its recorded entry brought up to date, attempt by attempt. Which phase may follow which
 * is a declared table; where a record cannot be (somebody wrote it by hand), what is seen wins, but a final phase stays
 * final. Starts and deletes nothing. */

#include "plan/pass.h"

/*            +-----------------------------+
 *            v                             |
 *   None -> Queued -> Starting -> Running -+-> Succeeded | Failed | Cancelled
 *    |        |           +----------------+-> Omitted (its program is not to run any more)
 *    |        +--------------------------------> Omitted, Skipped
 *    +- anything, when a status was lost and is rebuilt from pods */
#define ENDS     (SM_TO(TASK_Succeeded) | SM_TO(TASK_Failed) | SM_TO(TASK_Cancelled) | SM_TO(TASK_Omitted))
#define GIVEN_UP (SM_TO(TASK_Failed) | SM_TO(TASK_Cancelled))
#define NEVER    (SM_TO(TASK_Skipped) | SM_TO(TASK_Omitted))
const struct sm_state task_states[TASK_PHASE_COUNT] = {
    [TASK_None] = {"None", SM_TO(TASK_Queued) | SM_TO(TASK_Starting) | SM_TO(TASK_Running) | ENDS | NEVER, SM_INITIAL},
    [TASK_Queued] = {"Queued", SM_TO(TASK_None) | SM_TO(TASK_Starting) | GIVEN_UP | NEVER, 0},
    [TASK_Starting] = {"Starting", SM_TO(TASK_Queued) | SM_TO(TASK_Running) | ENDS, 0},
    [TASK_Running] = {"Running", SM_TO(TASK_Queued) | ENDS, 0},
    [TASK_Succeeded] = {"Succeeded", 0, SM_FINAL},
    [TASK_Failed] = {"Failed", 0, SM_FINAL},
    [TASK_Skipped] = {"Skipped", 0, SM_FINAL},
    [TASK_Omitted] = {"Omitted", 0, SM_FINAL},
    [TASK_Cancelled] = {"Cancelled", 0, SM_FINAL},
};

void task_move(struct node *node, enum task_phase to, const char *reason, const char *message) {
    struct task_status *status = &node->status;
    if (!sm_allows(task_states, status->phase, to)) {
        if (task_phase_final(status->phase))
            return;
        status->phase = TASK_None;
    }
    status->phase = to;
    status->reason = reason;
    status->message = message;
}

bool task_occupied(const struct task_status *status) {
    return status->phase == TASK_Starting || status->phase == TASK_Running;
}

bool pod_ended(const struct pod_view *pod) {
    return pod->state != POD_PENDING && pod->state != POD_RUNNING;
}

/* What is recorded as waiting has ended its newest attempt; of what begins anew, all recorded attempts are over. */
bool attempt_counted(const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    if (recorded == NULL)
        return false;
    bool over = node->reborn || recorded->phase == TASK_Queued;
    return over ? pod->attempt <= recorded->attempt
                : pod->attempt < recorded->attempt || task_phase_final(recorded->phase);
}

/* Texts of a former attempt must not be taken for this one's. */
void attempt_begin(struct task_status *status, int64_t attempt, const char *pod, const char *pod_uid) {
    if (status->attempt != attempt || !task_occupied(status)) {
        status->application_id = status->tracking_url = status->history_url = status->progress_text = NULL;
        status->hash = NULL;
        status->application_count = status->job_count = 0;
        status->percent = -1;
        status->has_exit_code = false;
        status->exit_code = 0;
        status->started_at = status->finished_at = status->retry_at = 0;
    }
    status->attempt = attempt;
    status->pod = pod;
    status->pod_uid = pod_uid;
}

static const char *newer(const char *seen, const char *known) {
    return text_empty(seen) ? known : seen;
}

/* A report that lacks a text does not take it back: the URL of a finished task stays. */
static void copy_report(struct task_status *status, const struct pod_view *pod) {
    status->application_id = newer(pod->application_id, status->application_id);
    status->tracking_url = newer(pod->tracking_url, status->tracking_url);
    status->history_url = newer(pod->history_url, status->history_url);
    status->hash = newer(pod->hash, status->hash);
    status->remote = pod->remote;
    if (pod->percent >= 0 || !text_empty(pod->progress_text)) {
        status->percent = pod->percent;
        status->progress_text = pod->progress_text;
    }
    if (pod->application_count > 0) {
        status->application_count = pod->application_count;
        status->application_ids = pod->application_ids;
    }
    if (pod->job_count > 0) {
        status->job_count = pod->job_count;
        status->job_ids = pod->job_ids;
    }
    if (pod->started_at != 0)
        status->started_at = pass_seconds(pod->started_at);
}

/* A decision that was recorded and carried out stays the reason, also when the spec changes meanwhile. */
static const char *stop_of(const struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    bool current = recorded != NULL && recorded->attempt == pod->attempt && task_occupied(recorded);
    if (current && pod->view->deleting && reason_decided(recorded->reason))
        return recorded->reason;
    return overdue(pass, node, pod->view, waiting_reason(node, pod->view), pass->now);
}

static void follow(struct pass *pass, struct node *node, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    const struct task_status *recorded = node->recorded;
    bool pending = view->state == POD_PENDING;
    const char *reason = waiting_reason(node, view);
    const char *message = pass_message(pass, "%s", waiting_message(node, view));
    node->live = true;
    node->stop = stop_of(pass, node, pod);
    if (node->stop != NULL) {
        reason = node->stop;
        bool known = recorded != NULL && recorded->attempt == pod->attempt && text_equal(recorded->reason, reason);
        message = known ? recorded->message : overdue_message(pass, node, view, reason);
    } else {
        overdue_wake(pass, node, view);
    }
    task_move(node, pending ? TASK_Starting : TASK_Running, reason, message);
}

const struct look *attempt_look(const struct pass *pass, const char *pod_uid) {
    for (size_t i = 0; i < pass->run->look_count; i++)
        if (text_equal(pass->run->looks[i].pod_uid, pod_uid))
            return &pass->run->looks[i];
    return NULL;
}

/* The pod that the record names is not seen. A newer one exists only because this one was known to be over; else only a
 * live look may say that it is gone. */
static void look_for_recorded(struct pass *pass, struct node *node) {
    const struct task_status *recorded = node->recorded;
    if (recorded == NULL || node->reborn || !task_occupied(recorded))
        return;
    bool superseded = false;
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (pod->attempt == recorded->attempt)
            return;
        superseded = superseded || pod->attempt > recorded->attempt;
    }
    const struct look *look = attempt_look(pass, recorded->pod_uid);
    if (text_empty(recorded->pod_uid)) {
        node->in_flight = !superseded;
        task_move(node, TASK_Queued, "", "");
        node->status.attempt = recorded->attempt > 0 ? recorded->attempt - 1 : 0;
        node->status.pod = NULL;
    } else if (superseded || (look != NULL && look->gone)) {
        ending_missing(pass, node);
    } else {
        node->missing = node->live = true;
        if (look != NULL)
            task_move(node, node->status.phase, REASON(PodHidden),
                      pass_message(pass, "pod %s: %s", recorded->pod, reasons[REASON_PodHidden].sentence));
    }
}

/* Another one than what the record speaks of. */
static bool is_stranger(const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    if (pod->surplus || recorded == NULL || text_empty(recorded->pod_uid))
        return pod->surplus;
    return pod->attempt > recorded->attempt ||
           (pod->attempt == recorded->attempt && !text_equal(pod->view->uid, recorded->pod_uid));
}

void attempt_observe(struct pass *pass, struct node *node) {
    look_for_recorded(pass, node);
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (pod->surplus || attempt_counted(node, pod)) {
            node->live = node->live || !pod_ended(pod->view);
            if (pod_ended(pod->view) && pod->view->held && is_stranger(node, pod))
                left_by_stranger(pass, node, pod);
            continue;
        }
        attempt_begin(&node->status, pod->attempt, pod->view->name, pod->view->uid);
        copy_report(&node->status, pod->view);
        if (!task_occupied(&node->status))
            task_move(node, TASK_Starting, "", "");
        if (pod_ended(pod->view))
            ending_of_pod(pass, node, pod);
        else
            follow(pass, node, pod);
    }
}
