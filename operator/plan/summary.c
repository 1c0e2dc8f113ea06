/* What the run as a whole has come to: its phase, its conditions, its message, and the entries of its tasks. Everything
 * is read off the tasks anew; only the end, once there, does not depend on stray pods any more. */

#include "plan/pass.h"

#include "base/strbuf.h"

enum { NAMED_MAX = 8, PROBLEMS_TEXT_MAX = 16 * 1024 };

static const char *reason_text(const struct pass *pass, const struct task_status *status) {
    const char *reason = text_empty(status->reason) ? task_phase_name(status->phase) : status->reason;
    if (status->has_exit_code && reason_is(reason, REASON_ExitCode))
        return arena_printf(pass->arena, "ExitCode %d", status->exit_code);
    return reason;
}

static bool ignored(const struct node *node) {
    return node->status.phase == TASK_Failed && !node_failed(node);
}

static bool unfinished(const struct node *node) {
    return task_phase_final(node->status.phase) && !node_satisfied(node);
}

/* "2 of 5 tasks failed: a (ExitCode 3), b (OOMKilled)"; NULL when it is true of none. */
static const char *list_tasks(const struct pass *pass, bool (*which)(const struct node *), const char *what) {
    AUTO_STRBUF text = STRBUF_INIT;
    size_t count = 0;
    for (size_t i = 0; i < pass->spec_count; i++) {
        const struct node *node = pass->nodes[i];
        if (!which(node))
            continue;
        if (count++ < NAMED_MAX)
            strbuf_printf(&text, "%s%s (%s)", count > 1 ? ", " : "", node->name, reason_text(pass, &node->status));
    }
    if (count > NAMED_MAX)
        strbuf_printf(&text, " and %zu more", count - NAMED_MAX);
    if (count == 0)
        return NULL;
    return pass_message(pass, "%zu of %zu tasks %s: %s", count, pass->spec_count, what, strbuf_text(&text));
}

static bool all_final(const struct pass *pass) {
    for (size_t i = 0; i < pass->spec_count; i++)
        if (!task_phase_final(pass->nodes[i]->status.phase))
            return false;
    return pass->spec != NULL;
}

static bool run_ended(const struct pass *pass) {
    return all_final(pass) && ((pass->live == 0 && !pass->unclean) || run_phase_final(pass->run->recorded.phase));
}

static bool stopped_late(const struct pass *pass) {
    for (size_t i = 0; i < pass->spec_count; i++)
        if (reason_is(pass->nodes[i]->status.reason, REASON_PipelineTimeout))
            return true;
    return false;
}

/* For kstatus, and so for Flux and Argo CD, a run that failed is one that cannot go on: Stalled. */
static void fail_run(struct pass *pass, const char *unfinished_tasks) {
    const char *fails = list_tasks(pass, node_failed, "failed");
    bool late = stopped_late(pass);
    const char *reason = late ? RUN_REASON(PipelineTimeout) : RUN_REASON(TasksFailed);
    const char *message = late ? pass_message(pass, "the run did not end within its timeout: %s", unfinished_tasks)
                          : fails != NULL ? fails
                                          : unfinished_tasks;
    pass->plan->status.phase = RUN_Failed;
    condition_set(pass, CONDITION_SUCCEEDED, false, reason, message);
    condition_set(pass, CONDITION_STALLED, true, reason, message);
}

static void succeed_run(struct pass *pass) {
    const char *message = list_tasks(pass, ignored, "failed, which is ignored");
    if (message == NULL)
        message = pass_message(pass, "%zu of %zu tasks are done", pass->spec_count, pass->spec_count);
    pass->plan->status.phase = RUN_Succeeded;
    condition_set(pass, CONDITION_SUCCEEDED, true, RUN_REASON(Succeeded), message);
    condition_clear(pass, CONDITION_STALLED, RUN_REASON(Succeeded));
}

