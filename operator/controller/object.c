/* See object.h. Relies on the API server's objects having the shape of core/v1 and of the CRD and on nothing else; what
 * is malformed counts as absent. Never looks into other caches. */

#include "controller/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pipeline/names.h"
#include "pipeline/tables.h"

const struct kube_resource kube_pipelines = {
    .group = WEIR_GROUP, .version = "v1alpha1", .plural = "pipelines", .kind = "Pipeline"};
const struct kube_resource kube_namespaces = {
    .group = "", .version = "v1", .plural = "namespaces", .kind = "Namespace", .cluster_scoped = true};

static void *checked(void *memory) {
    if (memory == NULL)
        abort();
    return memory;
}

void object_key(const char *namespace, const char *pipeline, char key[KEY_MAX]) {
    AUTO_ARENA arena = ARENA_INIT;
    snprintf(key, KEY_MAX, "%.64s/%.63s", namespace, names_label(pipeline, &arena));
}

void object_key_namespace(const char *key, char namespace[KEY_MAX]) {
    size_t length = strcspn(key, "/");
    length = length < KEY_MAX - 1 ? length : KEY_MAX - 1;
    memcpy(namespace, key, length);
    namespace[length] = '\0';
}

/* --- pods --- */

static const char *owner_name(yyjson_val *metadata, const char *uid) {
    size_t i, count;
    yyjson_val *owner;
    yyjson_val *list = yyjson_obj_get(metadata, "ownerReferences");
    if (uid[0] == '\0' || !yyjson_is_arr(list))
        return NULL;
    yyjson_arr_foreach(list, i, count, owner) {
        if (text_equal(json_text(owner, "uid", NULL), uid))
            return json_text(owner, "name", NULL);
    }
    return NULL;
}

static struct pod_object *new_pod(yyjson_val *object, bool hidden_too) {
    yyjson_val *metadata = yyjson_obj_get(object, "metadata");
    const char *manager = json_text(yyjson_obj_get(metadata, "labels"), LABEL_MANAGED_BY, "");
    struct pod_facts *facts = pod_facts_new(object);
    if (!hidden_too && (facts->done || strcmp(manager, MANAGER) != 0)) {
        free(facts);
        return NULL;
    }
    struct pod_object *pod = checked(calloc(1, sizeof *pod));
    const char *owner = owner_name(metadata, pod_fact(facts, FACT_OWNER));
    const char *label = pod_fact(facts, FACT_PIPELINE);
    const char *name = owner != NULL ? owner : label;
    char key[KEY_MAX];
    pod->facts = facts;
    if (name[0] == '\0' || pod_object_run(pod)[0] == '\0') /* somebody else's, with labels like ours */
        return pod;
    object_key(json_text(metadata, "namespace", ""), name, key);
    pod->key = checked(strdup(key));
    if (owner != NULL && strcmp(owner, label) != 0)
        pod->owner = checked(strdup(owner));
    return pod;
}

struct pod_object *pod_object_new(yyjson_val *object) {
    return new_pod(object, false);
}

struct pod_object *pod_object_any(yyjson_val *object) {
    return new_pod(object, true);
}

void pod_object_free(struct pod_object *pod) {
    if (pod == NULL)
        return;
    free(pod->facts);
    free(pod->key);
    free(pod->owner);
    free(pod->report);
    free(pod);
}

void pod_object_inherit(struct pod_object *pod, struct pod_object *older, int64_t now) {
    bool ended = pod_facts_ended(pod->facts);
    pod->report = older->report;
    pod->report_length = older->report_length;
    pod->report_seq = older->report_seq;
    pod->report_final = older->report_final;
    older->report = NULL;
    pod->ended_seen = pod_facts_ended(older->facts) ? older->ended_seen : ended ? now : 0;
}

bool pod_object_report(struct pod_object *pod, const struct record *record, const char *body, size_t length) {
    bool news = pod->report == NULL || record->seq > pod->report_seq;
    if (!news || (pod->report_final && !record->final))
        return false;
    char *copy = checked(malloc(length + 1));
    memcpy(copy, body, length);
    copy[length] = '\0';
    free(pod->report);
    pod->report = copy;
    pod->report_length = length;
    pod->report_seq = record->seq;
    pod->report_final = record->final;
    return true;
}

