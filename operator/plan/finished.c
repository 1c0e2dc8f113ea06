/* The run has ended, and its status says so: its pods may go, and after its TTL it goes itself. */

#include "plan/pass.h"

static void let_pods_go(struct pass *pass) {
    const struct run *run = pass->run;
    for (size_t i = 0; i < run->pod_count; i++) {
        const struct pod_view *pod = &run->pods[i];
        if (!pod->attempts)
            continue;
        if (pod_ended(pod))
            clean_ended(pass, pod, clean_keeps(run->pod_retention, pod), "its run is over");
        else if (!pod->deleting && !pod->asked_delete)
            pass_act_pod(pass, ACTION_DELETE_POD, pod, "its run is over");
    }
}

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
    let_pods_go(pass);
    if (run->ttl_seconds_after_finished < 0 || run->recorded.finished_at == 0 || pods_wait(run))
        return;
    int64_t due = run->recorded.finished_at + run->ttl_seconds_after_finished * 1000;
    if (pass->now >= due)
        pass_act(pass, ACTION_DELETE_PIPELINE, "ttlSecondsAfterFinished is over");
    else
        pass_wake(pass, due);
}
