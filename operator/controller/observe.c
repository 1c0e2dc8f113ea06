/* Builds the planner's input from the caches: nothing is fetched and nothing is decided here. */

#include <string.h>

#include "controller/internal.h"

static void observe_pipeline(struct observation *seen, struct arena *arena) {
    const struct pipeline_object *object = seen->pipeline->object;
    yyjson_val *root = yyjson_doc_get_root(object->doc);
    yyjson_val *metadata = yyjson_obj_get(root, "metadata");
    struct run *run = &seen->run;
    run->name = seen->pipeline->name;
    run->namespace = seen->pipeline->namespace;
    run->uid = seen->pipeline->uid;
    run->generation = json_int(metadata, "generation", 0);
    run->created_at = json_time(metadata, "creationTimestamp");
    run->deleting_since = json_time(metadata, "deletionTimestamp");
    run->deleting = run->deleting_since != 0;
    run->finalizer = object_has_finalizer(root, FINALIZER_CLEANUP);
    status_decode(yyjson_obj_get(root, "status"), &run->recorded, arena);

    seen->problems.arena = arena;
    struct pipeline *spec = pipeline_decode(root, executor_tables(), arena, &seen->problems);
    if (spec != NULL)
        executor_validate(spec, &seen->problems, NULL);
    run->spec = spec;
    run->problems = &seen->problems;
}

static void observe_pod(const struct cache_entry *entry, int64_t now, struct arena *arena, struct observation *seen) {
    const struct pod_object *pod = entry->object;
    struct record record = RECORD_INIT;
    struct error err;
    bool reported = pod->report != NULL && record_decode(pod->report, pod->report_length, &record, arena, &err) == 0;
    size_t at = seen->run.pod_count++;
    struct pod_view *views = (struct pod_view *)(uintptr_t)seen->run.pods;
    seen->objects[at] = pod;
    executor_view(yyjson_doc_get_root(pod->doc), reported ? &record : NULL, now, arena, &views[at]);
}

void observe(const struct controller *controller, const char *key, int64_t now, struct arena *arena,
             struct observation *ret) {
    *ret = (struct observation){0};
    const char *slash = strchr(key, '/');
    if (slash == NULL)
        return;
    const char *namespace = arena_strndup(arena, key, (size_t)(slash - key));
    const struct scope *scope = controller_scope(controller, namespace);
    if (scope == NULL)
        return;
    ret->pipeline = cache_get(scope->pipelines, namespace, slash + 1);
    if (ret->pipeline != NULL)
        observe_pipeline(ret, arena);

    size_t pods = 0;
    const struct cache_entry *entry;
    for (entry = cache_group_first(scope->pods, key); entry != NULL; entry = cache_group_next(scope->pods, entry))
        pods++;
    ret->run.pods = ARENA_NEW_ARRAY(arena, pods, struct pod_view);
    ret->objects = ARENA_NEW_ARRAY(arena, pods, const struct pod_object *);
    ret->orphans = ARENA_NEW_ARRAY(arena, pods, const struct cache_entry *);
    for (entry = cache_group_first(scope->pods, key); entry != NULL; entry = cache_group_next(scope->pods, entry)) {
        const struct pod_object *pod = entry->object;
        if (ret->pipeline != NULL && text_equal(pod->run_uid, ret->run.uid))
            observe_pod(entry, now, arena, ret);
        else
            ret->orphans[ret->orphan_count++] = entry;
    }
    if (ret->pipeline != NULL)
        memory_fill(controller->memory, &ret->run, arena);
}
