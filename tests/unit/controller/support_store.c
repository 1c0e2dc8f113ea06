/* See support_store.h. An object is its newest snapshot; every write makes a new one and a change. All that is not a
 * snapshot lives in the arena. Knows no kind but for the grace of pods. */

#include "controller/support_store.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/text.h"

yyjson_val *object_root(const struct object *object) {
    return yyjson_doc_get_root(object->doc);
}

static yyjson_val *metadata(yyjson_val *root) {
    return yyjson_obj_get(root, "metadata");
}

struct object *store_find(const struct store *store, const char *plural, const char *namespace, const char *name) {
    struct object *object;
    LL_FOREACH(store->objects, object) {
        if (!object->gone && text_equal(object->plural, plural) && text_equal(object->name, name) &&
            (namespace == NULL || text_equal(object->namespace, namespace)))
            return object;
    }
    return NULL;
}

static void put_text(struct store *store, yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name,
                     const char *text) {
    yyjson_mut_obj_put(object, yyjson_mut_str(doc, name), yyjson_mut_str(doc, arena_strdup(&store->arena, text)));
}

static const char *now_text(struct store *store) {
    char text[CLOCK_TEXT_MAX];
    clock_format(clock_wall_ms(), text);
    return arena_strdup(&store->arena, text);
}

static void commit(struct store *store, struct object *object, yyjson_mut_doc *doc, yyjson_mut_val *root, bool gone) {
    put_text(store, doc, yyjson_mut_obj_get(root, "metadata"), "resourceVersion",
             arena_printf(&store->arena, "%" PRId64, ++store->version));
    yyjson_mut_doc_set_root(doc, root);
    struct change *change = ARENA_NEW(&store->arena, struct change);
    *change = (struct change){store->version, object, object->doc, yyjson_mut_doc_imut_copy(doc, NULL), gone, NULL};
    *store->last_change = change;
    store->last_change = &change->next;
    object->doc = change->after;
    object->gone = gone;
    store->changed(store);
}

/* What an update comes to: nothing when nothing differs, the end of the object when nothing holds it any more. */
static void settle(struct store *store, struct object *object, yyjson_mut_doc *doc, yyjson_mut_val *root) {
    yyjson_mut_val *before = yyjson_val_mut_copy(doc, object_root(object));
    if (yyjson_mut_equals(before, root))
        return;
    yyjson_mut_val *data = yyjson_mut_obj_get(root, "metadata");
    yyjson_mut_val *generation = yyjson_mut_obj_get(data, "generation");
    if (generation != NULL && !yyjson_mut_equals(yyjson_mut_obj_get(before, "spec"), yyjson_mut_obj_get(root, "spec")))
        yyjson_mut_set_int(generation, (int)yyjson_mut_get_int(generation) + 1);
    bool held = yyjson_mut_arr_size(yyjson_mut_obj_get(data, "finalizers")) > 0 ||
                yyjson_mut_get_int(yyjson_mut_obj_get(data, "deletionGracePeriodSeconds")) > 0;
    commit(store, object, doc, root, yyjson_mut_obj_get(data, "deletionTimestamp") != NULL && !held);
}

/* --- answers --- */

struct reply store_refuse(struct store *store, int status, const char *reason, const char *field, const char *message) {
    AUTO_STRBUF text = STRBUF_INIT;
    const char *kind = text_starts_with(message, "Pod \"") ? "Pod" : "pods"; /* validation's word, or admission's */
    json_quote(&text, message, strlen(message));
    return (struct reply){status,
                          arena_printf(&store->arena,
                                       "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":%d,\"reason\":\"%s\","
                                       "\"message\":%s,\"details\":{\"kind\":\"%s\",\"causes\":[{\"field\":\"%s\"}]}}",
                                       status, reason, strbuf_text(&text), kind, field)};
}

