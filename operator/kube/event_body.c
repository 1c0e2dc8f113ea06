/* See event_body.h. What waits is kept as it came, in few bytes; it becomes JSON when it is sent. Pure. */

#include "kube/event_body.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"

enum { WORD_MAX = 128, NOTE_MAX = 1024, KEPT_MAX = 2 * NOTE_MAX };

uint64_t event_key(const struct event *event) {
    uint64_t hash = hash_text(HASH_INIT, event->warning ? "Warning" : "Normal");
    const char *const parts[] = {event->regarding.uid, event->reason, event->action, event->note,
                                 event->related.resource != NULL ? event->related.uid : ""};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hash = hash_text(hash, parts[i] != NULL ? parts[i] : "");
    return hash;
}

static size_t size_of(const char *text) {
    return text == NULL ? 0 : strnlen(text, KEPT_MAX) + 1;
}

static void keep(const char **text, char **at) {
    size_t size = size_of(*text);
    if (size == 0)
        return;
    char *kept = memcpy(*at, *text, size - 1);
    kept[size - 1] = '\0';
    *text = kept;
    *at += size;
}

struct event *event_copy(const struct event *event, size_t *ret_size) {
    struct event texts = *event;
    const char **const all[] = {&texts.regarding.namespace,
                                &texts.regarding.name,
                                &texts.regarding.uid,
                                &texts.related.namespace,
                                &texts.related.name,
                                &texts.related.uid,
                                &texts.reason,
                                &texts.action,
                                &texts.note};
    size_t size = sizeof texts;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        size += size_of(*all[i]);
    struct event *copy = malloc(size);
    if (copy == NULL)
        abort();
    char *at = (char *)(copy + 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        keep(all[i], &at);
    *copy = texts;
    *ret_size = size;
    return copy;
}

static const char *clean(const char *text, size_t max, struct arena *arena) {
    return text == NULL ? "" : text_clean(text, strlen(text), max, arena);
}

static void add_object(yyjson_mut_doc *doc, yyjson_mut_val *root, const char *name, const struct event_object *object,
                       struct arena *arena) {
    AUTO_STRBUF version = STRBUF_INIT;
    kube_api_version(&version, object->resource);
    yyjson_mut_val *ref = yyjson_mut_obj_add_obj(doc, root, name);
    yyjson_mut_obj_add_str(doc, ref, "apiVersion", arena_strdup(arena, strbuf_text(&version)));
    yyjson_mut_obj_add_str(doc, ref, "kind", object->resource->kind);
    yyjson_mut_obj_add_str(doc, ref, "name", object->name);
    if (!text_empty(object->namespace))
        yyjson_mut_obj_add_str(doc, ref, "namespace", object->namespace);
    if (!text_empty(object->uid))
        yyjson_mut_obj_add_str(doc, ref, "uid", object->uid);
}

const char *event_body(const struct event *event, const struct event_origin *origin, struct arena *arena,
                       size_t *ret_length) {
    char time[CLOCK_TEXT_MAX];
    clock_format_micro(origin->at_us, time);
    yyjson_mut_doc *doc = json_new(arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, root, "apiVersion", "events.k8s.io/v1");
    yyjson_mut_obj_add_str(doc, root, "kind", "Event");
    yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, root, "metadata");
    yyjson_mut_obj_add_str(doc, metadata, "name", origin->name);
    yyjson_mut_obj_add_str(doc, metadata, "namespace", origin->namespace);
    yyjson_mut_obj_add_str(doc, root, "eventTime", arena_strdup(arena, time));
    yyjson_mut_obj_add_str(doc, root, "type", event->warning ? "Warning" : "Normal");
    yyjson_mut_obj_add_str(doc, root, "reason", clean(event->reason, WORD_MAX, arena));
    yyjson_mut_obj_add_str(doc, root, "action", clean(event->action, WORD_MAX, arena));
    yyjson_mut_obj_add_str(doc, root, "note", clean(event->note, NOTE_MAX, arena));
    yyjson_mut_obj_add_str(doc, root, "reportingController", origin->controller);
    yyjson_mut_obj_add_str(doc, root, "reportingInstance", clean(origin->instance, WORD_MAX, arena));
    add_object(doc, root, "regarding", &event->regarding, arena);
    if (event->related.resource != NULL)
        add_object(doc, root, "related", &event->related, arena);
    return json_write(root, arena, ret_length);
}
