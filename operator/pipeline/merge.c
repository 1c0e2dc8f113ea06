/* See merge.h. Pure. Recurses over documents whose depth is bounded. */

#include "pipeline/merge.h"

#include <string.h>

/* An entry replaces its namesake as a whole, since `value` and `valueFrom` of two sources must not meet in one; only
 * the containers of the overlay are merged in turn. */
static const struct keyed {
    const char *list, *key;
    bool deep;
} keyed[] = {
    {"env", "name", false},
    {"volumes", "name", false},
    {"volumeMounts", "mountPath", false},
    {"imagePullSecrets", "name", false},
    {"containers", "name", true},
    {"initContainers", "name", true},
};

static const struct keyed *find_keyed(const char *list) {
    for (size_t i = 0; i < sizeof keyed / sizeof *keyed; i++)
        if (strcmp(keyed[i].list, list) == 0)
            return &keyed[i];
    return NULL;
}

/* Takes the entry of that name out of the list; NULL when there is none. */
static yyjson_mut_val *take_out(yyjson_mut_val *list, const char *key, const char *name) {
    yyjson_mut_arr_iter iter = {0};
    yyjson_mut_arr_iter_init(list, &iter);
    yyjson_mut_val *item;
    while ((item = yyjson_mut_arr_iter_next(&iter)) != NULL)
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(item, key), name))
            return yyjson_mut_arr_iter_remove(&iter);
    return NULL;
}

static void merge_keyed(yyjson_mut_val *base, yyjson_mut_val *over, const struct keyed *rule) {
    yyjson_mut_val *item;
    while ((item = yyjson_mut_arr_remove_first(over)) != NULL) {
        const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(item, rule->key));
        yyjson_mut_val *there = name != NULL ? take_out(base, rule->key, name) : NULL;
        if (rule->deep && there != NULL) {
            merge_object(there, item);
            item = there;
        }
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
        const struct keyed *rule = find_keyed(member);
        if (yyjson_mut_is_null(value))
            continue;
        if (rule != NULL && yyjson_mut_is_arr(there) && yyjson_mut_is_arr(value))
            merge_keyed(there, value, rule);
        else if (yyjson_mut_is_obj(there) && yyjson_mut_is_obj(value))
            merge_object(there, value);
        else
            yyjson_mut_obj_put(base, name, value);
    }
}