struct reply store_missing(struct store *store, const struct target *target) {
    return (struct reply){
        404, arena_printf(&store->arena,
                          "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":404,\"reason\":\"NotFound\","
                          "\"message\":\"%s \\\"%s\\\" not found\",\"details\":{\"name\":\"%s\","
                          "\"group\":\"%s\",\"kind\":\"%s\"}}",
                          target->plural, target->name, target->name, target->group, target->plural)};
}

static struct reply show(struct store *store, int status, const struct object *object) {
    return (struct reply){status, json_write_value(object_root(object), &store->arena, NULL)};
}

static struct reply get_object(struct store *store, const struct target *target) {
    return show(store, 200, target->object);
}

static struct reply create_object(struct store *store, const struct target *target) {
    const char *name = json_text(metadata(target->body), "name", "");
    if (store_find(store, target->plural, target->namespace, name) != NULL)
        return store_refuse(store, 409, "AlreadyExists", "",
                            arena_printf(&store->arena, "\"%s\" already exists", name));
    struct object *object = ARENA_NEW(&store->arena, struct object);
    *object = (struct object){.plural = arena_strdup(&store->arena, target->plural),
                              .namespace = arena_strdup(&store->arena, target->namespace),
                              .name = arena_strdup(&store->arena, name),
                              .serial = ++store->serials};
    *store->last_object = object;
    store->last_object = &object->next;
    yyjson_mut_doc *doc = json_new(&store->arena);
    yyjson_mut_val *root = yyjson_val_mut_copy(doc, target->body);
    yyjson_mut_val *data = yyjson_mut_obj_get(root, "metadata");
    put_text(store, doc, data, "namespace", target->namespace);
    put_text(store, doc, data, "uid", arena_printf(&store->arena, "uid-%" PRId64, object->serial));
    put_text(store, doc, data, "creationTimestamp", now_text(store));
    yyjson_mut_obj_remove_key(root, "status");
    if (text_equal(target->plural, "pods"))
        put_text(store, doc, yyjson_mut_obj_add_obj(doc, root, "status"), "phase", "Pending");
    else
        yyjson_mut_obj_add_int(doc, data, "generation", 1);
    commit(store, object, doc, root, false);
    return show(store, 201, object);
}

/* Does the body speak of this very object, in the version that is here? Absent means any. */
static bool stale(const struct target *target, yyjson_val *named, struct store *store, struct reply *ret_answer) {
    yyjson_val *here = metadata(object_root(target->object));
    const char *uid = json_text(named, "uid", NULL);
    const char *version = json_text(named, "resourceVersion", NULL);
    if (uid != NULL && !text_equal(uid, json_text(here, "uid", "")))
        *ret_answer = text_equal(target->verb, "patch")
                          ? store_refuse(store, 422, "Invalid", "metadata.uid", "metadata.uid: field is immutable")
                          : store_refuse(store, 409, "Conflict", "", "the UID in the precondition is another one");
    else if (version != NULL && !text_equal(version, json_text(here, "resourceVersion", "")))
        *ret_answer = store_refuse(store, 409, "Conflict", "", "the object has been modified");
    else
        return false;
    return true;
}

static struct reply update_status(struct store *store, const struct target *target) {
    struct reply answer;
    assert_string_equal(target->subresource, "status");
    assert_non_null(json_text(metadata(target->body), "resourceVersion", NULL));
    if (stale(target, metadata(target->body), store, &answer))
        return answer;
    yyjson_mut_doc *doc = json_new(&store->arena);
    yyjson_mut_val *root = yyjson_val_mut_copy(doc, object_root(target->object));
    yyjson_mut_obj_put(root, yyjson_mut_str(doc, "status"),
                       yyjson_val_mut_copy(doc, yyjson_obj_get(target->body, "status")));
    settle(store, target->object, doc, root);
    return show(store, 200, target->object);
}

