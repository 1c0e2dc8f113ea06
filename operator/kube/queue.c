/* See queue.h. Items in a hash table by key; those due in a list, those that wait or rest in a binary heap by time. An
 * item is kept while anything is known of its key. No timer, no clock. */

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
    bool due;                 /* in that list */
    bool wanted;              /* in the heap: work is wanted at due_at; else it only rests */
    ptrdiff_t slot;           /* in the heap */
    int64_t due_at;           /* when work is or was wanted */
    int64_t rest_until;
    char key[];
};

struct queue {
    const char *name;
    struct item *items;
    struct item *due;
    struct item **heap;
    ptrdiff_t waiting, room;
    size_t depth;
};

static struct metric depth_metric = {.name = "weir_queue_depth",
                                     .help = "Keys that are due and not yet worked on.",
                                     .type = METRIC_GAUGE,
                                     .labels = {"queue"}};
static struct metric wait_metric = {.name = "weir_queue_wait_seconds",
                                    .help = "Time from a key becoming due to work on it.",
                                    .type = METRIC_HISTOGRAM,
                                    .labels = {"queue"},
                                    .buckets = metric_seconds,
                                    .bucket_count = 14};

struct queue *queue_new(const char *name) {
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        abort();
    queue->name = name;
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

/* The heap: the parent of slot n is (n - 1) / 2 and its time is never later. */

static int64_t time_of(const struct item *item) {
    return item->wanted && item->due_at > item->rest_until ? item->due_at : item->rest_until;
}

static void heap_set(struct queue *queue, ptrdiff_t slot, struct item *item) {
    queue->heap[slot] = item;
    item->slot = slot;
}

static void heap_up(struct queue *queue, ptrdiff_t slot, struct item *item) {
    for (; slot > 0 && time_of(queue->heap[(slot - 1) / 2]) > time_of(item); slot = (slot - 1) / 2)
        heap_set(queue, slot, queue->heap[(slot - 1) / 2]);
    heap_set(queue, slot, item);
}

static void heap_down(struct queue *queue, ptrdiff_t slot, struct item *item) {
    for (;;) {
        ptrdiff_t child = 2 * slot + 1;
        if (child + 1 < queue->waiting && time_of(queue->heap[child + 1]) < time_of(queue->heap[child]))
            child++;
        if (child >= queue->waiting || time_of(queue->heap[child]) >= time_of(item))
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
    if (item->slot == NOT_WAITING)
        return;
    ptrdiff_t slot = item->slot;
    struct item *last = queue->heap[--queue->waiting];
    item->slot = NOT_WAITING;
    if (last == item)
        return;
    if (time_of(last) < time_of(item))
        heap_up(queue, slot, last);
    else
        heap_down(queue, slot, last);
}

/* Items. */

static struct item *find_or_new(struct queue *queue, const char *key) {
    struct item *item = NULL;
    HASH_FIND_STR(queue->items, key, item);
    if (item != NULL)
        return item;
    item = calloc(1, sizeof *item + strlen(key) + 1);
    if (item == NULL)
        abort();
    memcpy(item->key, key, strlen(key) + 1);
    item->slot = NOT_WAITING;
    item->rest_until = INT64_MIN;
    HASH_ADD_STR(queue->items, key, item);
    return item;
}

static void drop_if_idle(struct queue *queue, struct item *item) {
    if (item->due || item->slot != NOT_WAITING)
        return;
    HASH_DEL(queue->items, item);
    free(item);
}

static void set_depth(struct queue *queue, size_t depth) {
    queue->depth = depth;
    metric_set(&depth_metric, (double)depth, queue->name);
}

static void line_up(struct queue *queue, struct item *item) {
    item->due = true;
    DL_APPEND(queue->due, item);
    set_depth(queue, queue->depth + 1);
}

static void leave_line(struct queue *queue, struct item *item) {
    item->due = false;
    DL_DELETE(queue->due, item);
    set_depth(queue, queue->depth - 1);
}

/* Work is wanted at that time, or as soon as the key has rested. */
static void want(struct queue *queue, struct item *item, int64_t due_at, int64_t now) {
    bool earlier = !item->wanted || due_at < item->due_at;
    if (item->due || !earlier)
        return;
    heap_remove(queue, item);
    item->wanted = true;
    item->due_at = due_at;
    if (time_of(item) > now) {
        heap_add(queue, item);
    } else {
        item->wanted = false;
        line_up(queue, item);
    }
}

void queue_add(struct queue *queue, const char *key, int64_t now) {
    want(queue, find_or_new(queue, key), now, now);
}

void queue_add_after(struct queue *queue, const char *key, int64_t delay_ms, int64_t now) {
    int64_t due_at = delay_ms <= 0 ? now : delay_ms > INT64_MAX - now ? INT64_MAX : now + delay_ms;
    want(queue, find_or_new(queue, key), due_at, now);
}

void queue_rest(struct queue *queue, const char *key, int64_t until, int64_t now) {
    if (until <= now)
        return;
    struct item *item = find_or_new(queue, key);
    heap_remove(queue, item);
    if (item->due) {
        leave_line(queue, item);
        item->wanted = true;
    }
    item->rest_until = until;
    heap_add(queue, item);
}

bool queue_take(struct queue *queue, int64_t now, struct strbuf *ret_key) {
    while (queue->waiting > 0 && time_of(queue->heap[0]) <= now) {
        struct item *item = queue->heap[0];
        heap_remove(queue, item);
        if (item->wanted)
            line_up(queue, item);
        item->wanted = false;
        drop_if_idle(queue, item);
    }
    struct item *item = queue->due;
    if (item == NULL)
        return false;
    leave_line(queue, item);
    metric_observe(&wait_metric, (double)(now - item->due_at) / 1000, queue->name);
    strbuf_reset(ret_key);
    strbuf_puts(ret_key, item->key);
    drop_if_idle(queue, item);
    return true;
}

int64_t queue_next_at(const struct queue *queue) {
    if (queue->due != NULL)
        return queue->due->due_at;
    return queue->waiting > 0 ? time_of(queue->heap[0]) : INT64_MAX;
}

size_t queue_depth(const struct queue *queue) {
    return queue->depth;
}
