#pragma once

/* One request on its way, from being made to being answered; for the files of controller/ only. It knows its run by
 * UID: the run may be gone, or have ended, when the answer comes. */

#include "controller/internal.h"

enum { FENCED_MS = 1000 }; /* until a write that was held back is tried again */

struct request {
    struct controller *controller;
    char *key, *namespace, *pipeline, *run_uid;
    char *pod, *pod_uid, *task; /* "" when there is none */
    size_t index;               /* of the task in the spec of that generation; of a creation */
    int64_t attempt, generation;
    int64_t ended_seen;        /* boot ms; 0: not an edge */
    bool keep, deleting, late; /* of a release */
    uint64_t shape;            /* of a dry run */
    char *left;                /* of a release: what may still run elsewhere; NULL: nothing */
    struct order *order;       /* of a cleaner */
    struct told *told;         /* events that follow a recorded status */
};

struct request *request_new(const struct pass_scope *scope, const char *pod, const char *pod_uid,
                            const char *task); /* copies the texts */
void request_end(struct request *request);     /* frees it */

struct kube_ref request_pod(const struct request *request);
struct kube_ref request_pipeline(const struct request *request);
struct cache *request_cache(const struct request *request, const struct kube_resource *resource);
struct run_state *request_run(const struct request *request); /* NULL: nothing is known of the run any more */

void request_again(const struct request *request); /* look at the run once more */
void request_say(const struct request *request, const char *what,
                 const struct kube_answer *answer); /* a warning in the log */
void request_tell(const struct request *request, bool warning, const char *reason,
                  const char *note); /* an event on the Pipeline */
/* Something of a task may run on, and nobody ends it: an event, the log, and a count. */
void request_tell_left(const struct request *request, const char *reason, const char *note);
void left_behind(const char *key, const char *pod, const char *note); /* the same without an event */
/* The API server does not take the task's pod, and never will: a problem of the spec. */
void request_refuse(const struct request *request, const struct kube_answer *answer);
/* run_ask(), but not while the run's requests are held off: then its key is woken when that is over. Not for creations,
 * which have a hold-off of their own. */
bool request_may(const struct pass_scope *scope, struct run_state *run, enum asked asked, const char *what,
                 int64_t attempt);
/* The run's requests of that sort fail: none before its hold-off is over. What was fenced is tried again in a while. */
void request_failed(const struct request *request, const struct kube_answer *answer, struct holdoff *holdoff);

/* The usual end of a write to a pod: the answer is the news, a conflict means look again, what is missing is gone. */
void request_settle_pod(struct request *request, struct kube_answer *answer, const char *what);
