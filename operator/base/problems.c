/* See problems.h. Pure. Never quotes a value unless its caller does. */

#include "base/problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 512 };

static void add(struct problems *problems, const char *path, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void add(struct problems *problems, const char *path, const char *format, va_list args) {
    problems->total++;
    if (problems->count == PROBLEMS_MAX)
        return;
    AUTO_STRBUF text = STRBUF_INIT;
    if (!text_empty(path))
        strbuf_printf(&text, "%s: ", path);
    strbuf_vprintf(&text, format, args);
    problems->items[problems->count++] = text_clean(strbuf_text(&text), text.length, MESSAGE_MAX, problems->arena);
}

void problems_add(struct problems *problems, const char *path, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(problems, path, format, args);
    va_end(args);
}

/* spec.tasks[3].retry.limit */
static void put_place(struct strbuf *out, const struct place *place) {
    if (place->up != NULL)
        put_place(out, place->up);
    if (place->name != NULL)
        strbuf_printf(out, "%s%s", out->length > 0 ? "." : "", place->name);
    else if (place->entry != NULL)
        strbuf_printf(out, "[%s]", place->entry);
    else
        strbuf_printf(out, "[%zu]", place->index);
}

void problems_add_at(struct problems *problems, const struct place *place, const char *format, ...) {
    AUTO_STRBUF path = STRBUF_INIT;
    if (problems->count < PROBLEMS_MAX)
        put_place(&path, place);
    va_list args;
    va_start(args, format);
    add(problems, strbuf_text(&path), format, args);
    va_end(args);
}

static const char *type_name(yyjson_type type) {
    return type == YYJSON_TYPE_STR    ? "text"
           : type == YYJSON_TYPE_NUM  ? "a number"
           : type == YYJSON_TYPE_BOOL ? "true or false"
           : type == YYJSON_TYPE_ARR  ? "a list"
           : type == YYJSON_TYPE_OBJ  ? "an object"
                                      : "null";
}

void problems_add_type(struct problems *problems, const struct place *place, const char *wanted, yyjson_type seen) {
    problems_add_at(problems, place, "must be %s, not %s", wanted, type_name(seen));
}

void problems_add_no_text(struct problems *problems, const struct place *place, yyjson_type seen) {
    bool quotes = seen == YYJSON_TYPE_NUM || seen == YYJSON_TYPE_BOOL;
    problems_add_type(problems, place, quotes ? "text (put it in quotes)" : "text", seen);
}

void problems_add_unknown(struct problems *problems, const struct place *up, const char *name,
                          const struct strings *known) {
    const char *nearest = problems->count < PROBLEMS_MAX ? text_nearest(name, known) : NULL;
    const struct place place = {.up = up, .name = name};
    if (nearest != NULL)
        problems_add_at(problems, &place, "unknown field (did you mean %s?)", nearest);
    else
        problems_add_at(problems, &place, "unknown field");
}

struct keyed {
    const char *key;
    size_t index;
};

static int compare_keyed(const void *left, const void *right) {
    const struct keyed *a = left;
    const struct keyed *b = right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

void problems_add_twins(struct problems *problems, const struct place *place, const char *member,
                        const struct strings *keys) {
    struct keyed *sorted = ARENA_NEW_ARRAY(problems->arena, keys->count, struct keyed);
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->items[i] != NULL)
            sorted[count++] = (struct keyed){.key = keys->items[i], .index = i};
    qsort(sorted, count, sizeof *sorted, compare_keyed);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i].key, sorted[i - 1].key) != 0)
            continue;
        const struct place item = {.up = place, .index = sorted[i].index};
        problems_add_at(problems, &(struct place){.up = &item, .name = member},
                        "\"%s\" is there already, in item [%zu]", sorted[i].key, sorted[i - 1].index);
    }
}