/* The one strategic merge that is known: taking names off a list of finalizers, and setting labels. */
static void drop_finalizers(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *body) {
    yyjson_val *dropped = yyjson_obj_get(metadata(body), "$deleteFromPrimitiveList/finalizers");
    yyjson_val *labels = yyjson_obj_get(metadata(body), "labels");
    yyjson_mut_val *data = yyjson_mut_obj_get(root, "metadata");
    assert_int_equal(yyjson_obj_size(body), 1);
    assert_true(yyjson_is_arr(dropped));
    yyjson_mut_val *list = yyjson_mut_obj_get(data, "finalizers");
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_arr_foreach(dropped, i, count, name) {
        for (size_t at = yyjson_mut_arr_size(list); at-- > 0;)
            if (yyjson_mut_equals_str(yyjson_mut_arr_get(list, at), yyjson_get_str(name)))
                yyjson_mut_arr_remove(list, at);
    }
    yyjson_obj_foreach(labels, i, count, name, value) {
        yyjson_mut_obj_put(yyjson_mut_obj_get(data, "labels"), yyjson_val_mut_copy(doc, name),
                           yyjson_val_mut_copy(doc, value));
    }
}

static struct reply patch_object(struct store *store, const struct target *target) {
    struct reply answer;
    bool pod = text_equal(target->plural, "pods");
    bool strategic = yyjson_obj_get(metadata(target->body), "$deleteFromPrimitiveList/finalizers") != NULL;
    if (strategic && !pod)
        return store_refuse(store, 415, "UnsupportedMediaType", "", "a custom resource knows no strategic merge");
    if (stale(target, metadata(target->body), store, &answer))
        return answer;
    yyjson_mut_doc *doc = json_new(&store->arena);
    yyjson_mut_val *root = yyjson_val_mut_copy(doc, object_root(target->object));
    if (strategic)
        drop_finalizers(doc, root, target->body);
    else
        root = yyjson_merge_patch(doc, object_root(target->object), target->body);
    size_t held = yyjson_arr_size(yyjson_obj_get(metadata(object_root(target->object)), "finalizers"));
    yyjson_mut_val *data = yyjson_mut_obj_get(root, "metadata");
    if (yyjson_mut_obj_get(data, "deletionTimestamp") != NULL &&
        yyjson_mut_arr_size(yyjson_mut_obj_get(data, "finalizers")) > held)
        return store_refuse(store, 422, "Invalid", "metadata.finalizers",
                            "no new finalizers: the object is being deleted");
    settle(store, target->object, doc, root);
    return show(store, 200, target->object);
}

/* A pod that runs on a node gets its grace, and goes when the kubelet deletes it without; all else goes at once. */
static int grace_of(const struct target *target) {
    yyjson_val *root = object_root(target->object);
    const char *phase = json_text(yyjson_obj_get(root, "status"), "phase", "");
    bool placed = json_at(root, "spec", "nodeName", NULL) != NULL;
    if (!text_equal(target->plural, "pods") || !placed || text_equal(phase, "Succeeded") || text_equal(phase, "Failed"))
        return 0;
    return (int)json_int(target->body, "gracePeriodSeconds",
                         json_int(yyjson_obj_get(root, "spec"), "terminationGracePeriodSeconds", 30));
}

static struct reply delete_object(struct store *store, const struct target *target) {
    struct reply answer;
    if (stale(target, yyjson_obj_get(target->body, "preconditions"), store, &answer))
        return answer;
    int grace = grace_of(target);
    yyjson_val *here = metadata(object_root(target->object));
    bool again = yyjson_obj_get(here, "deletionTimestamp") != NULL;
    if (again && json_int(here, "deletionGracePeriodSeconds", 0) <= grace)
        return show(store, 200, target->object);
    yyjson_mut_doc *doc = json_new(&store->arena);
    yyjson_mut_val *root = yyjson_val_mut_copy(doc, object_root(target->object));
    yyjson_mut_val *data = yyjson_mut_obj_get(root, "metadata");
    char at[CLOCK_TEXT_MAX];
    clock_format(clock_wall_ms() + grace * 1000, at);
    put_text(store, doc, data, "deletionTimestamp", at);
    yyjson_mut_obj_put(data, yyjson_mut_str(doc, "deletionGracePeriodSeconds"), yyjson_mut_int(doc, grace));
    settle(store, target->object, doc, root);
    if (target->object->gone && !text_equal(target->plural, "pods"))
        return (struct reply){200, "{\"kind\":\"Status\",\"status\":\"Success\"}"};
    return show(store, 200, target->object);
}

