#pragma once

/* Leader election on a Lease object: the driver of kube/lease.h. A free lease is taken at once, and one that is lost is
 * stood for again, until it is released. */

#include <uv.h>

#include "kube/api.h"
#include "kube/lease.h"

struct leader;

struct leader_options {
    const char *namespace, *name;
    const char *identity;       /* of the pod, so that a restarted container leads again at once */
    const char *process;        /* as kube/lease.h says; NULL: "" */
    struct lease_timing timing; /* zero: 15 s, 10 s, 2 s */
    /* By turns, `won` first. After `lost` leader_held() is false: no write may be made until it is won again. */
    void (*won)(void *arg);
    void (*lost)(const char *why, void *arg);
    void *arg;
};

struct leader *leader_new(uv_loop_t *loop, struct kube_api *api, const struct leader_options *options);
/* Lets the lease go (holder "", 1 s) so that another takes over at once, then calls `done`, also when that failed or
 * took longer than `timeout_ms`; that begins when a request that is under way has been answered, which takes up to half
 * of the renew deadline. Call after all work has stopped. When not leading, `done` follows at once, later. */
void leader_release(struct leader *leader, int64_t timeout_ms, void (*done)(void *arg), void *arg);
void leader_free(struct leader *leader); /* takes NULL; does not release */

bool leader_held(const struct leader *leader);            /* ask before each write that needs leadership */
const char *leader_holder(const struct leader *leader);   /* who leads as far as we know; "" */
unsigned leader_transitions(const struct leader *leader); /* the lease's epoch */
