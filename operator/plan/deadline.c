/* When the run is out of time: spec.timeout counts from the run's start and stands still while the run is suspended.
 * The moment is recorded too, so that an edit that makes the spec invalid, or a restart, does not lift it. */

#include "plan/pass.h"

/* A run whose status was lost began with its first pod. */
static int64_t started_at(const struct run *run) {
    int64_t started = run->recorded.started_at;
    for (size_t i = 0; i < run->pod_count && run->recorded.started_at == 0; i++) {
        int64_t created = pass_seconds(run->pods[i].created_at);
        if (created != 0 && (started == 0 || created < started))
            started = created;
    }
    return started;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

void deadline_find(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    const struct condition *suspended = &recorded->conditions[CONDITION_SUSPENDED];
    struct run_status *status = &pass->plan->status;
    bool was = suspended->type != NULL && suspended->status;
    bool is = pass->spec != NULL ? pass->spec->suspend : was;
    pass->started_at = started_at(pass->run);
    status->suspended_ms = recorded->suspended_ms;
    if (was && !is && pass->started_at != 0 && suspended->changed_at != 0)
        status->suspended_ms += later(0, pass_seconds(pass->now) - later(suspended->changed_at, pass->started_at));
    if (is || pass->started_at == 0 || run_phase_final(recorded->phase))
        return;
    const struct pipeline *spec = pass->spec != NULL ? pass->spec : pass->run->last_spec;
    if (pass->spec == NULL && recorded->timeout_at != 0)
        pass->deadline = recorded->timeout_at;
    else if (spec != NULL && spec->timeout_ms > 0)
        pass->deadline = pass->started_at + spec->timeout_ms + status->suspended_ms;
    status->timeout_at = pass_seconds_up(pass->deadline);
    pass->timed_out = pass->deadline != 0 && pass->now >= pass->deadline;
}
