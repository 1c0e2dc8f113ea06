/* See support_expand.h. */

#include "support_expand.h"

#include <string.h>

static const char *find(const struct pairs *variables, const char *name) {
    for (size_t i = variables->count; i > 0; i--) /* the last of a name counts */
        if (strcmp(variables->items[i - 1].name, name) == 0)
            return variables->items[i - 1].value;
    return NULL;
}

/* tryReadVariableName(): what is after a '$'. */
static const char *read_name(const char *input, bool *ret_is_variable, size_t *ret_advance, struct arena *arena) {
    *ret_is_variable = false;
    *ret_advance = 1;
    if (input[0] == '$')
        return "$";
    if (input[0] == '(') {
        const char *end = strchr(input, ')');
        if (end == NULL)
            return "$(";
        *ret_is_variable = true;
        *ret_advance = (size_t)(end - input) + 1;
        return arena_strndup(arena, input + 1, (size_t)(end - input) - 1);
    }
    *ret_advance = text_utf8(input, strlen(input));
    return arena_printf(arena, "$%.*s", (int)*ret_advance, input);
}

const char *expand(const char *input, const struct pairs *variables, struct arena *arena) {
    AUTO_STRBUF out = STRBUF_INIT;
    size_t length = strlen(input);
    size_t checkpoint = 0;
    for (size_t cursor = 0; cursor < length; cursor++) {
        if (input[cursor] != '$' || cursor + 1 >= length)
            continue;
        bool is_variable = false;
        size_t advance = 0;
        strbuf_add(&out, input + checkpoint, cursor - checkpoint);
        const char *read = read_name(input + cursor + 1, &is_variable, &advance, arena);
        const char *value = is_variable ? find(variables, read) : NULL;
        if (is_variable && value == NULL)
            strbuf_printf(&out, "$(%s)", read);
        else
            strbuf_puts(&out, is_variable ? value : read);
        cursor += advance;
        checkpoint = cursor + 1;
    }
    if (checkpoint < length)
        strbuf_puts(&out, input + checkpoint);
    return arena_strndup(arena, strbuf_text(&out), out.length);
}

struct pairs expand_env(yyjson_mut_val *container, struct arena *arena) {
    yyjson_mut_val *list = yyjson_mut_obj_get(container, "env");
    struct pairs env = {.items = ARENA_NEW_ARRAY(arena, yyjson_mut_arr_size(list), struct pair)};
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(list, i, count, item) {
        const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(item, "name"));
        const char *value = yyjson_mut_get_str(yyjson_mut_obj_get(item, "value"));
        if (value != NULL)
            value = expand(value, &env, arena);
        else
            value = yyjson_mut_obj_get(item, "valueFrom") != NULL ? "(from)" : "";
        env.items[env.count++] = (struct pair){.name = name, .value = value};
    }
    return env;
}

struct strings expand_words(yyjson_mut_val *container, const char *list_name, struct arena *arena) {
    struct pairs env = expand_env(container, arena);
    yyjson_mut_val *list = yyjson_mut_obj_get(container, list_name);
    struct strings words = {.items = ARENA_NEW_ARRAY(arena, yyjson_mut_arr_size(list), const char *)};
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(list, i, count, item) {
        words.items[words.count++] = expand(yyjson_mut_get_str(item), &env, arena);
    }
    return words;
}
