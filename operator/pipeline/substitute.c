/* See substitute.h. Pure. Recurses over documents whose depth pipeline_decode() has bounded. Kubernetes itself replaces
 * $(VAR) in a container's command and environment and reads $$( as an escape there: what is not ours is left to it. */

#include "pipeline/substitute.h"

#include <string.h>

/* What begins one of ours. Those that are not in any scope yet are still refused, not silently kept. */
static const char *const spaces[] = {"params", "pipeline", "task", "tasks", "inputs", "outputs", "cron"};
enum { SPACE_COUNT = sizeof spaces / sizeof *spaces };

static const char word_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

size_t substitute_reference_length(const char *text) {
    size_t escape = text[0] == '$' && text[1] == '$';
    if (text[escape] != '$' || text[escape + 1] != '(')
        return 0;
    const char *name = text + escape + 2;
    size_t length = strspn(name, word_characters);
    if (length == 0 || name[length] != ')' || memchr(name, '.', length) == NULL)
        return 0;
    return escape + 2 + length + 1;
}

static const char *find(const struct references *scope, const char *name) {
    for (size_t i = 0; i < scope->values.count; i++)
        if (strcmp(scope->values.items[i].name, name) == 0)
            return scope->values.items[i].value;
    return NULL;
}

enum space { SPACE_OURS, SPACE_NEAR, SPACE_FOREIGN };

/* "param.date" is a slip of the pen; "run.sh" is somebody else's. */
static enum space space_of(const char *name, struct arena *arena) {
    const char *first = arena_strndup(arena, name, strcspn(name, "."));
    const char *names[SPACE_COUNT];
    struct strings all = {.items = names, .count = SPACE_COUNT};
    memcpy(names, spaces, sizeof spaces);
    if (strings_contain(&all, first))
        return SPACE_OURS;
    return text_nearest(first, &all) != NULL ? SPACE_NEAR : SPACE_FOREIGN;
}

static void say_unknown(const struct references *scope, const char *name, const struct place *place,
                        struct problems *problems) {
    struct strings names = {.items = ARENA_NEW_ARRAY(problems->arena, scope->values.count, const char *),
                            .count = scope->values.count};
    for (size_t i = 0; i < names.count; i++)
        names.items[i] = scope->values.items[i].name;
    const char *nearest = text_nearest(name, &names);
    if (nearest != NULL)
        problems_add_at(problems, place, "unknown reference $(%s) (did you mean $(%s)?)", name, nearest);
    else
        problems_add_at(problems, place, "unknown reference $(%s) (write $$(%s) to keep it as it is)", name, name);
}

/* The text that stands for the reference of that length at `at`; NULL: it stays. */
static const char *resolve(const struct references *scope, const char *at, size_t length, const struct place *place,
                           struct arena *arena, struct problems *problems) {
    bool escaped = at[1] == '$';
    const char *name = arena_strndup(arena, at + 2 + escaped, length - 3 - escaped);
    const char *value = find(scope, name);
    enum space space = value != NULL ? SPACE_OURS : space_of(name, arena);
    if (escaped)
        return space == SPACE_FOREIGN ? NULL : arena_strndup(arena, at + 1, length - 1);
    if (value == NULL && space != SPACE_FOREIGN && problems != NULL)
        say_unknown(scope, name, place, problems);
    return value;
}

static const char *substitute_text(struct references *scope, const char *text, const struct place *place,
                                   struct arena *arena, struct problems *problems) {
    const char *next = strstr(text, "$(");
    if (next == NULL)
        return text;
    AUTO_STRBUF out = STRBUF_INIT;
    for (const char *at = text; *at != '\0';) {
        size_t length = substitute_reference_length(at);
        const char *value = length > 0 ? resolve(scope, at, length, place, arena, problems) : NULL;
        size_t wide = value != NULL ? strlen(value) : 0;
        if (value != NULL && wide > scope->room)
            scope->overflow = true;
        if (value != NULL && !scope->overflow) {
            scope->room -= wide;
            strbuf_add(&out, value, wide);
        } else {
            size_t escape = at[0] == '$' && at[1] == '$'; /* "$$(VAR)": one word, its second half is no reference */
            if (length == 0)
                length = 1 + escape;
            strbuf_add(&out, at, length);
        }
        at += length;
    }
    return arena_strndup(arena, strbuf_text(&out), out.length);
}

static yyjson_mut_val *substitute_members(struct references *scope, yyjson_val *object, const struct place *place,
                                          yyjson_mut_doc *doc, struct arena *arena, struct problems *problems) {
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach(object, i, count, name, value) {
        const char *member = yyjson_get_str(name);
        const struct place inner = {.up = place, .name = member};
        yyjson_mut_obj_add(result, yyjson_mut_strn(doc, member, yyjson_get_len(name)),
                           substitute_value(scope, value, &inner, doc, arena, problems));
    }
    return result;
}

yyjson_mut_val *substitute_value(struct references *scope, yyjson_val *value, const struct place *place,
                                 yyjson_mut_doc *doc, struct arena *arena, struct problems *problems) {
    if (yyjson_is_obj(value))
        return substitute_members(scope, value, place, doc, arena, problems);
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *result = yyjson_mut_arr(doc);
        size_t i, count;
        yyjson_val *item;
        yyjson_arr_foreach(value, i, count, item) {
            const struct place inner = {.up = place, .index = i};
            yyjson_mut_arr_append(result, substitute_value(scope, item, &inner, doc, arena, problems));
        }
        return result;
    }
    const char *text = yyjson_get_str(value);
    if (text == NULL || strlen(text) != yyjson_get_len(value)) /* a NUL inside: the decoder will refuse it */
        return yyjson_val_mut_copy(doc, value);
    return yyjson_mut_str(doc, substitute_text(scope, text, place, arena, problems));
}
