/* See queue.h. Items in a hash table by key; those due in a list, those that wait in a binary heap by time. An item is
 * kept while anything is known of its key. No timer, no clock. */

#include "kube/queue.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/hash_table.h"
#include "base/metrics.h"

enum { NOT_WAITING = -1 };

struct item {
    UT_hash_handle hh;
    struct item *prev, *next; /* in the list of those due */
    bool dirty;               /* wants work */
    bool processing;          /* is being worked on */
    unsigned failures;
    ptrdiff_t slot; /* in the heap */
    int64_t due_at; /* valid in the heap */
    int64_t since;  /* dirty since */
    int64_t taken_at;
    char key[];
};

struct queue {
    struct queue_options options;
    struct item *items;
    struct item *due;
    struct item **heap;
    ptrdiff_t waiting, room;
    size_t depth, processing;
    bool closed;
};

static struct metric depth_metric = {.name = "weir_queue_depth",
                                     .help = "Keys that are due and not yet worked on.",
                                     .type = METRIC_GAUGE,
                                     .labels = {"queue"}};
static struct metric retries_metric = {.name = "weir_queue_retries_total",
                                       .help = "Keys put back with a back-off after a failure.",
                                       .type = METRIC_COUNTER,
                                       .labels = {"queue"}};
static struct metric wait_metric = {.name = "weir_queue_wait_seconds",
                                    .help = "Time from a key becoming due to work on it.",
                                    .type = METRIC_HISTOGRAM,
                                    .labels = {"queue"},
                                    .buckets = metric_seconds,
                                    .bucket_count = 14};
static struct metric work_metric = {.name = "weir_queue_work_seconds",
                                    .help = "Time of the work on a key, with the requests it waits for.",
                                    .type = METRIC_HISTOGRAM,
                                    .labels = {"queue"},
                                    .buckets = metric_seconds,
                                    .bucket_count = 14};

struct queue *queue_new(const struct queue_options *options) {
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        abort();
    queue->options = *options;
    if (queue->options.backoff_ms <= 0)
        queue->options.backoff_ms = 5;
    if (queue->options.backoff_max_ms <= 0)
        queue->options.backoff_max_ms = 60 * 1000;
    return queue;
}

void queue_free(struct queue *queue) {
    if (queue == NULL)
        return;
    struct item *item = NULL;
    struct item *next = NULL;
    HASH_ITER(hh, queue->items, item, next) {
        HASH_DEL(queue->items, item);
        free(item);
    }
    free(queue->heap);
    free(queue);
}

/* The heap: the parent of slot n is (n - 1) / 2 and never due later. */

static void heap_set(struct queue *queue, ptrdiff_t slot, struct item *item) {
    queue->heap[slot] = item;
    item->slot = slot;
}

static void heap_up(struct queue *queue, ptrdiff_t slot, struct item *item) {
    for (; slot > 0 && queue->heap[(slot - 1) / 2]->due_at > item->due_at; slot = (slot - 1) / 2)
        heap_set(queue, slot, queue->heap[(slot - 1) / 2]);
    heap_set(queue, slot, item);
}

static void heap_down(struct queue *queue, ptrdiff_t slot, struct item *item) {
    for (;;) {
        ptrdiff_t child = 2 * slot + 1;
        if (child + 1 < queue->waiting && queue->heap[child + 1]->due_at < queue->heap[child]->due_at)
            child++;
        if (child >= queue->waiting || queue->heap[child]->due_at >= item->due_at)
            break;
        heap_set(queue, slot, queue->heap[child]);
        slot = child;
    }
    heap_set(queue, slot, item);
}

static void heap_add(struct queue *queue, struct item *item) {
    if (queue->waiting == queue->room) {
        queue->room = queue->room == 0 ? 64 : 2 * queue->room;
        queue->heap = realloc(queue->heap, (size_t)queue->room * sizeof(struct item *));
        if (queue->heap == NULL)
            abort();
    }
    heap_up(queue, queue->waiting++, item);
}

static void heap_remove(struct queue *queue, struct item *item) {
    ptrdiff_t slot = item->slot;
    struct item *last = queue->heap[--queue->waiting];
    item->slot = NOT_WAITING;
    if (last == item)
        return;
    if (last->due_at < item->due_at)
        heap_up(queue, slot, last);
    else
        heap_down(queue, slot, last);
}

/* Items. */

static struct item *find(const struct queue *queue, const char *key) {
    struct item *item = NULL;
    HASH_FIND_STR(queue->items, key, item);
    return item;
}

