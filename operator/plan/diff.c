/* Is what is wanted already what is recorded? Compared in the encoded form, since that is what the API server keeps:
 * times in seconds, texts cut, details left out of a large status. So what cannot be kept is not written for ever. */

#include "plan/pass.h"

static bool same(const struct run_status *a, const struct run_status *b, size_t task_total, struct arena *arena) {
    yyjson_mut_doc *doc = json_new(arena);
    return a->recorded == b->recorded &&
           json_same(status_encode(a, task_total, doc), status_encode(b, task_total, doc));
}

/* What is not worth a write of its own: progress; the UID, which comes with the first sight of a pod, a moment before
 * it runs; and why a pod is pending, which the scheduler words anew again and again. */
static void fold(struct task_status *task, const struct task_status *recorded) {
    if (task->phase != recorded->phase || task->attempt != recorded->attempt)
        return;
    task->percent = recorded->percent;
    task->progress_text = recorded->progress_text;
    if (text_empty(recorded->pod_uid))
        task->pod_uid = recorded->pod_uid;
    if (task->phase == TASK_Starting)
        task->message = recorded->message;
}

/* Entries have the nodes' order, those that are there. */
static struct run_status fold_all(const struct pass *pass) {
    struct run_status folded = pass->plan->status;
    folded.tasks = ARENA_NEW_ARRAY(pass->arena, folded.task_count + 1, struct task_status);
    size_t next = 0;
    for (size_t i = 0; i < pass->node_count && next < folded.task_count; i++) {
        const struct node *node = pass->nodes[i];
        const struct task_status *entry = &pass->plan->status.tasks[next];
        if (!text_equal(entry->name, node->name))
            continue;
        folded.tasks[next] = *entry;
        if (node->recorded != NULL)
            fold(&folded.tasks[next], node->recorded);
        next++;
    }
    return folded;
}

enum difference status_difference(const struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    if (same(&pass->plan->status, recorded, pass->spec_count, pass->arena))
        return DIFFERENCE_NONE;
    struct run_status folded = fold_all(pass);
    return same(&folded, recorded, pass->spec_count, pass->arena) ? DIFFERENCE_PROGRESS : DIFFERENCE_CHANGE;
}
