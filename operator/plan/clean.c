/* Which pods may go: a finished one once its outcome is recorded, a running one when its task is over or its end was
 * decided and recorded. A pod that is not seen is looked for live. Never deletes before the reason is in the status. */

#include "plan/pass.h"

#include <inttypes.h>

static const char *why_superfluous(const struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct task_status *recorded = node->recorded;
    if (pod->surplus)
        return arena_printf(pass->arena, "another pod has attempt %" PRId64, pod->attempt);
    if (pod->next != NULL && pod->next->attempt > pod->attempt)
        return arena_printf(pass->arena, "attempt %" PRId64 " has taken its place", pod->next->attempt);
    if (attempt_counted(node, pod))
        return arena_printf(pass->arena, "task %s is over: %s", node->name, task_phase_name(recorded->phase));
    bool decided = node->stop != NULL && recorded != NULL && recorded->attempt == pod->attempt;
    return decided && text_equal(recorded->reason, node->stop) ? node->stop : NULL;
}

bool clean_keeps(int retention, const struct pod_view *view) {
    bool kept = retention == RETAIN_ALWAYS || (retention == RETAIN_ON_FAILURE && view->state != POD_SUCCEEDED);
    return kept && !view->lingers;
}

void clean_ended(struct pass *pass, const struct pod_view *view, bool keep, const char *why) {
    if (view->done || view->asked_release)
        return;
    if (view->held || (keep && !view->deleting)) {
        struct action *action = pass_act_pod(pass, ACTION_RELEASE_POD, view, why);
        action->keep = keep && !view->deleting;
        action->deleting = view->deleting;
    } else if (!view->deleting && !view->asked_delete) {
        pass_act_pod(pass, ACTION_DELETE_POD, view, "podRetention does not keep it");
    }
}

static void clean_pod(struct pass *pass, const struct node *node, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    if (pod_ended(view)) {
        int retention = pass->spec != NULL ? pass->spec->pod_retention : RETAIN_ALWAYS;
        if ((pod->surplus || attempt_counted(node, pod)) && !left_holds(pass, node, pod))
            clean_ended(pass, view, !pod->surplus && clean_keeps(retention, view), "its outcome is recorded");
        return;
    }
    const char *why = view->deleting || view->asked_delete ? NULL : why_superfluous(pass, node, pod);
    if (why != NULL)
        pass_act_pod(pass, ACTION_DELETE_POD, view, why);
}

static void verify(struct pass *pass, const struct task_status *recorded) {
    const struct look *look = attempt_look(pass, recorded->pod_uid);
    if (look != NULL && look->next_at > pass->now) {
        pass_wake(pass, look->next_at);
        return;
    }
    struct action *action = pass_act(pass, ACTION_VERIFY_POD, "%s", "recorded as running and not seen");
    action->pod = recorded->pod;
    action->pod_uid = recorded->pod_uid;
    action->attempt = recorded->attempt;
}

void clean_pods(struct pass *pass) {
    if (pass->run->tidy_at > pass->now) {
        pass_wake(pass, pass->run->tidy_at);
        return;
    }
    for (size_t i = 0; i < pass->node_count; i++) {
        struct node *node = pass->nodes[i];
        for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next)
            clean_pod(pass, node, pod);
        if (node->missing)
            verify(pass, node->recorded);
        left_clean(pass, node);
    }
}