/* Admission has run, nothing is kept. */
static struct reply check_object(struct store *store, const struct target *target) {
    return (struct reply){201, json_write_value(target->body, &store->arena, NULL)};
}

struct reply store_handle(struct store *store, struct target *target) {
    static const struct {
        const char *verb;
        struct reply (*handle)(struct store *store, const struct target *target);
    } verbs[] = {{"get", get_object},       {"create", create_object}, {"check", check_object},
                 {"update", update_status}, {"patch", patch_object},   {"delete", delete_object}};
    bool creates = text_equal(target->verb, "create") || text_equal(target->verb, "check");
    if (!creates && target->object == NULL)
        return store_missing(store, target);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (text_equal(target->verb, verbs[i].verb))
            return verbs[i].handle(store, target);
    fail_msg("the model knows no %s", target->verb);
    return (struct reply){0};
}

/* --- somebody else's doing --- */

static void handle_json(struct store *store, struct target *target, const char *json) {
    AUTO_JSON *doc = NULL;
    struct error err;
    if (json_parse(json, strlen(json), &doc, &err) != 0)
        fail_msg("%s in %s", err.text, json);
    target->body = yyjson_doc_get_root(doc);
    struct reply reply = store_handle(store, target);
    if (reply.status >= 300)
        fail_msg("%s", reply.body);
}

struct object *store_add(struct store *store, const char *plural, const char *namespace, const char *json) {
    struct target target = {.verb = "create", .plural = plural, .namespace = namespace};
    handle_json(store, &target, json);
    struct object *newest = store->objects;
    while (newest->next != NULL)
        newest = newest->next;
    return newest;
}

void store_edit(struct store *store, struct object *object, const char *merge_patch) {
    struct target target = {.verb = "patch", .plural = object->plural, .object = object};
    handle_json(store, &target, merge_patch);
}

void store_delete(struct store *store, struct object *object, bool force) {
    struct target target = {.verb = "delete", .plural = object->plural, .object = object};
    handle_json(store, &target, force ? "{\"gracePeriodSeconds\":0}" : "{}");
    if (force && !object->gone)
        store_edit(store, object, "{\"metadata\":{\"finalizers\":null}}");
}

static bool owner_gone(const struct store *store, const struct object *dependant) {
    yyjson_val *owner = yyjson_arr_get_first(yyjson_obj_get(metadata(object_root(dependant)), "ownerReferences"));
    const struct object *object;
    if (owner == NULL)
        return false;
    LL_FOREACH(store->objects, object) {
        if (!object->gone &&
            text_equal(json_text(owner, "uid", ""), json_text(metadata(object_root(object)), "uid", "")))
            return false;
    }
    return true;
}

void store_collect_garbage(struct store *store) {
    struct object *object;
    LL_FOREACH(store->objects, object) {
        if (!object->gone && owner_gone(store, object))
            store_delete(store, object, false);
    }
}

void store_init(struct store *store, void (*changed)(struct store *store)) {
    *store = (struct store){.changed = changed};
    store->last_object = &store->objects;
    store->last_change = &store->changes;
}

void store_fini(struct store *store) {
    struct change *change;
    LL_FOREACH(store->changes, change) {
        yyjson_doc_free(change->after);
    }
    arena_fini(&store->arena);
}
