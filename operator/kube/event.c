/* See event.h. Three things are bounded: what waits to be written, the series that are remembered, and how fast one
 * object may produce events. One request at a time; failures are tried again a few times, then dropped. */

#include "kube/event.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/hash_table.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "kube/event_body.h"
#include "kube/verbs.h"

enum {
    SERIES_MAX = 1000,
    SERIES_MS = 6 * 60 * 1000,  /* a repetition within this time joins the series */
    PATCH_EVERY_MS = 10 * 1000, /* a fast series is written this often */
    TRIES_MAX = 12,
    RETRY_MS = 10 * 1000,
    BUDGET_MAX = 100,     /* events of one object in a row */
    BUDGET_MS = 3 * 1000, /* one more each */
    BUDGETS_MAX = 4096,
    NAME_MAX_BYTES = 200, /* of the object, as the beginning of the event's name */
};

struct series {
    UT_hash_handle hh;
    struct series *prev, *next; /* in the queue */
    uint64_t key;
    char *namespace, *name; /* of the event */
    char *body;             /* of the creation; NULL once created */
    size_t length;
    unsigned count, sent, written; /* occurrences: all, in the request under way, known to the server */
    bool queued;
    unsigned tries;
    int64_t last_at, last_us; /* boot ms, wall us */
    int64_t written_at;
};

struct budget {
    UT_hash_handle hh;
    uint64_t uid;
    int64_t left;
    int64_t at;
};

struct recorder {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct kube_api *api;
    char *controller, *instance;
    struct series *series; /* oldest first */
    struct series *queue;
    struct budget *budgets;
    struct series *writing; /* its request is under way */
    struct kube_call *call;
};

static struct metric dropped_metric = {.name = "weir_events_dropped_total",
                                       .help = "Events that were not written: too many, or refused by the API server.",
                                       .type = METRIC_COUNTER};

static void write_next(struct recorder *recorder);

static void on_timer(uv_timer_t *timer) {
    write_next(timer->data);
}

