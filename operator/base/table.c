/* See table.h: problems, objects and lists; what is inside them is table_scalar.c. Relies on json_parse()'s bound on
 * depth, since it recurses. Never copies text, never logs, never stops early. */

#include "base/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/table_private.h"

enum { MESSAGE_MAX = 512 };

static void add_problem(struct problems *problems, const char *path, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void add_problem(struct problems *problems, const char *path, const char *format, va_list args) {
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
    add_problem(problems, path, format, args);
    va_end(args);
}

/* spec.tasks[3].retry.limit */
static void put_place(struct strbuf *out, const struct place *place) {
    if (place->up != NULL)
        put_place(out, place->up);
    if (place->pair_name != NULL)
        strbuf_printf(out, "[%s]", place->pair_name);
    else if (place->name == NULL)
        strbuf_printf(out, "[%zu]", place->index);
    else
        strbuf_printf(out, "%s%s", out->length > 0 ? "." : "", place->name);
}

void table_problem(const struct decoder *decoder, const struct place *place, const char *format, ...) {
    AUTO_STRBUF path = STRBUF_INIT;
    if (decoder->problems->count < PROBLEMS_MAX)
        put_place(&path, place);
    va_list args;
    va_start(args, format);
    add_problem(decoder->problems, strbuf_text(&path), format, args);
    va_end(args);
}

void table_wrong_type(const struct decoder *decoder, const struct place *place, const char *wanted, yyjson_val *value) {
    const char *got = yyjson_is_str(value)    ? "text"
                      : yyjson_is_num(value)  ? "a number"
                      : yyjson_is_bool(value) ? "true or false"
                      : yyjson_is_arr(value)  ? "a list"
                      : yyjson_is_obj(value)  ? "an object"
                                              : "null";
    table_problem(decoder, place, "must be %s, not %s", wanted, got);
}

bool table_check_count(const struct decoder *decoder, const struct field *field, size_t count,
                       const struct place *place) {
    int64_t max = table_items_max(field);
    bool few = (int64_t)count < field->min;
    bool many = max > 0 && (int64_t)count > max;
    if (few && field->min == 1)
        table_problem(decoder, place, "must not be empty");
    else if (few)
        table_problem(decoder, place, "must have at least %" PRId64 " entries (has %zu)", field->min, count);
    else if (many)
        table_problem(decoder, place, "must have at most %" PRId64 " entries (has %zu)", max, count);
    return !few && !many;
}

struct named {
    const char *name;
    size_t index;
};

static int compare_named(const void *left, const void *right) {
    const struct named *a = left;
    const struct named *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

void table_check_keys(const struct decoder *decoder, const char *key, yyjson_val *items, const struct place *place) {
    struct named *names = ARENA_NEW_ARRAY(decoder->arena, yyjson_arr_size(items), struct named);
    size_t count = 0;
    size_t i, all;
    yyjson_val *item;
    yyjson_arr_foreach(items, i, all, item) {
        const char *name = json_text(item, key, NULL);
        if (name != NULL)
            names[count++] = (struct named){.name = name, .index = i};
    }
    qsort(names, count, sizeof *names, compare_named);
    for (i = 1; i < count; i++) {
        if (strcmp(names[i].name, names[i - 1].name) != 0)
            continue;
        struct place at = {.up = place, .index = names[i].index};
        table_problem(decoder, &(struct place){.up = &at, .name = key}, "\"%s\" is there already, in item [%zu]",
                      names[i].name, names[i - 1].index);
    }
}

static void decode_object(const struct decoder *decoder, const struct table *table, yyjson_val *object, void *target,
                          const struct place *place);

static void decode_list(const struct decoder *decoder, const struct field *field, yyjson_val *value, struct list *list,
                        const struct place *place) {
    size_t size = field->table->size;
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(value)) {
        table_wrong_type(decoder, place, "a list", value);
        return;
    }
    if (!table_check_count(decoder, field, yyjson_arr_size(value), place))
        return;
    list->count = yyjson_arr_size(value);
    list->items = arena_array(decoder->arena, list->count, size);
    yyjson_arr_foreach(value, i, count, item) {
        struct place at = {.up = place, .index = i};
        decode_object(decoder, field->table, item, (char *)list->items + i * size, &at);
    }
    if (field->list_map_key != NULL)
        table_check_keys(decoder, field->list_map_key, value, place);
}

static void set_absent(const struct field *field, void *slot) {
    switch (field->type) {
    case FIELD_BOOL:
        *(bool *)slot = field->absent != 0;
        break;
    case FIELD_TRISTATE:
        *(signed char *)slot = -1;
        break;
    case FIELD_INT:
    case FIELD_DURATION:
        *(int64_t *)slot = field->absent;
        break;
    case FIELD_ENUM:
        *(int *)slot = (int)field->absent;
        break;
    case FIELD_STRING:
    case FIELD_NUMBER:
    case FIELD_QUANTITY:
    case FIELD_STRINGS:
    case FIELD_PAIRS:
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_ANY:
        break; /* the target is zeroed */
    }
}

static void decode_field(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *target,
                         const struct place *up) {
    struct place place = {.up = up, .name = field->name};
    void *slot = (char *)target + field->offset;
    set_absent(field, slot);
    if (value == NULL || yyjson_is_null(value)) {
        if (field->flags & FIELD_REQUIRED)
            table_problem(decoder, &place, "is required");
        return;
    }
    if (field->type == FIELD_LIST) {
        decode_list(decoder, field, value, slot, &place);
    } else if (field->type == FIELD_OBJECT) {
        void *inner = arena_alloc(decoder->arena, field->table->size);
        decode_object(decoder, field->table, value, inner, &place);
        memcpy(slot, &inner, sizeof inner); /* whatever it is declared to point to */
    } else {
        table_decode_scalar(decoder, field, value, slot, &place);
    }
}

static void say_unknown(const struct decoder *decoder, const struct table *table, const char *name,
                        const struct place *up) {
    const char *names[TABLE_FIELDS_MAX];
    struct strings fields = {.items = names, .count = table->field_count};
    for (size_t i = 0; i < table->field_count; i++)
        names[i] = table->fields[i].name;
    const char *nearest = decoder->problems->count < PROBLEMS_MAX ? text_nearest(name, &fields) : NULL;
    struct place place = {.up = up, .name = name};
    if (nearest != NULL)
        table_problem(decoder, &place, "unknown field (did you mean %s?)", nearest);
    else
        table_problem(decoder, &place, "unknown field");
}

static void decode_object(const struct decoder *decoder, const struct table *table, yyjson_val *object, void *target,
                          const struct place *place) {
    yyjson_val *values[TABLE_FIELDS_MAX] = {0};
    size_t i, count;
    yyjson_val *name, *value;
    if (table->field_count > TABLE_FIELDS_MAX)
        abort(); /* a table in our own source: the first test of it tells */
    if (object != NULL && !yyjson_is_obj(object)) {
        table_wrong_type(decoder, place, "an object", object);
        for (i = 0; i < table->field_count; i++)
            set_absent(&table->fields[i], (char *)target + table->fields[i].offset);
        return;
    }
    yyjson_obj_foreach(object, i, count, name, value) {
        size_t field = 0;
        while (field < table->field_count && !yyjson_equals_str(name, table->fields[field].name))
            field++;
        if (field == table->field_count)
            say_unknown(decoder, table, yyjson_get_str(name), place);
        else if (values[field] != NULL)
            table_problem(decoder, &(struct place){.up = place, .name = table->fields[field].name}, "is given twice");
        else
            values[field] = value;
    }
    for (i = 0; i < table->field_count; i++)
        decode_field(decoder, &table->fields[i], values[i], target, place);
}

void table_decode(const struct table *table, yyjson_val *object, void *target, const char *path,
                  struct arena *arena, struct problems *problems) {
    struct decoder decoder = {.arena = arena, .problems = problems};
    struct place root = {.name = path != NULL ? path : ""};
    decode_object(&decoder, table, object, target, &root);
}
