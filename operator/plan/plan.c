/* See plan.h. The steps of a pass in their order; each is a file of its own. Relies on nothing but its arguments and
 * allocates from the arena only: the same input gives the same plan. */

#include "plan/pass.h"

enum { CHANGES_NAMED_MAX = 3 };

static bool usable(const struct run *run) {
    return run->spec != NULL && (run->problems == NULL || run->problems->total == 0);
}

/* A run whose status was lost began with its first pod. */
static void find_start(struct pass *pass) {
    const struct run *run = pass->run;
    pass->started_at = run->recorded.started_at;
    for (size_t i = 0; i < run->pod_count && run->recorded.started_at == 0; i++) {
        int64_t created = pass_seconds(run->pods[i].created_at);
        if (created != 0 && (pass->started_at == 0 || created < pass->started_at))
            pass->started_at = created;
    }
    bool timed = pass->spec != NULL && pass->spec->timeout_ms > 0;
    if (timed && pass->started_at != 0 && !run_phase_final(run->recorded.phase))
        pass->deadline = pass->started_at + pass->spec->timeout_ms;
}

static void observe(struct pass *pass) {
    for (size_t i = 0; i < pass->node_count; i++) {
        struct node *node = pass->nodes[i];
        attempt_observe(pass, node);
        retry_judge(pass, node);
        schedule_refused(pass, node);
        pass->live += node->live;
    }
    if (pass->spec != NULL && !pass->run->recorded.recorded)
        schedule_infer(pass);
}

/* After a failure under FailFast, and past the run's timeout, nothing is started any more, retries neither. */
static void stop_rest(struct pass *pass) {
    pass->timed_out = pass->deadline != 0 && pass->now >= pass->deadline;
    for (size_t i = 0; i < pass->spec_count && pass->culprit == NULL; i++)
        if (pass->spec->failure_policy == FAIL_FAST && node_failed(pass->nodes[i]))
            pass->culprit = pass->nodes[i];
    if (pass->culprit == NULL && !pass->timed_out)
        return;
    const char *why = pass->timed_out ? "the run did not end within its timeout"
                                      : pass_message(pass, "task \"%s\" failed", pass->culprit->name);
    for (size_t i = 0; i < pass->spec_count; i++)
        retry_stop(pass, pass->nodes[i], why);
}

static bool changed(const struct node *node) {
    static const struct task_status none = {0};
    const struct task_status *before = node->recorded != NULL ? node->recorded : &none;
    const char *reason = node->status.reason != NULL ? node->status.reason : "";
    return node->status.phase != before->phase || node->status.attempt != before->attempt ||
           !text_equal(reason, before->reason != NULL ? before->reason : "");
}

/* The run's phase and the tasks that changed, for the log. */
static const char *describe(const struct pass *pass) {
    const char *text = run_phase_name(pass->plan->status.phase);
    size_t count = 0;
    for (size_t i = 0; i < pass->node_count; i++) {
        const struct task_status *status = &pass->nodes[i]->status;
        if (!changed(pass->nodes[i]) || count++ >= CHANGES_NAMED_MAX)
            continue;
        const char *phase = status->phase != TASK_None ? task_phase_name(status->phase) : "removed";
        text = arena_printf(pass->arena, "%s, %s %s%s%s", text, status->name, phase,
                            text_empty(status->reason) ? "" : " ", status->reason != NULL ? status->reason : "");
    }
    if (count > CHANGES_NAMED_MAX)
        text = arena_printf(pass->arena, "%s and %zu more", text, count - CHANGES_NAMED_MAX);
    return text;
}

/* A change is written at once; progress alone is folded. */
static void write_status(struct pass *pass) {
    if (pass->wants_finalizer)
        return;
    enum difference difference = status_difference(pass);
    int64_t due = pass->run->recorded_at + PLAN_PROGRESS_MS;
    if (difference == DIFFERENCE_NONE)
        return;
    if (difference == DIFFERENCE_CHANGE)
        pass_act(pass, ACTION_WRITE_STATUS, "%s", describe(pass));
    else if (pass->now >= due)
        pass_act(pass, ACTION_WRITE_STATUS, "progress");
    else
        pass_wake(pass, due);
}

static void plan_life(struct pass *pass) {
    gather_nodes(pass);
    find_start(pass);
    observe(pass);
    if (pass->spec != NULL)
        stop_rest(pass);
    schedule_tasks(pass);
    summary_run(pass);
    write_status(pass);
    clean_pods(pass);
    if (!pass->wants_finalizer)
        summary_events(pass);
    clean_finished_run(pass);
}

void plan_run(const struct run *run, int64_t now, struct arena *arena, struct plan *ret_plan) {
    *ret_plan = (struct plan){0};
    struct pass pass = {
        .run = run,
        .spec = usable(run) ? run->spec : NULL,
        .now = now,
        .arena = arena,
        .plan = ret_plan,
    };
    if (run->deleting)
        deletion_plan(&pass);
    else
        plan_life(&pass);
    if (pass.wake != 0)
        pass_act(&pass, ACTION_WAKE, "something is due")->at = pass.wake;
}

const char *action_type_name(enum action_type type) {
    static const char *const names[] = {
        [ACTION_ADD_FINALIZER] = "add finalizer",
        [ACTION_CREATE_POD] = "create pod",
        [ACTION_DELETE_POD] = "delete pod",
        [ACTION_RELEASE_POD] = "release pod",
        [ACTION_VERIFY_POD] = "verify pod",
        [ACTION_WRITE_STATUS] = "write status",
        [ACTION_EVENT] = "event",
        [ACTION_WAKE] = "wake",
        [ACTION_DROP_FINALIZER] = "drop finalizer",
        [ACTION_DELETE_PIPELINE] = "delete pipeline",
    };
    return names[type];
}
