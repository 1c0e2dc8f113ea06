#pragma once

/* One request as a libcurl transfer: private to kube/http_pool.c. */

#include <curl/curl.h>

#include "kube/api.h"
#include "kube/config.h"
#include "kube/http.h"
#include "kube/http_easy.h"

struct http_pool;
struct http_group;

struct kube_call {
    struct kube_call *prev, *next;
    struct kube_call **list; /* of the pool: the one it is in */
    struct http_pool *pool;
    struct http_group *group;                /* NULL: it has not joined */
    const struct kube_http_options *options; /* of the transport */
    kube_done_cb done;
    void *arg;

    const char *method, *path, *content_type, *body; /* in `texts`; body NULL: none */
    const char *name;                                /* of the object it is about; NULL: none */
    const char *namespace;                           /* NULL: none */
    size_t length;
    enum kube_urgency urgency;
    bool writes; /* anything but GET */
    bool fenceable, fenced;
    int64_t timeout_ms;
    kube_data_cb on_data;
    const char *verb;
    const struct kube_resource *resource; /* may be NULL */

    struct http_easy *easy;   /* NULL until it is sent */
    struct easy_store *store; /* it goes back to */
    size_t sent;              /* bytes of the body that libcurl took */
    struct strbuf got;        /* body, or bytes of a stream that are not handed out yet */
    size_t got_max;
    size_t header_bytes;
    bool streaming; /* a 200 that goes to on_data */
    bool too_large;
    bool classified; /* API Priority and Fairness had a look at it */
    int64_t retry_after_ms;
    int64_t give_up_at;  /* boot ms; waits for a credential until then */
    int64_t began_at;    /* boot ms */
    struct error failed; /* before it could be sent, or held back */
    char curl_text[CURL_ERROR_SIZE];
    char texts[];
};

/* Copies the request; `options` outlive it. */
struct kube_call *call_new(const struct kube_request *request, const struct kube_http_options *options,
                           kube_done_cb done, void *arg);
void call_free(struct kube_call *call);

const char *call_plural(const struct kube_call *call); /* "" without a resource */

struct call_setup {
    struct easy_store *store;
    const char *server;
    const char *token; /* NULL: none */
    struct kube_tls tls;
};

/* Makes call->easy, ready to be added to a multi handle. */
int call_prepare(struct kube_call *call, const struct call_setup *setup, int64_t now, struct error *err);
/* False, for good, when it may not leave any more: it is refused then. */
bool call_may_leave(struct kube_call *call);
/* Whether the server has too much work, so that all must wait: not a webhook, a quota or a budget that says 429. */
bool call_met_overload(const struct kube_call *call, const struct kube_answer *answer);
/* What came of it; `code` counts only when it was sent. answer->doc belongs to the caller. */
void call_judge(struct kube_call *call, CURLcode code, struct kube_answer *answer);
