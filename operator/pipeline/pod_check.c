/* See pod_check.h. A walk along the generated table. Pure. Recurses over documents whose depth is bounded. Never makes
 * a path unless there is a problem, and never quotes a value but what a list's entries are known by. */

#include "pipeline/pod_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/quantity.h"
#include "pipeline/merge.h"

static void check_field(const struct pod_field *field, yyjson_mut_val *value, yyjson_mut_val *under,
                        const struct place *place, struct problems *problems);

static bool absent(yyjson_mut_val *value) {
    return value == NULL || yyjson_mut_is_null(value);
}

static void check_text(yyjson_mut_val *value, const struct place *place, struct problems *problems) {
    const char *text = yyjson_mut_get_str(value);
    if (text == NULL)
        problems_add_no_text(problems, place, yyjson_mut_get_type(value));
    else if (strlen(text) != yyjson_mut_get_len(value))
        problems_add_at(problems, place, "must not hold a NUL character");
}

static void check_int(yyjson_mut_val *value, int64_t max, const struct place *place, struct problems *problems) {
    bool large = yyjson_mut_is_uint(value) && yyjson_mut_get_uint(value) > (uint64_t)max;
    if (!yyjson_mut_is_num(value))
        problems_add_type(problems, place, "a whole number", yyjson_mut_get_type(value));
    else if (!yyjson_mut_is_int(value))
        problems_add_at(problems, place, "must be a whole number");
    else if (large || yyjson_mut_get_sint(value) < -max)
        problems_add_at(problems, place, "must be at most %" PRId64, max);
}

static void check_quantity(yyjson_mut_val *value, const struct place *place, struct problems *problems) {
    const char *text = yyjson_mut_get_str(value);
    bool number = yyjson_mut_is_num(value);
    if (text == NULL && !number)
        problems_add_type(problems, place, "a quantity such as 2, 500m or 4Gi", yyjson_mut_get_type(value));
    else if (number ? yyjson_mut_get_num(value) < 0
                    : yyjson_mut_get_len(value) > QUANTITY_TEXT_MAX || !quantity_parse(text, NULL))
        problems_add_at(problems, place, "must be a quantity such as 2, 500m or 4Gi");
}

static void say_unknown(const struct pod_type *type, const char *name, const struct place *place,
                        struct problems *problems) {
    struct strings known = {.items = NULL};
    if (name[0] == '$') {
        problems_add_at(problems, &(struct place){.up = place, .name = name}, "patch directives are not supported");
        return;
    }
    if (problems->count < PROBLEMS_MAX)
        known.items = ARENA_NEW_ARRAY(problems->arena, type->count, const char *);
    for (size_t i = 0; known.items != NULL && i < type->count; i++)
        known.items[known.count++] = type->fields[i].name;
    problems_add_unknown(problems, place, name, &known);
}

static void check_required(const struct pod_type *type, yyjson_mut_val *object, yyjson_mut_val *under,
                           const struct place *place, struct problems *problems) {
    for (size_t i = 0; i < type->count; i++) {
        const struct pod_field *field = &type->fields[i];
        if (!(field->flags & POD_FIELD_REQUIRED))
            continue;
        yyjson_mut_val *value = yyjson_mut_obj_get(object, field->name);
        if (absent(value != NULL ? value : yyjson_mut_obj_get(under, field->name)))
            problems_add_at(problems, &(struct place){.up = place, .name = field->name}, "is required");
    }
}

static void check_object(const struct pod_type *type, yyjson_mut_val *object, yyjson_mut_val *under,
                         const struct place *place, struct problems *problems) {
    size_t i, count;
    yyjson_mut_val *name, *value;
    if (!yyjson_mut_is_obj(object)) {
        problems_add_type(problems, place, "an object", yyjson_mut_get_type(object));
        return;
    }
    yyjson_mut_obj_foreach(object, i, count, name, value) {
        const char *member = yyjson_mut_get_str(name);
        const struct place inner = {.up = place, .name = member};
        const struct pod_field *field = pod_field_find(type, member);
        if (field == NULL || strlen(member) != yyjson_mut_get_len(name))
            say_unknown(type, member, place, problems);
        else
            check_field(field, value, yyjson_mut_obj_get(under, member), &inner, problems);
    }
    check_required(type, object, under, place, problems);
}

static void check_one(const struct pod_field *field, yyjson_mut_val *value, yyjson_mut_val *under,
                      const struct place *place, struct problems *problems) {
    switch ((enum pod_field_value)field->value) {
    case POD_FIELD_TEXT: check_text(value, place, problems); break;
    case POD_FIELD_BOOL:
        if (!yyjson_mut_is_bool(value))
            problems_add_type(problems, place, "true or false", yyjson_mut_get_type(value));
        break;
    case POD_FIELD_INT32: check_int(value, INT32_MAX, place, problems); break;
    case POD_FIELD_INT64: check_int(value, INT64_MAX, place, problems); break;
    case POD_FIELD_QUANTITY: check_quantity(value, place, problems); break;
    case POD_FIELD_INT_OR_TEXT:
        if (yyjson_mut_is_num(value))
            check_int(value, INT32_MAX, place, problems);
        else if (!yyjson_mut_is_str(value))
            problems_add_type(problems, place, "a whole number or text", yyjson_mut_get_type(value));
        break;
    case POD_FIELD_ANY: break;
    case POD_FIELD_OBJECT: check_object(pod_field_type(field), value, under, place, problems); break;
    }
}