static void end_run(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    struct run_status *status = &pass->plan->status;
    const char *unfinished_tasks = list_tasks(pass, unfinished, "did not run to their end");
    if (unfinished_tasks != NULL)
        fail_run(pass, unfinished_tasks);
    else
        succeed_run(pass);
    status->finished_at = run_phase_final(recorded->phase) ? recorded->finished_at : pass_seconds(pass->now);
    status->timeout_at = 0;
    condition_set(pass, CONDITION_RECONCILING, false, run_phase_name(status->phase), "");
}

static const char *former_text(const struct pass *pass) {
    const struct strings *former = &pass->run->former;
    AUTO_STRBUF names = STRBUF_INIT;
    for (size_t i = 0; i < former->count && i < NAMED_MAX; i++)
        strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", former->items[i]);
    if (former->count > NAMED_MAX)
        strbuf_printf(&names, " and %zu more", former->count - NAMED_MAX);
    return pass_message(
        pass,
        "waits until the pods of a deleted run of this name have ended: %s (they are being stopped; one "
        "whose node is gone for good ends by kubectl delete pod --force)",
        strbuf_text(&names));
}

static const char cleaning_text[] = "all tasks are over; what attempts left running on a cluster is being ended";

/* Tasks that were added after the end make a new round with a timeout of its own. */
static void go_on(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    if (run_phase_final(pass->run->recorded.phase)) {
        pass->started_at = pass_seconds(pass->now);
        status->suspended_ms = 0;
    }
    bool begun = pass->started_at != 0 || pass->live > 0;
    bool suspended = pass->spec->suspend && pass->live == 0 && !pass->timed_out;
    bool former = pass->run->former.count > 0 && !begun && !suspended;
    status->phase = pass->timed_out ? RUN_Stopping : suspended ? RUN_Suspended : begun ? RUN_Running : RUN_Pending;
    const char *message = former ? former_text(pass) : pass->unclean && all_final(pass) ? cleaning_text : "";
    condition_set(pass, CONDITION_RECONCILING, !suspended,
                  former ? RUN_REASON(FormerRun) : run_phase_name(status->phase), message);
    condition_clear(pass, CONDITION_STALLED, RUN_REASON(SpecValid));
    if (pass->spec->timeout_ms > 0 && begun && pass->deadline == 0 && !pass->spec->suspend)
        pass->deadline = pass->started_at + pass->spec->timeout_ms + status->suspended_ms; /* it starts now */
    status->timeout_at = pass_seconds_up(pass->deadline);
    pass_wake(pass, pass->deadline);
}

static const char *problems_text(const struct pass *pass, const struct problems *problems) {
    if (problems == NULL || problems->count == 0)
        return "the spec cannot be read";
    AUTO_STRBUF text = STRBUF_INIT;
    size_t shown = 0;
    while (shown < problems->count && text.length < PROBLEMS_TEXT_MAX) {
        strbuf_printf(&text, "%s%s", shown > 0 ? "; " : "", problems->items[shown]);
        shown++;
    }
    if (problems->total > shown)
        strbuf_printf(&text, "; and %zu more", problems->total - shown);
    return arena_strdup(pass->arena, strbuf_text(&text));
}

/* What runs goes on, and what is over stays so. */
static void stall(struct pass *pass) {
    const struct run_status *recorded = &pass->run->recorded;
    struct run_status *status = &pass->plan->status;
    status->phase = recorded->phase;
    if (pass->live > 0)
        status->phase = pass->timed_out ? RUN_Stopping : RUN_Running;
    status->finished_at = recorded->finished_at;
    status->conditions[CONDITION_SUCCEEDED] = recorded->conditions[CONDITION_SUCCEEDED];
    status->conditions[CONDITION_SUSPENDED] = recorded->conditions[CONDITION_SUSPENDED];
    condition_set(pass, CONDITION_STALLED, true, RUN_REASON(InvalidSpec), problems_text(pass, pass->run->problems));
    if (pass->live > 0)
        pass_wake(pass, pass->deadline);
    condition_set(pass, CONDITION_RECONCILING, pass->live > 0,
                  pass->live > 0 ? RUN_REASON(Running) : RUN_REASON(InvalidSpec), "");
}

