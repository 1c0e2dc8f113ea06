#pragma once

/* Joins the Kubernetes client and the planner: watches Pipelines and their pods, plans each run that changed, applies
 * what the plan says. Each namespace that is watched (or all of them as one) is a scope of its own: one that cannot be
 * read stops nobody else. */

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
    struct event_object self;                     /* the operator's own pod; resource NULL: it has none */
    const char *guard_file;                       /* where the key in work is noted; NULL: nowhere */
    int64_t ttl_seconds_after_finished;           /* of Pipelines that name none; -1: keep */
    int64_t window_ms;                            /* of folded status writes, the shortest; 0: PACE_MIN_MS */
    int64_t leaving_ms;                           /* see leaving.h; 0: LEAVING_MS */
    void (*pod_gone)(const char *uid, void *arg); /* the pod does not exist any more, or is done */
    void *arg;
    uint64_t seed; /* of the watches' jitter */
};

struct controller;

/* Begins to watch at once; nothing is written before controller_lead(). Copies the config; its texts must last. */
struct controller *controller_new(const struct controller_config *config);
void controller_free(struct controller *controller); /* takes NULL; after controller_drain() has called back */

/* From now on reconcile, each scope as soon as both its kinds were listed after this call: what was seen while another
 * replica led may be old. No-op while leading. */
void controller_lead(struct controller *controller);
void controller_follow(struct controller *controller); /* stand by again; what is under way is answered */

/* Every scope has been listed or was found unreadable, and at least one is readable. If not, the reasons are appended,
 * one a line (NULL: not wanted). */
bool controller_ready(const struct controller *controller, struct strbuf *reasons);

/* A launcher spoke for its pod. 200; 403 when it is no launcher of ours; 409 when the pod has another UID; 503 when it
 * cannot be told yet. The body is kept until the pod goes or a newer one comes. */
int controller_report(struct controller *controller, const char *namespace, const char *pod, const char *uid,
                      const struct record *record, const char *body, size_t length);

/* What becomes of the remote side of that pod, whose launcher was told to stop. */
enum decision controller_decide(struct controller *controller, const char *namespace, const char *pod, const char *uid);

/* False when there is certainly no such pod that a launcher of ours could be in. */
bool controller_knows_pod(const struct controller *controller, const char *namespace, const char *pod, const char *uid);

size_t controller_running(const struct controller *controller); /* launchers that have not ended */

/* Begin nothing more; `drained` is called when every request is answered. */
void controller_drain(struct controller *controller, void (*drained)(void *arg), void *arg);

/* Sets the gauges that are counted and not kept: weir_pipelines, weir_tasks, weir_namespace_unreadable. */
void controller_measure(const struct controller *controller);
