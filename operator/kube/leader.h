#pragma once

/* Leader election on a Lease object: the driver of kube/lease.h. A free lease is taken at once. */

#include <uv.h>

#include "kube/api.h"
#include "kube/lease.h"

struct leader;

struct leader_options {
    const char *namespace, *name;
    const char *identity;       /* unique a process start: pod name and a random part. Others find the leader by it */
    struct lease_timing timing; /* zero: 15 s, 10 s, 2 s */
    void (*won)(void *arg);
    /* Leadership is over without our doing: no further write may be made, end the process at once. */
    void (*lost)(const char *why, void *arg);
    void *arg;
};

struct leader *leader_new(uv_loop_t *loop, struct kube_api *api, const struct leader_options *options);
/* Lets the lease go (holder "", 1 s) so that another takes over at once, then calls `done`, also when that failed or
 * took longer than `timeout_ms`. Call after all work has stopped. When not leading, `done` follows at once, later. */
void leader_release(struct leader *leader, int64_t timeout_ms, void (*done)(void *arg), void *arg);
void leader_free(struct leader *leader); /* takes NULL; does not release */

bool leader_held(const struct leader *leader);            /* ask before each write that needs leadership */
const char *leader_holder(const struct leader *leader);   /* who leads as far as we know; "" */
unsigned leader_transitions(const struct leader *leader); /* the lease's epoch */
