/* Which pods may go: a finished one once its outcome is recorded, a running one when its task is over or its end was
 * decided and recorded. A pod that is not seen is looked for live. Never deletes before the reason is in the status. */

#include "plan/pass.h"

#include <inttypes.h>

static const char *why_superfluous(const struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    if (pod->next != NULL)
        return arena_printf(pass->arena, "attempt %" PRId64 " has taken its place", pod->next->attempt);
    if (attempt_counted(recorded, pod))
        return arena_printf(pass->arena, "task %s is over: %s", node->name, task_phase_name(recorded->phase));
    bool decided = node->stop != NULL && recorded != NULL && recorded->attempt == pod->attempt;
    if (decided && text_equal(recorded->reason, node->stop))
        return node->stop;
    return NULL;
}

static bool kept(const struct pass *pass, const struct pod_view *view) {
    if (pass->spec == NULL || pass->spec->pod_retention == RETAIN_ALWAYS)
        return true;
    return pass->spec->pod_retention == RETAIN_ON_FAILURE && view->state != POD_SUCCEEDED;
}

static void clean_pod(struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    if (!pod_ended(view)) {
        const char *why = view->deleting ? NULL : why_superfluous(pass, node, pod);
        if (why != NULL)
            pass_act_pod(pass, ACTION_DELETE_POD, view, why);
        return;
    }
    if (!attempt_counted(node->recorded, pod))
        return;
    if (view->held)
        pass_act_pod(pass, ACTION_RELEASE_POD, view, "its outcome is recorded");
    if (!view->deleting && !kept(pass, view))
        pass_act_pod(pass, ACTION_DELETE_POD, view, "podRetention does not keep it");
}

void clean_verify(struct pass *pass, const struct task_status *recorded) {
    struct action *action = pass_act(pass, ACTION_VERIFY_POD, "%s", "recorded as running and not seen");
    action->pod = recorded->pod;
    action->pod_uid = recorded->pod_uid;
    action->attempt = recorded->attempt;
}

void clean_pods(struct pass *pass) {
    for (size_t i = 0; i < pass->node_count; i++) {
        const struct node *node = pass->nodes[i];
        for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next)
            clean_pod(pass, node, pod);
        if (node->missing)
            clean_verify(pass, node->recorded);
    }
}

/* The TTL counts from the recorded end, and takes the Pipeline only when no pod waits for us. */
void clean_finished_run(struct pass *pass) {
    const struct run *run = pass->run;
    if (pass->spec == NULL || pass->spec->ttl_seconds_after_finished < 0 || !run_phase_final(run->recorded.phase) ||
        !run_phase_final(pass->plan->status.phase) || run->recorded.finished_at == 0)
        return;
    for (size_t i = 0; i < run->pod_count; i++)
        if (run->pods[i].held || !pod_ended(&run->pods[i]))
            return;
    int64_t due = run->recorded.finished_at + pass->spec->ttl_seconds_after_finished * 1000;
    if (pass->now >= due)
        pass_act(pass, ACTION_DELETE_PIPELINE, "ttlSecondsAfterFinished is over");
    else
        pass_wake(pass, due);
}
