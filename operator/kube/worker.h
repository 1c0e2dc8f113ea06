#pragma once

/* Runs a queue on a loop: hands out keys, one after the other, and wakes up when one becomes due. */

#include <uv.h>

#include "kube/queue.h"

struct worker;

/* How it went decides what follows. */
struct worked {
    int64_t after_ms; /* the key again then, unless it is added before; -1: no need */
    int64_t rest_ms;  /* and not before this long */
};
/* Work on the key; requests that it makes are not waited for. */
typedef struct worked (*worker_cb)(const char *key, void *arg);

struct worker *worker_new(uv_loop_t *loop, const char *name, worker_cb work, void *arg); /* `name`: static */
void worker_free(struct worker *worker);                                                 /* takes NULL */
void worker_add(struct worker *worker, const char *key); /* `work` is called later, from the loop; no-op once stopped */
void worker_add_after(struct worker *worker, const char *key, int64_t delay_ms);
void worker_stop(struct worker *worker); /* nothing is handed out any more */
