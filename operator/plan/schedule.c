/* Who may start: what has no chance any more is omitted, what may start and has room gets its pod, in the order of the
 * spec. Relies on every node having been observed and judged. */

#include "plan/pass.h"

#include <inttypes.h>

#include "pipeline/graph.h"

bool node_satisfied(const struct node *node) {
    enum task_phase phase = node->status.phase;
    return phase == TASK_Succeeded || phase == TASK_Skipped || (phase == TASK_Failed && !node_failed(node));
}

bool node_failed(const struct node *node) {
    return node->status.phase == TASK_Failed && node->task != NULL && node->task->on_failure == ON_FAILURE_FAIL;
}

/* The API server will not have the pod, or its name is taken: waiting would not mend it. */
void schedule_refused(struct pass *pass, struct node *node) {
    const struct run *run = pass->run;
    enum task_phase phase = node->status.phase;
    if (node->task == NULL || node->live || (phase != TASK_None && phase != TASK_Queued))
        return;
    for (size_t i = 0; i < run->refusals.count; i++)
        if (text_equal(run->refusals.items[i].name, node->name))
            task_move(node, TASK_Failed, "PodRefused", pass_message(pass, "%s", run->refusals.items[i].value));
    if (run->collisions.count > 0 && node->status.phase != TASK_Failed) {
        const char *name = names_pod(run->name, run->uid, node->name, node->status.attempt + 1, pass->arena);
        if (strings_contain(&run->collisions, name))
            task_move(node, TASK_Failed, "NameCollision",
                      pass_message(pass,
                                   "a pod named %s exists that is not this pipeline's: delete it, or give the task "
                                   "or the pipeline another name",
                                   name));
    }
    if (node->status.phase == TASK_Failed)
        node->status.finished_at = pass_seconds(pass->now);
}

static bool not_started(const struct node *node) {
    enum task_phase phase = node->status.phase;
    return (phase == TASK_None || phase == TASK_Queued) && !node->live && retry_last(&node->status) == NULL;
}

static const char *describe_blocker(const struct pass *pass, const struct node *blocker) {
    enum task_phase phase = blocker->status.phase;
    const char *verb = phase == TASK_Failed ? "failed" : phase == TASK_Cancelled ? "was cancelled" : "was omitted";
    if (text_empty(blocker->status.reason))
        return pass_message(pass, "task \"%s\" %s", blocker->name, verb);
    return pass_message(pass, "task \"%s\" %s (%s)", blocker->name, verb, blocker->status.reason);
}

static void omit(struct pass *pass, struct node *node) {
    for (size_t i = 0; i < node->task->upstream_count; i++) {
        struct node *upstream = pass->nodes[node->task->upstream[i]];
        if (!task_phase_final(upstream->status.phase) || node_satisfied(upstream))
            continue;
        node->blocker = upstream->blocker != NULL ? upstream->blocker : upstream;
        task_move(node, TASK_Omitted, "DependencyFailed", describe_blocker(pass, node->blocker));
        return;
    }
    if (pass->culprit != NULL)
        task_move(node, TASK_Omitted, "FailFast",
                  pass_message(pass, "task \"%s\" failed, and failurePolicy is FailFast", pass->culprit->name));
    else if (pass->timed_out)
        task_move(node, TASK_Omitted, "PipelineTimeout", "the run did not end within its timeout");
}

static bool ready(const struct pass *pass, const struct node *node) {
    for (size_t i = 0; i < node->task->upstream_count; i++)
        if (!node_satisfied(pass->nodes[node->task->upstream[i]]))
            return false;
    return true;
}

/* What the last failure said stays readable while its successor waits. */
static void hold(struct node *node, const char *reason, const char *message) {
    bool tried = retry_last(&node->status) != NULL;
    task_move(node, TASK_Queued, reason, tried ? node->status.message : message);
}

