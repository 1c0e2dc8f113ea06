#pragma once

/* An operator's controller on a loop, an API server in memory, a kubelet by hand, and a transcript of what was asked
 * and written: one line a request, pods named <task>/<attempt>, refusals with their code. */

#include <uv.h>

#include "controller/controller.h"
#include "controller/support_api.h"

struct cluster {
    uv_loop_t loop;
    struct api api;
    struct recorder *recorder;
    struct controller *controller;
    struct strings namespaces; /* to watch; empty: all */
    int64_t leaving_ms;        /* 0: the usual */
    bool leads, drained;       /* leads: controller_begin() makes it lead */
    const char *guard_file;    /* NULL: none */
    struct strbuf transcript;
    struct strbuf gone; /* UIDs said to be gone, one a line */
};

void cluster_start(struct cluster *cluster); /* no controller yet */
void cluster_finish(struct cluster *cluster);
/* cluster_start(), and a chain of a and b, of which a runs. */
struct object *cluster_begin(struct cluster *cluster);
void controller_begin(struct cluster *cluster); /* watches, and leads */
void controller_end(struct cluster *cluster);   /* no-op when there is none */

/* A Pipeline of namespace lab. Two letters a task, its name and its upstream or a blank: "a ba" is a chain of a and b.
 * `more_spec`: members of the spec, JSON, each with its comma. */
struct object *cluster_submit(struct cluster *cluster, const char *name, const char *tasks, const char *more_spec);
struct object *cluster_submit_in(struct cluster *cluster, const char *namespace, const char *name, const char *tasks,
                                 const char *more_spec);
/* One of namespace lab that is called chain. */
struct object *cluster_submit_json(struct cluster *cluster, const char *spec);
void cluster_run_for(struct cluster *cluster, uint64_t ms); /* turns the loop so long, whatever is asked */
void cluster_settle(struct cluster *cluster);               /* turns the loop until nothing is requested any more */

void cluster_expect(struct cluster *cluster, const char *const *lines); /* the transcript, which then begins anew */
#define EXPECT(cluster, ...) cluster_expect((cluster), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
/* "Running: a Succeeded, b Failed PodRefused": as the API server has it. */
void expect_status(const struct object *pipeline, const char *wanted);
void status_text(yyjson_val *status, struct strbuf *out);

struct object *cluster_pod(const struct cluster *cluster, const char *task, int attempt);     /* NULL: not there */
size_t cluster_pods_made(const struct cluster *cluster, const char *task, int attempt);       /* gone ones too */
struct object *cluster_cleaner(const struct cluster *cluster, const char *task, int attempt); /* the last; NULL: none */
size_t cluster_cleaners_made(const struct cluster *cluster, const char *task, int attempt);
int left_count(void); /* weir_remote_left_total, of this process */
/* How many objects of events have this reason and are about an object of this kind. */
size_t cluster_events(const struct cluster *cluster, const char *kind, const char *reason);
bool held(const struct object *pod);

/* What a kubelet does. */
void pod_starts(struct cluster *cluster, struct object *pod);
void pod_ends(struct cluster *cluster, struct object *pod, const char *reason); /* "": well; else the record's */
/* Its launcher was told of a cluster, and of another spec than the task has now. */
void pod_turns_remote(struct cluster *cluster, struct object *pod);
void pod_is_killed(struct cluster *cluster, struct object *pod); /* its launcher too: no word is left */
/* It was deleted so long ago with that grace, and runs. */
void pod_deleted_long_ago(struct cluster *cluster, struct object *pod, int64_t ago_ms, int grace_s);
bool kubelet_step(struct cluster *cluster); /* each pod one step on, those being deleted too; false: none moved */
void kubelet_run(struct cluster *cluster);  /* until no pod moves any more */
