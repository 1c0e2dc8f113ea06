/* Is it time to write the status? A write costs the API server more than all else that we do, so what is not urgent is
 * folded into one write a window. Whether anything differs is seen field by field; before a write is made the encoded
 * forms are compared, since those are what the API server keeps: what cannot be kept is not written for ever. */

#include "plan/pass.h"

/* DULL: a pod was created, as was to be expected; before long it runs, and that is worth a write. */
enum difference { DIFFERENCE_NONE, DIFFERENCE_DULL, DIFFERENCE_LATER, DIFFERENCE_NOW };
enum { CHANGES_NAMED_MAX = 3, DULL_WINDOWS = 4, DULL_MAX_MS = 10000 };

static bool same_text(const char *a, const char *b) {
    return text_equal(a != NULL ? a : "", b != NULL ? b : "");
}

static bool same_ids(const char *const *a, size_t a_count, const char *const *b, size_t b_count) {
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!same_text(a[i], b[i]))
            return false;
    return true;
}

/* Attempts are only added and dropped, never changed. */
static bool same_attempts(const struct task_status *a, const struct task_status *b) {
    if (a->attempt_count != b->attempt_count)
        return false;
    return a->attempt_count == 0 ||
           a->attempts[a->attempt_count - 1].attempt == b->attempts[b->attempt_count - 1].attempt;
}

/* But for the UID of its pod and what it may use, which are not worth a write: they come with the next one. */
static bool same_task(const struct task_status *a, const struct task_status *b) {
    return a->phase == b->phase && a->attempt == b->attempt && a->percent == b->percent && a->since == b->since &&
           a->has_exit_code == b->has_exit_code && a->exit_code == b->exit_code && a->removed == b->removed &&
           a->started_at == b->started_at && a->finished_at == b->finished_at && a->failures == b->failures &&
           a->losses == b->losses && a->retry_at == b->retry_at && same_text(a->reason, b->reason) &&
           same_text(a->message, b->message) && same_text(a->pod, b->pod) && same_text(a->hash, b->hash) &&
           same_text(a->application_id, b->application_id) && same_text(a->tracking_url, b->tracking_url) &&
           same_text(a->history_url, b->history_url) && same_text(a->progress_text, b->progress_text) &&
           same_ids(a->application_ids, a->application_count, b->application_ids, b->application_count) &&
           a->cleanup.phase == b->cleanup.phase && a->cleanup.since == b->cleanup.since &&
           same_text(a->cleanup.message, b->cleanup.message) &&
           same_ids(a->job_ids, a->job_count, b->job_ids, b->job_count) && same_attempts(a, b);
}

/* Somebody watches the job from here. */
static bool first_news(const struct task_status *before, const struct task_status *now) {
    return (text_empty(before->tracking_url) && !text_empty(now->tracking_url)) ||
           (text_empty(before->application_id) && !text_empty(now->application_id)) ||
           (before->job_count == 0 && now->job_count > 0);
}

static enum difference task_difference(const struct pass *pass, const struct node *node) {
    static const struct task_status none = {.percent = -1};
    const struct task_status *before = node->recorded != NULL ? node->recorded : &none;
    if (same_task(before, &node->status))
        return DIFFERENCE_NONE;
    bool starts = node->status.phase == TASK_Starting && text_empty(node->status.reason) &&
                  (before->phase == TASK_None || before->phase == TASK_Queued);
    bool decided = node->stop != NULL && !text_equal(node->stop, before->reason);
    bool news = pass->run->small && before->attempt == node->status.attempt && first_news(before, &node->status);
    bool first = pass->run->small && before->attempt != node->status.attempt && first_news(&none, &node->status);
    return decided || news || first ? DIFFERENCE_NOW : starts ? DIFFERENCE_DULL : DIFFERENCE_LATER;
}

static bool same_condition(const struct condition *a, const struct condition *b) {
    return same_text(a->type, b->type) && a->status == b->status && same_text(a->reason, b->reason) &&
           same_text(a->message, b->message) && a->changed_at == b->changed_at &&
           a->observed_generation == b->observed_generation;
}

