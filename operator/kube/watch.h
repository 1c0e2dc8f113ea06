#pragma once

/* Keeps a cache equal to a collection of the API server: list, then watch, for ever. Failures are mended with back-off
 * and never end it. See kube/watch_fsm.h for the rules. */

#include <uv.h>

#include "kube/api.h"
#include "kube/cache.h"

struct watch;

struct watch_options {
    const struct kube_resource *resource;
    const char *namespace;      /* NULL: all */
    const char *label_selector; /* NULL: none */
    const char *field_selector; /* NULL: none */
    bool stream_lists;          /* try WatchList; falls back by itself */
    uint64_t seed;              /* of the jitter; two watches of one seed differ all the same */
    int64_t timeout_s;          /* 0: 300 */
    int64_t margin_ms;          /* past timeout_s the peer counts as dead; 0: 5 s */
    int64_t quiet_ms;           /* as kube/watch_fsm.h says */
    int64_t backoff_ms;         /* after the first failure; 0: 800 */
    size_t line_max;            /* 0: 8 MiB */
    /* Optional: after each whole list; when list or watch fails (err->text says why; it will be tried again); and at
     * the first sign of life after that. */
    void (*synced)(void *arg);
    void (*failed)(const struct error *err, void *arg);
    void (*recovered)(void *arg);
    void *arg;
};

/* Begins at once. Cache and api outlive the watch. Texts are copied. */
struct watch *watch_new(uv_loop_t *loop, struct kube_api *api, struct cache *cache,
                        const struct watch_options *options);
void watch_free(struct watch *watch); /* ends it; not from inside its callbacks or the cache's; takes NULL */
/* Lists again and replaces the contents: slow anti-entropy. */
void watch_relist(struct watch *watch);
