/* See support_show.h. */

#include "support_show.h"

#include "base/clock.h"

static const char *after(const struct world *world, int64_t time, char text[CLOCK_TEXT_MAX]) {
    duration_format(time - world->now, text);
    return text;
}

static void print_action(const struct world *world, const struct action *action, struct strbuf *out) {
    char text[CLOCK_TEXT_MAX];
    const char *name = action_type_name(action->type);
    if (action->type == ACTION_EVENT) {
        strbuf_printf(out, "    %s %s: %s\n", action->warning ? "Warning" : "Normal", action->event_reason,
                      action->reason);
        return;
    }
    strbuf_printf(out, "    %s", name);
    if (action->type == ACTION_CREATE_CLEANER)
        strbuf_printf(out, " %s/%d-clean%d", action->cleaner->task, (int)action->attempt, (int)action->cleaner->turn);
    if (action->type == ACTION_CREATE_CLEANER && action->cleaner->from_uid != NULL)
        strbuf_printf(out, " after %s", action->cleaner->from_uid);
    for (size_t i = 0; action->type == ACTION_CREATE_CLEANER && i < action->cleaner->applications.count; i++)
        strbuf_printf(out, " %s", action->cleaner->applications.items[i]);
    if (action->type == ACTION_CREATE_POD)
        strbuf_printf(out, " %s/%d", world->run.spec->tasks[action->task].name, (int)action->attempt);
    else if (action->pod_uid != NULL)
        strbuf_printf(out, " %s", action->pod_uid);
    if (action->type == ACTION_RELEASE_POD && !action->keep && !action->deleting)
        strbuf_puts(out, " and delete it");
    if (action->left != NULL)
        strbuf_printf(out, " (left: %s)", action->left);
    if (action->type == ACTION_WAKE)
        strbuf_printf(out, " in %s\n", after(world, action->at, text));
    else
        strbuf_printf(out, " (%s)\n", action->reason);
}

void print_plan(struct world *world, struct strbuf *out) {
    for (size_t i = 0; i < world->plan.count; i++)
        print_action(world, &world->plan.actions[i], out);
    if (world->plan.count == 0)
        strbuf_puts(out, "    nothing\n");
}

static void print_task(const struct world *world, const struct task_status *task, struct strbuf *out) {
    char text[CLOCK_TEXT_MAX];
    strbuf_printf(out, "    %s %s", task->name, task_phase_name(task->phase));
    if (!text_empty(task->reason))
        strbuf_printf(out, " %s", task->reason);
    if (task->attempt > 0)
        strbuf_printf(out, ", attempt %d", (int)task->attempt);
    if (task->failures > 0)
        strbuf_printf(out, ", %d failed", (int)task->failures);
    if (task->losses > 0)
        strbuf_printf(out, ", %d lost", (int)task->losses);
    if (task->has_exit_code)
        strbuf_printf(out, ", exit %d", task->exit_code);
    if (task->percent >= 0)
        strbuf_printf(out, ", %d%%%s%s", task->percent, text_empty(task->progress_text) ? "" : " ",
                      text_empty(task->progress_text) ? "" : task->progress_text);
    if (task->retry_at != 0)
        strbuf_printf(out, ", again in %s", after(world, task->retry_at, text));
    if (!text_empty(task->application_id))
        strbuf_printf(out, ", %s", task->application_id);
    if (!text_empty(task->tracking_url))
        strbuf_printf(out, ", %s", task->tracking_url);
    if (!text_empty(task->message))
        strbuf_printf(out, ": %s", task->message);
    if (task->cleanup.phase != CLEANUP_None)
        strbuf_printf(out, " [cleanup %s: %s]", cleanup_phase_name(task->cleanup.phase), task->cleanup.message);
    strbuf_putc(out, '\n');
}

void print_status(struct world *world, struct strbuf *out) {
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status status;
    world_decode(world, &status, &arena);
    strbuf_printf(out, "    %s\n", status.recorded ? run_phase_name(status.phase) : "none");
    for (size_t i = 0; i < status.task_count; i++)
        print_task(world, &status.tasks[i], out);
}

static void print_attempt(const struct task_status *task, const struct attempt_status *attempt, struct strbuf *out) {
    strbuf_printf(out, "    %s/%d %s%s", task->name, (int)attempt->attempt, attempt->reason,
                  attempt->infra ? ", lost" : "");
    for (size_t i = 0; i < attempt->application_count; i++)
        strbuf_printf(out, ", %s", attempt->application_ids[i]);
    if (!text_equal(attempt->hash, task->hash))
        strbuf_printf(out, ", ran %s", attempt->hash);
    strbuf_putc(out, '\n');
}

void print_attempts(struct world *world, struct strbuf *out) {
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status status;
    world_decode(world, &status, &arena);
    for (size_t i = 0; i < status.task_count; i++)
        for (size_t j = 0; j < status.tasks[i].attempt_count; j++)
            print_attempt(&status.tasks[i], &status.tasks[i].attempts[j], out);
}

void print_conditions(struct world *world, struct strbuf *out) {
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status status;
    char text[CLOCK_TEXT_MAX];
    world_decode(world, &status, &arena);
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        const struct condition *condition = &status.conditions[i];
        if (condition->type == NULL)
            continue;
        duration_format(world->now - condition->changed_at, text);
        strbuf_printf(out, "    %s=%s %s, for %s%s%s\n", condition->type, condition->status ? "True" : "False",
                      condition->reason, text, text_empty(condition->message) ? "" : ": ", condition->message);
    }
}

void print_pods(struct world *world, struct strbuf *out) {
    static const char *const states[] = {"pending", "running", "succeeded", "failed", "lost"};
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct pod_view *view = &world->pods[i].view;
        strbuf_printf(out, "    %s %s%s%s%s\n", view->uid, states[view->state], view->held ? " held" : "",
                      view->done ? " done" : "", view->deleting ? " deleting" : "");
    }
    if (world->pod_count == 0)
        strbuf_puts(out, "    none\n");
}
