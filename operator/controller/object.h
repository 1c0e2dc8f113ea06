#pragma once

/* What the caches keep of Pipelines and pods: projected on arrival, so that they hold what is used and no more. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "executor/facts.h"
#include "kube/path.h"
#include "pipeline/status.h"
#include "record/record.h"

extern const struct kube_resource kube_pipelines, kube_namespaces;

/* The key of a run and of all pods of runs of that name: namespace/label, where the label is names_label() of the
 * Pipeline's name. Pods keep it when their owner goes. */
enum { KEY_LABEL_MAX = 63, KEY_MAX = 64 + 1 + KEY_LABEL_MAX + 1 };
void object_key(const char *namespace, const char *pipeline, char key[KEY_MAX]);
void object_key_namespace(const char *key, char namespace[KEY_MAX]);

struct pod_object {
    struct pod_facts *facts;
    char *key;          /* object_key() of its run; NULL: it names none */
    char *owner;        /* the Pipeline's name as its owner reference has it, where the label says another; else NULL */
    int64_t ended_seen; /* boot ms when we saw it end; 0: it had ended before we looked */
    char *report;       /* the newest record its launcher sent, JSON; NULL: none */
    size_t report_length;
    int64_t report_seq;
    bool report_final;
    unsigned char decided; /* enum decision: what its launcher was told last */
    int64_t decided_at;    /* boot ms; 0: never */
};

/* NULL for a pod that the watch does not show, from whatever source it comes: one that is done, or that lost our label.
 */
struct pod_object *pod_object_new(yyjson_val *pod);
struct pod_object *pod_object_any(yyjson_val *pod); /* the same, shown or not */
void pod_object_free(struct pod_object *pod);       /* takes NULL */
/* What is known of the pod beside its object goes on with the next version of it. `now`: boot ms. */
void pod_object_inherit(struct pod_object *pod, struct pod_object *older, int64_t now);
/* Keeps the body of a newer record; false when it is no news. */
bool pod_object_report(struct pod_object *pod, const struct record *record, const char *body, size_t length);
/* UID of the run that it belongs to: of its owner, else of its label; "". */
const char *pod_object_run(const struct pod_object *pod);

/* A Pipeline that has ended and whose status says so is a few numbers; any other is its name, spec and status. */
struct pipeline_object {
    yyjson_doc *doc; /* NULL: finished, or bare */
    int64_t generation;
    int64_t started_at, finished_at, ttl_seconds_after_finished;
    enum run_phase phase;
    unsigned char pod_retention; /* enum pod_retention */
    bool deleting, old_finalizer;
    bool bare;            /* not looked into: nothing but its generation is known */
    uint16_t done, total; /* progress */
    uint16_t counts[TASK_PHASE_COUNT];
};
struct pipeline_object *pipeline_object_new(yyjson_val *pipeline);
struct pipeline_object *pipeline_object_bare(int64_t generation);
void pipeline_object_free(struct pipeline_object *pipeline); /* takes NULL */
bool pipeline_object_finished(const struct pipeline_object *pipeline);
