#pragma once

/* Between view.c, view_pending.c and view_ended.c: what is seen of a pod, gathered once. */

#include "executor/executor.h"

struct evidence {
    yyjson_val *pod;
    yyjson_val *status;
    yyjson_val *main;       /* status of the main container; NULL before the kubelet has said anything */
    yyjson_val *terminated; /* main's state.terminated; NULL while it has not ended */
    yyjson_val *failed_init;
    yyjson_val *disruption; /* the condition DisruptionTarget, when true */
    const char *phase;
    bool deleting;
    struct record record; /* the launcher's final record, else its newest report, else empty */
    int64_t now;
    struct arena *arena;
};

/* One container's status by name; NULL. */
yyjson_val *view_container(yyjson_val *list, const char *name);
/* Text from the cluster, fit for a message: cut and cleaned. */
const char *view_text(yyjson_val *object, const char *name, struct arena *arena);

/* Why a pod that has not started is still waiting: reason, message, hopeless. */
void view_pending(const struct evidence *evidence, struct pod_view *view);

/* Has the task ended, though perhaps not the pod? If so, its state, reason, message and exit code. */
bool view_ended(const struct evidence *evidence);
void view_outcome(const struct evidence *evidence, struct pod_view *view);
