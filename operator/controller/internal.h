#pragma once

/* Shared by the files of controller/ only. */

#include "controller/asking.h"
#include "controller/controller.h"
#include "controller/guard.h"
#include "controller/hashes.h"
#include "controller/object.h"
#include "controller/runs.h"
#include "controller/scope.h"
#include "kube/worker.h"

struct controller {
    struct controller_config config;
    struct scope *scopes;
    size_t scope_count;
    struct runs runs;
    struct hashes shapes; /* of pods that the API server takes: executor_pod_shape() */
    struct asking asking; /* shapes that it was asked for and has not answered */
    struct hashes untold; /* shapes of which it could not tell lately */
    int64_t untold_until; /* boot ms */
    struct hashes gone;   /* UIDs of runs that a live look found gone: they never come back */
    struct guard *guard;
    struct worker *worker;
    size_t running; /* pods that have not ended */
    size_t pending; /* requests that are not answered */
    bool leading;
    void (*drained)(void *arg); /* while draining */
    void *drained_arg;
};

const struct scope *controller_scope(const struct controller *controller,
                                     const char *namespace); /* NULL: not watched */
void controller_wake(struct controller *controller, const char *key);
/* A request about an object of that namespace was refused for lack of rights: it may be on its way out. */
void controller_forbidden(struct controller *controller, const char *namespace);
/* Around every request, so that the end waits for the answers. */
void controller_asks(struct controller *controller);
void controller_answered(struct controller *controller);

/* Pods of one run UID, in the group of a key. */
struct pod_group {
    const char *run_uid;
    const struct cache_entry **entries;
    struct pod_view *views;
    size_t count;
    struct pod_group *next;
};

/* One look at everything a plan needs. Texts and spec point into cached objects: valid until the loop turns. */
struct observation {
    const struct scope *scope;
    const struct cache_entry *pipeline; /* NULL: not in the cache */
    const struct pipeline_object *object;
    struct run_state *state; /* NULL without a Pipeline */
    struct run run;
    struct pod_group *others; /* pods of other runs of that name, or of none */
};
/* Fills in what `seen` does not have yet beside scope and pipeline. */
void observe(struct controller *controller, const char *key, int64_t wall, int64_t boot, struct arena *arena,
             struct observation *seen);

struct worked reconcile(const char *key, void *arg); /* worker_cb; arg: struct controller */

/* What the requests of a pass are about. */
struct pass_scope {
    struct controller *controller;
    const char *key, *namespace, *pipeline; /* the Pipeline's name */
    const char *run_uid;
    struct arena *arena;
};

/* Carries out what the plan says; only makes requests, their answers come later. `seen` NULL: of a run that is gone. */
void apply_plan(const struct pass_scope *scope, const struct observation *seen, const struct plan *plan);

void pods_delete(const struct pass_scope *scope, const struct action *action);
void pods_release(const struct pass_scope *scope, const struct action *action);
void pods_verify(const struct pass_scope *scope, const struct action *action);
void pods_create(const struct pass_scope *scope, const struct observation *seen, const struct action *action);
void pods_clean(const struct pass_scope *scope, const struct observation *seen, const struct action *action);

/* The status of the plan; its events follow when it is recorded. */
void pipeline_record(const struct pass_scope *scope, const struct observation *seen, const struct plan *plan);
void pipeline_drop_finalizer(const struct pass_scope *scope, const struct observation *seen);
void pipeline_delete(const struct pass_scope *scope, const struct observation *seen);
void pipeline_emit(const struct pass_scope *scope, const struct action *action);

/* The run was seen to go, with a record of what attempts left on a cluster: where no pod is held to tell of it any
 * more, nobody ends it, and that is said. */
void orphans_say_left(const struct scope *scope, const char *key, const struct cache_entry *pipeline);
/* The run was seen to go. */
void orphans_expect(struct controller *controller, const char *run_uid);
bool orphans_known(const struct controller *controller, const char *run_uid); /* it is gone */
/* Asks once whether the run of these pods still exists. True: it is known to be gone. */
bool orphans_confirmed(const struct pass_scope *scope, const struct pod_group *group);
/* The one that says best whose they are. */
const struct pod_object *orphans_speaker(const struct pod_group *group);
/* Lists the pods of a run whose status was lost, also those that nobody watches any more. True: that is done. */
bool survey_done(const struct pass_scope *scope, const struct observation *seen);
/* Would the API server take the pods of this spec? Asks for each shape that it was not asked for before. */
void check_pods(const struct pass_scope *scope, const struct observation *seen);
