/* See model.h: pipeline_decode(). References are resolved in the JSON, Kubernetes' own fields are checked where they
 * are written, defaults are merged under the tasks, and the result is decoded once by the tables. So every rule and
 * message is that of a table, and every path the manifest's. */

#include <string.h>

#include "pipeline/graph.h"
#include "pipeline/merge.h"
#include "pipeline/pod_check.h"
#include "pipeline/spec_hash.h"
#include "pipeline/substitute.h"
#include "pipeline/tables.h"
#include "pipeline/validate.h"

enum { RENDERED_MAX = 8 * 1024 * 1024 }; /* bytes that defaults and params together may grow a spec to */

struct rendered { /* of a task: see model.h */
    const char *hash;
    bool unsound;
};

struct renderer {
    yyjson_val *object;
    yyjson_val *spec;
    struct references scope;
    struct pair *task_name; /* in the scope: changes from task to task */
    const struct kind_tables *kinds;
    bool defaults_refused;
    struct rendered *rendered; /* by task */
    yyjson_mut_doc *doc;       /* in `arena` */
    struct arena *arena;       /* ends with the decoding */
    struct arena *result;      /* stays */
    struct problems *problems;
};

/* `problems` may be NULL. */
static yyjson_mut_val *put_in(struct renderer *renderer, yyjson_val *value, struct text_reader reader,
                              const struct place *place, struct problems *problems) {
    const struct substitution substitution = {
        .scope = &renderer->scope, .doc = renderer->doc, .arena = renderer->arena, .problems = problems};
    return substitute_value(&substitution, value, reader, place);
}

static struct text_reader task_reader(const struct renderer *renderer) {
    return (struct text_reader){.type = &pod_types[POD_TYPE_TASK], .kinds = renderer->kinds};
}

static void add_to_scope(struct renderer *renderer, const char *name, const char *value) {
    struct pairs *values = &renderer->scope.values;
    values->items[values->count++] = (struct pair){.name = name, .value = value};
}

/* Params in their order, each with what those above it hold put in, and each in scope for what comes after. */
static yyjson_mut_val *render_params(struct renderer *renderer, yyjson_val *params) {
    const struct place list = {.name = "spec.params"};
    struct strings *later = &renderer->scope.later;
    yyjson_mut_val *result = yyjson_mut_arr(renderer->doc);
    size_t i, count;
    yyjson_val *param;
    later->items = ARENA_NEW_ARRAY(renderer->arena, yyjson_arr_size(params), const char *);
    yyjson_arr_foreach(params, i, count, param) {
        later->items[later->count++] = arena_printf(renderer->arena, "params.%s", json_text(param, "name", ""));
    }
    yyjson_arr_foreach(params, i, count, param) {
        const struct place here = {.up = &list, .index = i};
        yyjson_mut_val *rendered = put_in(renderer, param, (struct text_reader){0}, &here, renderer->problems);
        const char *value = yyjson_mut_get_str(yyjson_mut_obj_get(rendered, "value"));
        add_to_scope(renderer, *later->items++, value != NULL ? value : "");
        later->count--;
        yyjson_mut_arr_append(result, rendered);
    }
    return result;
}

/* Fills the scope. Returns the params as they will be decoded; NULL when they are no list, or a longer one than will be
 * taken. */
static yyjson_mut_val *fill_scope(struct renderer *renderer) {
    yyjson_val *params = json_at(renderer->spec, "params", NULL);
    yyjson_val *metadata = json_at(renderer->object, "metadata", NULL);
    renderer->scope.values.items = ARENA_NEW_ARRAY(renderer->arena, PARAMS_MAX + 4, struct pair);
    add_to_scope(renderer, "pipeline.name", json_text(metadata, "name", ""));
    add_to_scope(renderer, "pipeline.namespace", json_text(metadata, "namespace", ""));
    add_to_scope(renderer, "pipeline.uid", json_text(metadata, "uid", ""));
    bool fit = yyjson_is_arr(params) && yyjson_arr_size(params) <= PARAMS_MAX;
    yyjson_mut_val *rendered = fit ? render_params(renderer, params) : NULL;
    renderer->task_name = &renderer->scope.values.items[renderer->scope.values.count];
    add_to_scope(renderer, "task.name", "");
    return rendered;
}

