/* What attempts left at the remote side. An attempt whose launcher's last word is not that nothing remains leaves the
 * task owing: the next attempt looks after it, and its clear word pays. When none follows any more, a cleaner does, but
 * only once it is recorded that none follows. Decides; the pods are clean.c's matter. */

#include "plan/pass.h"

#include <inttypes.h>

bool left_unclear(const struct pod_view *pod) {
    /* one that never ran has not looked after what an earlier attempt left */
    return !text_empty(pod->remote) && !pod->clear && (pod->ran || pod->attempt > 1);
}

static void owe(struct node *node, const char *message) {
    node->status.cleanup = (struct cleanup_status){.phase = CLEANUP_Pending, .message = message};
}

static void owe_for(const struct pass *pass, struct node *node, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    if (view->clear || text_empty(view->remote) || !view->ran)
        return;
    owe(node,
        text_empty(view->remains)
            ? pass_message(pass, "its launcher left no word on what attempt %" PRId64 " has running", pod->attempt)
            : pass_message(pass, "%s", view->remains));
}

/* The task may have been edited meanwhile: one that uses no cluster looks after nothing there, and its word is none. */
void left_by_pod(const struct pass *pass, struct node *node, const struct node_pod *pod) {
    if (pod->view->clear && !text_empty(pod->view->remote))
        node->status.cleanup = (struct cleanup_status){0};
    owe_for(pass, node, pod);
}

void left_by_stranger(const struct pass *pass, struct node *node, const struct node_pod *pod) {
    enum cleanup_phase phase = node->status.cleanup.phase;
    const struct pod_view *cleaner = cleaner_newest(node); /* held until what it was for is let go */
    bool newer = cleaner == NULL || cleaner->attempt < pod->attempt;
    if (phase == CLEANUP_None || (phase == CLEANUP_Done && newer && pod->attempt > node->status.attempt))
        owe_for(pass, node, pod);
}

void left_by_missing(const struct pass *pass, struct node *node) {
    const struct task_status *recorded = node->recorded;
    if (!text_empty(recorded->remote))
        owe(node, pass_message(pass, "its pod is gone, and with it the word on what attempt %" PRId64 " has running",
                               recorded->attempt));
}

bool left_followed(const struct node_pod *pod) {
    for (const struct node_pod *next = pod->next; next != NULL; next = next->next)
        if (next->attempt > pod->attempt && !text_empty(next->view->remote))
            return true;
    return false;
}

/* Of the newest attempt that looks after it, and not the word that all is well. */
static bool marks(const struct node_pod *pod) {
    return !left_followed(pod) && !text_empty(pod->view->remote) && !pod->view->clear;
}

static bool owes(const struct task_status *status) {
    return status != NULL && status->cleanup.phase == CLEANUP_Pending;
}

/* The pod is what tells of it, should the Pipeline be deleted. But whoever deleted the pod, as a drain does, waits for
 * it to go, and the next attempt may be long in coming. */
bool left_holds(struct pass *pass, const struct node *node, const struct node_pod *pod) {
    if (!marks(pod) || !(owes(&node->status) || owes(node->recorded)))
        return false;
    if (!pod->view->deleting || task_phase_final(node->status.phase))
        return true;
    int64_t until = pod->view->deleting_until + PLAN_LEFT_HOLD_MS;
    pass_wake(pass, until);
    return pass->now < until;
}

static const struct pod_view *marking_pod(const struct node *node) {
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next)
        if (pod->view->held && marks(pod))
            return pod->view;
    return NULL;
}

static bool cleaner_held(const struct node *node) {
    for (const struct node_pod *pod = node->cleaners; pod != NULL; pod = pod->next)
        if (pod->view->held)
            return true;
    return false;
}

/* That no attempt follows must not be taken back, so it is recorded first; and none may be on its way. */
static bool recorded_over(const struct node *node) {
    const struct task_status *recorded = node->recorded;
    return owes(recorded) && task_phase_final(recorded->phase) && !node->reborn && !node->live && node->creating == 0;
}

#define WAITS   "its cleaner waits: "
#define GOES_ON "a cleaner ends it"

/* What is said of it before and goes on is not said anew: each word costs a write. */
static void say(const struct pass *pass, const struct cleaning *cleaning, struct cleanup_status *cleanup) {
    bool waited = text_starts_with(cleanup->message, WAITS) || text_equal(cleanup->message, GOES_ON);
    const char *word = cleaning->message;
    if (cleaning->state == CLEANING_DONE)
        cleanup->message = word;
    else if (cleaning->state == CLEANING_FAILED)
        cleanup->message = waited ? word : pass_message(pass, "%s; %s", cleanup->message, word);
    else if (word != NULL)
        cleanup->message = pass_message(pass, WAITS "%s", word);
    else if (waited)
        cleanup->message = GOES_ON;
}

static void tend(struct pass *pass, struct node *node) {
    struct cleanup_status *cleanup = &node->status.cleanup;
    if (cleanup->since == 0)
        cleanup->since = pass_seconds(pass->now);
    if (!recorded_over(node))
        return;
    const struct pod_view *pod = marking_pod(node);
    bool same = pod != NULL && node->task != NULL && text_equal(pod->hash, node->task->hash);
    node->cleaning = ARENA_NEW(pass->arena, struct cleaning);
    *node->cleaning =
        (struct cleaning){.attempt = node->status.attempt, .from = same ? NULL : pod, .since = cleanup->since};
    cleaner_judge(pass, node, node->cleaning);
    say(pass, node->cleaning, cleanup);
    if (node->cleaning->state != CLEANING_GOES_ON)
        cleanup->phase = node->cleaning->state == CLEANING_DONE ? CLEANUP_Done : CLEANUP_Failed;
}

void left_tend(struct pass *pass) {
    for (size_t i = 0; i < pass->node_count; i++) {
        struct node *node = pass->nodes[i];
        enum cleanup_phase before = node->status.cleanup.phase;
        if (before == CLEANUP_None || !task_phase_final(node->status.phase))
            continue;
        if (before == CLEANUP_Pending)
            tend(pass, node);
        pass->unclean = pass->unclean || before == CLEANUP_Pending || marking_pod(node) != NULL || cleaner_held(node);
    }
}

void left_clean(struct pass *pass, struct node *node) {
    if (node->cleaning != NULL)
        cleaner_act(pass, node, node->cleaning);
    bool over = !task_phase_final(node->status.phase) || (!owes(&node->status) && !owes(node->recorded));
    cleaner_release(pass, node, over && marking_pod(node) == NULL);
}
