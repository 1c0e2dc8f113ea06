/* When the plan itself stops a pod: it does not start in time, runs past its time, or its task or run is over. A
 * function of spec, pod and time, so that after a restart the same judgement is made of a pod that we had deleted: it
 * must not look like a loss by the infrastructure. The reason is recorded before the pod is deleted. While the spec is
 * invalid, the time-outs of the last valid one count. */

#include "plan/pass.h"

#include "base/clock.h"

/* The kubelet goes back and forth between the two names of one problem: one name, one write. */
const char *waiting_reason(const struct node *node, const struct pod_view *pod) {
    if (text_equal(pod->reason, "ErrImagePull"))
        return REASON(ImagePullBackOff);
    if (text_empty(pod->reason) && pod->deleting && node->recorded != NULL && pod->state == POD_PENDING)
        return node->recorded->reason;
    return pod->reason != NULL ? pod->reason : "";
}

/* The first text says what is wrong with the image, the later ones only that the kubelet backs off. */
const char *waiting_message(const struct node *node, const struct pod_view *pod) {
    const struct task_status *recorded = node->recorded;
    if (recorded != NULL && recorded->attempt == node->status.attempt && !text_empty(recorded->message) &&
        reason_is(waiting_reason(node, pod), REASON_ImagePullBackOff) &&
        reason_is(recorded->reason, REASON_ImagePullBackOff))
        return recorded->message;
    return pod->message != NULL ? pod->message : "";
}

static enum reason_patience patience(const char *waiting) {
    const struct reason *reason = reason_find(waiting);
    return reason != NULL ? reason->patience : WAITS_FOREVER;
}

static bool never_ran(const struct pod_view *pod) {
    return pod->state == POD_PENDING || (pod->state != POD_RUNNING && pod->started_at == 0);
}

static int64_t start_of(const struct pod_view *pod) {
    return pod->started_at != 0 ? pod->started_at : pod->created_at;
}

/* By which the time-outs are; NULL: nobody knows any. */
static const struct task *timing_of(const struct pass *pass, const struct node *node) {
    const struct pipeline *last = pass->spec == NULL ? pass->run->last_spec : NULL;
    for (size_t i = 0; last != NULL && i < last->task_count; i++)
        if (text_equal(last->tasks[i].name, node->name))
            return &last->tasks[i];
    return node->task;
}

/* 0: waits without limit */
static int64_t start_deadline(const struct task *task, const struct pod_view *pod, const char *waiting) {
    if (pod->created_at == 0)
        return 0;
    if (task != NULL && task->start_timeout_ms > 0)
        return pod->created_at + task->start_timeout_ms;
    return patience(waiting) == WAITS_A_WHILE ? pod->created_at + PLAN_PATIENCE_MS : 0;
}

static int64_t run_deadline(const struct task *task, const struct pod_view *pod) {
    if (task == NULL || task->timeout_ms <= 0 || start_of(pod) == 0)
        return 0;
    return start_of(pod) + task->timeout_ms + PLAN_TIMEOUT_SLACK_MS;
}

static bool reached(int64_t deadline, int64_t at) {
    return deadline != 0 && at >= deadline;
}

const char *overdue(const struct pass *pass, const struct node *node, const struct pod_view *pod, const char *waiting,
                    int64_t at) {
    const struct task *task = timing_of(pass, node);
    if (reached(pass->deadline, at))
        return REASON(PipelineTimeout);
    if (node->removed)
        return REASON(Removed);
    if (!never_ran(pod))
        return reached(run_deadline(task, pod), at) ? REASON(Timeout) : NULL;
    if (pod->state == POD_PENDING && patience(waiting) == WAITS_NOT)
        return waiting;
    if (!reached(start_deadline(task, pod, waiting), at))
        return NULL;
    /* what stands in the way says more than that time is up */
    return patience(waiting) == WAITS_A_WHILE ? waiting : REASON(StartTimeout);
}

static const char *limit_text(int64_t ms, char text[CLOCK_TEXT_MAX]) {
    duration_format(ms, text);
    return text;
}

static const char *late_start(const struct pass *pass, const struct node *node, const struct pod_view *pod) {
    char limit[CLOCK_TEXT_MAX];
    const struct task *task = timing_of(pass, node);
    const char *waiting = waiting_reason(node, pod);
    const char *message = waiting_message(node, pod);
    return pass_message(pass, "not running %s after its pod was created%s%s%s%s",
                        limit_text(task != NULL ? task->start_timeout_ms : 0, limit), text_empty(waiting) ? "" : ": ",
                        waiting, text_empty(message) ? "" : ": ", message);
}

const char *overdue_message(const struct pass *pass, const struct node *node, const struct pod_view *pod,
                            const char *reason) {
    char limit[CLOCK_TEXT_MAX];
    const struct pipeline *spec = pass->spec != NULL ? pass->spec : pass->run->last_spec;
    const struct task *task = timing_of(pass, node);
    if (reason_is(reason, REASON_PipelineTimeout) && spec != NULL)
        return pass_message(pass, "stopped: the run did not end within its timeout of %s",
                            limit_text(spec->timeout_ms, limit));
    if (reason_is(reason, REASON_Timeout) && task != NULL)
        return pass_message(pass, "stopped: the attempt did not end within its timeout of %s",
                            limit_text(task->timeout_ms, limit));
    if (reason_is(reason, REASON_StartTimeout))
        return late_start(pass, node, pod);
    const struct reason *known = reason_find(reason);
    if (known != NULL && known->by == BY_PLAN && known->patience == WAITS_FOREVER)
        return pass_message(pass, "stopped: %s", known->sentence);
    return pass_message(pass, "%s", waiting_message(node, pod));
}

void overdue_wake(struct pass *pass, const struct node *node, const struct pod_view *pod) {
    const struct task *task = timing_of(pass, node);
    pass_wake(pass, never_ran(pod) ? start_deadline(task, pod, waiting_reason(node, pod)) : run_deadline(task, pod));
}
