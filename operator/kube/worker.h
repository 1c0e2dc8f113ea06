#pragma once

/* Runs a queue on a loop: hands out keys, at most so many at once, and wakes up when one becomes due. */

#include <uv.h>

#include "base/error.h"
#include "kube/queue.h"

struct worker;

/* Work on the key and call worker_done() with it, now or later. */
typedef void (*worker_cb)(const char *key, void *arg);

struct worker *worker_new(uv_loop_t *loop, const struct queue_options *options, unsigned parallel, worker_cb work,
                          void *arg);
void worker_free(struct worker *worker);                 /* takes NULL */
void worker_add(struct worker *worker, const char *key); /* `work` is called later, from the loop */
void worker_add_after(struct worker *worker, const char *key, int64_t delay_ms);

/* How it went decides what follows. */
enum worker_result {
    WORKER_DONE,  /* well */
    WORKER_AFTER, /* well, and again after `delay_ms` */
    WORKER_RETRY, /* badly: again after the key's back-off, not before `delay_ms` */
};
void worker_done(struct worker *worker, const char *key, enum worker_result result, int64_t delay_ms);

/* No more work is begun; `drained` is called, later, when what runs has ended. */
void worker_drain(struct worker *worker, void (*drained)(void *arg), void *arg);
size_t worker_depth(const struct worker *worker);
