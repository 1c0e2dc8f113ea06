/* See spec_hash.h. Made of the JSON and not of what it is decoded to, so that a field that a later version knows
 * changes nothing until somebody uses it. Pure. */

#include "pipeline/spec_hash.h"

#include <string.h>

#include "base/hash.h"

enum { SPEC_HASH = 16 };

/* When and how often a task runs and what becomes of it, not what it is. */
static const char *const left_out[] = {"name",    "dependsOn",    "depends",   "retry",
                                       "timeout", "startTimeout", "onFailure", "onLostLauncher"};

static bool counts(const char *member, yyjson_mut_val *value) {
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(left_out[i], member) == 0)
            return false;
    return !yyjson_mut_is_null(value);
}

const char *spec_hash(yyjson_mut_val *task, struct arena *arena) {
    uint64_t sum = 0;
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(task, i, count, name, value) {
        const char *member = yyjson_mut_get_str(name);
        if (!counts(member, value))
            continue;
        uint64_t inner = json_hash(value);
        sum += hash_add(hash_text(HASH_INIT, member), &inner, sizeof inner);
    }
    char *text = arena_alloc(arena, SPEC_HASH + 1);
    hash_name(sum, text, SPEC_HASH);
    return text;
}
