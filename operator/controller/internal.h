#pragma once

/* Shared by the files of controller/ only. */

#include "controller/controller.h"
#include "controller/memory.h"
#include "controller/object.h"
#include "kube/watch.h"
#include "kube/worker.h"

/* One namespace that is watched, or all of them. */
struct scope {
    struct controller *controller;
    char *namespace; /* NULL: all */
    struct cache *pipelines, *pods;
    struct watch *pipeline_watch, *pod_watch;
};

struct controller {
    struct controller_config config;
    struct scope *scopes;
    size_t scope_count;
    struct memory *memory;
    struct worker *worker;
    uv_timer_t relist_timer;
    size_t running; /* pods that have not ended */
    bool led;       /* controller_lead() was called */
    bool working;   /* led and synced once: passes are made */
};

const struct scope *controller_scope(const struct controller *controller,
                                     const char *namespace); /* NULL: not watched */

/* One look at everything a plan needs. Texts and spec point into cached objects: valid until the loop turns. */
struct observation {
    const struct cache_entry *pipeline; /* NULL: not in the cache */
    struct run run;
    struct problems problems;
    const struct pod_object **objects;  /* behind run.pods, in the same order */
    const struct cache_entry **orphans; /* pods of another run of that name, or of none */
    size_t orphan_count;
};
void observe(const struct controller *controller, const char *key, int64_t now, struct arena *arena,
             struct observation *ret);

/* One pass over one key: observe, plan, apply; ends with worker_done(). */
struct pass;
void reconcile(const char *key, void *arg); /* worker_cb; arg: struct controller */

/* Requests of a pass that are on their way; when the last is answered, the pass ends. */
struct pass {
    struct controller *controller;
    char *key;
    char *run_uid; /* "" when there is no Pipeline */
    char *namespace, *pipeline;
    int64_t generation;
    int64_t began;         /* boot ms */
    size_t pending;        /* answers to come, and 1 while requests are being made */
    bool retry;            /* something went wrong that may go better later */
    int64_t not_before_ms; /* what the server asked to wait */
    int64_t wake_ms;       /* -1: no need */
};
void pass_end(struct pass *pass); /* one answer less to wait for; the last one ends and frees the pass */
void pass_failed(struct pass *pass, const struct kube_answer *answer); /* try again later */
bool pass_leads(const struct pass *pass); /* ask before each write that follows an answer */

/* Carries out what the plan says; only makes requests, their answers come later. */
void apply_plan(struct pass *pass, const struct observation *seen, const struct plan *plan, struct arena *arena);
void apply_create(struct pass *pass, const struct observation *seen, const struct action *action, struct arena *arena);
/* Pods whose run is gone: asks for the run first, then lets them go. */
void release_orphans(struct pass *pass, const struct observation *seen);
