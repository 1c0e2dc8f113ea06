#pragma once

/* The requests that a controller makes, each one function: path and body are built here, the answer comes as kube/api.h
 * says. All go by POOL_REQUESTS; requests about events are lazy. Bodies are JSON text, copied. `done` is called once,
 * later; the handle may be dropped.
 */

#include "kube/api.h"

struct kube_call *kube_get(struct kube_api *api, struct kube_ref ref, kube_done_cb done, void *arg);
/* One page of at most `limit`; `selector` and `continue_token` may be NULL. For one-off lists: see kube/watch.h. */
struct kube_call *kube_list(struct kube_api *api, struct kube_ref ref, const char *selector, int64_t limit,
                            const char *continue_token, kube_done_cb done, void *arg);

struct kube_create {
    const char *subresource; /* of the object ref.name; NULL: none, and ref.name is not used: the object carries it */
    enum kube_urgency urgency;
    bool dry_run; /* judged as if it were kept, admission included, but not kept */
};
/* What the server does not know of the object, or finds twice in it, is refused: ERROR_INVALID. `options` NULL: zero.
 */
struct kube_call *kube_create(struct kube_api *api, struct kube_ref ref, const struct kube_create *options,
                              const char *body, size_t length, kube_done_cb done, void *arg);
/* The body must carry metadata.resourceVersion: ERROR_CONFLICT when somebody wrote since. */
struct kube_call *kube_put(struct kube_api *api, struct kube_ref ref, const char *subresource, const char *body,
                           size_t length, kube_done_cb done, void *arg);

enum kube_patch { PATCH_MERGE, PATCH_STRATEGIC };
struct kube_call *kube_patch(struct kube_api *api, struct kube_ref ref, const char *subresource, enum kube_patch type,
                             const char *body, size_t length, kube_done_cb done, void *arg);

struct kube_delete {
    const char *uid;         /* precondition; NULL: none. ERROR_CONFLICT when the object is another one by now */
    const char *version;     /* precondition; NULL: none */
    const char *propagation; /* Background, Foreground, Orphan; NULL: the server's default */
    int64_t grace_s;         /* -1: the object's own */
};
struct kube_call *kube_delete(struct kube_api *api, struct kube_ref ref, const struct kube_delete *options,
                              kube_done_cb done, void *arg);

/* Drops one finalizer from an object of a built-in kind (strategic merge: others' finalizers are not touched), and sets
 * `label` to "true" with it (NULL: none). ERROR_CONFLICT when the object is not the one of that uid. */
struct kube_call *kube_finalizer_drop(struct kube_api *api, struct kube_ref ref, const char *uid, const char *finalizer,
                                      const char *label, kube_done_cb done, void *arg);
/* Writes the whole list; for custom resources, which know no strategic merge. ERROR_CONFLICT when uid or version differ
 * from what the list was computed from. */
struct kube_call *kube_finalizers_set(struct kube_api *api, struct kube_ref ref, const char *uid, const char *version,
                                      const char *const *finalizers, size_t count, kube_done_cb done, void *arg);
