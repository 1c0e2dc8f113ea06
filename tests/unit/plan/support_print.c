/* See support_script.h: what is seen of a world, and what attempts run at the remote side. */

#include <string.h>

#include "support_script.h"

#include "base/clock.h"

void script_add_application(struct world *world, struct pod_view *view, const char *id) {
    if (text_equal(view->application_id, id))
        return;
    const char **ids = ARENA_NEW_ARRAY(&world->arena, view->application_count + 1, const char *);
    if (view->application_count > 0)
        memcpy(ids, view->application_ids, view->application_count * sizeof *ids);
    ids[view->application_count++] = view->application_id = arena_strdup(&world->arena, id);
    view->application_ids = ids;
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

void script_attempts(struct world *world, const struct words *words, struct strbuf *out) {
    (void)words;
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status status;
    world_decode(world, &status, &arena);
    for (size_t i = 0; i < status.task_count; i++)
        for (size_t j = 0; j < status.tasks[i].attempt_count; j++)
            print_attempt(&status.tasks[i], &status.tasks[i].attempts[j], out);
}

void script_conditions(struct world *world, const struct words *words, struct strbuf *out) {
    (void)words;
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

void script_pods(struct world *world, const struct words *words, struct strbuf *out) {
    (void)words;
    static const char *const states[] = {"pending", "running", "succeeded", "failed", "lost"};
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct pod_view *view = &world->pods[i].view;
        strbuf_printf(out, "    %s %s%s%s%s\n", view->uid, states[view->state], view->held ? " held" : "",
                      view->done ? " done" : "", view->deleting ? " deleting" : "");
    }
    if (world->pod_count == 0)
        strbuf_puts(out, "    none\n");
}
