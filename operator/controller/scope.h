#pragma once

/* One namespace that is watched, or all of them: its caches, its watches, and whether it can be worked on. A scope that
 * cannot be read is blind: it says so once and is tried again; the others go on. */

#include "base/error.h"
#include "kube/cache.h"
#include "kube/watch.h"

struct controller;

enum { SCOPE_PIPELINES, SCOPE_PODS, SCOPE_KINDS };

struct scope_kind {
    struct scope *scope;
    struct cache *cache;
    struct watch *watch;
    bool listed;           /* since the last call of scope_lead() */
    bool blind;            /* refused, or gone, when it was last asked for */
    bool told;             /* that it cannot be read */
    int64_t failing_since; /* boot ms; 0: it is not */
    struct error err;      /* why it is failing */
};

struct scope {
    struct controller *controller;
    char *namespace; /* NULL: all */
    struct scope_kind kinds[SCOPE_KINDS];
    uv_timer_t timer; /* lists anew now and then */
    int64_t relist_ms;
    struct leaving *leaving; /* private: the namespace may be on its way out */
};

void scope_start(struct scope *scope, struct controller *controller, const char *namespace, uint64_t seed);
/* Frees as the loop turns; `closed` is called then. */
void scope_stop(struct scope *scope, void (*closed)(struct scope *scope));
void scope_lead(struct scope *scope); /* lists both kinds anew; what was listed before this counts as old */

struct cache *scope_cache(const struct scope *scope, const struct kube_resource *resource);
bool scope_works(const struct scope *scope); /* leads, both kinds were listed since, and none is blind */
bool scope_blind(const struct scope *scope);
bool scope_synced(const struct scope *scope); /* both kinds have been listed */
const char *scope_name(const struct scope *scope);
bool scope_unreadable(const struct scope *scope); /* blind, or nobody answers for long: that was told */
/* Why a kind is not listed, in words; "". */
const char *scope_trouble(const struct scope *scope);
/* The Pipeline of a key; NULL: not there. */
const struct cache_entry *scope_pipeline(const struct scope *scope, const char *key);
