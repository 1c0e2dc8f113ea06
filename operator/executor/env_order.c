/* See kinds.h: env_warn_order(). Pure. */

#include <string.h>

#include "executor/kinds.h"

/* The next reference at or after *at, as the kubelet reads it: "$$" is a dollar, "$(NAME)" a reference. */
static const char *next_reference(const char **at, struct arena *arena) {
    while ((*at = strchr(*at, '$')) != NULL) {
        bool opens = (*at)[1] == '(';
        const char *name = *at + 2;
        const char *end = opens ? strchr(name, ')') : NULL;
        *at = end != NULL ? end + 1 : *at + ((*at)[1] == '$' ? 2 : 1);
        if (end != NULL)
            return arena_strndup(arena, name, (size_t)(end - name));
    }
    return NULL;
}

static bool names(yyjson_val *env, size_t from, size_t to, const char *name) {
    for (size_t i = from; i < to; i++)
        if (strcmp(json_text(yyjson_arr_get(env, i), "name", ""), name) == 0)
            return true;
    return false;
}

void env_warn_order(const struct task *task, const struct place *place, struct problems *warnings) {
    size_t count = yyjson_arr_size(task->env);
    if (yyjson_arr_size(task->env_from) > 0) /* it may come from there */
        return;
    for (size_t i = 0; i < count; i++) {
        yyjson_val *entry = yyjson_arr_get(task->env, i);
        const char *at = json_text(entry, "value", "");
        for (const char *name; (name = next_reference(&at, warnings->arena)) != NULL;) {
            if (!names(task->env, 0, i, name) && names(task->env, i + 1, count, name))
                problems_add_at(
                    warnings, &(struct place){.up = place, .name = "env"},
                    "%s refers to $(%s), which comes after it, so Kubernetes will not put it in (entries of "
                    "spec.defaults come first, in their order)",
                    json_text(entry, "name", ""), name);
        }
    }
}