const char *pod_object_run(const struct pod_object *pod) {
    const char *owner = pod_fact(pod->facts, FACT_OWNER);
    return owner[0] != '\0' ? owner : pod_fact(pod->facts, FACT_RUN);
}

/* --- Pipelines --- */

static const char *const kept_metadata[] = {"name", "namespace", "uid"};

static void keep(yyjson_mut_doc *doc, yyjson_mut_val *to, yyjson_val *from, const char *name) {
    yyjson_val *value = yyjson_obj_get(from, name);
    if (value != NULL)
        yyjson_mut_obj_add_val(doc, to, name, yyjson_val_mut_copy(doc, value));
}

static yyjson_doc *keep_whole(yyjson_val *object) {
    yyjson_mut_doc *doc = checked(yyjson_mut_doc_new(NULL));
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, root, "metadata");
    for (size_t i = 0; i < sizeof kept_metadata / sizeof *kept_metadata; i++)
        keep(doc, metadata, yyjson_obj_get(object, "metadata"), kept_metadata[i]);
    keep(doc, root, object, "spec");
    keep(doc, root, object, "status");
    yyjson_doc *copy = checked(yyjson_mut_doc_imut_copy(doc, NULL));
    yyjson_mut_doc_free(doc);
    return copy;
}

static void count_tasks(yyjson_val *status, struct pipeline_object *pipeline) {
    yyjson_val *counts = yyjson_obj_get(status, "counts");
    for (int phase = 0; phase < TASK_PHASE_COUNT; phase++)
        pipeline->counts[phase] = (uint16_t)json_int(counts, task_phase_count_name((enum task_phase)phase), 0);
    int done = 0;
    int total = 0;
    if (sscanf(json_text(status, "progress", ""), "%5d/%5d", &done, &total) == 2) {
        pipeline->done = (uint16_t)done;
        pipeline->total = (uint16_t)total;
    }
}

struct pipeline_object *pipeline_object_new(yyjson_val *object) {
    struct pipeline_object *pipeline = checked(calloc(1, sizeof *pipeline));
    yyjson_val *metadata = yyjson_obj_get(object, "metadata");
    yyjson_val *spec = yyjson_obj_get(object, "spec");
    yyjson_val *status = yyjson_obj_get(object, "status");
    pipeline->generation = json_int(metadata, "generation", 0);
    pipeline->deleting = yyjson_obj_get(metadata, "deletionTimestamp") != NULL;
    pipeline->old_finalizer = json_lists(metadata, "finalizers", FINALIZER_CLEANUP);
    pipeline->phase = run_phase_find(json_text(status, "phase", NULL));
    pipeline->started_at = json_time(status, "startedAt");
    pipeline->finished_at = json_time(status, "finishedAt");
    pipeline->ttl_seconds_after_finished = json_int(spec, "ttlSecondsAfterFinished", -1);
    pipeline->pod_retention = (unsigned char)tables_retention(json_text(spec, "podRetention", NULL));
    count_tasks(status, pipeline);
    bool recorded = json_int(status, "observedGeneration", -1) == pipeline->generation;
    if (!run_phase_final(pipeline->phase) || !recorded || pipeline->finished_at == 0)
        pipeline->doc = keep_whole(object);
    return pipeline;
}

struct pipeline_object *pipeline_object_bare(int64_t generation) {
    struct pipeline_object *pipeline = checked(calloc(1, sizeof *pipeline));
    *pipeline = (struct pipeline_object){.generation = generation, .bare = true};
    return pipeline;
}

void pipeline_object_free(struct pipeline_object *pipeline) {
    if (pipeline == NULL)
        return;
    yyjson_doc_free(pipeline->doc);
    free(pipeline);
}

bool pipeline_object_finished(const struct pipeline_object *pipeline) {
    return pipeline->doc == NULL && !pipeline->bare;
}
