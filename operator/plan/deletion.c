/* The Pipeline is being deleted, or is gone: nothing starts, and its pods are stopped and let go. Outcomes need not be
 * recorded any more: the record goes too. */

#include "plan/pass.h"

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
        rest_tend(pass, "the Pipeline is being deleted");
}

void plan_orphans(const struct run *run, int64_t now, struct arena *arena, struct plan *ret_plan) {
    *ret_plan = (struct plan){0};
    struct pass pass = {.run = run, .now = now, .arena = arena, .plan = ret_plan};
    rest_tend(&pass, "its Pipeline is gone");
    if (pass.wake != 0)
        pass_act(&pass, ACTION_WAKE, "something is due")->at = pass.wake;
}