static void check_fields(const struct renderer *renderer, yyjson_mut_val *fields, yyjson_mut_val *under,
                         const struct place *place) {
    pod_check(fields, under, place, renderer->problems);
    if (renderer->kinds->check_fields != NULL)
        renderer->kinds->check_fields(fields, place, renderer->problems);
}

static void check_defaults(struct renderer *renderer, yyjson_val *defaults, const struct place *place) {
    yyjson_mut_val *rendered = put_in(renderer, defaults, task_reader(renderer), place, renderer->problems);
    struct task ignored = {0};
    check_fields(renderer, rendered, NULL, place);
    table_decode(&defaults_table, json_copy(rendered, renderer->arena), &ignored, place->name, renderer->arena,
                 renderer->problems);
}

/* The defaults, when they are sound: what is wrong with them is said once, here, and not for every task. Where they
 * name the task they are checked for each, until one shows what is wrong. */
static yyjson_val *sound_defaults(struct renderer *renderer) {
    const struct place here = {.name = "spec.defaults"};
    yyjson_val *defaults = json_at(renderer->spec, "defaults", NULL);
    yyjson_val *tasks = json_at(renderer->spec, "tasks", NULL);
    if (defaults == NULL || yyjson_is_null(defaults))
        return NULL;
    size_t length = 0;
    size_t before = renderer->problems->total;
    bool named = strstr(json_write_value(defaults, renderer->arena, &length), "$(task.name)") != NULL;
    size_t count = named && yyjson_arr_size(tasks) <= TASKS_MAX ? yyjson_arr_size(tasks) : 1;
    if (length * yyjson_arr_size(tasks) > RENDERED_MAX)
        problems_add_at(renderer->problems, &here, "too large to be merged under so many tasks");
    for (size_t i = 0; i < count && renderer->problems->total == before; i++) {
        renderer->task_name->value = json_text(yyjson_arr_get(tasks, i), "name", "");
        check_defaults(renderer, defaults, &here);
    }
    renderer->defaults_refused = renderer->problems->total > before;
    return renderer->defaults_refused ? NULL : defaults;
}

/* A task's own fields are checked before anything is merged into them: what is wrong is then said where it is written.
 */
static yyjson_mut_val *render_task(struct renderer *renderer, yyjson_val *task, size_t index, yyjson_val *defaults) {
    renderer->task_name->value = json_text(task, "name", "");
    const struct place tasks = {.name = "spec.tasks"};
    const struct place here = {.up = &tasks, .index = index};
    size_t before = renderer->problems->total;
    yyjson_mut_val *own = put_in(renderer, task, task_reader(renderer), &here, renderer->problems);
    yyjson_mut_val *merged = NULL;
    if (defaults != NULL)
        merged = put_in(renderer, defaults, task_reader(renderer), &here, NULL);
    check_fields(renderer, own, merged, &here);
    struct rendered *rendered = &renderer->rendered[index];
    rendered->unsound = renderer->defaults_refused || renderer->problems->total > before;
    if (merged != NULL && yyjson_mut_is_obj(own) && !rendered->unsound) {
        merge_object(renderer->doc, &pod_types[POD_TYPE_TASK], merged, own);
        own = merged;
    }
    rendered->hash = spec_hash(own, renderer->result);
    return own;
}

static yyjson_mut_val *render_tasks(struct renderer *renderer, yyjson_val *tasks, yyjson_val *defaults) {
    yyjson_mut_val *result = yyjson_mut_arr(renderer->doc);
    size_t i, count;
    yyjson_val *task;
    yyjson_arr_foreach(tasks, i, count, task) {
        yyjson_mut_arr_append(result, render_task(renderer, task, i, defaults));
    }
    return result;
}

/* The spec with the tasks as they will run, and without its defaults. */
static yyjson_val *render(struct renderer *renderer) {
    yyjson_mut_val *params = fill_scope(renderer);
    yyjson_val *defaults = sound_defaults(renderer);
    yyjson_mut_val *result = yyjson_mut_obj(renderer->doc);
    size_t i, members;
    yyjson_val *name, *value;
    yyjson_obj_foreach(renderer->spec, i, members, name, value) {
        yyjson_mut_val *rendered = NULL;
        if (yyjson_equals_str(name, "defaults"))
            continue;
        if (value == yyjson_obj_get(renderer->spec, "params") && params != NULL)
            rendered = params;
        else if (yyjson_equals_str(name, "tasks") && yyjson_is_arr(value) && yyjson_arr_size(value) <= TASKS_MAX)
            rendered = render_tasks(renderer, value, defaults);
        else
            rendered = yyjson_val_mut_copy(renderer->doc, value);
        yyjson_mut_obj_add(result, yyjson_val_mut_copy(renderer->doc, name), rendered);
    }
    if (renderer->scope.overflow)
        problems_add(renderer->problems, "spec", "too large after params and defaults are put in");
    return json_copy(result, renderer->result);
}

