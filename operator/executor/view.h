#pragma once

/* Between view.c, view_pending.c and view_ended.c: what is seen of a pod, gathered once. */

#include "executor/executor.h"
#include "executor/facts.h"

struct evidence {
    const struct pod_facts *facts;
    struct record record; /* the launcher's final record, else its newest report, else empty */
    int64_t now;
    struct arena *arena;
};

/* Text from the cluster, fit for a message: cut and cleaned. */
const char *view_text(const struct evidence *evidence, enum pod_fact fact);

/* Why a pod that has not started is still waiting: reason, message. */
void view_pending(const struct evidence *evidence, struct pod_view *view);

/* Has the task ended, though perhaps not the pod? If so, its state, reason, message and exit code. */
bool view_ended(const struct evidence *evidence);
void view_outcome(const struct evidence *evidence, struct pod_view *view);
