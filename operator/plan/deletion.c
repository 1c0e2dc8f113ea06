/* The Pipeline is being deleted, or is gone: nothing starts, what runs is stopped (its launcher ends the remote side),
 * and each pod is let go when it has ended, or at a deadline, since a stuck remote side must not hold it for ever.
 * Outcomes need not be recorded any more: the record goes too. */

#include "plan/pass.h"

static void stop_pod(struct pass *pass, const struct pod_view *pod, const char *why) {
    bool ended = pod_ended(pod);
    int64_t deadline = pod->deleting_until + PLAN_CLEANUP_DEADLINE_MS;
    bool late = pod->deleting && pass->now >= deadline;
    if (!ended && !pod->deleting && !pod->asked_delete)
        pass_act_pod(pass, ACTION_DELETE_POD, pod, why);
    else if (!ended && pod->deleting)
        pass_wake(pass, deadline);
    if (!pod->held || pod->asked_release || !(ended || late))
        return;
    struct action *action =
        pass_act_pod(pass, ACTION_RELEASE_POD, pod, ended ? "it has ended" : "it did not end in time");
    action->deleting = pod->deleting;
    action->late = !ended;
}

static void stop_pods(struct pass *pass, const struct pod_view *pods, size_t count, const char *why) {
    for (size_t i = 0; i < count; i++)
        if (pods[i].attempts && !pods[i].done)
            stop_pod(pass, &pods[i], why);
}

static void write_stopping(struct pass *pass) {
    const struct run *run = pass->run;
    const struct run_status *recorded = &run->recorded;
    struct run_status *status = &pass->plan->status;
    *status = *recorded;
    if (!recorded->recorded || recorded->phase == RUN_Stopping || run_phase_final(recorded->phase) || run->finished)
        return;
    status->phase = RUN_Stopping;
    status->message = "the Pipeline is being deleted";
    condition_set(pass, CONDITION_RECONCILING, true, RUN_REASON(Stopping), "the Pipeline is being deleted");
    pass->plan->unrecorded = true;
    if (run->write_at > pass->now)
        pass_wake(pass, run->write_at);
    else if (!run->writing)
        pass_act(pass, ACTION_WRITE_STATUS, "phase Stopping");
}

void deletion_plan(struct pass *pass) {
    const struct run *run = pass->run;
    write_stopping(pass);
    if (run->tidy_at > pass->now)
        pass_wake(pass, run->tidy_at);
    else
        stop_pods(pass, run->pods, run->pod_count, "the Pipeline is being deleted");
}

void plan_orphans(const struct pod_view *pods, size_t count, int64_t now, struct arena *arena, struct plan *ret_plan) {
    *ret_plan = (struct plan){0};
    struct pass pass = {.now = now, .arena = arena, .plan = ret_plan};
    stop_pods(&pass, pods, count, "its Pipeline is gone");
    if (pass.wake != 0)
        pass_act(&pass, ACTION_WAKE, "something is due")->at = pass.wake;
}