static bool held(struct pass *pass, struct node *node) {
    const struct pipeline *spec = pass->spec;
    int64_t retry_at = node->status.retry_at;
    if (spec->suspend) {
        hold(node, "Suspended", "spec.suspend is true");
    } else if (node->live) {
        hold(node, "FormerPod", "waits for its former pod to end");
    } else if (retry_at > pass->now) {
        hold(node, "Backoff", "waits before it is tried again");
        pass_wake(pass, retry_at);
    } else if (spec->parallelism > 0 && !node->in_flight && pass->live >= (size_t)spec->parallelism) {
        hold(node, "Parallelism", pass_message(pass, "waits for room: parallelism is %" PRId64, spec->parallelism));
    } else {
        return false;
    }
    return true;
}

static const char *why_created(const struct pass *pass, const struct node *node) {
    const struct attempt_status *last = retry_last(&node->status);
    if (node->in_flight)
        return "recorded as created, not seen yet";
    if (last != NULL)
        return arena_printf(pass->arena, "attempt %" PRId64 " ended with %s", last->attempt, last->reason);
    return node->task->upstream_count == 0 ? "depends on nothing" : "all it depends on is done";
}

static void create(struct pass *pass, struct node *node) {
    const struct run *run = pass->run;
    if (!run->finalizer) {
        pass->wants_finalizer = true;
        return;
    }
    int64_t attempt = node->status.attempt + 1;
    const char *name = names_pod(run->name, run->uid, node->name, attempt, pass->arena);
    struct action *action = pass_act(pass, ACTION_CREATE_POD, "%s", why_created(pass, node));
    action->task = (size_t)(node->task - pass->spec->tasks);
    action->attempt = attempt;
    action->pod = name;
    attempt_begin(&node->status, attempt, name, NULL);
    task_move(node, TASK_Starting, "", "");
    node->live = true;
    pass->live += !node->in_flight;
    if (pass->started_at == 0)
        pass->started_at = pass_seconds(pass->now);
}

static void consider(struct pass *pass, struct node *node) {
    enum task_phase phase = node->status.phase;
    if (phase != TASK_None && phase != TASK_Queued)
        return;
    if (retry_last(&node->status) == NULL && !ready(pass, node))
        node->status.phase = TASK_None; /* an edit gave it something to wait for */
    else if (!held(pass, node))
        create(pass, node);
}

static void hold_all(struct pass *pass) {
    for (size_t i = 0; i < pass->node_count; i++)
        if (pass->nodes[i]->status.phase == TASK_Queued)
            hold(pass->nodes[i], "InvalidSpec", "waits for a valid spec");
}

/* The status was lost, and with it the outcome of what was cleaned away already. What depends on a task is started only
 * when that one is done, so a pod further down is evidence. */
void schedule_infer(struct pass *pass) {
    const size_t *order = graph_order(pass->spec, pass->arena);
    for (size_t i = pass->spec_count; i-- > 0;) {
        const struct node *node = pass->nodes[order[i]];
        for (size_t u = 0; u < node->task->upstream_count && node->status.phase != TASK_None; u++) {
            struct node *upstream = pass->nodes[node->task->upstream[u]];
            if (upstream->status.phase == TASK_None)
                task_move(upstream, TASK_Succeeded, "Inferred",
                          pass_message(pass, "the status was lost, but task \"%s\" had started", node->name));
        }
    }
}

/* Pods that were asked for and are not seen yet keep their room, so they come first. */
void schedule_tasks(struct pass *pass) {
    if (pass->spec == NULL) {
        hold_all(pass);
        return;
    }
    const size_t *order = graph_order(pass->spec, pass->arena);
    for (size_t i = 0; i < pass->spec_count; i++)
        if (not_started(pass->nodes[order[i]]))
            omit(pass, pass->nodes[order[i]]);
    for (size_t i = 0; i < pass->spec_count; i++)
        pass->live += pass->nodes[i]->in_flight && !task_phase_final(pass->nodes[i]->status.phase);
    for (size_t i = 0; i < pass->spec_count; i++)
        if (pass->nodes[i]->in_flight)
            consider(pass, pass->nodes[i]);
    for (size_t i = 0; i < pass->spec_count; i++)
        if (!pass->nodes[i]->in_flight)
            consider(pass, pass->nodes[i]);
    if (pass->wants_finalizer)
        pass_act(pass, ACTION_ADD_FINALIZER, "before the first pod");
}
