/* See worker.h: kube/queue.h with a clock and a timer. Keys are handed out from the timer only, never from inside a
 * call of the user's. */

#include "kube/worker.h"

#include <stdlib.h>

#include "base/clock.h"

enum { BATCH = 64 }; /* keys a turn of the loop: sockets must get their turn */

struct worker {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct queue *queue;
    unsigned parallel, running;
    worker_cb work;
    void *arg;
    void (*drained)(void *arg);
    void *drained_arg;
};

static void turn(uv_timer_t *timer);

static void wake_at(struct worker *worker, int64_t at, int64_t now) {
    uv_update_time(worker->loop);
    uv_timer_start(&worker->timer, turn, at > now ? (uint64_t)(at - now) : 0, 0);
}

static void schedule(struct worker *worker) {
    int64_t at = queue_next_at(worker->queue);
    if (worker->drained != NULL && queue_drained(worker->queue))
        at = 0;
    bool room = worker->running < worker->parallel || worker->drained != NULL;
    if (room && at != INT64_MAX)
        wake_at(worker, at, clock_boot_ms());
    else
        uv_timer_stop(&worker->timer);
}

static void turn(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    if (worker->drained != NULL) {
        if (queue_drained(worker->queue)) {
            void (*drained)(void *) = worker->drained;
            worker->drained = NULL;
            drained(worker->drained_arg);
        }
        return;
    }
    for (int i = 0; i < BATCH && worker->running < worker->parallel; i++) {
        const char *key = queue_take(worker->queue, clock_boot_ms());
        if (key == NULL)
            break;
        worker->running++;
        worker->work(key, worker->arg);
    }
    schedule(worker);
}

struct worker *worker_new(uv_loop_t *loop, const struct queue_options *options, unsigned parallel, worker_cb work,
                          void *arg) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        abort();
    *worker =
        (struct worker){.loop = loop, .queue = queue_new(options), .parallel = parallel, .work = work, .arg = arg};
    uv_timer_init(loop, &worker->timer);
    worker->timer.data = worker;
    return worker;
}

static void timer_closed(uv_handle_t *handle) {
    struct worker *worker = handle->data;
    queue_free(worker->queue);
    free(worker);
}

void worker_free(struct worker *worker) {
    if (worker != NULL)
        uv_close((uv_handle_t *)&worker->timer, timer_closed);
}

void worker_add(struct worker *worker, const char *key) {
    queue_add(worker->queue, key, clock_boot_ms());
    schedule(worker);
}

void worker_add_after(struct worker *worker, const char *key, int64_t delay_ms) {
    queue_add_after(worker->queue, key, delay_ms, clock_boot_ms());
    schedule(worker);
}

void worker_done(struct worker *worker, const char *key, enum worker_result result, int64_t delay_ms) {
    int64_t now = clock_boot_ms();
    if (result == WORKER_RETRY)
        queue_retry(worker->queue, key, delay_ms, now);
    else
        queue_forget(worker->queue, key);
    if (result == WORKER_AFTER)
        queue_add_after(worker->queue, key, delay_ms, now);
    worker->running--;
    queue_done(worker->queue, key, now); /* last: `key` may be the queue's own text */
    schedule(worker);
}

void worker_drain(struct worker *worker, void (*drained)(void *arg), void *arg) {
    worker->drained = drained;
    worker->drained_arg = arg;
    queue_shutdown(worker->queue);
    schedule(worker);
}

size_t worker_depth(const struct worker *worker) {
    return queue_depth(worker->queue);
}