static enum difference run_difference(const struct pass *pass) {
    const struct run_status *before = &pass->run->recorded;
    const struct run_status *now = &pass->plan->status;
    bool ended = run_phase_final(now->phase) && now->phase != before->phase;
    const struct condition *stalled = &now->conditions[CONDITION_STALLED];
    bool stalls = stalled->type != NULL && stalled->status && !before->conditions[CONDITION_STALLED].status;
    if (ended || stalls || (now->phase == RUN_Stopping && before->phase != RUN_Stopping))
        return DIFFERENCE_NOW;
    bool begins = !before->recorded && now->phase == RUN_Running && text_empty(now->message) &&
                  now->conditions[CONDITION_WARNING].type == NULL;
    if (begins)
        return DIFFERENCE_DULL;
    bool same = before->recorded && before->phase == now->phase && same_text(before->message, now->message) &&
                before->observed_generation == now->observed_generation && before->started_at == now->started_at &&
                before->timeout_at == now->timeout_at && before->suspended_ms == now->suspended_ms;
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        same = same && same_condition(&before->conditions[i], &now->conditions[i]);
    return same ? DIFFERENCE_NONE : DIFFERENCE_LATER;
}

static enum difference difference(const struct pass *pass) {
    enum difference most = run_difference(pass);
    for (size_t i = 0; i < pass->node_count && most != DIFFERENCE_NOW; i++) {
        const struct node *node = pass->nodes[i];
        enum difference task = task_difference(pass, node);
        if (task > most)
            most = task;
    }
    if (most == DIFFERENCE_NONE && pass->plan->status.task_count != pass->run->recorded.task_count)
        return DIFFERENCE_LATER; /* an entry goes, or one was there twice */
    return most;
}

static bool changed(const struct node *node) {
    static const struct task_status none = {0};
    const struct task_status *before = node->recorded != NULL ? node->recorded : &none;
    return node->status.phase != before->phase || node->status.attempt != before->attempt ||
           !same_text(node->status.reason, before->reason) || node->status.cleanup.phase != before->cleanup.phase;
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
        if (status->cleanup.phase != CLEANUP_None)
            text = arena_printf(pass->arena, "%s, cleanup %s", text, cleanup_phase_name(status->cleanup.phase));
    }
    if (count > CHANGES_NAMED_MAX)
        text = arena_printf(pass->arena, "%s and %zu more", text, count - CHANGES_NAMED_MAX);
    return text;
}

static bool kept_as_it_is(const struct pass *pass) {
    const struct run *run = pass->run;
    yyjson_mut_doc *doc = json_new(pass->arena);
    return run->recorded.recorded &&
           json_same(status_encode(&pass->plan->status, pass->spec_count, run->status_max, doc),
                     status_encode(&run->recorded, pass->spec_count, run->status_max, doc));
}

static int64_t patience(enum difference how, int64_t window_ms) {
    int64_t several = DULL_WINDOWS * window_ms < DULL_MAX_MS ? DULL_WINDOWS * window_ms : DULL_MAX_MS;
    return how == DIFFERENCE_DULL && several > window_ms ? several : window_ms;
}

void record_status(struct pass *pass) {
    const struct run *run = pass->run;
    enum difference how = difference(pass);
    pass->plan->unrecorded = how != DIFFERENCE_NONE;
    if (how == DIFFERENCE_NONE || run->writing)
        return;
    int64_t began = run->changed_at != 0 ? run->changed_at : pass->now;
    int64_t due = how == DIFFERENCE_NOW ? pass->now : began + patience(how, run->window_ms);
    if (due < run->write_at)
        due = run->write_at;
    if (due > pass->now) {
        pass_wake(pass, due);
        return;
    }
    pass->plan->unrecorded = !kept_as_it_is(pass);
    if (!pass->plan->unrecorded)
        return;
    pass_act(pass, ACTION_WRITE_STATUS, "%s", describe(pass));
    events_emit(pass);
}
