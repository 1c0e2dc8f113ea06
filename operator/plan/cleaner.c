/* The pods that end what an attempt left: one after the other, a few at most, until one has ended well. Nothing of this
 * is remembered but in the pods: an ended one stays until the next is seen, or until what it was for has been let go. A
 * cleaner that does not start, does not end, or cannot be made is given up in time, with the reason. */

#include "plan/pass.h"

#include <inttypes.h>

const struct pod_view *cleaner_newest(const struct node *node) {
    const struct node_pod *last = node->cleaners;
    while (last != NULL && last->next != NULL)
        last = last->next;
    return last != NULL ? last->view : NULL;
}

bool cleaner_runs(const struct node *node) {
    for (const struct node_pod *pod = node->cleaners; pod != NULL; pod = pod->next)
        if (!pod_ended(pod->view))
            return true;
    return node->asked_cleaner;
}

/* When it is stopped, or, when that was done, given up. */
static int64_t limit_of(const struct pod_view *pod) {
    if (pod->deleting)
        return pod->deleting_until + PLAN_CLEANER_SLACK_MS;
    if (pod->state == POD_PENDING)
        return pod->created_at + PLAN_CLEANER_START_MS;
    int64_t began =
        pod->started_at > pod->created_at ? pod->started_at : pod->created_at; /* the node's clock may lag */
    return began + PLAN_CLEANER_RUN_MS + PLAN_CLEANER_SLACK_MS;
}

static void give_up(struct cleaning *cleaning, const char *why) {
    cleaning->state = CLEANING_FAILED;
    cleaning->message = why;
}

/* One that has not ended. */
static void follow(struct pass *pass, const struct pod_view *pod, struct cleaning *cleaning) {
    int64_t limit = limit_of(pod);
    const char *colon = text_empty(pod->message) ? "" : ": ";
    const char *message = pod->message != NULL ? pod->message : "";
    if (!text_empty(pod->reason))
        cleaning->message = pass_message(pass, "pod %s: %s%s%s", pod->name, pod->reason, colon, message);
    if (pass->now < limit)
        pass_wake(pass, limit);
    else if (!pod->deleting)
        cleaning->stop = pod;
    else
        give_up(cleaning,
                pass_message(pass, "pod %s, which was to end it, does not end%s%s", pod->name, colon, message));
}

/* How the last one ended. */
static const char *why_failed(const struct pass *pass, const struct pod_view *last) {
    if (!text_empty(last->remains))
        return pass_message(pass, "%s", last->remains);
    return text_empty(last->message) ? last->reason : pass_message(pass, "%s", last->message);
}

/* Why no cleaner can be made just now; NULL: one can. */
static const char *hindrance(const struct pass *pass, const struct node *node, const struct cleaning *cleaning,
                             const struct create_failure *failure) {
    if (failure != NULL)
        return pass_message(pass, "the pod that is to end it is refused: %s: %s", failure->reason, failure->message);
    if (cleaning->from == NULL && node->task == NULL)
        return "nobody knows any more how to end it: its pod is gone, and the spec does not tell";
    return NULL;
}

/* The next one is to be made, if it can. */
static void follow_up(struct pass *pass, const struct node *node, int64_t turn, struct cleaning *cleaning) {
    const struct create_failure *failure = node->cleaner_failure;
    if (failure != NULL && failure->attempt != cleaning->attempt)
        failure = NULL;
    bool later = failure != NULL && failure->since > cleaning->since; /* as long as nobody asked, nobody refused */
    int64_t limit = (later ? failure->since : cleaning->since) + PLAN_CLEANER_CREATE_MS;
    int64_t due = failure != NULL ? failure->next_at : 0;
    if (node->asked_cleaner)
        return;
    cleaning->message = hindrance(pass, node, cleaning, failure);
    bool lost = cleaning->message != NULL && failure == NULL;
    bool hopeless = failure != NULL ? failure->hopeless : lost && pass->spec != NULL;
    if (hopeless || (cleaning->message != NULL && pass->now >= limit))
        give_up(cleaning, cleaning->message);
    else if (lost || due > pass->now)
        pass_wake(pass, !lost && due < limit ? due : limit);
    else
        cleaning->turn = turn;
}