/* What the entry is known by, as one text; NULL when it is not whole. */
static const char *key_of(const struct pod_field *field, yyjson_mut_val *item, struct arena *arena) {
    yyjson_mut_val *key = yyjson_mut_obj_get(item, field->key);
    const char *text = yyjson_mut_get_str(key);
    if (yyjson_mut_is_int(key))
        text = arena_printf(arena, "%" PRId64, yyjson_mut_get_sint(key));
    if (field->second == NULL || text == NULL)
        return text;
    yyjson_mut_val *second = yyjson_mut_obj_get(item, field->second);
    const char *other = second != NULL ? yyjson_mut_get_str(second) : field->fallback;
    return other != NULL ? arena_printf(arena, "%s/%s", text, other) : NULL;
}

static void check_keys(const struct pod_field *field, yyjson_mut_val *list, const struct place *place,
                       struct problems *problems) {
    size_t size = yyjson_mut_arr_size(list);
    struct strings keys = {.items = ARENA_NEW_ARRAY(problems->arena, size, const char *)};
    const struct pod_field *key = pod_field_find(pod_field_type(field), field->key);
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(list, i, count, item) {
        const struct place at = {.up = place, .index = i};
        keys.items[keys.count++] = key_of(field, item, problems->arena);
        if (yyjson_mut_is_obj(item) && absent(yyjson_mut_obj_get(item, field->key)) &&
            !(key->flags & POD_FIELD_REQUIRED))
            problems_add_at(problems, &(struct place){.up = &at, .name = field->key}, "is required");
    }
    if (size > 1)
        problems_add_twins(problems, place, field->key, &keys);
}

static bool check_size(size_t size, const struct place *place, struct problems *problems) {
    if (size > POD_LIST_MAX)
        problems_add_at(problems, place, "must have at most %d entries (has %zu)", POD_LIST_MAX, size);
    return size <= POD_LIST_MAX;
}

static void check_list(const struct pod_field *field, yyjson_mut_val *list, yyjson_mut_val *under,
                       const struct place *place, struct problems *problems) {
    size_t i, count;
    yyjson_mut_val *item;
    if (!yyjson_mut_is_arr(list)) {
        problems_add_type(problems, place, "a list", yyjson_mut_get_type(list));
        return;
    }
    if (!check_size(yyjson_mut_arr_size(list), place, problems))
        return;
    yyjson_mut_arr_foreach(list, i, count, item) {
        const struct place at = {.up = place, .index = i};
        bool merged = (field->flags & POD_FIELD_MERGED) && under != NULL;
        check_one(field, item, merged ? merge_namesake(field, under, item) : NULL, &at, problems);
    }
    if (field->key != NULL)
        check_keys(field, list, place, problems);
}

static void check_map(const struct pod_field *field, yyjson_mut_val *map, const struct place *place,
                      struct problems *problems) {
    size_t i, count;
    yyjson_mut_val *name, *value;
    if (!yyjson_mut_is_obj(map)) {
        problems_add_type(problems, place, "an object", yyjson_mut_get_type(map));
        return;
    }
    if (!check_size(yyjson_mut_obj_size(map), place, problems))
        return;
    yyjson_mut_obj_foreach(map, i, count, name, value) {
        const struct place at = {.up = place, .entry = yyjson_mut_get_str(name)};
        if (!yyjson_mut_is_null(value))
            check_one(field, value, NULL, &at, problems);
    }
}

static void check_field(const struct pod_field *field, yyjson_mut_val *value, yyjson_mut_val *under,
                        const struct place *place, struct problems *problems) {
    if (yyjson_mut_is_null(value))
        return;
    switch ((enum pod_field_shape)field->shape) {
    case POD_FIELD_ONE: check_one(field, value, under, place, problems); break;
    case POD_FIELD_LIST: check_list(field, value, under, place, problems); break;
    case POD_FIELD_MAP: check_map(field, value, place, problems); break;
    }
}

void pod_check(yyjson_mut_val *fields, yyjson_mut_val *under, const struct place *place, struct problems *problems) {
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(fields, i, count, name, value) {
        const char *member = yyjson_mut_get_str(name);
        const struct place inner = {.up = place, .name = member};
        const struct pod_field *field = pod_field_find(&pod_types[POD_TYPE_TASK], member);
        if (field != NULL)
            check_field(field, value, yyjson_mut_obj_get(under, member), &inner, problems);
    }
}
