/* Pods that have not started their program, and are not to any more: the run is suspended, or another task failed under
 * FailFast. They are taken back: recorded, deleted, and what they would have run is held or omitted. A pod whose
 * program runs goes on by itself. */

#include "plan/pass.h"

static bool not_started(const struct node_pod *pod) {
    return pod->view->state == POD_PENDING && !pod->surplus;
}

void withdraw_pods(struct pass *pass) {
    bool failed = pass->culprit != NULL;
    if (!failed && !pass->spec->suspend)
        return;
    const struct reason *reason = &reasons[failed ? REASON_FailFast : REASON_Suspended];
    for (size_t i = 0; i < pass->spec_count; i++) {
        struct node *node = pass->nodes[i];
        for (const struct node_pod *pod = node->pods; pod != NULL && node->stop == NULL; pod = pod->next) {
            if (!not_started(pod) || attempt_counted(node, pod) || pod->view->deleting)
                continue;
            node->stop = reason->name;
            task_move(node, node->status.phase, reason->name, pass_message(pass, "stopped: %s", reason->sentence));
        }
    }
}
