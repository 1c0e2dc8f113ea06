/* Asking for the pod of an attempt: which one, when, and what is said while the API server will not have it. A refusal
 * costs the task nothing but time: it waits, with the server's words, and its room in `parallelism` is free for others.
 */

#include "plan/pass.h"

#include <inttypes.h>

static int64_t next_attempt(const struct node *node) {
    int64_t attempt = node->status.attempt + 1;
    return node->taken >= attempt ? node->taken + 1 : attempt;
}

static bool waits_for_pod(const struct node *node) {
    enum task_phase phase = node->status.phase;
    return node->task != NULL && !node->live && (phase == TASK_None || phase == TASK_Queued);
}

static void judge_collision(const struct pass *pass, struct node *node) {
    const struct run *run = pass->run;
    const char *name = names_pod(run->name, run->uid, node->name, next_attempt(node), pass->arena);
    if (!strings_contain(&run->collisions, name))
        return;
    task_move(node, TASK_Failed, REASON(NameCollision),
              pass_message(pass,
                           "a pod named %s exists that is not this pipeline's: delete it, or give the task or the "
                           "pipeline another name",
                           name));
    node->status.finished_at = pass_seconds(pass->now);
}

static bool recorded_refused(const struct node *node) {
    const struct task_status *recorded = node->recorded;
    return recorded != NULL && !node->reborn && recorded->phase == TASK_Queued &&
           (reason_is(recorded->reason, REASON_CreateFailed) || reason_is(recorded->reason, REASON_QuotaExceeded));
}

/* It waits since it is recorded to wait for that, so that a restart does not begin anew; what it waited for before, a
 * suspension or room, does not count. */
static void judge_refusal(struct pass *pass, struct node *node) {
    if (node->task->start_timeout_ms <= 0 || node->creating != 0)
        return;
    int64_t since = recorded_refused(node) && node->recorded->since != 0 ? node->recorded->since : pass->now;
    int64_t deadline = since + node->task->start_timeout_ms;
    if (pass->now >= deadline)
        ending_uncreated(pass, node);
    else
        pass_wake(pass, deadline);
}

void create_judge(struct pass *pass, struct node *node) {
    if (!waits_for_pod(node))
        return;
    if (pass->run->collisions.count > 0)
        judge_collision(pass, node);
    if (node->failure != NULL && node->failure->attempt != next_attempt(node))
        node->failure = NULL; /* of a former attempt */
    if (node->failure != NULL && waits_for_pod(node) && !pass->spec->suspend)
        judge_refusal(pass, node);
}

/* Refused lately, as we saw or as is recorded: it stays so in the status until its pod is there. */
static bool refused(const struct node *node) {
    return node->failure != NULL || recorded_refused(node);
}

bool create_refused(struct node *node) {
    const struct create_failure *failure = node->failure;
    if (!refused(node))
        return false;
    if (failure != NULL)
        task_move(node, TASK_Queued, failure->reason, failure->message);
    else
        task_move(node, TASK_Queued, node->recorded->reason, node->recorded->message);
    return true;
}

bool create_held(struct pass *pass, struct node *node) {
    const struct run *run = pass->run;
    const struct create_failure *failure = node->failure;
    int64_t due = failure != NULL && failure->next_at > run->create_at ? failure->next_at : run->create_at;
    if (node->creating >= next_attempt(node))
        return false; /* under way */
    if (failure != NULL)
        create_refused(node);
    if (due > pass->now) {
        pass_wake(pass, due);
        return true;
    }
    return pass->create_room == 0; /* an answer that comes makes room, and another pass */
}

static const char *why_created(const struct pass *pass, const struct node *node) {
    const struct attempt_status *last = retry_last(&node->status);
    if (refused(node))
        return "refused before, tried again";
    if (node->in_flight)
        return "recorded as created, not seen yet";
    if (last != NULL)
        return arena_printf(pass->arena, "attempt %" PRId64 " ended with %s", last->attempt, last->reason);
    return node->task->upstream_count == 0 ? "depends on nothing" : "all it depends on is done";
}

static int64_t upstream_ended(const struct pass *pass, const struct node *node) {
    int64_t last = 0;
    for (size_t i = 0; i < node->task->upstream_count; i++) {
        const struct node *upstream = pass->nodes[node->task->upstream[i]];
        for (const struct node_pod *pod = upstream->pods; pod != NULL; pod = pod->next)
            if (pod->view->ended_seen > last)
                last = pod->view->ended_seen;
    }
    return last;
}

static void ask(struct pass *pass, const struct node *node, int64_t attempt, const char *name) {
    struct action *action = pass_act(pass, ACTION_CREATE_POD, "%s", why_created(pass, node));
    action->task = (size_t)(node->task - pass->spec->tasks);
    action->attempt = attempt;
    action->pod = name;
    action->known = &node->status;
    action->ended_seen = attempt == 1 ? upstream_ended(pass, node) : 0;
    pass->create_room--;
}

void create_pod(struct pass *pass, struct node *node) {
    const struct run *run = pass->run;
    int64_t attempt = next_attempt(node);
    bool asked = node->creating >= attempt;
    if (!asked && run->unchecked) {
        pass->wants_check = true;
        return;
    }
    if (asked)
        attempt = node->creating;
    const char *name = names_pod(run->name, run->uid, node->name, attempt, pass->arena);
    if (!asked)
        ask(pass, node, attempt, name);
    node->live = true;
    pass->live += !node->in_flight;
    if (create_refused(node))
        return;
    attempt_begin(&node->status, attempt, name, NULL);
    node->status.hash = node->task->hash;
    task_move(node, TASK_Starting, "", "");
    if (pass->started_at == 0)
        pass->started_at = pass_seconds(pass->now);
}