static void set_conditions(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    const struct problems *warnings = pass->run->warnings;
    if (pass->spec->suspend && !run_phase_final(status->phase))
        condition_set(pass, CONDITION_SUSPENDED, true, RUN_REASON(Suspended), "spec.suspend is true");
    else
        condition_clear(pass, CONDITION_SUSPENDED, RUN_REASON(NotSuspended));
    if (warnings != NULL && warnings->count > 0)
        condition_set(pass, CONDITION_WARNING, true, RUN_REASON(SpecWarnings), problems_text(pass, warnings));
    else
        condition_clear(pass, CONDITION_WARNING, RUN_REASON(SpecValid));
}

/* Since when it waits for what its reason says. */
static void set_since(const struct pass *pass, struct node *node) {
    const struct task_status *recorded = node->recorded;
    struct task_status *status = &node->status;
    bool waits = (status->phase == TASK_Queued || status->phase == TASK_Starting) && !text_empty(status->reason);
    bool known = recorded != NULL && recorded->since != 0 && recorded->phase == status->phase &&
                 text_equal(recorded->reason, status->reason);
    status->since = !waits ? 0 : known ? recorded->since : pass_seconds(pass->now);
}

static void list_entries(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    status->tasks = ARENA_NEW_ARRAY(pass->arena, pass->node_count + 1, struct task_status);
    for (size_t i = 0; i < pass->node_count; i++) {
        struct node *node = pass->nodes[i];
        bool over = node->removed && node->pods == NULL && node->cleaners == NULL && !node->live &&
                    node->status.cleanup.phase != CLEANUP_Pending;
        if (node->status.phase == TASK_None || over)
            continue;
        set_since(pass, node);
        node->status.removed = node->removed || (pass->spec == NULL && node->status.removed);
        status->tasks[status->task_count++] = node->status;
    }
}

/* Worth a person's attention while the run goes on: it waits for somebody to do something. */
static bool wants_help(const struct task_status *task) {
    const struct reason *reason = reason_find(task->reason);
    bool waits = task->phase == TASK_Queued || task->phase == TASK_Starting || task->phase == TASK_Running;
    if (!waits || reason == NULL || text_empty(task->message))
        return false;
    return reason->by == BY_POD || reason_is(reason->name, REASON_CreateFailed) ||
           reason_is(reason->name, REASON_QuotaExceeded);
}

/* The first problem, in the order of the spec. */
static const char *run_message(const struct pass *pass) {
    const struct run_status *status = &pass->plan->status;
    const struct condition *stalled = &status->conditions[CONDITION_STALLED];
    const struct node *first = NULL;
    for (size_t i = 0; i < pass->spec_count && status->phase != RUN_Succeeded; i++) {
        const struct node *node = pass->nodes[i];
        bool failed = node_failed(node);
        if (failed || (first == NULL && wants_help(&node->status)))
            first = node;
        if (failed)
            break;
    }
    if (first != NULL)
        return pass_message(pass, "%s: %s", first->name,
                            text_empty(first->status.message) ? first->status.reason : first->status.message);
    if (stalled->type != NULL && stalled->status)
        return pass_message(pass, "%s", stalled->message);
    return status->conditions[CONDITION_RECONCILING].type != NULL ? status->conditions[CONDITION_RECONCILING].message
                                                                  : "";
}

void summary_run(struct pass *pass) {
    struct run_status *status = &pass->plan->status;
    if (pass->spec == NULL) {
        stall(pass);
    } else {
        if (run_ended(pass))
            end_run(pass);
        else
            go_on(pass);
        set_conditions(pass);
    }
    status->recorded = true;
    status->observed_generation = pass->run->generation;
    status->started_at = pass->started_at;
    list_entries(pass);
    status->message = run_message(pass);
}
