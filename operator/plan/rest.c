/* Pods of a run that is over, is being deleted or is gone: what runs is stopped (its launcher ends the remote side),
 * and each is let go when it has ended and nothing of it is left: where its launcher did not say so, a cleaner sees to
 * it first. All of this is read off the pods, since there may be nothing else; outcomes are not recorded any more. A
 * pod that does not end is let go at a deadline, since a stuck one must not hold it for ever. */

#include "plan/pass.h"

#include <inttypes.h>

struct rest {
    struct pass *pass;
    const char *why;
    struct cleaning cleaning; /* of the task in work */
    bool owing, live;
};

static int64_t deadline_of(const struct pod_view *pod) {
    return pod->deleting_until + PLAN_CLEANUP_DEADLINE_MS;
}

static bool late(const struct pass *pass, const struct pod_view *pod) {
    return !pod_ended(pod) && pod->deleting && pass->now >= deadline_of(pod);
}

/* A run ends when nothing is owed, so of one that has ended only what ran beside it can have left something. */
static bool unclear(const struct pass *pass, const struct pod_view *pod) {
    bool ended = pass->run->finished && !pass->run->deleting;
    return pod->held && !pod->done && left_unclear(pod) && (pod->ran || !ended);
}

static void stop(struct rest *rest, const struct pod_view *pod) {
    if (!pod->deleting && !pod->asked_delete)
        pass_act_pod(rest->pass, ACTION_DELETE_POD, pod, rest->why);
    else if (pod->deleting && !pod_ended(pod))
        pass_wake(rest->pass, deadline_of(pod));
}

/* `left`: what may still run elsewhere; NULL: nothing. */
static void let_go(struct rest *rest, const struct pod_view *pod, const char *left) {
    struct pass *pass = rest->pass;
    const struct run *run = pass->run;
    bool ended = pod_ended(pod);
    if (run->finished && !run->deleting && ended) {
        size_t before = pass->plan->count;
        clean_ended(pass, pod, clean_keeps(run->pod_retention, pod), rest->why);
        if (pass->plan->count > before)
            pass->plan->actions[before].left = left;
        return;
    }
    if (!pod->held || pod->asked_release)
        return;
    struct action *action =
        pass_act_pod(pass, ACTION_RELEASE_POD, pod, ended ? "it has ended" : "it did not end in time");
    action->deleting = pod->deleting;
    action->late = !ended;
    action->left = left;
}

static const char *left_text(const struct rest *rest, const struct pod_view *pod, bool owes) {
    const struct pass *pass = rest->pass;
    if (owes && rest->cleaning.state == CLEANING_FAILED)
        return pass_message(pass, "attempt %" PRId64 " of task %s may still run on %s%s%s: %s", pod->attempt, pod->task,
                            pod->remote, text_empty(pod->remains) ? "" : ": ", pod->remains, rest->cleaning.message);
    if (!pod_ended(pod) && !owes)
        return pass_message(pass, "pod %s did not end in time and is let go: what it started elsewhere may still run",
                            pod->name);
    return NULL;
}

static void tend_pod(struct rest *rest, const struct node_pod *pod) {
    const struct pod_view *view = pod->view;
    bool over = pod_ended(view) || late(rest->pass, view);
    bool owes = !left_followed(pod) && unclear(rest->pass, view);
    if (view->done)
        return;
    if (!over || (owes && (rest->live || rest->cleaning.state == CLEANING_GOES_ON)))
        stop(rest, view); /* also one that has ended: since when it is held can then be told */
    else
        let_go(rest, view, left_text(rest, view, owes));
}

/* What the newest attempt left; an older one's is that one's matter. */
static void look(struct rest *rest, const struct node *node) {
    const struct pass *pass = rest->pass;
    const struct pod_view *from = NULL;
    rest->owing = rest->live = false;
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        const struct pod_view *view = pod->view;
        bool over = pod_ended(view) || late(pass, view);
        rest->live = rest->live || !over;
        if (over && !left_followed(pod) && unclear(pass, view))
            from = view;
    }
    rest->owing = from != NULL;
    rest->cleaning = (struct cleaning){.state = CLEANING_GOES_ON, .from = from};
    if (from == NULL)
        return;
    rest->cleaning.attempt = from->attempt;
    rest->cleaning.since = !pod_ended(from) ? deadline_of(from) : from->deleting ? from->deleting_until : pass->now;
}

static void tend_node(struct rest *rest, const struct node *node) {
    look(rest, node);
    if (rest->owing && !rest->live)
        cleaner_judge(rest->pass, node, &rest->cleaning);
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next)
        tend_pod(rest, pod);
    if (rest->owing && !rest->live)
        cleaner_act(rest->pass, node, &rest->cleaning);
    cleaner_release(rest->pass, node, !rest->owing);
}

void rest_tend(struct pass *pass, const char *why) {
    const struct run *run = pass->run;
    struct rest rest = {.pass = pass, .why = why};
    gather_nodes(pass);
    for (size_t i = 0; i < run->pod_count; i++) { /* somebody took its labels away */
        const struct node_pod pod = {.view = &run->pods[i]};
        bool nameless = text_empty(pod.view->task) && !gather_owned(pass, pod.view->uid);
        if (pod.view->attempts && nameless)
            tend_pod(&rest, &pod);
    }
    for (size_t i = 0; i < pass->node_count; i++)
        tend_node(&rest, pass->nodes[i]);
}

bool plan_waits_for(const struct pod_view *pod) {
    return !pod_ended(pod) || (pod->attempts && pod->held && left_unclear(pod));
}
