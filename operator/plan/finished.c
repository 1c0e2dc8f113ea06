/* The run has ended, and its status says so: its pods may go, and after its TTL it goes itself. */

#include "plan/pass.h"

static bool pods_wait(const struct run *run) {
    for (size_t i = 0; i < run->pod_count; i++)
        if (run->pods[i].held || !pod_ended(&run->pods[i]))
            return true;
    return false;
}

void finished_plan(struct pass *pass) {
    const struct run *run = pass->run;
    pass->plan->status = run->recorded;
    if (run->tidy_at > pass->now) {
        pass_wake(pass, run->tidy_at);
        return;
    }
    rest_tend(pass, "its run is over");
    if (run->ttl_seconds_after_finished < 0 || run->recorded.finished_at == 0 || pods_wait(run))
        return;
    int64_t due = run->recorded.finished_at + run->ttl_seconds_after_finished * 1000;
    if (pass->now >= due)
        pass_act(pass, ACTION_DELETE_PIPELINE, "ttlSecondsAfterFinished is over");
    else
        pass_wake(pass, due);
}
