#pragma once

/* What the caches keep of Pipelines and pods: projected on arrival, so that they hold what is used and no more. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "kube/cache.h"
#include "kube/path.h"
#include "record/record.h"

extern const struct kube_resource kube_pipelines;

bool object_has_finalizer(yyjson_val *object, const char *finalizer);

struct pod_object {
    yyjson_doc *doc; /* the parts of the pod that executor_view() reads */
    char *run_key;   /* namespace/name of its Pipeline */
    char *run_uid;
    bool ended;         /* its main container or the pod itself has ended */
    int64_t ended_seen; /* boot ms when we saw that happen; 0: it had ended before we looked */
    char *report;       /* the newest record its launcher sent, JSON; NULL: none */
    size_t report_length;
    int64_t report_seq;
    bool report_final;
};

/* NULL when the object is no launcher pod: it must name a Pipeline as controller. */
struct pod_object *pod_object_new(yyjson_val *pod);
void pod_object_free(struct pod_object *pod); /* takes NULL */
/* What is known of the pod beside its object goes on with the next version of it. `now`: boot ms. */
void pod_object_inherit(struct pod_object *pod, struct pod_object *older, int64_t now);
/* Keeps the body of a newer record; false when it is no news. */
bool pod_object_report(struct pod_object *pod, const struct record *record, const char *body, size_t length);

/* Pipelines are kept whole but for managedFields: the spec is the input. */
struct pipeline_object {
    yyjson_doc *doc;
};