static struct item *find_or_new(struct queue *queue, const char *key) {
    struct item *item = find(queue, key);
    if (item != NULL)
        return item;
    item = calloc(1, sizeof *item + strlen(key) + 1);
    if (item == NULL)
        abort();
    memcpy(item->key, key, strlen(key) + 1);
    item->slot = NOT_WAITING;
    HASH_ADD_STR(queue->items, key, item);
    return item;
}

static void drop_if_idle(struct queue *queue, struct item *item) {
    if (item->dirty || item->processing || item->failures > 0 || item->slot != NOT_WAITING)
        return;
    HASH_DEL(queue->items, item);
    free(item);
}

static void set_depth(struct queue *queue, size_t depth) {
    queue->depth = depth;
    metric_set(&depth_metric, (double)depth, queue->options.name);
}

static void line_up(struct queue *queue, struct item *item) {
    DL_APPEND(queue->due, item);
    set_depth(queue, queue->depth + 1);
}

/* Work is asked for now, so a later time that was set has no meaning any more: the work decides anew. */
static void make_dirty(struct queue *queue, struct item *item, int64_t now) {
    if (item->slot != NOT_WAITING)
        heap_remove(queue, item);
    if (item->dirty)
        return;
    item->dirty = true;
    item->since = now;
    if (!item->processing)
        line_up(queue, item);
}

void queue_add(struct queue *queue, const char *key, int64_t now) {
    if (!queue->closed)
        make_dirty(queue, find_or_new(queue, key), now);
}

void queue_add_after(struct queue *queue, const char *key, int64_t delay_ms, int64_t now) {
    if (queue->closed)
        return;
    struct item *item = find_or_new(queue, key);
    if (delay_ms <= 0) {
        make_dirty(queue, item, now);
        return;
    }
    int64_t due_at = delay_ms > INT64_MAX - now ? INT64_MAX : now + delay_ms;
    if (item->dirty || (item->slot != NOT_WAITING && item->due_at <= due_at))
        return;
    if (item->slot != NOT_WAITING)
        heap_remove(queue, item);
    item->due_at = due_at;
    heap_add(queue, item);
}

/* Doubling stops at the cap: no shift, no overflow. */
static int64_t backoff(const struct queue_options *options, unsigned failures) {
    int64_t delay = options->backoff_ms;
    while (failures-- > 0 && delay < options->backoff_max_ms)
        delay = delay > options->backoff_max_ms / 2 ? options->backoff_max_ms : 2 * delay;
    return delay < options->backoff_max_ms ? delay : options->backoff_max_ms;
}

void queue_retry(struct queue *queue, const char *key, int64_t at_least_ms, int64_t now) {
    if (queue->closed)
        return;
    struct item *item = find_or_new(queue, key);
    int64_t delay = backoff(&queue->options, item->failures);
    item->failures++;
    metric_add(&retries_metric, 1, queue->options.name);
    queue_add_after(queue, key, delay > at_least_ms ? delay : at_least_ms, now);
}

void queue_forget(struct queue *queue, const char *key) {
    struct item *item = find(queue, key);
    if (item == NULL)
        return;
    item->failures = 0;
    drop_if_idle(queue, item);
}

unsigned queue_failures(const struct queue *queue, const char *key) {
    const struct item *item = find(queue, key);
    return item == NULL ? 0 : item->failures;
}

/* Work. */

const char *queue_take(struct queue *queue, int64_t now) {
    if (queue->closed)
        return NULL;
    while (queue->waiting > 0 && queue->heap[0]->due_at <= now)
        make_dirty(queue, queue->heap[0], queue->heap[0]->due_at);
    struct item *item = queue->due;
    if (item == NULL)
        return NULL;
    DL_DELETE(queue->due, item);
    set_depth(queue, queue->depth - 1);
    item->dirty = false;
    item->processing = true;
    item->taken_at = now;
    queue->processing++;
    metric_observe(&wait_metric, (double)(now - item->since) / 1000, queue->options.name);
    return item->key;
}

void queue_done(struct queue *queue, const char *key, int64_t now) {
    struct item *item = find(queue, key);
    if (item == NULL || !item->processing)
        return;
    item->processing = false;
    queue->processing--;
    metric_observe(&work_metric, (double)(now - item->taken_at) / 1000, queue->options.name);
    if (item->dirty)
        line_up(queue, item);
    drop_if_idle(queue, item);
}

int64_t queue_next_at(const struct queue *queue) {
    if (queue->closed)
        return INT64_MAX;
    if (queue->due != NULL)
        return queue->due->since;
    return queue->waiting > 0 ? queue->heap[0]->due_at : INT64_MAX;
}

void queue_shutdown(struct queue *queue) {
    queue->closed = true;
}

bool queue_drained(const struct queue *queue) {
    return queue->processing == 0;
}

size_t queue_depth(const struct queue *queue) {
    return queue->depth;
}
