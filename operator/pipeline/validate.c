/* See validate.h. Pure. The executors have rules of their own: executor_validate(). */

#include "pipeline/validate.h"

static void check_task(const struct task *task, size_t index, struct problems *problems) {
    if (task->depends == NULL)
        return;
    const char *path = arena_printf(problems->arena, "spec.tasks[%zu].depends", index);
    if (task->depends_on.count > 0)
        problems_add(problems, path, "depends and dependsOn exclude each other");
    else
        problems_add(problems, path, "expressions are not supported by this version (name the tasks in dependsOn)");
}

/* A spec that leaves its status no room would run and then fail to be recorded: refused before anything starts. */
static void check_size(yyjson_val *object, struct arena *arena, struct problems *problems) {
    size_t length = 0;
    yyjson_val *spec = json_at(object, "spec", NULL);
    if (spec != NULL)
        json_write_value(spec, arena, &length);
    if (length > SPEC_MAX)
        problems_add(problems, "spec",
                     "is too large: %zu bytes as JSON, at most %d, so that its status fits beside it (split the "
                     "pipeline, or move long texts into files)",
                     length, SPEC_MAX);
}

void pipeline_validate(const struct pipeline *pipeline, yyjson_val *object, struct problems *problems) {
    for (size_t i = 0; i < pipeline->task_count; i++)
        check_task(&pipeline->tasks[i], i, problems);
    check_size(object, problems->arena, problems);
}