static void wake_in(struct recorder *recorder, int64_t delay_ms) {
    uv_update_time(recorder->loop);
    uv_timer_start(&recorder->timer, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

static int64_t wall_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *allocate(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* Series. */

static void series_free(struct recorder *recorder, struct series *series) {
    if (series->queued)
        DL_DELETE(recorder->queue, series);
    HASH_DEL(recorder->series, series);
    free(series->namespace);
    free(series->name);
    free(series->body);
    free(series);
}

static bool is_busy(const struct recorder *recorder, const struct series *series) {
    return series->queued || series == recorder->writing;
}

static void line_up(struct recorder *recorder, struct series *series) {
    if (is_busy(recorder, series))
        return;
    series->queued = true;
    DL_APPEND(recorder->queue, series);
}

/* Room for one more: finished series go first. False when all that is known still waits to be written. */
static bool make_room(struct recorder *recorder, int64_t now) {
    struct series *series = NULL;
    struct series *next = NULL;
    HASH_ITER(hh, recorder->series, series, next) {
        bool full = HASH_COUNT(recorder->series) >= SERIES_MAX;
        if (!is_busy(recorder, series) && (full || now - series->last_at >= SERIES_MS))
            series_free(recorder, series);
        else if (!full)
            break; /* the rest is younger */
    }
    return HASH_COUNT(recorder->series) < SERIES_MAX;
}

static struct series *series_new(struct recorder *recorder, const struct event *event, uint64_t key, int64_t now) {
    AUTO_ARENA arena = ARENA_INIT;
    struct series *series = allocate(sizeof *series);
    const char *namespace = event->regarding.namespace;
    *series = (struct series){.key = key, .count = 1, .last_at = now, .last_us = wall_us()};
    series->namespace = strdup(text_empty(namespace) ? "default" : namespace);
    uint64_t id = hash_add(key, &series->last_us, sizeof series->last_us);
    const char *name =
        arena_printf(&arena, "%.*s.%016llx", NAME_MAX_BYTES, event->regarding.name, (unsigned long long)id);
    series->name = strdup(name);
    struct event_origin origin = {.namespace = series->namespace,
                                  .name = series->name,
                                  .controller = recorder->controller,
                                  .instance = recorder->instance,
                                  .at_us = series->last_us};
    series->body = strdup(event_body(event, &origin, &arena, &series->length));
    HASH_ADD(hh, recorder->series, key, sizeof series->key, series);
    return series;
}

static bool within_budget(struct recorder *recorder, const struct event *event, int64_t now) {
    uint64_t uid = hash_text(hash_text(HASH_INIT, event->regarding.name),
                             event->regarding.uid != NULL ? event->regarding.uid : "");
    struct budget *budget = NULL;
    HASH_FIND(hh, recorder->budgets, &uid, sizeof uid, budget);
    if (budget == NULL) {
        if (HASH_COUNT(recorder->budgets) >= BUDGETS_MAX) {
            struct budget *oldest = recorder->budgets;
            HASH_DEL(recorder->budgets, oldest);
            free(oldest);
        }
        budget = allocate(sizeof *budget);
        *budget = (struct budget){.uid = uid, .left = BUDGET_MAX, .at = now};
        HASH_ADD(hh, recorder->budgets, uid, sizeof budget->uid, budget);
    }
    int64_t earned = (now - budget->at) / BUDGET_MS;
    budget->left = budget->left + earned < BUDGET_MAX ? budget->left + earned : BUDGET_MAX;
    budget->at += earned * BUDGET_MS;
    if (budget->left == 0)
        return false;
    budget->left--;
    return true;
}

void recorder_emit(struct recorder *recorder, const struct event *event) {
    int64_t now = clock_boot_ms();
    uint64_t key = event_key(event);
    struct series *series = NULL;
    HASH_FIND(hh, recorder->series, &key, sizeof key, series);
    if (series != NULL && (now - series->last_at < SERIES_MS || is_busy(recorder, series))) {
        series->count++;
        series->last_at = now;
        series->last_us = wall_us();
    } else {
        if (series != NULL)
            series_free(recorder, series);
        if (!within_budget(recorder, event, now) || !make_room(recorder, now)) {
            metric_add(&dropped_metric, 1);
            return;
        }
        series = series_new(recorder, event, key, now);
    }
    line_up(recorder, series);
    if (recorder->call == NULL)
        wake_in(recorder, 0);
}

/* Writing. */

/* Created or counted; true when there is nothing more to be done for it now. */
static bool settle(struct series *series, const struct kube_answer *answer) {
    enum error_code code = answer->err.code;
    bool creation = series->body != NULL;
    bool done = code == ERROR_NONE || (creation && code == ERROR_EXISTS); /* our own, whose answer was lost */
    if (!done && code == ERROR_TRANSIENT && ++series->tries < TRIES_MAX)
        return false;
    if (!done) {
        metric_add(&dropped_metric, 1);
        log_debug("kube", "event not written", {"error", answer->err.text});
    }
    series->tries = 0;
    series->written = done ? series->sent : series->count;
    free(series->body);
    series->body = NULL;
    if (!done)
        series->last_at = INT64_MIN / 2; /* the next occurrence begins anew */
    return true;
}

static void on_written(struct kube_answer *answer, void *arg) {
    struct recorder *recorder = arg;
    struct series *series = recorder->writing;
    int64_t now = clock_boot_ms();
    recorder->writing = NULL;
    recorder->call = NULL;
    bool settled = settle(series, answer);
    series->written_at = now;
    if (!settled || series->written < series->count)
        line_up(recorder, series);
    wake_in(recorder, settled ? 0 : RETRY_MS > answer->retry_after_ms ? RETRY_MS : answer->retry_after_ms);
}

static struct kube_call *write_count(struct recorder *recorder, struct series *series, struct kube_ref ref) {
    AUTO_STRBUF body = STRBUF_INIT;
    char time[CLOCK_TEXT_MAX];
    clock_format_micro(series->last_us, time);
    strbuf_printf(&body, "{\"series\":{\"count\":%u,\"lastObservedTime\":\"%s\"}}", series->count, time);
    return kube_patch(recorder->api, ref, NULL, PATCH_MERGE, strbuf_text(&body), body.length, on_written, recorder);
}

/* The first that is due; a series is not written again within PATCH_EVERY_MS. */
static struct series *next_due(struct recorder *recorder, int64_t now, int64_t *ret_wait_ms) {
    struct series *series = NULL;
    *ret_wait_ms = INT64_MAX;
    DL_FOREACH(recorder->queue, series) {
        int64_t due_at = series->body != NULL || series->written < 2 ? 0 : series->written_at + PATCH_EVERY_MS;
        if (due_at <= now)
            return series;
        if (due_at - now < *ret_wait_ms)
            *ret_wait_ms = due_at - now;
    }
    return NULL;
}

static void write_next(struct recorder *recorder) {
    if (recorder->call != NULL)
        return;
    int64_t wait_ms = 0;
    struct series *series = next_due(recorder, clock_boot_ms(), &wait_ms);
    if (series == NULL) {
        if (wait_ms != INT64_MAX)
            wake_in(recorder, wait_ms);
        return;
    }
    DL_DELETE(recorder->queue, series);
    series->queued = false;
    series->sent = series->body != NULL ? 1 : series->count;
    recorder->writing = series;
    struct kube_ref ref = {&kube_events, series->namespace, series->name};
    recorder->call = series->body != NULL
                         ? kube_create(recorder->api, ref, NULL, series->body, series->length, on_written, recorder)
                         : write_count(recorder, series, ref);
}

/* Lifecycle. */

struct recorder *recorder_new(uv_loop_t *loop, struct kube_api *api, const char *controller, const char *instance) {
    struct recorder *recorder = allocate(sizeof *recorder);
    recorder->loop = loop;
    recorder->api = api;
    recorder->controller = strdup(controller);
    recorder->instance = strdup(instance);
    uv_timer_init(loop, &recorder->timer);
    recorder->timer.data = recorder;
    return recorder;
}

size_t recorder_pending(const struct recorder *recorder) {
    size_t count = recorder->writing != NULL;
    const struct series *series = NULL;
    DL_FOREACH(recorder->queue, series) {
        count++;
    }
    return count;
}

static void timer_closed(uv_handle_t *handle) {
    struct recorder *recorder = handle->data;
    struct series *series = NULL;
    struct series *next = NULL;
    HASH_ITER(hh, recorder->series, series, next) {
        series_free(recorder, series);
    }
    struct budget *budget = NULL;
    struct budget *next_budget = NULL;
    HASH_ITER(hh, recorder->budgets, budget, next_budget) {
        HASH_DEL(recorder->budgets, budget);
        free(budget);
    }
    free(recorder->controller);
    free(recorder->instance);
    free(recorder);
}

void recorder_free(struct recorder *recorder) {
    if (recorder == NULL)
        return;
    kube_cancel(recorder->api, recorder->call);
    uv_close((uv_handle_t *)&recorder->timer, timer_closed);
}
