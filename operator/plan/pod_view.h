#pragma once

/* A pod as the plan sees it: executor/ makes it of what is kept of the pod and of what its launcher reported. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pod's life as executor/ judges it (reliability: KEP-3329's table). */
enum pod_state {
    POD_PENDING,   /* accepted, nothing of it runs yet */
    POD_RUNNING,   /* the launcher runs */
    POD_SUCCEEDED, /* ended; the launcher's final record says success */
    POD_FAILED,    /* ended by the task's own fault */
    POD_LOST,      /* ended by the infrastructure: evicted, preempted, node lost, deleted by somebody */
};

struct pod_view {
    const char *name, *uid;
    const char *task;
    int64_t attempt;
    bool attempts; /* its role is to run an attempt */
    bool cleans;  /* its role is to end what that attempt left at the remote side; of other roles are only waited for */
    int64_t turn; /* cleans: from 1; another one follows one that failed */
    enum pod_state state;
    bool deleting; /* deletionTimestamp is set */
    bool held;     /* carries our finalizer */
    bool done;     /* recorded and let go before: kept for its log */
    bool lingers;  /* the task has ended, but another container of the pod runs on */
    bool asked_delete, asked_release;
    const char *reason; /* why it ended so, or why it is still pending (ImagePullBackOff, Unschedulable); "" */
    const char *message;
    int exit_code;
    bool has_exit_code;
    int64_t created_at, started_at, finished_at; /* wall ms; 0: not yet */
    int64_t deleting_since, deleting_until;      /* deleting: until its grace period ends */
    int64_t ended_seen;                          /* boot ms when we saw it end; 0: unknown. For measuring */
    const char *hash;                            /* of the rendered spec that it was made from; "" */
    /* What the launcher reported last. */
    const char *application_id, *tracking_url, *history_url;
    const char *const *application_ids; /* all of this attempt, newest last */
    size_t application_count;
    const char *const *job_ids;
    size_t job_count;
    int percent;
    const char *progress_text;
    /* What its launcher left running at the remote side when it ended, in words; "": nothing, or nobody told. */
    const char *remains;
    const char *remote; /* the cluster manager that its program may start something on; "": none */
    bool ran;           /* its program was started, or may have been */
    bool clear;         /* its launcher's last word: nothing of the task is left running */
};
