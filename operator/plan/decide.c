/* What a launcher that was told to stop is to do with its remote side. The question is what the attempt would come to,
 * should it end now because it was stopped: so that is played through by the code that judges real ends, on a copy. */

#include "plan/pass.h"

static const struct pod_view *play_end(const struct run *run, const char *pod_uid, int64_t now, struct arena *arena,
                                       struct run *ret_told) {
    struct pod_view *pods = ARENA_NEW_ARRAY(arena, run->pod_count, struct pod_view);
    *ret_told = *run;
    ret_told->pods = pods;
    for (size_t i = 0; i < run->pod_count; i++)
        pods[i] = run->pods[i];
    for (size_t i = 0; i < run->pod_count; i++) {
        struct pod_view *pod = &pods[i];
        if (!text_equal(pod->uid, pod_uid) || !pod->attempts || pod_ended(pod))
            continue;
        pod->state = POD_LOST;
        pod->reason = REASON(Stopped);
        pod->message = "";
        pod->finished_at = now;
        return pod;
    }
    return NULL;
}

static const struct node *node_of(const struct pass *pass, const struct pod_view *view,
                                  const struct node_pod **ret_pod) {
    for (size_t i = 0; i < pass->node_count; i++)
        for (const struct node_pod *pod = pass->nodes[i]->pods; pod != NULL; pod = pod->next) {
            *ret_pod = pod;
            if (pod->view == view)
                return pass->nodes[i];
        }
    return NULL;
}

static bool would_kill(const struct task *task, const struct pod_view *view) {
    bool changed = !text_empty(view->hash) && !text_empty(task->hash) && !text_equal(view->hash, task->hash);
    return changed || task->on_lost_launcher == LOST_KILL;
}

/* What the infrastructure took is given back: another attempt follows, and would go on with what runs. */
static bool goes_on(const struct node *node, const struct pod_view *view) {
    const struct attempt_status *last = retry_last(&node->status);
    bool follows = node->status.phase == TASK_Queued && last != NULL && last->infra;
    return follows && (node->task == NULL || !would_kill(node->task, view));
}

enum decision plan_decide(const struct run *run, const char *pod_uid, int64_t now, struct arena *arena) {
    struct run told;
    struct plan plan = {0};
    const struct node_pod *pod = NULL;
    const struct pod_view *view = play_end(run, pod_uid, now, arena, &told);
    if (run->deleting || run->finished)
        return DECISION_STOP;
    if (view == NULL)
        return DECISION_UNKNOWN;
    struct pass pass = {.run = &told, .now = now, .arena = arena, .plan = &plan};
    pass_judge(&pass);
    const struct node *node = node_of(&pass, view, &pod);
    if (node == NULL)
        return DECISION_UNKNOWN;
    bool superseded = pod->surplus || attempt_counted(node, pod);
    return !superseded && goes_on(node, view) ? DECISION_LEAVE : DECISION_STOP;
}
