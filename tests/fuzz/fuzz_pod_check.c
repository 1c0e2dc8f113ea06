/* The Kubernetes fields of defaults and of a task over them, as a user may write them: {"defaults": …, "task": …}. When
 * both are found sound, what is merged of them is sound too, is not changed by merging the task once more, and has no
 * null left when nulls are dropped. */

#include <string.h>

#include "pipeline/merge.h"
#include "pipeline/pod_check.h"
#include "support_fuzz.h"

static const struct pod_type *const type = &pod_types[POD_TYPE_TASK];

static size_t check(yyjson_mut_val *fields, yyjson_mut_val *under, struct arena *arena) {
    struct problems problems = {.arena = arena};
    pod_check(fields, under, &(struct place){.name = "spec"}, &problems);
    for (size_t i = 0; i < problems.count; i++)
        CHECK(strncmp(problems.items[i], "spec.", 5) == 0 && strstr(problems.items[i], ": ") != NULL);
    return problems.total;
}

static void check_no_null(yyjson_mut_val *value) {
    size_t i, count;
    yyjson_mut_val *name, *item;
    yyjson_mut_obj_foreach(value, i, count, name, item) {
        CHECK(!yyjson_mut_is_null(item));
        check_no_null(item);
    }
    yyjson_mut_arr_foreach(value, i, count, item) {
        check_no_null(item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *read = NULL;
    struct error err = {0};
    if (json_parse((const char *)data, size, &read, &err) < 0)
        return 0;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *defaults = yyjson_val_mut_copy(doc, json_at(yyjson_doc_get_root(read), "defaults", NULL));
    yyjson_mut_val *task = yyjson_val_mut_copy(doc, json_at(yyjson_doc_get_root(read), "task", NULL));
    if (!yyjson_mut_is_obj(defaults) || !yyjson_mut_is_obj(task))
        return 0;
    if (check(defaults, NULL, &arena) + check(task, defaults, &arena) > 0)
        return 0;
    yyjson_mut_val *again = yyjson_mut_val_mut_copy(doc, task);
    merge_object(doc, type, defaults, task);
    CHECK(check(defaults, NULL, &arena) == 0);
    yyjson_mut_val *merged = yyjson_mut_val_mut_copy(doc, defaults);
    merge_object(doc, type, defaults, again);
    CHECK(json_same(merged, defaults) && json_hash(merged) == json_hash(defaults));
    merge_finish(merged);
    check_no_null(merged);
    return 0;
}
