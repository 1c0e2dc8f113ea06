#pragma once

/* Joins the Kubernetes client and the planner: watches Pipelines and their pods, plans each run that changed, applies
 * what the plan says. One key (namespace/name) is worked on by one pass at a time. */

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "base/strbuf.h"
#include "executor/executor.h"
#include "kube/api.h"
#include "kube/event.h"
#include "record/record.h"

struct controller_config {
    uv_loop_t *loop;
    struct kube_api *api;
    struct recorder *recorder;
    struct strings namespaces;                    /* empty: all */
    const struct launch_config *launch;           /* outlives the controller; report_ca may change */
    bool (*leads)(void *arg);                     /* asked before every write */
    void (*pod_gone)(const char *uid, void *arg); /* the pod does not exist any more */
    void *arg;
    uint64_t seed; /* of the watches' jitter */
};

struct controller;

/* Begins to watch at once; nothing is written before controller_lead(). Copies the config. */
struct controller *controller_new(const struct controller_config *config);
void controller_free(struct controller *controller); /* takes NULL; after controller_drain() has called back */

/* From now on, as soon as all caches are synced, reconcile. No-op the second time. */
void controller_lead(struct controller *controller);
/* Back to standing by, until controller_lead(). */
void controller_follow(struct controller *controller);

/* All caches have seen a whole list. If not, the reasons are appended, one a line (NULL: not wanted). */
bool controller_synced(const struct controller *controller, struct strbuf *reasons);

/* A launcher spoke for its pod. 200; 403 when it is no launcher of ours; 409 when the pod has another UID; 503 when it
 * cannot be told yet. The body is kept until the pod goes or a newer one comes. */
int controller_report(struct controller *controller, const char *namespace, const char *pod, const char *uid,
                      const struct record *record, const char *body, size_t length);

size_t controller_running(const struct controller *controller); /* launchers that have not ended */

/* Begin no more passes; `drained` is called when those that run have ended. */
void controller_drain(struct controller *controller, void (*drained)(void *arg), void *arg);

/* Sets the gauges that are counted and not kept: weir_pipelines, weir_tasks. */
void controller_measure(const struct controller *controller);
