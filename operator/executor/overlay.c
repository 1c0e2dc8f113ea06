/* See overlay.h: the merge. Keys and strategies are those of the `patchMergeKey` and `patchStrategy` tags of core/v1
 * PodSpec, but for tolerations, which would replace there. Pure. Recurses over documents of bounded depth. */

#include "executor/overlay.h"

#include <string.h>

enum strategy { REPLACE_LIST, APPEND, MERGE_ITEMS, REPLACE_ITEMS };

static const struct {
    const char *list, *key;
    enum strategy strategy;
} lists[] = {
    {"containers", "name", MERGE_ITEMS},        {"initContainers", "name", MERGE_ITEMS},
    {"volumes", "name", REPLACE_ITEMS},         {"env", "name", REPLACE_ITEMS},
    {"volumeMounts", "mountPath", MERGE_ITEMS}, {"volumeDevices", "devicePath", MERGE_ITEMS},
    {"ports", "containerPort", MERGE_ITEMS},    {"imagePullSecrets", "name", MERGE_ITEMS},
    {"hostAliases", "ip", MERGE_ITEMS},         {"topologySpreadConstraints", "topologyKey", MERGE_ITEMS},
    {"resourceClaims", "name", MERGE_ITEMS},    {"tolerations", NULL, APPEND},
};

static size_t find_list(const char *name) {
    size_t i = 0;
    while (i < sizeof lists / sizeof *lists && strcmp(lists[i].list, name) != 0)
        i++;
    return i;
}

static bool same_key(yyjson_mut_val *a, yyjson_val *b) {
    if (yyjson_is_str(b))
        return yyjson_mut_equals_strn(a, yyjson_get_str(b), yyjson_get_len(b));
    return yyjson_is_int(b) && yyjson_mut_is_int(a) && yyjson_mut_get_sint(a) == yyjson_get_sint(b);
}

/* Index of the entry with that key; the size when there is none. */
static size_t find_item(yyjson_mut_val *list, const char *key, yyjson_val *wanted) {
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(list, i, count, item) {
        if (same_key(yyjson_mut_obj_get(item, key), wanted))
            return i;
    }
    return yyjson_mut_arr_size(list);
}

static void merge_list(yyjson_mut_val *base, yyjson_val *over, size_t list, yyjson_mut_doc *doc) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(over, i, count, item) {
        yyjson_val *wanted = lists[list].key != NULL ? yyjson_obj_get(item, lists[list].key) : NULL;
        size_t at = wanted != NULL ? find_item(base, lists[list].key, wanted) : yyjson_mut_arr_size(base);
        if (at == yyjson_mut_arr_size(base))
            yyjson_mut_arr_append(base, yyjson_val_mut_copy(doc, item));
        else if (lists[list].strategy == REPLACE_ITEMS)
            yyjson_mut_arr_replace(base, at, yyjson_val_mut_copy(doc, item));
        else
            overlay_merge(yyjson_mut_arr_get(base, at), item, doc);
    }
}

void overlay_merge(yyjson_mut_val *base, yyjson_val *over, yyjson_mut_doc *doc) {
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach(over, i, count, name, value) {
        const char *member = yyjson_get_str(name);
        yyjson_mut_val *there = yyjson_mut_obj_get(base, member);
        size_t list = find_list(member);
        if (yyjson_is_null(value))
            yyjson_mut_obj_remove_key(base, member);
        else if (yyjson_is_obj(value) && yyjson_mut_is_obj(there))
            overlay_merge(there, value, doc);
        else if (yyjson_is_arr(value) && yyjson_mut_is_arr(there) && list < sizeof lists / sizeof *lists)
            merge_list(there, value, list, doc);
        else
            yyjson_mut_obj_put(base, yyjson_val_mut_copy(doc, name), yyjson_val_mut_copy(doc, value));
    }
}
