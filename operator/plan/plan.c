/* See plan.h. The steps of a pass in their order; each is a file of its own. Relies on nothing but its arguments and
 * allocates from the arena only: the same input gives the same plan. */

#include "plan/pass.h"

static bool usable(const struct run *run) {
    return run->spec != NULL && (run->problems == NULL || run->problems->total == 0);
}

static void observe(struct pass *pass) {
    for (size_t i = 0; i < pass->node_count; i++) {
        struct node *node = pass->nodes[i];
        attempt_observe(pass, node);
        create_judge(pass, node);
        retry_judge(pass, node);
        pass->live += node->live;
    }
    if (pass->spec != NULL && !pass->run->recorded.recorded)
        schedule_infer(pass);
}

/* After a failure under FailFast, and past the run's timeout, nothing is started any more, retries neither. */
static void stop_rest(struct pass *pass) {
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

void pass_judge(struct pass *pass) {
    pass->spec = usable(pass->run) ? pass->run->spec : NULL;
    gather_nodes(pass);
    deadline_find(pass);
    observe(pass);
    if (pass->spec != NULL)
        stop_rest(pass);
}

static void plan_life(struct pass *pass) {
    pass_judge(pass);
    if (pass->spec != NULL)
        withdraw_pods(pass);
    schedule_tasks(pass);
    left_tend(pass);
    summary_run(pass);
    record_status(pass);
    clean_pods(pass);
}

void plan_run(const struct run *run, int64_t now, struct arena *arena, struct plan *ret_plan) {
    *ret_plan = (struct plan){0};
    struct pass pass = {
        .run = run,
        .now = now,
        .arena = arena,
        .plan = ret_plan,
        .create_room = run->create_room,
    };
    if (run->old_finalizer)
        pass_act(&pass, ACTION_DROP_FINALIZER, "a former version put it there, and nothing needs it");
    if (run->deleting)
        deletion_plan(&pass);
    else if (run->finished)
        finished_plan(&pass);
    else
        plan_life(&pass);
    if (pass.wake != 0)
        pass_act(&pass, ACTION_WAKE, "something is due")->at = pass.wake;
}

const char *action_type_name(enum action_type type) {
    static const char *const names[] = {
        [ACTION_CHECK_PODS] = "check pods",
        [ACTION_CREATE_POD] = "create pod",
        [ACTION_CREATE_CLEANER] = "create cleaner",
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
