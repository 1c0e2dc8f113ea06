/* See specs.h. A list in the order of use; each spec owns an arena and knows the slot that points to it. Relies on the
 * decoder copying what it keeps of the object. */

#include "controller/specs.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "executor/executor.h"
#include "pipeline/graph.h"

enum { SPECS_BYTES_MAX = 8 * 1024 * 1024 };

static struct spec *decode(yyjson_val *object, int64_t generation) {
    struct spec *spec = calloc(1, sizeof *spec);
    if (spec == NULL)
        abort();
    spec->generation = generation;
    spec->problems.arena = spec->warnings.arena = &spec->arena;
    struct pipeline *pipeline = pipeline_decode(object, executor_tables(), &spec->arena, &spec->problems);
    if (pipeline != NULL)
        executor_validate(pipeline, &spec->problems, &spec->warnings);
    spec->pipeline = pipeline;
    AUTO_ARENA scratch = ARENA_INIT;
    yyjson_val *member = json_at(object, "spec", NULL);
    if (member != NULL)
        json_write_value(member, &scratch, &spec->bytes);
    if (spec_usable(spec))
        spec->order = graph_order(pipeline, &spec->arena);
    return spec;
}

struct spec *specs_get(struct specs *specs, struct spec **slot, yyjson_val *object, int64_t generation) {
    struct spec *spec = *slot;
    if (spec != NULL && spec->generation == generation) {
        DL_DELETE(specs->oldest, spec);
        DL_APPEND(specs->oldest, spec);
        return spec;
    }
    specs_drop(specs, slot);
    spec = decode(object, generation);
    spec->holder = slot;
    *slot = spec;
    DL_APPEND(specs->oldest, spec);
    spec->room = arena_size(&spec->arena);
    specs->bytes += spec->room;
    return spec;
}

void spec_refuse(struct spec *spec, const char *text) {
    spec->refused = spec->refused || spec_usable(spec);
    for (size_t i = 0; i < spec->problems.count; i++)
        if (strcmp(spec->problems.items[i], text) == 0)
            return;
    if (spec->problems.count < PROBLEMS_MAX)
        spec->problems.items[spec->problems.count++] = arena_strdup(&spec->arena, text);
    spec->problems.total++;
}

bool spec_usable(const struct spec *spec) {
    return spec != NULL && spec->pipeline != NULL && spec->problems.total == 0;
}

bool spec_sound(const struct spec *spec) {
    return spec_usable(spec) || (spec != NULL && spec->refused);
}

void specs_move(struct spec **from, struct spec **to) {
    *to = *from;
    *from = NULL;
    if (*to == NULL)
        return;
    (*to)->holder = to;
    (*to)->kept = true;
}

void specs_drop(struct specs *specs, struct spec **slot) {
    struct spec *spec = *slot;
    if (spec == NULL)
        return;
    DL_DELETE(specs->oldest, spec);
    specs->bytes -= spec->room;
    arena_fini(&spec->arena);
    free(spec);
    *slot = NULL;
}

void specs_trim(struct specs *specs) {
    struct spec *spec = NULL;
    struct spec *next = NULL;
    DL_FOREACH_SAFE(specs->oldest, spec, next) {
        if (specs->bytes <= SPECS_BYTES_MAX || spec == specs->oldest->prev) /* of a list's first, `prev` is the last */
            return;
        if (!spec->kept)
            specs_drop(specs, spec->holder);
    }
}
