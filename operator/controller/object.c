/* See object.h. Relies on the API server's objects having the shape of core/v1 and on nothing else; what is malformed
 * counts as absent. Never looks into other caches. */

#include "controller/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "executor/executor.h"

const struct kube_resource kube_pipelines = {
    .group = WEIR_GROUP, .version = "v1alpha1", .plural = "pipelines", .kind = "Pipeline"};

bool object_has_finalizer(yyjson_val *object, const char *finalizer) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_at(object, "metadata", "finalizers", NULL), i, count, item) {
        if (yyjson_equals_str(item, finalizer))
            return true;
    }
    return false;
}

static const char *const kept_metadata[] = {"name",
                                            "namespace",
                                            "uid",
                                            "labels",
                                            "finalizers",
                                            "creationTimestamp",
                                            "resourceVersion",
                                            "deletionTimestamp",
                                            "deletionGracePeriodSeconds",
                                            "ownerReferences"};
static const char *const kept_spec[] = {"nodeName", "terminationGracePeriodSeconds", "activeDeadlineSeconds"};
static const char *const kept_status[] = {
    "phase", "reason", "message", "conditions", "startTime", "containerStatuses", "initContainerStatuses"};

static void keep(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *pod, const char *part, const char *const *names,
                 size_t count) {
    yyjson_val *from = yyjson_obj_get(pod, part);
    yyjson_mut_val *to = yyjson_mut_obj_add_obj(doc, root, part);
    for (size_t i = 0; i < count; i++) {
        yyjson_val *value = yyjson_obj_get(from, names[i]);
        if (value != NULL)
            yyjson_mut_obj_add_val(doc, to, names[i], yyjson_val_mut_copy(doc, value));
    }
}

/* Of the containers only what messages speak of. */
static void keep_containers(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *pod) {
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, yyjson_mut_obj_get(root, "spec"), "containers");
    size_t i, count;
    yyjson_val *container;
    yyjson_arr_foreach(json_at(pod, "spec", "containers", NULL), i, count, container) {
        yyjson_mut_val *kept = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_strcpy(doc, kept, "name", json_text(container, "name", ""));
        yyjson_val *resources = yyjson_obj_get(container, "resources");
        if (resources != NULL)
            yyjson_mut_obj_add_val(doc, kept, "resources", yyjson_val_mut_copy(doc, resources));
    }
}

static yyjson_doc *project(yyjson_val *pod) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
#define KEEP(part) keep(doc, root, pod, #part, kept_##part, sizeof kept_##part / sizeof *kept_##part)
    KEEP(metadata);
    KEEP(spec);
    KEEP(status);
#undef KEEP
    keep_containers(doc, root, pod);
    yyjson_doc *copy = yyjson_mut_doc_imut_copy(doc, NULL);
    yyjson_mut_doc_free(doc);
    return copy;
}

static yyjson_val *controller_of(yyjson_val *pod) {
    size_t i, count;
    yyjson_val *owner;
    yyjson_arr_foreach(json_at(pod, "metadata", "ownerReferences", NULL), i, count, owner) {
        if (json_bool(owner, "controller", false) && text_equal(json_text(owner, "kind", ""), kube_pipelines.kind) &&
            text_starts_with(json_text(owner, "apiVersion", ""), WEIR_GROUP "/"))
            return owner;
    }
    return NULL;
}

/* The main container decides: a sidecar that somebody injected may never end. */
static bool has_ended(yyjson_val *pod) {
    yyjson_val *status = yyjson_obj_get(pod, "status");
    const char *phase = json_text(status, "phase", "");
    if (text_equal(phase, "Succeeded") || text_equal(phase, "Failed"))
        return true;
    size_t i, count;
    yyjson_val *container;
    yyjson_arr_foreach(yyjson_obj_get(status, "containerStatuses"), i, count, container) {
        if (text_equal(json_text(container, "name", ""), "main"))
            return json_at(container, "state", "terminated", NULL) != NULL;
    }
    return false;
}

struct pod_object *pod_object_new(yyjson_val *object) {
    yyjson_val *owner = controller_of(object);
    if (owner == NULL)
        return NULL;
    struct pod_object *pod = calloc(1, sizeof *pod);
    if (pod == NULL)
        abort();
    pod->doc = project(object);
    pod->run_uid = strdup(json_text(owner, "uid", ""));
    const char *namespace = json_text(yyjson_obj_get(object, "metadata"), "namespace", "");
    if (pod->doc == NULL || pod->run_uid == NULL ||
        asprintf(&pod->run_key, "%s/%s", namespace, json_text(owner, "name", "")) < 0)
        abort();
    pod->ended = has_ended(object);
    return pod;
}

void pod_object_free(struct pod_object *pod) {
    if (pod == NULL)
        return;
    yyjson_doc_free(pod->doc);
    free(pod->run_key);
    free(pod->run_uid);
    free(pod->report);
    free(pod);
}

void pod_object_inherit(struct pod_object *pod, struct pod_object *older, int64_t now) {
    pod->report = older->report;
    pod->report_length = older->report_length;
    pod->report_seq = older->report_seq;
    pod->report_final = older->report_final;
    older->report = NULL;
    pod->ended_seen = older->ended ? older->ended_seen : pod->ended ? now : 0;
}

bool pod_object_report(struct pod_object *pod, const struct record *record, const char *body, size_t length) {
    bool news = pod->report == NULL || record->seq > pod->report_seq;
    if (!news || (pod->report_final && !record->final))
        return false;
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, body, length);
    copy[length] = '\0';
    free(pod->report);
    pod->report = copy;
    pod->report_length = length;
    pod->report_seq = record->seq;
    pod->report_final = record->final;
    return true;
}
