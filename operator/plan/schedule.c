/* Who may start: what has no chance any more is omitted, what may start and has room gets its pod, in the order of the
 * spec. Relies on every node having been observed and judged. */

#include "plan/pass.h"

#include <inttypes.h>

#include "base/strbuf.h"
#include "pipeline/graph.h"

bool node_satisfied(const struct node *node) {
    enum task_phase phase = node->status.phase;
    return phase == TASK_Succeeded || phase == TASK_Skipped || (phase == TASK_Failed && !node_failed(node));
}

bool node_failed(const struct node *node) {
    return node->status.phase == TASK_Failed && node->task != NULL && node->task->on_failure == ON_FAILURE_FAIL;
}

static bool not_started(const struct node *node) {
    enum task_phase phase = node->status.phase;
    const struct attempt_status *last = retry_last(&node->status);
    bool tried = last != NULL && !reason_is(last->reason, REASON_Suspended);
    return (phase == TASK_None || phase == TASK_Queued) && !node->live && !tried;
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
        task_move(node, TASK_Omitted, REASON(DependencyFailed), describe_blocker(pass, node->blocker));
        return;
    }
    if (pass->culprit != NULL)
        task_move(node, TASK_Omitted, REASON(FailFast),
                  pass_message(pass, "task \"%s\" failed, and failurePolicy is FailFast", pass->culprit->name));
    else if (pass->timed_out)
        task_move(node, TASK_Omitted, REASON(PipelineTimeout), reasons[REASON_PipelineTimeout].sentence);
}

static bool ready(const struct pass *pass, const struct node *node) {
    for (size_t i = 0; i < node->task->upstream_count; i++)
        if (!node_satisfied(pass->nodes[node->task->upstream[i]]))
            return false;
    return true;
}

/* What the last failure said stays readable while its successor waits. */
static void hold(struct node *node, enum reason_id reason, const char *message) {
    bool tried = retry_last(&node->status) != NULL;
    task_move(node, TASK_Queued, reasons[reason].name, tried ? node->status.message : message);
}

/* One in flight has its place among the live ones already. */
static bool no_room(const struct pass *pass, const struct node *node) {
    size_t others = pass->live - node->in_flight;
    bool asked = node->creating > node->status.attempt;
    return pass->spec->parallelism > 0 && !asked && others >= (size_t)pass->spec->parallelism;
}

static bool held(struct pass *pass, struct node *node) {
    int64_t retry_at = node->status.retry_at;
    if (pass->spec->suspend) {
        hold(node, REASON_Suspended, reasons[REASON_Suspended].sentence);
    } else if (node->live || cleaner_runs(node)) {
        hold(node, REASON_FormerPod, reasons[REASON_FormerPod].sentence);
    } else if (retry_at > pass->now) {
        hold(node, REASON_Backoff, reasons[REASON_Backoff].sentence);
        pass_wake(pass, retry_at);
    } else if (no_room(pass, node)) {
        if (!create_refused(node))
            hold(node, REASON_Parallelism,
                 pass_message(pass, "waits for room: parallelism is %" PRId64, pass->spec->parallelism));
    } else {
        return create_held(pass, node);
    }
    return true;
}

static void consider(struct pass *pass, struct node *node) {
    enum task_phase phase = node->status.phase;
    if (phase != TASK_None && phase != TASK_Queued)
        return;
    if (retry_last(&node->status) == NULL && !ready(pass, node))
        node->status.phase = TASK_None; /* an edit gave it something to wait for */
    else if (!held(pass, node))
        create_pod(pass, node);
}

static void hold_all(struct pass *pass) {
    for (size_t i = 0; i < pass->node_count; i++)
        if (pass->nodes[i]->status.phase == TASK_Queued)
            hold(pass->nodes[i], REASON_InvalidSpec, reasons[REASON_InvalidSpec].sentence);
}

static const size_t *order_of(const struct pass *pass) {
    return pass->run->order != NULL ? pass->run->order : graph_order(pass->spec, pass->arena);
}

/* The status was lost, and with it the outcome of what was cleaned away already. What depends on a task is started only
 * when that one is done, so a pod further down is evidence. */
void schedule_infer(struct pass *pass) {
    const size_t *order = order_of(pass);
    for (size_t i = pass->spec_count; i-- > 0;) {
        const struct node *node = pass->nodes[order[i]];
        for (size_t u = 0; u < node->task->upstream_count && node->status.phase != TASK_None; u++) {
            struct node *upstream = pass->nodes[node->task->upstream[u]];
            if (upstream->status.phase == TASK_None)
                task_move(upstream, TASK_Succeeded, REASON(Inferred),
                          pass_message(pass, "the status was lost, but task \"%s\" had started", node->name));
        }
    }
}

/* Pods that were asked for and are not seen yet keep their room, so they come first. */
static void consider_all(struct pass *pass) {
    for (size_t i = 0; i < pass->spec_count; i++) {
        struct node *node = pass->nodes[i];
        if (!node->live && !task_phase_final(node->status.phase) && node->creating > node->status.attempt)
            node->in_flight = true;
        else if (node->failure != NULL)
            node->in_flight = false; /* it is not on its way */
        pass->live += node->in_flight && !task_phase_final(node->status.phase);
    }
    for (size_t i = 0; i < pass->spec_count; i++)
        if (pass->nodes[i]->in_flight)
            consider(pass, pass->nodes[i]);
    for (size_t i = 0; i < pass->spec_count; i++)
        if (!pass->nodes[i]->in_flight)
            consider(pass, pass->nodes[i]);
}

void schedule_tasks(struct pass *pass) {
    if (pass->spec == NULL) {
        hold_all(pass);
        return;
    }
    const size_t *order = order_of(pass);
    for (size_t i = 0; i < pass->spec_count; i++)
        if (not_started(pass->nodes[order[i]]))
            omit(pass, pass->nodes[order[i]]);
    bool begun = pass->started_at != 0 || pass->live > 0;
    if (pass->run->former.count > 0 && !begun)
        return;
    consider_all(pass);
    if (pass->wants_check)
        pass_act(pass, ACTION_CHECK_PODS, "before the first pod of this spec");
}
