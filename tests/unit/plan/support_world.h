#pragma once

/* A small world for the plan: what an API server and its pods would hold. Statuses really go through their encoded
 * form. Actions are applied one by one, so that a test can stop at any of them. Fatal (cmocka) on misuse. */

#include "pipeline/graph.h"
#include "pipeline/names.h"
#include "plan/plan.h"

enum { WORLD_TASKS = 32, WORLD_PODS = 256, WORLD_TEXTS = 64 };

struct world_pod {
    struct pod_view view;
    bool hidden; /* exists, and the cache does not show it yet */
    bool stray;  /* and never will: its labels were changed */
};

struct world {
    struct arena arena; /* what lives as long as the world */
    struct arena pass;  /* what lives until the next plan */
    int64_t now;
    struct pipeline spec;
    struct task tasks[WORLD_TASKS];
    struct problems problems;
    int64_t generation;
    bool deleting, exists, gone; /* gone: the Pipeline is not there any more, only its pods are */
    bool old_finalizer, unchecked;
    int64_t deleting_since;
    const char *status; /* JSON; NULL: none */
    int64_t changed_at, window_ms;
    bool writing;    /* a status write is under way: `write` lets it be answered */
    bool last_valid; /* while the spec has problems: the valid one is remembered */
    struct world_pod pods[WORLD_PODS];
    size_t pod_count;
    struct look looks[WORLD_TEXTS];
    struct create_failure failures[WORLD_TEXTS];
    struct task_attempt taken[WORLD_TEXTS], creating[WORLD_TEXTS];
    struct create_failure cleaner_failures[WORLD_TEXTS];
    struct task_attempt cleaning[WORLD_TEXTS];
    size_t cleaner_failure_count, cleaning_count;
    bool remote[WORLD_TASKS]; /* by task: its pods have a remote side */
    const char *collisions[WORLD_TEXTS], *former[WORLD_TEXTS];
    size_t look_count, failure_count, taken_count, creating_count, collision_count, former_count;
    struct plan plan; /* the last one */
    struct run run;   /* what it was made from */
    size_t status_writes;
    /* With `lagging`, the plan sees pods and status as of the last world_sync(), creations are not answered before, a
     * status write that is based on an old one is refused, and a pod that is made again has another UID. */
    bool lagging;
    struct world_pod cache[WORLD_PODS];
    size_t cache_count;
    const char *seen_status;
    size_t pods_made, cleaners_made;
};

void world_init(struct world *world);
void world_fini(struct world *world);
struct task *world_task(struct world *world, const char *name); /* NULL: none */
struct task *world_add_task(struct world *world, const char *name);
struct world_pod *world_pod(struct world *world, const char *task, int64_t attempt);                   /* NULL: none */
struct world_pod *world_cleaner(struct world *world, const char *task, int64_t attempt, int64_t turn); /* NULL: none */
struct world_pod *world_pod_by_uid(struct world *world, const char *uid);
struct world_pod *world_add_pod(struct world *world, const char *task, int64_t attempt);
void world_end_pod(struct world *world, struct world_pod *pod, enum pod_state state, const char *reason, int exit_code);
void world_drop_pod(struct world *world, struct world_pod *pod); /* as by force: no finalizer holds it */
void world_sweep(struct world *world);                           /* what is deleted, ended and not held goes */
void world_decode(struct world *world, struct run_status *ret_status, struct arena *arena);

void world_plan(struct world *world);
bool world_idle(const struct world *world); /* the last plan does nothing but wait */
void world_sync_pods(struct world *world);
void world_sync_status(struct world *world);
void world_apply(struct world *world, size_t first, size_t count); /* of the last plan's actions */
void world_write(struct world *world, const struct run_status *status);
void world_crash(struct world *world); /* the operator forgets what it had in memory */
int64_t world_asked_attempt(const struct world *world, const char *task); /* the one that was asked for last */
