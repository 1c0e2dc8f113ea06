/* See merge.h. Pure. Recurses over documents whose depth is bounded. */

#include "pipeline/merge.h"

#include <string.h>

static const struct {
    const char *list, *key;
} keyed[] = {{"env", "name"}, {"volumes", "name"}, {"volumeMounts", "mountPath"}, {"imagePullSecrets", "name"}};

static const char *key_of(const char *list) {
    for (size_t i = 0; i < sizeof keyed / sizeof *keyed; i++)
        if (strcmp(keyed[i].list, list) == 0)
            return keyed[i].key;
    return NULL;
}

static void remove_namesakes(yyjson_mut_val *list, const char *key, const char *name) {
    yyjson_mut_arr_iter iter = {0};
    yyjson_mut_arr_iter_init(list, &iter);
    yyjson_mut_val *item;
    while ((item = yyjson_mut_arr_iter_next(&iter)) != NULL)
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(item, key), name))
            yyjson_mut_arr_iter_remove(&iter);
}

/* An entry replaces its namesake as a whole: `value` and `valueFrom` of two sources must not meet in one. */
static void merge_keyed(yyjson_mut_val *base, yyjson_mut_val *over, const char *key) {
    yyjson_mut_val *item;
    while ((item = yyjson_mut_arr_remove_first(over)) != NULL) {
        const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(item, key));
        if (name != NULL)
            remove_namesakes(base, key, name);
        yyjson_mut_arr_append(base, item);
    }
}

void merge_object(yyjson_mut_val *base, yyjson_mut_val *over) {
    yyjson_mut_obj_iter iter = {0};
    yyjson_mut_obj_iter_init(over, &iter);
    yyjson_mut_val *name;
    while ((name = yyjson_mut_obj_iter_next(&iter)) != NULL) {
        yyjson_mut_val *value = yyjson_mut_obj_iter_remove(&iter);
        const char *member = yyjson_mut_get_str(name);
        yyjson_mut_val *there = yyjson_mut_obj_get(base, member);
        const char *key = key_of(member);
        if (yyjson_mut_is_null(value))
            continue;
        if (key != NULL && yyjson_mut_is_arr(there) && yyjson_mut_is_arr(value))
            merge_keyed(there, value, key);
        else if (yyjson_mut_is_obj(there) && yyjson_mut_is_obj(value))
            merge_object(there, value);
        else
            yyjson_mut_obj_put(base, name, value);
    }
}
