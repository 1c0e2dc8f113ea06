#pragma once

/* Keys that want work (after client-go's workqueue): first come first served, each key once however often it is added,
 * and one worker a key: what is added while it is being worked on is handed out again after queue_done().
 * No timer and no clock: `now` is boot ms; kube/worker.h turns it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue_options {
    const char *name;       /* static; label of the metrics */
    int64_t backoff_ms;     /* first retry (5); doubles */
    int64_t backoff_max_ms; /* (60 s) */
};

struct queue *queue_new(const struct queue_options *options);
void queue_free(struct queue *queue); /* takes NULL */

void queue_add(struct queue *queue, const char *key, int64_t now);
/* At most once a key: the earliest time wins. */
void queue_add_after(struct queue *queue, const char *key, int64_t delay_ms, int64_t now);
/* Again after this key's back-off, and not before `at_least_ms` (what the server asked for; 0). */
void queue_retry(struct queue *queue, const char *key, int64_t at_least_ms, int64_t now);
void queue_forget(struct queue *queue, const char *key); /* it went well: the back-off starts over */
unsigned queue_failures(const struct queue *queue, const char *key);

/* The next key to work on, NULL when none is due. Valid until queue_done(), which must follow. */
const char *queue_take(struct queue *queue, int64_t now);
void queue_done(struct queue *queue, const char *key, int64_t now);
/* When the next key becomes due: `now` or earlier when one is; INT64_MAX when none waits. */
int64_t queue_next_at(const struct queue *queue);

/* Nothing is added any more and nothing waiting is handed out; what is taken can still be done. */
void queue_shutdown(struct queue *queue);
bool queue_drained(const struct queue *queue); /* nothing is being worked on */
size_t queue_depth(const struct queue *queue); /* due and not taken */
