#pragma once

/* The API server as an interface: requests in, answers out, on one loop. kube/http.h is the real one; a model can stand
 * behind it in a simulation. Nothing is retried here: what failed is said, with how long the server asked to wait. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "kube/path.h"

enum { KUBE_BODY_MAX = 1024 * 1024 }; /* larger bodies are refused here: etcd would, with a 500 that invites retries */

/* Each pool has connections of its own, so that one cannot starve another. */
enum kube_pool {
    POOL_REQUESTS,
    POOL_LEASE,
    POOL_WATCH,
    POOL_REVIEWS /* of tokens: whoever asks for them */,
    POOL_COUNT
};

/* Who goes first where POOL_REQUESTS is full. Of its room, urgent requests use eight tenths at most, lazy ones two, and
 * these with the normal ones six, so that none of the three can shut the others out. A namespace that holds a quarter
 * of the room waits while another one that holds less can use it, and the last tenth, also of each of these limits, is
 * kept for such: one namespace cannot shut the others out either. What is in no namespace counts as one and holds two
 * tenths at most. */
enum kube_urgency { URGENCY_NORMAL, URGENCY_URGENT, URGENCY_LAZY, URGENCY_COUNT };

struct kube_answer {
    struct error err; /* ERROR_NONE on 2xx; the text is for a person */
    int status;       /* HTTP status; 0: none was received */
    char reason[64];  /* Status.reason: AlreadyExists, Conflict, … or "" */
    bool malformed;   /* the body sent is wrong by the server's own rules for its kind: no waiting mends that. Not what
                         admission plugins, policies and webhooks say, whose codes are the same */
    yyjson_doc *doc;  /* the body, a Status too; NULL when there is none. Freed after the callback unless taken */
    size_t length;    /* bytes of the body, as they were parsed */
    int64_t retry_after_ms; /* the server asked to wait that long (capped); 0: it did not */
    bool unsure;            /* a write went out and its answer was lost: read before you decide anything */
    bool fenced;            /* held back, since we may not write any more, or are ending: certainly not done */
};

typedef void (*kube_done_cb)(struct kube_answer *answer, void *arg);
/* Part of the body of a streamed 200, cut anywhere. */
typedef void (*kube_data_cb)(const char *bytes, size_t length, void *arg);

struct kube_request {
    const char *method;
    const char *path;         /* with its query */
    const char *content_type; /* NULL: application/json */
    const char *body;         /* NULL: none. Copied, as all texts here but `verb` */
    size_t length;
    enum kube_pool pool;
    enum kube_urgency urgency;
    int64_t timeout_ms;                   /* 0: the transport's default */
    kube_data_cb on_data;                 /* streams the body of a 200; done comes after with doc NULL */
    const char *verb;                     /* static; for metrics: get list watch create update patch delete */
    const struct kube_resource *resource; /* static */
    const char *namespace;                /* shares the room with others (enum kube_urgency); NULL: none */
    const char *name; /* the object that it is about; NULL: none (a list, a create), so that no 404 means "gone" */
};

struct kube_call;
struct kube_api;

struct kube_api_ops {
    struct kube_call *(*send)(struct kube_api *api, const struct kube_request *request, kube_done_cb done, void *arg);
    void (*cancel)(struct kube_api *api, struct kube_call *call);
};

struct kube_api {
    const struct kube_api_ops *ops;
};

/* `done` is called exactly once, later, from the loop: never from inside kube_send(). The handle is valid until then.
 * Callbacks may send and cancel as they like. */
static inline struct kube_call *kube_send(struct kube_api *api, const struct kube_request *request, kube_done_cb done,
                                          void *arg) {
    return api->ops->send(api, request, done, arg);
}

/* No callback comes any more; a write may have been done all the same. No-op on NULL. */
static inline void kube_cancel(struct kube_api *api, struct kube_call *call) {
    if (call != NULL)
        api->ops->cancel(api, call);
}

/* Takes the document out of the answer; free with json_free(). */
yyjson_doc *kube_answer_take(struct kube_answer *answer);

/* Fills err, reason and malformed from an HTTP status and a body (a Status object or anything else; NULL allowed).
 * Pure. AlreadyExists: ERROR_EXISTS. Conflict, and a patch that names another UID: ERROR_CONFLICT. 410: ERROR_GONE.
 * 403: ERROR_FORBIDDEN. 404: ERROR_NOT_FOUND when a Status says so of the very object that the request was `about`
 * (resource and name count; NULL, or without a name: none), else ERROR_TRANSIENT. 400, 405, 413, 415, 422 and "request
 * is too large": ERROR_INVALID. 401, 429, 5xx, an exceeded quota, others: ERROR_TRANSIENT.
 */
void kube_answer_judge(struct kube_answer *answer, int status, yyjson_val *body, const struct kube_ref *about);
/* Retry-After in seconds or as an HTTP date (`now` wall ms), capped to 60 s; 0 for nonsense and the past. Pure. */
int64_t kube_retry_after(const char *value, int64_t now);
