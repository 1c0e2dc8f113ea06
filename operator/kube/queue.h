#pragma once

/* Keys that want work (after client-go's workqueue): first come first served, each key once however often it is added.
 * A key may be told to rest: what is added meanwhile waits until then, so that no flood of events costs more than one
 * piece of work a rest. No timer and no clock: `now` is boot ms; kube/worker.h turns it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

struct queue;

struct queue *queue_new(const char *name); /* static; label of the metrics */
void queue_free(struct queue *queue);      /* takes NULL */

void queue_add(struct queue *queue, const char *key, int64_t now);
/* At most once a key: the earliest time wins. */
void queue_add_after(struct queue *queue, const char *key, int64_t delay_ms, int64_t now);
/* Nothing of this key before `until`. */
void queue_rest(struct queue *queue, const char *key, int64_t until, int64_t now);

/* The next key that is due replaces the text of *ret_key; false when none is. */
bool queue_take(struct queue *queue, int64_t now, struct strbuf *ret_key);
/* When the next key becomes due: `now` or earlier when one is; INT64_MAX when none waits. */
int64_t queue_next_at(const struct queue *queue);
size_t queue_depth(const struct queue *queue); /* due and not taken */
