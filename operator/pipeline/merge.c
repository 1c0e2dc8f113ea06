/* See merge.h. What has a key is in the table of Kubernetes' fields. Pure. Recurses over documents whose depth is
 * bounded. */

#include "pipeline/merge.h"

#include "base/text.h"

#define DIRECTIVE "$patch"

/* Both have the same number or text there; `fallback` is what an absent one counts as. */
static bool same_member(yyjson_mut_val *a, yyjson_mut_val *b, const char *name, const char *fallback) {
    yyjson_mut_val *left = yyjson_mut_obj_get(a, name);
    yyjson_mut_val *right = yyjson_mut_obj_get(b, name);
    if (yyjson_mut_is_int(left))
        return yyjson_mut_is_int(right) && yyjson_mut_get_sint(left) == yyjson_mut_get_sint(right);
    const char *text = left != NULL ? yyjson_mut_get_str(left) : fallback;
    return text != NULL && text_equal(text, right != NULL ? yyjson_mut_get_str(right) : fallback);
}

/* Index of the entry with the key of `item`; the size when there is none. */
static size_t find_namesake(const struct pod_field *field, yyjson_mut_val *list, yyjson_mut_val *item) {
    size_t i, count;
    yyjson_mut_val *other;
    yyjson_mut_arr_foreach(list, i, count, other) {
        if (same_member(other, item, field->key, NULL) &&
            (field->second == NULL || same_member(other, item, field->second, field->fallback)))
            return i;
    }
    return yyjson_mut_arr_size(list);
}

yyjson_mut_val *merge_namesake(const struct pod_field *field, yyjson_mut_val *list, yyjson_mut_val *item) {
    return yyjson_mut_arr_get(list, find_namesake(field, list, item));
}

static void merge_list(yyjson_mut_doc *doc, const struct pod_field *field, yyjson_mut_val *base, yyjson_mut_val *over) {
    yyjson_mut_val *item;
    while ((item = yyjson_mut_arr_remove_first(over)) != NULL) {
        size_t at = find_namesake(field, base, item);
        if (at == yyjson_mut_arr_size(base))
            yyjson_mut_arr_append(base, item);
        else if (field->flags & POD_FIELD_MERGED)
            merge_object(doc, pod_field_type(field), yyjson_mut_arr_get(base, at), item);
        else
            yyjson_mut_arr_replace(base, at, item);
    }
}

/* An object on top of a null that takes away what may lie further down. */
static void put_in_its_place(yyjson_mut_doc *doc, yyjson_mut_val *base, yyjson_mut_val *name, yyjson_mut_val *value) {
    if (yyjson_mut_is_obj(value))
        yyjson_mut_obj_put(value, yyjson_mut_str(doc, DIRECTIVE), yyjson_mut_str(doc, "replace"));
    yyjson_mut_obj_put(base, name, value);
}

void merge_object(yyjson_mut_doc *doc, const struct pod_type *type, yyjson_mut_val *base, yyjson_mut_val *over) {
    yyjson_mut_obj_iter iter = {0};
    yyjson_mut_obj_iter_init(over, &iter);
    yyjson_mut_val *name;
    while ((name = yyjson_mut_obj_iter_next(&iter)) != NULL) {
        yyjson_mut_val *value = yyjson_mut_obj_iter_remove(&iter);
        yyjson_mut_val *there = yyjson_mut_obj_getn(base, yyjson_mut_get_str(name), yyjson_mut_get_len(name));
        const struct pod_field *field = pod_field_find(type, yyjson_mut_get_str(name));
        bool replaces = yyjson_mut_obj_get(value, DIRECTIVE) != NULL;
        if (yyjson_mut_is_obj(value) && yyjson_mut_is_obj(there) && !replaces)
            merge_object(doc, pod_field_type(field), there, value);
        else if (yyjson_mut_is_arr(value) && yyjson_mut_is_arr(there) && field != NULL && field->key != NULL)
            merge_list(doc, field, there, value);
        else if (yyjson_mut_is_null(there) && pod_field_type(field) != NULL)
            put_in_its_place(doc, base, name, value);
        else
            yyjson_mut_obj_put(base, name, value);
    }
}

void merge_finish(yyjson_mut_val *value) {
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_iter iter = {0};
        yyjson_mut_obj_iter_init(value, &iter);
        yyjson_mut_val *name;
        while ((name = yyjson_mut_obj_iter_next(&iter)) != NULL) {
            if (yyjson_mut_is_null(yyjson_mut_obj_iter_get_val(name)) || yyjson_mut_equals_str(name, DIRECTIVE))
                yyjson_mut_obj_iter_remove(&iter);
            else
                merge_finish(yyjson_mut_obj_iter_get_val(name));
        }
    }
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(value, i, count, item) {
        merge_finish(item);
    }
}
