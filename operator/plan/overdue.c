/* When the plan itself stops a pod: it does not start in time, runs past its time, or its task or run is over. A
 * function of spec, pod and time, so that after a restart the same judgement is made of a pod that we had deleted: it
 * must not look like a loss by the infrastructure. The reason is recorded before the pod is deleted. */

#include "plan/pass.h"

#include "base/clock.h"

static bool one_of(const char *reason, const char *const *reasons, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(reason, reasons[i]))
            return true;
    return false;
}
#define ONE_OF(reason, reasons) one_of((reason), (reasons), sizeof(reasons) / sizeof *(reasons))

bool stop_reason_known(const char *reason) {
    static const char *const reasons[] = {"StartTimeout", "Timeout", "PipelineTimeout", "InvalidImageName",
                                          "ErrImageNeverPull"};
    return ONE_OF(reason, reasons);
}

static bool pull_problem(const char *reason) {
    static const char *const reasons[] = {"ErrImagePull", "ImagePullBackOff"};
    return ONE_OF(reason, reasons);
}

/* What somebody may still mend: a registry, a Secret. Without a startTimeout it gets PLAN_IMAGE_PATIENCE_MS. */
static bool may_mend(const char *reason) {
    static const char *const reasons[] = {
        "ImagePullBackOff",  "ErrImagePull",         "RegistryUnavailable",        "ImageInspectError",
        "RunContainerError", "CreateContainerError", "CreateContainerConfigError", "SignatureValidationFailed"};
    return ONE_OF(reason, reasons);
}

/* The kubelet goes back and forth between the two names of one problem: one name, one write. */
const char *waiting_reason(const struct node *node, const struct pod_view *pod) {
    if (pull_problem(pod->reason))
        return "ImagePullBackOff";
    if (text_empty(pod->reason) && pod->deleting && node->recorded != NULL)
        return node->recorded->reason;
    return pod->reason != NULL ? pod->reason : "";
}

/* The first text says what is wrong with the image, the later ones only that the kubelet backs off. */
const char *waiting_message(const struct node *node, const struct pod_view *pod) {
    const struct task_status *recorded = node->recorded;
    if (recorded != NULL && recorded->attempt == node->status.attempt && pull_problem(pod->reason) &&
        text_equal(recorded->reason, "ImagePullBackOff") && !text_empty(recorded->message))
        return recorded->message;
    return pod->message != NULL ? pod->message : "";
}

static bool never_ran(const struct pod_view *pod) {
    return pod->state == POD_PENDING || (pod->state != POD_RUNNING && pod->started_at == 0);
}

static int64_t start_of(const struct pod_view *pod) {
    return pod->started_at != 0 ? pod->started_at : pod->created_at;
}

/* 0: waits without limit */
static int64_t start_deadline(const struct task *task, const struct pod_view *pod, const char *waiting) {
    if (pod->created_at == 0)
        return 0;
    if (task->start_timeout_ms > 0)
        return pod->created_at + task->start_timeout_ms;
    return may_mend(waiting) ? pod->created_at + PLAN_IMAGE_PATIENCE_MS : 0;
}

static int64_t run_deadline(const struct task *task, const struct pod_view *pod) {
    if (task->timeout_ms <= 0 || start_of(pod) == 0)
        return 0;
    return start_of(pod) + task->timeout_ms + PLAN_TIMEOUT_SLACK_MS;
}

static bool reached(int64_t deadline, int64_t at) {
    return deadline != 0 && at >= deadline;
}

const char *overdue(const struct pass *pass, const struct node *node, const struct pod_view *pod, const char *waiting,
                    int64_t at) {
    if (reached(pass->deadline, at))
        return "PipelineTimeout";
    if (node->task == NULL)
        return node->removed ? "Removed" : NULL;
    if (!never_ran(pod))
        return reached(run_deadline(node->task, pod), at) ? "Timeout" : NULL;
    if (pod->state == POD_PENDING && pod->hopeless && !text_empty(waiting) && !may_mend(waiting))
        return waiting;
    if (!reached(start_deadline(node->task, pod, waiting), at))
        return NULL;
    return may_mend(waiting) ? waiting : "StartTimeout"; /* what stands in the way says more than that time is up */
}

const char *overdue_message(const struct pass *pass, const struct node *node, const struct pod_view *pod,
                            const char *reason) {
    char limit[CLOCK_TEXT_MAX];
    if (text_equal(reason, "PipelineTimeout")) {
        duration_format(pass->spec->timeout_ms, limit);
        return pass_message(pass, "stopped: the run did not end within its timeout of %s", limit);
    }
    if (text_equal(reason, "Removed"))
        return "stopped: the spec does not name this task any more";
    if (text_equal(reason, "Timeout")) {
        duration_format(node->task->timeout_ms, limit);
        return pass_message(pass, "stopped: the attempt did not end within its timeout of %s", limit);
    }
    if (!text_equal(reason, "StartTimeout"))
        return pass_message(pass, "%s", waiting_message(node, pod));
    duration_format(node->task->start_timeout_ms, limit);
    const char *waiting = waiting_reason(node, pod);
    const char *message = waiting_message(node, pod);
    return pass_message(pass, "not running %s after its pod was created%s%s%s%s", limit,
                        text_empty(waiting) ? "" : ": ", waiting, text_empty(message) ? "" : ": ", message);
}

void overdue_wake(struct pass *pass, const struct node *node, const struct pod_view *pod) {
    if (node->task == NULL)
        return;
    pass_wake(pass, never_ran(pod) ? start_deadline(node->task, pod, waiting_reason(node, pod))
                                   : run_deadline(node->task, pod));
}
