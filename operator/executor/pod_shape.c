/* See executor.h: executor_pod_shape(). Works on a copy. Pure. */

#include "executor/executor.h"

static void blank_env(yyjson_mut_val *container, yyjson_mut_doc *doc) {
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(container, "env"), i, count, item) {
        yyjson_mut_val *value = yyjson_mut_obj_get(item, "value");
        if (value != NULL) /* an empty one may stand beside valueFrom */
            yyjson_mut_obj_put(item, yyjson_mut_str(doc, "value"),
                               yyjson_mut_str(doc, yyjson_mut_get_len(value) == 0 ? "" : "value"));
    }
}

static void blank_containers(yyjson_mut_val *containers, yyjson_mut_doc *doc) {
    size_t i, count;
    yyjson_mut_val *container;
    yyjson_mut_arr_foreach(containers, i, count, container) {
        yyjson_mut_obj_remove_key(container, "command");
        yyjson_mut_obj_remove_key(container, "args");
        blank_env(container, doc);
    }
}

uint64_t executor_pod_shape(yyjson_mut_val *pod) {
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *spec = yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_get(pod, "spec"));
    blank_containers(yyjson_mut_obj_get(spec, "initContainers"), doc);
    blank_containers(yyjson_mut_obj_get(spec, "containers"), doc);
    return json_hash(spec);
}
