/* See verbs.h: paths and bodies of requests; what an answer means is the caller's. Never retries. */

#include "kube/verbs.h"

#include <string.h>

#include "base/arena.h"

struct parts {
    const char *method, *verb;
    struct kube_ref ref;
    const char *subresource;
    const char *content_type;
    const char *body;
    size_t length;
    enum kube_urgency urgency;
    bool strict, dry_run;
};

static struct kube_call *send_parts(struct kube_api *api, const struct parts *parts, kube_done_cb done, void *arg) {
    AUTO_STRBUF path = STRBUF_INIT;
    kube_path(&path, parts->ref, parts->subresource);
    kube_query(&path, "fieldValidation", parts->strict ? "Strict" : NULL);
    kube_query(&path, "dryRun", parts->dry_run ? "All" : NULL);
    struct kube_request request = {.method = parts->method,
                                   .path = strbuf_text(&path),
                                   .content_type = parts->content_type,
                                   .body = parts->body,
                                   .length = parts->length,
                                   .pool = POOL_REQUESTS,
                                   .urgency = parts->ref.resource == &kube_events ? URGENCY_LAZY : parts->urgency,
                                   .verb = parts->verb,
                                   .resource = parts->ref.resource,
                                   .namespace = parts->ref.namespace,
                                   .name = parts->ref.name};
    return kube_send(api, &request, done, arg);
}

struct kube_call *kube_get(struct kube_api *api, struct kube_ref ref, kube_done_cb done, void *arg) {
    struct parts parts = {.method = "GET", .verb = "get", .ref = ref};
    return send_parts(api, &parts, done, arg);
}

struct kube_call *kube_list(struct kube_api *api, struct kube_ref ref, const char *selector, int64_t limit,
                            const char *continue_token, kube_done_cb done, void *arg) {
    AUTO_STRBUF path = STRBUF_INIT;
    ref.name = NULL;
    kube_path(&path, ref, NULL);
    kube_query_int(&path, "limit", limit);
    kube_query(&path, "labelSelector", selector);
    kube_query(&path, "continue", continue_token);
    struct kube_request request = {.method = "GET",
                                   .path = strbuf_text(&path),
                                   .pool = POOL_REQUESTS,
                                   .verb = "list",
                                   .resource = ref.resource,
                                   .namespace = ref.namespace};
    return kube_send(api, &request, done, arg);
}

struct kube_call *kube_create(struct kube_api *api, struct kube_ref ref, const struct kube_create *options,
                              const char *body, size_t length, kube_done_cb done, void *arg) {
    struct parts parts = {
        .method = "POST", .verb = "create", .ref = ref, .body = body, .length = length, .strict = true};
    if (options != NULL) {
        parts.subresource = options->subresource;
        parts.urgency = options->urgency;
        parts.dry_run = options->dry_run;
    }
    if (parts.subresource == NULL)
        parts.ref.name = NULL;
    return send_parts(api, &parts, done, arg);
}

struct kube_call *kube_put(struct kube_api *api, struct kube_ref ref, const char *subresource, const char *body,
                           size_t length, kube_done_cb done, void *arg) {
    struct parts parts = {
        .method = "PUT", .verb = "update", .ref = ref, .subresource = subresource, .body = body, .length = length};
    return send_parts(api, &parts, done, arg);
}

static struct parts patch_parts(struct kube_ref ref, const char *subresource, enum kube_patch type) {
    static const char *const types[] = {
        [PATCH_MERGE] = "application/merge-patch+json", [PATCH_STRATEGIC] = "application/strategic-merge-patch+json"};
    return (struct parts){
        .method = "PATCH", .verb = "patch", .ref = ref, .subresource = subresource, .content_type = types[type]};
}

struct kube_call *kube_patch(struct kube_api *api, struct kube_ref ref, const char *subresource, enum kube_patch type,
                             const char *body, size_t length, kube_done_cb done, void *arg) {
    struct parts parts = patch_parts(ref, subresource, type);
    parts.body = body;
    parts.length = length;
    return send_parts(api, &parts, done, arg);
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *value) {
    if (value != NULL)
        yyjson_mut_obj_add_str(doc, object, name, value);
}

struct kube_call *kube_delete(struct kube_api *api, struct kube_ref ref, const struct kube_delete *options,
                              kube_done_cb done, void *arg) {
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    add_text(doc, root, "kind", "DeleteOptions");
    add_text(doc, root, "apiVersion", "v1");
    add_text(doc, root, "propagationPolicy", options->propagation);
    if (options->grace_s >= 0)
        yyjson_mut_obj_add_sint(doc, root, "gracePeriodSeconds", options->grace_s);
    if (options->uid != NULL || options->version != NULL) {
        yyjson_mut_val *preconditions = yyjson_mut_obj_add_obj(doc, root, "preconditions");
        add_text(doc, preconditions, "uid", options->uid);
        add_text(doc, preconditions, "resourceVersion", options->version);
    }
    struct parts parts = {.method = "DELETE", .verb = "delete", .ref = ref};
    parts.body = json_write(root, &arena, &parts.length);
    return send_parts(api, &parts, done, arg);
}

struct kube_call *kube_finalizer_drop(struct kube_api *api, struct kube_ref ref, const char *uid, const char *finalizer,
                                      const char *label, kube_done_cb done, void *arg) {
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, root, "metadata");
    add_text(doc, metadata, "uid", uid);
    yyjson_mut_val *dropped = yyjson_mut_obj_add_arr(doc, metadata, "$deleteFromPrimitiveList/finalizers");
    yyjson_mut_arr_add_str(doc, dropped, finalizer);
    if (label != NULL)
        add_text(doc, yyjson_mut_obj_add_obj(doc, metadata, "labels"), label, "true");
    struct parts parts = patch_parts(ref, NULL, PATCH_STRATEGIC);
    parts.body = json_write(root, &arena, &parts.length);
    parts.urgency = URGENCY_LAZY; /* somebody tidies up */
    return send_parts(api, &parts, done, arg);
}

struct kube_call *kube_finalizers_set(struct kube_api *api, struct kube_ref ref, const char *uid, const char *version,
                                      const char *const *finalizers, size_t count, kube_done_cb done, void *arg) {
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, root, "metadata");
    add_text(doc, metadata, "uid", uid);
    add_text(doc, metadata, "resourceVersion", version);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, metadata, "finalizers");
    for (size_t i = 0; i < count; i++)
        yyjson_mut_arr_add_str(doc, list, finalizers[i]);
    size_t length = 0;
    const char *body = json_write(root, &arena, &length);
    return kube_patch(api, ref, NULL, PATCH_MERGE, body, length, done, arg);
}
