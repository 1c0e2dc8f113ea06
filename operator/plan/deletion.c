/* The Pipeline is being deleted: nothing starts, what runs is stopped (its launcher kills the remote side), and the
 * object is let go when all has ended, or at a deadline, since a stuck remote side must not hold it for ever. Outcomes
 * need not be recorded any more: the record goes too. */

#include "plan/pass.h"

#include "base/strbuf.h"

enum { NAMED_MAX = 8 };

static void write_stopping(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    struct run_status *status = &pass->plan->status;
    if (!recorded->recorded || recorded->phase == RUN_Stopping || run_phase_final(recorded->phase))
        return;
    status->phase = RUN_Stopping;
    condition_set(pass, CONDITION_RECONCILING, true, "Stopping", "the Pipeline is being deleted");
    pass_act(pass, ACTION_WRITE_STATUS, "phase Stopping");
}

/* Recorded as running and not seen: it may still run. */
static bool may_run_unseen(const struct pass *pass, const struct node *node) {
    const struct task_status *recorded = node->recorded;
    return recorded != NULL && (recorded->phase == TASK_Starting || recorded->phase == TASK_Running) &&
           node->pods == NULL && !text_empty(recorded->pod_uid) &&
           !strings_contain(&pass->run->gone, recorded->pod_uid);
}

static size_t stop_what_runs(struct pass *pass, bool given_up) {
    const struct run *run = pass->run;
    size_t running = 0;
    for (size_t i = 0; i < run->pod_count; i++) {
        const struct pod_view *pod = &run->pods[i];
        bool ended = pod_ended(pod);
        running += !ended;
        if (!ended && !pod->deleting)
            pass_act_pod(pass, ACTION_DELETE_POD, pod, "the Pipeline is being deleted");
        if (pod->held && (ended || given_up))
            pass_act_pod(pass, ACTION_RELEASE_POD, pod, ended ? "it has ended" : "clean-up took too long");
    }
    for (size_t i = 0; i < pass->node_count; i++) {
        if (!may_run_unseen(pass, pass->nodes[i]))
            continue;
        running++;
        if (!given_up)
            clean_verify(pass, pass->nodes[i]->recorded);
    }
    return running;
}

static void add_name(struct strbuf *names, const char *name, size_t before) {
    if (before < NAMED_MAX)
        strbuf_printf(names, "%s%s", before > 0 ? ", " : "", name != NULL ? name : "");
}

static void give_up(struct pass *pass) {
    AUTO_STRBUF names = STRBUF_INIT;
    size_t count = 0;
    for (size_t i = 0; i < pass->run->pod_count; i++)
        if (!pod_ended(&pass->run->pods[i]))
            add_name(&names, pass->run->pods[i].name, count++);
    for (size_t i = 0; i < pass->node_count; i++)
        if (may_run_unseen(pass, pass->nodes[i]))
            add_name(&names, pass->nodes[i]->recorded->pod, count++);
    if (count > NAMED_MAX)
        strbuf_printf(&names, " and %zu more", count - NAMED_MAX);
    pass_event(pass, true, "CleanupTimedOut",
               "these pods did not end in time and are let go, so what they started elsewhere may still run: %s",
               strbuf_text(&names));
}

void deletion_plan(struct pass *pass) {
    const struct run *run = pass->run;
    int64_t deadline = run->deleting_since + PLAN_CLEANUP_DEADLINE_MS;
    bool late = pass->now >= deadline;
    pass->plan->status = run->recorded;
    gather_nodes(pass);
    write_stopping(pass);
    size_t running = stop_what_runs(pass, late);
    if (running > 0 && !late) {
        pass_wake(pass, deadline);
        return;
    }
    if (!run->finalizer)
        return;
    if (running > 0)
        give_up(pass);
    pass_act(pass, ACTION_DROP_FINALIZER, running > 0 ? "clean-up took too long" : "nothing of it runs any more");
}