/* Exactly one kind block; otherwise a problem that names those that are there, or those that there could be. */
static void choose_kind(struct task_decoded *decoded, const struct kind_tables *kinds, size_t index,
                        struct problems *problems) {
    struct strings there = {.items = ARENA_NEW_ARRAY(problems->arena, KIND_COUNT, const char *)};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (decoded->blocks[i] == NULL)
            continue;
        there.items[there.count++] = kinds->names[i];
        decoded->task.kind = (enum task_kind)i;
        decoded->task.block = decoded->blocks[i];
    }
    if (there.count == 1)
        return;
    const char *path = arena_printf(problems->arena, "spec.tasks[%zu]", index);
    if (there.count > 1) {
        problems_add(problems, path, "names more than one kind: %s", strings_join(&there, ", ", problems->arena));
        return;
    }
    memcpy(there.items, kinds->names, sizeof kinds->names);
    there.count = KIND_COUNT;
    problems_add(problems, path, "names no kind: exactly one of %s must be set",
                 strings_join(&there, ", ", problems->arena));
}

/* What is "never NULL after decoding". */
static void complete(struct task *task, struct arena *arena, struct problems *problems) {
    if (task->retry == NULL) {
        task->retry = ARENA_NEW(arena, struct retry);
        table_decode(&retry_table, NULL, task->retry, "", arena, problems);
    }
    if (task->retry->backoff == NULL) {
        task->retry->backoff = ARENA_NEW(arena, struct retry_backoff);
        table_decode(&backoff_table, NULL, task->retry->backoff, "", arena, problems);
    }
    if (task->retry->backoff->factor == 0)
        task->retry->backoff->factor = 2;
}

struct pipeline *pipeline_decode(yyjson_val *object, const struct kind_tables *kinds, struct arena *arena,
                                 struct problems *problems) {
    yyjson_val *spec = json_at(object, "spec", NULL);
    AUTO_ARENA scratch = ARENA_INIT;
    struct renderer renderer = {
        .object = object,
        .spec = spec,
        .scope = {.room = RENDERED_MAX},
        .kinds = kinds,
        .rendered = ARENA_NEW_ARRAY(&scratch, TASKS_MAX, struct rendered),
        .doc = json_new(&scratch),
        .arena = &scratch,
        .result = arena,
        .problems = problems,
    };
    struct spec_decoded decoded = {0};
    if (spec == NULL)
        problems_add(problems, "spec", "is required");
    else if (json_too_deep(spec)) /* all that follows recurses */
        problems_add(problems, "spec", "is nested too deeply: at most %d levels", JSON_DEPTH_MAX);
    else
        table_decode(tables_spec(kinds, &scratch), yyjson_is_obj(spec) ? render(&renderer) : spec, &decoded, "spec",
                     arena, problems);

    struct pipeline *pipeline = ARENA_NEW(arena, struct pipeline);
    *pipeline = decoded.pipeline;
    pipeline->task_count = decoded.tasks.count;
    pipeline->tasks = ARENA_NEW_ARRAY(arena, pipeline->task_count, struct task);
    for (size_t i = 0; i < pipeline->task_count; i++) {
        struct task_decoded *task = &((struct task_decoded *)decoded.tasks.items)[i];
        choose_kind(task, kinds, i, problems);
        complete(&task->task, arena, problems);
        if (task->task.on_lost_launcher == LOST_ABSENT)
            task->task.on_lost_launcher = pipeline->on_lost_launcher;
        pipeline->tasks[i] = task->task;
        pipeline->tasks[i].hash = renderer.rendered[i].hash;
        pipeline->tasks[i].unsound = renderer.rendered[i].unsound;
    }
    pipeline_validate(pipeline, object, problems);
    graph_link(pipeline, arena, problems);
    return pipeline;
}
