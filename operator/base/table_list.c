/* See table_private.h: the field types that hold many values, and what holds for all of them. Pure. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/table_private.h"

/* By field->min and table_items_max(). False when it said what is wrong. */
static bool check_count(const struct decoder *decoder, const struct field *field, size_t count,
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

/* The items of a list that is a map: no two have the same text in `key`. */
static void check_keys(const struct decoder *decoder, const char *key, yyjson_val *items, const struct place *place) {
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

static void decode_strings(const struct decoder *decoder, const struct field *field, yyjson_val *value,
                           struct strings *slot, const struct place *place) {
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(value)) {
        table_wrong_type(decoder, place, "a list of texts", value);
        return;
    }
    if (!check_count(decoder, field, yyjson_arr_size(value), place))
        return;
    slot->items = ARENA_NEW_ARRAY(decoder->arena, yyjson_arr_size(value), const char *);
    yyjson_arr_foreach(value, i, count, item) {
        struct place at = {.up = place, .index = i};
        const char *text = table_text(decoder, field, item, &at);
        if (text != NULL)
            slot->items[slot->count++] = text;
    }
}

static void decode_pairs(const struct decoder *decoder, const struct field *field, yyjson_val *value,
                         struct pairs *slot, const struct place *place) {
    size_t i, count;
    yyjson_val *name, *item;
    if (!yyjson_is_obj(value)) {
        table_wrong_type(decoder, place, "an object of texts", value);
        return;
    }
    if (!check_count(decoder, field, yyjson_obj_size(value), place))
        return;
    slot->items = ARENA_NEW_ARRAY(decoder->arena, yyjson_obj_size(value), struct pair);
    yyjson_obj_foreach(value, i, count, name, item) {
        struct place at = {.up = place, .pair_name = yyjson_get_str(name)};
        const char *text = table_text(decoder, field, item, &at);
        if (strlen(at.pair_name) != yyjson_get_len(name))
            table_problem(decoder, &at, "must not have a NUL character in its name");
        else if (text != NULL)
            slot->items[slot->count++] = (struct pair){.name = at.pair_name, .value = text};
    }
}

static void decode_any(const struct decoder *decoder, const struct field *field, yyjson_val *value, yyjson_val **slot,
                       const struct place *place) {
    size_t i, count;
    yyjson_val *item;
    size_t before = decoder->problems->total;
    bool is_list = field->flags & FIELD_ANY_LIST;
    if (is_list ? !yyjson_is_arr(value) : !yyjson_is_obj(value)) {
        table_wrong_type(decoder, place, is_list ? "a list of objects" : "an object", value);
        return;
    }
    if (is_list && !check_count(decoder, field, yyjson_arr_size(value), place))
        return;
    yyjson_arr_foreach(value, i, count, item) {
        struct place at = {.up = place, .index = i};
        if (!yyjson_is_obj(item))
            table_wrong_type(decoder, &at, "an object", item);
        else if (field->list_map_key != NULL && json_text(item, field->list_map_key, NULL) == NULL)
            table_problem(decoder, &(struct place){.up = &at, .name = field->list_map_key}, "is required, as text");
    }
    if (is_list && field->list_map_key != NULL)
        check_keys(decoder, field->list_map_key, value, place);
    if (decoder->problems->total == before)
        *slot = value;
}

static void decode_list(const struct decoder *decoder, const struct field *field, yyjson_val *value, struct list *list,
                        const struct place *place) {
    size_t size = field->table->size;
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(value)) {
        table_wrong_type(decoder, place, "a list", value);
        return;
    }
    if (!check_count(decoder, field, yyjson_arr_size(value), place))
        return;
    list->count = yyjson_arr_size(value);
    list->items = arena_array(decoder->arena, list->count, size);
    yyjson_arr_foreach(value, i, count, item) {
        struct place at = {.up = place, .index = i};
        table_decode_object(decoder, field->table, item, (char *)list->items + i * size, &at);
    }
    if (field->list_map_key != NULL)
        check_keys(decoder, field->list_map_key, value, place);
}

void table_decode_list(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *slot,
                       const struct place *place) {
    if (field->type == FIELD_STRINGS)
        decode_strings(decoder, field, value, slot, place);
    else if (field->type == FIELD_PAIRS)
        decode_pairs(decoder, field, value, slot, place);
    else if (field->type == FIELD_LIST)
        decode_list(decoder, field, value, slot, place);
    else
        decode_any(decoder, field, value, slot, place);
}
