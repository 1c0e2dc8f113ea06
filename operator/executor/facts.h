#pragma once

/* What is kept of a pod: a few hundred bytes in one block, taken from the object when it arrives. Ten thousand of them
 * are to fit in a few megabytes, so it holds what executor_view() and the controller ask for and nothing else. */

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/* X(name): texts, "" when absent; from outside, not cleaned */
#define POD_FACT_TEXTS(X)                                                    \
    X(PIPELINE) /* label: names_label() of the Pipeline's name */            \
    X(RUN)      /* label: the run's UID */                                   \
    X(OWNER)    /* UID of the controlling owner, when that is a Pipeline */  \
    X(TASK)                                                                  \
    X(ROLE)                                                                  \
    X(HASH)                                                                  \
    X(REMOTE) /* the cluster manager that the launcher was told of */        \
    X(REASON) /* status.reason */                                            \
    X(MESSAGE)                                                               \
    X(DISRUPTION) /* of the condition DisruptionTarget */                    \
    X(DISRUPTION_MESSAGE)                                                    \
    X(UNSCHEDULED) /* of the condition PodScheduled, when it is False */     \
    X(UNSCHEDULED_MESSAGE)                                                   \
    X(WAITING) /* the container that holds it back */                        \
    X(WAITING_REASON)                                                        \
    X(WAITING_MESSAGE)                                                       \
    X(ENDED_REASON)  /* of the main container */                             \
    X(ENDED_MESSAGE) /* the launcher's record, or whatever was left there */ \
    X(MEMORY)        /* limit of the main container */                       \
    X(INIT)          /* the init container that failed */                    \
    X(INIT_REASON)                                                           \
    X(INIT_MESSAGE)                                                          \
    X(INIT_MEMORY)

enum pod_fact {
#define X(name) FACT_##name,
    POD_FACT_TEXTS(X)
#undef X
        FACT_COUNT
};

enum pod_phase { PHASE_Pending, PHASE_Running, PHASE_Succeeded, PHASE_Failed };
enum main_state { MAIN_NONE, MAIN_RUNNING, MAIN_TERMINATED };

struct pod_facts {
    int64_t created_at, deletion_at;           /* wall ms; 0: not set. deletion_at: when its grace ends */
    int64_t started_at, finished_at;           /* of the main container */
    int64_t unready_since;                     /* its node stopped answering for it; 0: it answers */
    int64_t init_started_at, init_finished_at; /* of the init container that failed */
    int32_t exit_code, init_exit_code;         /* where those have ended */
    int32_t attempt, turn;                     /* labels; 0: none */
    int32_t grace_s;                           /* deletionGracePeriodSeconds, as far as it can be believed */
    uint32_t size;                             /* of the block */
    enum pod_phase phase : 3;
    enum main_state main : 3;
    bool held : 1;      /* our finalizer */
    bool done : 1;      /* label weir.dev/done */
    bool scheduled : 1; /* on a node */
    bool disrupted : 1; /* DisruptionTarget is True */
    bool init_failed : 1;
    bool lingers : 1;        /* main has ended, and another container runs */
    uint16_t at[FACT_COUNT]; /* of each text */
    char texts[];
};

struct pod_facts *pod_facts_new(yyjson_val *pod); /* free(); never NULL */
const char *pod_fact(const struct pod_facts *facts, enum pod_fact fact);
/* Does anything of it run, or may it? Sidecars do not count. A pod that was deleted by force is taken for ended: who
 * does that says that its node is gone. */
bool pod_facts_ended(const struct pod_facts *facts);
