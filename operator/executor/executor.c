/* See executor.h: the list of kinds, and the rules that all of them share. Pure. */

#include "executor/executor.h"

#include "executor/kinds.h"
#include "executor/overlay.h"

static const struct executor *const executors[KIND_COUNT] = {
#define X(value, name) [KIND_##value] = &executor_##name,
    TASK_KINDS(X)
#undef X
};

const struct executor *executor_of(enum task_kind kind) {
    return executors[kind];
}

const struct kind_tables *executor_tables(void) {
    static struct kind_tables tables = {.check_fields = overlay_check};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        tables.names[i] = executors[i]->kind;
        tables.docs[i] = executors[i]->doc;
        tables.tables[i] = executors[i]->table;
    }
    return &tables;
}

struct remote task_remote(const struct task *task) {
    static const struct remote none = {0};
    const struct executor *executor = executors[task->kind];
    return executor->remote != NULL ? executor->remote(task) : none;
}

yyjson_val *task_overlay_main(const struct task *task) {
    yyjson_val *containers = json_at(task->pod, "spec", "containers", NULL);
    size_t i, count;
    yyjson_val *container;
    if (yyjson_is_arr(containers))
        yyjson_arr_foreach(containers, i, count, container) {
            if (text_equal(json_text(container, "name", NULL), MAIN_CONTAINER))
                return container;
        }
    return NULL;
}

static void validate_task(const struct task *task, const struct place *place, struct problems *problems,
                          struct problems *warnings) {
    if (task->block == NULL)
        return; /* no kind: said already */
    const struct executor *executor = executor_of(task->kind);
    yyjson_val *over = json_at(task_overlay_main(task), "image", NULL);
    const char *image = text_empty(task->image) ? executor->default_image : task->image;
    if (over != NULL)
        image = yyjson_get_str(over);
    if (text_empty(image) && !task->unsound)
        problems_add_at(problems, &(struct place){.up = place, .name = "image"},
                        "is required, here or in spec.defaults.image");
    env_warn_order(task, place, warnings);
    if (executor->validate != NULL)
        executor->validate(task, &(struct place){.up = place, .name = executor->kind}, problems, warnings);
}

void executor_validate(const struct pipeline *pipeline, struct problems *problems, struct problems *warnings) {
    struct problems ignored = {.arena = problems->arena};
    const struct place tasks = {.name = "spec.tasks"};
    for (size_t i = 0; i < pipeline->task_count; i++)
        validate_task(&pipeline->tasks[i], &(struct place){.up = &tasks, .index = i}, problems,
                      warnings != NULL ? warnings : &ignored);
}
