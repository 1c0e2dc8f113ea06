#pragma once

/* The requests of one pool on their way (waiting, running, refused, done): private to kube/http.c. */

#include <uv.h>

#include "kube/config.h"
#include "kube/credentials.h"
#include "kube/curl_loop.h"
#include "kube/http.h"
#include "kube/http_call.h"
#include "kube/http_slots.h"

/* What all pools have in common; outlives them. */
struct http_shared {
    struct kube_config *config;
    struct credentials *credentials;
    struct kube_http_options options; /* none is zero */
    bool closing;                     /* no callback is made any more */
};

struct http_pool {
    struct http_shared *shared; /* NULL: not open */
    struct curl_loop *curl;
    struct easy_store store;
    uv_timer_t timer;                    /* a turn that neither libcurl nor a user brings */
    struct http_slots slots;             /* those that wait */
    struct kube_call *running, *refused; /* refused: never sent, their callback is due */
    bool pauses;                         /* an overloaded server's Retry-After stops new ones */
    int64_t paused_until;                /* boot ms */
    bool no_credential;                  /* what waits, waits for one */
    bool stopped;                        /* nothing is started any more */
    int64_t give_up_at;                  /* boot ms; once stopped: what runs is ended then */
};

/* `max` requests run at once. On failure it must be closed all the same. */
int pool_open(struct http_pool *pool, uv_loop_t *loop, struct http_shared *shared, unsigned max, bool pauses,
              struct error *err);
/* Never calls back from inside; the call belongs to the pool. */
void pool_send(struct http_pool *pool, struct kube_call *call);
void pool_cancel(struct kube_call *call);
void pool_stop(struct http_pool *pool, int64_t grace_ms);
void pool_wake(struct http_pool *pool); /* what waits may have become possible */
/* Cancels all. `closed` comes from the loop, with pool->timer as its handle: then the pool's memory may go. */
void pool_close(struct http_pool *pool, uv_close_cb closed);
