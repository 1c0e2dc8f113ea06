/* See table_private.h: the field types that hold many values, and what holds for all of them. Pure. */

#include <inttypes.h>
#include <string.h>

#include "base/table_private.h"

/* By field->min and table_items_max(). False when it said what is wrong. */
static bool check_count(const struct decoder *decoder, const struct field *field, size_t count,
                        const struct place *place) {
    int64_t max = table_items_max(field);
    bool few = (int64_t)count < field->min;
    bool many = max > 0 && (int64_t)count > max;
    if (few && field->min == 1)
        problems_add_at(decoder->problems, place, "must not be empty");
    else if (few)
        problems_add_at(decoder->problems, place, "must have at least %" PRId64 " entries (has %zu)", field->min,
                        count);
    else if (many)
        problems_add_at(decoder->problems, place, "must have at most %" PRId64 " entries (has %zu)", max, count);
    return !few && !many;
}

/* The items of a list that is a map: no two have the same text in its key. */
static void check_keys(const struct decoder *decoder, const char *key, yyjson_val *items, const struct place *place) {
    struct strings keys = {.items = ARENA_NEW_ARRAY(decoder->arena, yyjson_arr_size(items), const char *)};
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(items, i, count, item) {
        keys.items[keys.count++] = json_text(item, key, NULL);
    }
    problems_add_twins(decoder->problems, place, key, &keys);
}

static void decode_strings(const struct decoder *decoder, const struct field *field, yyjson_val *value,
                           struct strings *slot, const struct place *place) {
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(value)) {
        problems_add_type(decoder->problems, place, "a list of texts", yyjson_get_type(value));
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
        problems_add_type(decoder->problems, place, "an object of texts", yyjson_get_type(value));
        return;
    }
    if (!check_count(decoder, field, yyjson_obj_size(value), place))
        return;
    slot->items = ARENA_NEW_ARRAY(decoder->arena, yyjson_obj_size(value), struct pair);
    yyjson_obj_foreach(value, i, count, name, item) {
        struct place at = {.up = place, .entry = yyjson_get_str(name)};
        const char *text = table_text(decoder, field, item, &at);
        if (strlen(at.entry) != yyjson_get_len(name))
            problems_add_at(decoder->problems, &at, "must not have a NUL character in its name");
        else if (text != NULL)
            slot->items[slot->count++] = (struct pair){.name = at.entry, .value = text};
    }
}

static void decode_list(const struct decoder *decoder, const struct field *field, yyjson_val *value, struct list *list,
                        const struct place *place) {
    size_t size = field->table->size;
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(value)) {
        problems_add_type(decoder->problems, place, "a list", yyjson_get_type(value));
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
    else
        decode_list(decoder, field, value, slot, place);
}
