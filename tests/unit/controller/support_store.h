#pragma once

/* What an API server keeps and how it takes writes: any namespaced kind as JSON, with what a controller's correctness
 * hangs on: resource versions, UIDs, preconditions, the status subresource, finalizers, graceful deletion of pods. What
 * it does not know fails the test. Everything stays valid until store_fini(). */

#include "base/arena.h"
#include "base/json.h"

struct object {
    const char *plural, *namespace, *name;
    int64_t serial;  /* in the order of creation */
    yyjson_doc *doc; /* as it is, or was when it went */
    bool gone;
    struct object *next;
};

/* Every version of every object is kept, so that a watch can begin anywhere. */
struct change {
    int64_t version;
    const struct object *object;
    yyjson_doc *before, *after; /* before NULL: created */
    bool gone;                  /* after: the last state */
    struct change *next;
};

struct store {
    struct arena arena;
    int64_t version, serials;
    struct object *objects, **last_object;
    struct change *changes, **last_change;
    void (*changed)(struct store *store);
};

/* A request as its path says. */
struct target {
    const char *verb, *group, *plural, *namespace, *name, *subresource; /* absent ones: "" */
    struct object *object;                                              /* the one of that name; NULL: there is none */
    yyjson_val *body;                                                   /* NULL: none */
};

struct reply {
    int status;
    const char *body;
};

void store_init(struct store *store, void (*changed)(struct store *store));
void store_fini(struct store *store);
struct reply store_handle(struct store *store, struct target *target); /* get create check update patch delete */
struct reply store_refuse(struct store *store, int status, const char *reason, const char *field, const char *message);
struct reply store_missing(struct store *store, const struct target *target); /* 404 about that object */

struct object *store_find(const struct store *store, const char *plural, const char *namespace,
                          const char *name); /* namespace NULL: any. NULL: not there */
yyjson_val *object_root(const struct object *object);

/* Somebody else's doing. */
struct object *store_add(struct store *store, const char *plural, const char *namespace, const char *json);
void store_edit(struct store *store, struct object *object, const char *merge_patch); /* spec and status alike */
void store_delete(struct store *store, struct object *object, bool force); /* force: no grace, no finalizers */
void store_collect_garbage(struct store *store);                           /* dependants whose owner is gone */