void cleaner_judge(struct pass *pass, const struct node *node, struct cleaning *cleaning) {
    const struct pod_view *last = cleaner_newest(node);
    cleaning->state = CLEANING_GOES_ON;
    for (const struct node_pod *pod = node->cleaners; pod != NULL; pod = pod->next) {
        if (pod_ended(pod->view))
            continue;
        follow(pass, pod->view, cleaning);
        return;
    }
    if (last == NULL || last->attempt != cleaning->attempt) {
        follow_up(pass, node, 1, cleaning);
    } else if (last->state == POD_SUCCEEDED) {
        cleaning->state = CLEANING_DONE;
        cleaning->message = pass_message(pass, "%s", text_empty(last->message) ? "nothing is left" : last->message);
    } else if (last->turn >= PLAN_CLEANER_TURNS) {
        give_up(cleaning, why_failed(pass, last));
    } else {
        follow_up(pass, node, last->turn + 1, cleaning);
    }
}

/* --- what is done about it --- */

static void add_id(struct strings *ids, const char *id) {
    if (!text_empty(id) && ids->count < CLEANER_APPLICATIONS_MAX && !strings_contain(ids, id))
        ids->items[ids->count++] = id;
}

/* The newest first. */
static void add_ids(struct strings *ids, const char *const *more, size_t count, const char *newest) {
    add_id(ids, newest);
    while (count-- > 0)
        add_id(ids, more[count]);
}

static struct strings known_applications(const struct pass *pass, const struct node *node) {
    struct strings ids = {.items = ARENA_NEW_ARRAY(pass->arena, CLEANER_APPLICATIONS_MAX, const char *)};
    const struct task_status *status = &node->status;
    for (const struct node_pod *pod = node->pods; pod != NULL; pod = pod->next)
        add_ids(&ids, pod->view->application_ids, pod->view->application_count, pod->view->application_id);
    add_ids(&ids, status->application_ids, status->application_count, status->application_id);
    for (size_t i = status->attempt_count; i-- > 0;)
        add_ids(&ids, status->attempts[i].application_ids, status->attempts[i].application_count,
                status->attempts[i].application_id);
    return ids;
}

static void create(struct pass *pass, const struct node *node, const struct cleaning *cleaning) {
    const struct run *run = pass->run;
    struct cleaner *cleaner = ARENA_NEW(pass->arena, struct cleaner);
    *cleaner = (struct cleaner){.task = node->name,
                                .attempt = cleaning->attempt,
                                .turn = cleaning->turn,
                                .large = node->cleaner_failure != NULL && node->cleaner_failure->too_small,
                                .from = cleaning->from != NULL ? cleaning->from->name : NULL,
                                .from_uid = cleaning->from != NULL ? cleaning->from->uid : NULL,
                                .applications = known_applications(pass, node)};
    struct action *action =
        pass_act(pass, ACTION_CREATE_CLEANER, "attempt %" PRId64 " may have left something running%s",
                 cleaning->attempt, cleaning->turn > 1 ? ", and the last cleaner did not end it" : "");
    action->attempt = cleaning->attempt;
    action->pod = names_cleaner(run->name, run->uid, node->name, cleaning->attempt, cleaning->turn, pass->arena);
    action->cleaner = cleaner;
}

void cleaner_act(struct pass *pass, const struct node *node, const struct cleaning *cleaning) {
    if (cleaning->stop != NULL && !cleaning->stop->asked_delete)
        pass_act_pod(pass, ACTION_DELETE_POD, cleaning->stop, "it does not start or end in time");
    else if (cleaning->turn > 0)
        create(pass, node, cleaning);
}

static void let_go_late(struct pass *pass, const struct pod_view *pod) {
    if (pass->now < limit_of(pod)) {
        pass_wake(pass, limit_of(pod));
    } else if (!pod->deleting) {
        if (!pod->asked_delete)
            pass_act_pod(pass, ACTION_DELETE_POD, pod, "it does not start or end in time");
    } else if (pod->held && !pod->asked_release) {
        struct action *action = pass_act_pod(pass, ACTION_RELEASE_POD, pod, "it did not end in time");
        action->deleting = action->late = true;
    }
}

void cleaner_release(struct pass *pass, const struct node *node, bool all) {
    for (const struct node_pod *pod = node->cleaners; pod != NULL; pod = pod->next) {
        if (pod_ended(pod->view)) {
            if (all || pod->next != NULL) /* its word is recorded or told; nobody owns it, so it is not kept */
                clean_ended(pass, pod->view, false, pod->next != NULL ? "another one follows" : "its word is recorded");
        } else if (all) {
            let_go_late(pass, pod->view);
        }
    }
}
