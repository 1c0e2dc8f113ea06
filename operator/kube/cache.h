#pragma once

/* What is known of one kind of objects: a replica filled by a watch (kube/watch.h) and by the answers to our own
 * writes, so that a controller reads what it wrote. Kept is only what `project` makes of an object.
 *
 * - An object older than the one here (by resource version) is dropped; so is one whose UID was seen to go, unless its
 *   version is newer than the one at which it went: an object that leaves what is watched may come back.
 * - Same key with another UID is a deletion followed by an addition.
 * - A relist replaces the contents at once, at its end: until then the old ones are served.
 * - Absent here is not gone: ask the server before destroying anything. */

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct cache;

struct cache_entry {
    const char *namespace, *name, *uid, *version; /* metadata; "" when it has none */
    void *object;                                 /* what `project` returned */
    bool listed; /* first seen in a list, so it was there before; else born while we looked. Of this UID */
};

struct cache_type {
    /* Copies what is needed of the object, whose document ends after the call. NULL: not wanted (as if it did not
     * exist). */
    void *(*project)(yyjson_val *object, void *arg);
    void (*free)(void *projected, void *arg);
    /* Optional: the group an object is found by, e.g. the run of a pod; lives as long as the object. NULL: in none. */
    const char *(*group)(const void *projected, void *arg);
    /* Optional. One of the two is NULL on addition or deletion; both entries are valid during the call only. Must not
     * change the cache. */
    void (*changed)(const struct cache_entry *old, const struct cache_entry *new, void *arg);
    void *arg;
};

struct cache *cache_new(const struct cache_type *type);
void cache_free(struct cache *cache); /* without `changed`; takes NULL */

/* Entries are valid until the cache changes, that is until the caller returns to the loop. */
const struct cache_entry *cache_get(const struct cache *cache, const char *namespace, const char *name);
const struct cache_entry *cache_first(const struct cache *cache); /* any order */
const struct cache_entry *cache_next(const struct cache *cache, const struct cache_entry *entry);
const struct cache_entry *cache_group_first(const struct cache *cache, const char *group);
const struct cache_entry *cache_group_next(const struct cache *cache, const struct cache_entry *entry);
size_t cache_count(const struct cache *cache);
bool cache_synced(const struct cache *cache); /* a whole list has been seen */

/* An event, or the answer to a write or a live GET. False when it was no news. A malformed object is ignored. */
bool cache_put(struct cache *cache, yyjson_val *object);
/* The object is gone. With a uid, nothing else than that one is dropped, and it is held for gone even when it is not
 * here; with NULL, any. `version`: of the DELETED event's object, whatever is newer may come back. NULL: a live request
 * found nothing. While a watch is alive that counts for the version that is here (nothing is held for gone when none
 * is): the watch will say if it was wrong. Without one it never comes back. False when it was not here. */
bool cache_drop(struct cache *cache, const char *namespace, const char *name, const char *uid, const char *version);
/* Whether a watch of these objects is open and shows life; set by it (false at first). */
void cache_watched(struct cache *cache, bool alive);

/* Relist: begin, stage each object, then commit with the list's version or abort. `rewound`: history went back (a
 * restored etcd): what is here counts for nothing. So it is when the list shows something older than what is here, or
 * than when it went, as of a version by which that was so. Else, objects newer than the list are kept when it lacks
 * them. Returns how many objects came, changed or went: in a running system, what the watch had missed. */
void cache_begin(struct cache *cache);
void cache_stage(struct cache *cache, yyjson_val *object);
void cache_unstage(struct cache *cache, const char *namespace, const char *name);
size_t cache_commit(struct cache *cache, const char *version, bool rewound);
void cache_abort(struct cache *cache); /* no-op when none was begun */

/* A projection that keeps the whole object but metadata.managedFields: `project` may end with it. Free with
 * yyjson_doc_free(). */
yyjson_doc *cache_copy_object(yyjson_val *object);
