#pragma once

/* The API server over HTTP/1.1: libcurl's multi interface on a libuv loop, four pools.
 *
 * - A write is sent at most once: libcurl repeats requests on a reused connection that died unanswered; ours are read
 *   by a callback that refuses to rewind, so that such a write ends as `unsure` instead.
 * - Answers have a size bound after decompression. A pool keeps at most its number of requests in flight; more wait.
 * - What no credential has come for yet waits for it, as long as the request may take. kube/credentials.h has the rest.
 * - When API Priority and Fairness turns a request away, no new one of its pool starts before its Retry-After (capped),
 *   where that pool is POOL_REQUESTS or POOL_REVIEWS. Any other answer with Retry-After is its caller's matter.
 * - No callback is made from inside libcurl. */

#include <uv.h>

#include "kube/api.h"
#include "kube/config.h"

struct kube_http_options {
    const char *user_agent; /* NULL: weir/VERSION (linux/ARCH) */
    int64_t connect_ms;     /* name, TCP and TLS (10 s) */
    int64_t request_ms;     /* whole request when it names none (30 s) */
    int64_t stall_s;        /* below 100 B/s for that long ends a request; not for streams (20 s) */
    size_t answer_max;      /* bytes (16 MiB) */
    unsigned in_flight;     /* POOL_REQUESTS (40); one namespace alone holds nine tenths at most */
    int64_t plugin_ms;      /* an exec plugin of the config that takes longer is killed (60 s) */
    uint64_t seed;          /* of the jitter */
    /* Optional: may a write (all but GET) of POOL_REQUESTS leave? Asked when it is started, when its connection stands,
     * and before its body: a process that was stopped meanwhile, or a write that waited, must not act on an old answer.
     * Fast, and calls nothing here. */
    bool (*may_write)(void *arg);
    void *may_write_arg;
};

/* Takes the config over, also on failure. `options` NULL or zero members: the values in brackets. */
int kube_http_new(uv_loop_t *loop, struct kube_config *config, const struct kube_http_options *options,
                  struct kube_api **ret_api, struct error *err);

/* The end is near: of POOL_REQUESTS nothing leaves any more. What waits there, and what is sent later, is answered as
 * `fenced`; what is under way for `grace_ms` from now is given up, with the answer of a connection that was lost. */
void kube_http_stop(struct kube_api *api, int64_t grace_ms);

/* Cancels everything (handles are void then) and frees as the loop turns: run it once more before closing it. Takes
 * NULL. */
void kube_http_free(struct kube_api *api);
