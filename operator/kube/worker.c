/* See worker.h: kube/queue.h with a clock and a timer. Keys are handed out from the timer only, never from inside a
 * call of the user's. */

#include "kube/worker.h"

#include <stdlib.h>

#include "base/clock.h"

enum { TURN_MS = 10 }; /* of one turn of the loop: sockets must get theirs */

struct worker {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct queue *queue;
    struct strbuf key;
    worker_cb work;
    void *arg;
    bool stopped;
};

static void turn(uv_timer_t *timer);

static void schedule(struct worker *worker) {
    int64_t at = worker->stopped ? INT64_MAX : queue_next_at(worker->queue);
    if (at == INT64_MAX) {
        uv_timer_stop(&worker->timer);
        return;
    }
    int64_t now = clock_boot_ms();
    uv_update_time(worker->loop);
    uv_timer_start(&worker->timer, turn, at > now ? (uint64_t)(at - now) : 0, 0);
}

static void turn(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    int64_t began = clock_boot_ms();
    int64_t now = began;
    while (!worker->stopped && now - began < TURN_MS && queue_take(worker->queue, now, &worker->key)) {
        const char *key = strbuf_text(&worker->key);
        struct worked worked = worker->work(key, worker->arg);
        now = clock_boot_ms();
        if (worked.after_ms >= 0)
            queue_add_after(worker->queue, key, worked.after_ms, now);
        queue_rest(worker->queue, key, now + worked.rest_ms, now);
    }
    schedule(worker);
}

struct worker *worker_new(uv_loop_t *loop, const char *name, worker_cb work, void *arg) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        abort();
    *worker = (struct worker){.loop = loop, .queue = queue_new(name), .work = work, .arg = arg};
    uv_timer_init(loop, &worker->timer);
    worker->timer.data = worker;
    return worker;
}

static void timer_closed(uv_handle_t *handle) {
    struct worker *worker = handle->data;
    queue_free(worker->queue);
    strbuf_fini(&worker->key);
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

void worker_stop(struct worker *worker) {
    worker->stopped = true;
    uv_timer_stop(&worker->timer);
}
