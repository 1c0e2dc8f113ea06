/* See event.h. Each series is in one list: waiting to be written, in flight, or written and remembered. Bounded are the
 * memory of all of them, and how fast one object may produce events. Failures are tried again a few times. */

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
    MEMORY_MAX = 8 * 1024 * 1024, /* of all series */
    FLIGHTS_MAX = 8,
    SERIES_MS = 6 * 60 * 1000,  /* a repetition within this time joins the series */
    PATCH_EVERY_MS = 10 * 1000, /* a fast series is written this often */
    TRIES_MAX = 12,
    RETRY_MS = 10 * 1000,
    BUDGET_MAX = 100,     /* events of one object in a row */
    BUDGET_MS = 3 * 1000, /* one more each */
    BUDGETS_MAX = 4096,
    NAME_MAX_BYTES = 200, /* of the object, as the beginning of the event's name */
};

/* What waits is written in this order; when memory ends it goes in the other one, what is written and remembered
 * first. */
enum place { WARNING, NORMAL, AGAIN, WRITTEN, IN_FLIGHT, PLACES };

struct series {
    UT_hash_handle hh;
    struct series *prev, *next; /* in its list */
    struct recorder *recorder;
    uint64_t key;
    enum place place;
    struct event *event; /* to be created; NULL once it is */
    size_t size;
    struct kube_call *call;        /* in flight */
    unsigned count, sent, written; /* occurrences: all, in the request under way, known to the server */
    unsigned tries;
    int64_t first_us, last_us, last_at; /* wall us; boot ms */
    int64_t written_at;
    const char *name; /* of the event */
    char namespace[]; /* of the event; then its name */
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
    struct series *series; /* by key */
    struct series *lists[PLACES];
    size_t counts[PLACES];
    size_t size;
    int64_t again_at;     /* when the first of AGAIN is due, or earlier */
    int64_t paused_until; /* after a failure */
    struct budget *budgets;
};

static struct metric dropped_metric = {.name = "weir_events_dropped_total",
                                       .help = "Events that were not written: too many, or refused by the API server.",
                                       .type = METRIC_COUNTER};

static void write_due(struct recorder *recorder);

static void on_timer(uv_timer_t *timer) {
    write_due(timer->data);
}

static void wake_at(struct recorder *recorder, int64_t at, int64_t now) {
    uv_update_time(recorder->loop);
    uv_timer_start(&recorder->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
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

static void leave(struct series *series) {
    DL_DELETE(series->recorder->lists[series->place], series);
    series->recorder->counts[series->place]--;
}

static void enter(struct series *series, enum place place) {
    series->place = place;
    DL_APPEND(series->recorder->lists[place], series);
    series->recorder->counts[place]++;
}

static void move(struct series *series, enum place place) {
    leave(series);
    enter(series, place);
}

static void drop_event(struct series *series) {
    if (series->event == NULL)
        return;
    size_t kept = sizeof *series + strlen(series->namespace) + strlen(series->name) + 2;
    series->recorder->size -= series->size - kept;
    series->size = kept;
    free(series->event);
    series->event = NULL;
}

static void series_free(struct series *series) {
    leave(series);
    HASH_DEL(series->recorder->series, series);
    series->recorder->size -= series->size;
    free(series->event);
    free(series);
}

static int64_t due_at(const struct series *series) {
    return series->event != NULL || series->written < 2 ? 0 : series->written_at + PATCH_EVERY_MS;
}

/* To where it waits for its next request. */
static void line_up(struct series *series) {
    struct recorder *recorder = series->recorder;
    if (series->event != NULL) {
        move(series, series->event->warning ? WARNING : NORMAL);
        return;
    }
    move(series, AGAIN);
    if (due_at(series) < recorder->again_at)
        recorder->again_at = due_at(series);
}

/* False when all that could go is worth more than the event. */
static bool make_room(struct recorder *recorder, const struct event *event, int64_t now) {
    static const enum place order[] = {WRITTEN, AGAIN, NORMAL};
    size_t less_worth = event->warning ? 3 : 2;
    while (recorder->lists[WRITTEN] != NULL && now - recorder->lists[WRITTEN]->last_at >= SERIES_MS)
        series_free(recorder->lists[WRITTEN]);
    for (size_t i = 0; i < less_worth; i++)
        while (recorder->size > MEMORY_MAX && recorder->lists[order[i]] != NULL) {
            if (order[i] != WRITTEN)
                metric_add(&dropped_metric, 1);
            series_free(recorder->lists[order[i]]);
        }
    return recorder->size <= MEMORY_MAX;
}

static struct series *series_new(struct recorder *recorder, const struct event *event, uint64_t key, int64_t now) {
    AUTO_STRBUF texts = STRBUF_INIT;
    int64_t at_us = wall_us();
    strbuf_puts(&texts, text_empty(event->regarding.namespace) ? "default" : event->regarding.namespace);
    strbuf_putc(&texts, '\0');
    size_t name_at = texts.length;
    strbuf_printf(&texts, "%.*s.%016llx", NAME_MAX_BYTES, event->regarding.name,
                  (unsigned long long)hash_add(key, &at_us, sizeof at_us));
    size_t event_size = 0;
    struct series *series = allocate(sizeof *series + texts.length + 1);
    *series = (struct series){.recorder = recorder,
                              .key = key,
                              .event = event_copy(event, &event_size),
                              .count = 1,
                              .first_us = at_us,
                              .last_us = at_us,
                              .last_at = now};
    memcpy(series->namespace, texts.data, texts.length + 1);
    series->name = series->namespace + name_at;
    series->size = sizeof *series + texts.length + 1 + event_size;
    recorder->size += series->size;
    HASH_ADD(hh, recorder->series, key, sizeof series->key, series);
    enter(series, event->warning ? WARNING : NORMAL);
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

static void repeat(struct series *series, int64_t now) {
    series->count++;
    series->last_at = now;
    series->last_us = wall_us();
    if (series->place == WRITTEN)
        line_up(series);
}

void recorder_emit(struct recorder *recorder, const struct event *event) {
    int64_t now = clock_boot_ms();
    uint64_t key = event_key(event);
    struct series *series = NULL;
    HASH_FIND(hh, recorder->series, &key, sizeof key, series);
    if (series != NULL && (now - series->last_at < SERIES_MS || series->place != WRITTEN)) {
        repeat(series, now);
    } else {
        if (series != NULL)
            series_free(series);
        if (!within_budget(recorder, event, now) || !make_room(recorder, event, now)) {
            metric_add(&dropped_metric, 1);
            return;
        }
        series_new(recorder, event, key, now);
    }
    if (recorder->counts[IN_FLIGHT] < FLIGHTS_MAX)
        wake_at(recorder, recorder->paused_until, now);
}

/* Writing. */

/* Created or counted; true when there is nothing more to be done for it now. */
static bool settle(struct series *series, const struct kube_answer *answer) {
    enum error_code code = answer->err.code;
    bool creation = series->event != NULL;
    bool done = code == ERROR_NONE || (creation && code == ERROR_EXISTS); /* our own, whose answer was lost */
    bool hopeless = answer->status == 404; /* its namespace is gone, and others must not wait for it */
    if (!done && code == ERROR_TRANSIENT && !hopeless && ++series->tries < TRIES_MAX)
        return false;
    if (!done) {
        metric_add(&dropped_metric, 1);
        log_debug("kube", "event not written", {"error", answer->err.text});
    }
    series->tries = 0;
    series->written = done ? series->sent : series->count;
    drop_event(series);
    if (!done)
        series->last_at = INT64_MIN / 2; /* the next occurrence begins anew */
    return true;
}

static void on_written(struct kube_answer *answer, void *arg) {
    struct series *series = arg;
    struct recorder *recorder = series->recorder;
    int64_t now = clock_boot_ms();
    bool settled = settle(series, answer);
    series->call = NULL;
    series->written_at = now;
    if (!settled)
        recorder->paused_until = now + (RETRY_MS > answer->retry_after_ms ? RETRY_MS : answer->retry_after_ms);
    if (settled && series->written >= series->count)
        move(series, WRITTEN);
    else
        line_up(series);
    wake_at(recorder, recorder->paused_until, now);
}

static void write_count(struct series *series, struct kube_ref ref) {
    AUTO_STRBUF body = STRBUF_INIT;
    char time[CLOCK_TEXT_MAX];
    clock_format_micro(series->last_us, time);
    strbuf_printf(&body, "{\"series\":{\"count\":%u,\"lastObservedTime\":\"%s\"}}", series->count, time);
    series->sent = series->count;
    series->call =
        kube_patch(series->recorder->api, ref, NULL, PATCH_MERGE, strbuf_text(&body), body.length, on_written, series);
}

static void create(struct series *series, struct kube_ref ref) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct recorder *recorder = series->recorder;
    struct event_origin origin = {.namespace = series->namespace,
                                  .name = series->name,
                                  .controller = recorder->controller,
                                  .instance = recorder->instance,
                                  .at_us = series->first_us};
    size_t length = 0;
    const char *body = event_body(series->event, &origin, &arena, &length);
    series->sent = 1;
    series->call = kube_create(recorder->api, ref, NULL, body, length, on_written, series);
}

/* The first of AGAIN that is due; sees to it that the list is not looked through for nothing. */
static struct series *first_again(struct recorder *recorder, int64_t now) {
    struct series *series = NULL;
    int64_t earliest = INT64_MAX;
    if (now < recorder->again_at)
        return NULL;
    DL_FOREACH(recorder->lists[AGAIN], series) {
        if (due_at(series) <= now)
            return series;
        earliest = due_at(series) < earliest ? due_at(series) : earliest;
    }
    recorder->again_at = earliest;
    return NULL;
}

static struct series *next_due(struct recorder *recorder, int64_t now) {
    if (recorder->lists[WARNING] != NULL)
        return recorder->lists[WARNING];
    return recorder->lists[NORMAL] != NULL ? recorder->lists[NORMAL] : first_again(recorder, now);
}

static void write_due(struct recorder *recorder) {
    int64_t now = clock_boot_ms();
    struct series *series = NULL;
    if (now < recorder->paused_until)
        wake_at(recorder, recorder->paused_until, now);
    while (now >= recorder->paused_until && recorder->counts[IN_FLIGHT] < FLIGHTS_MAX) {
        series = next_due(recorder, now);
        if (series == NULL) {
            if (recorder->lists[AGAIN] != NULL)
                wake_at(recorder, recorder->again_at, now);
            return;
        }
        struct kube_ref ref = {&kube_events, series->namespace, series->name};
        move(series, IN_FLIGHT);
        if (series->event != NULL)
            create(series, ref);
        else
            write_count(series, ref);
    }
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
    const size_t *counts = recorder->counts;
    return counts[WARNING] + counts[NORMAL] + counts[AGAIN] + counts[IN_FLIGHT];
}

static void timer_closed(uv_handle_t *handle) {
    struct recorder *recorder = handle->data;
    struct series *series = NULL;
    struct series *next = NULL;
    HASH_ITER(hh, recorder->series, series, next) {
        series_free(series);
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
    struct series *series = NULL;
    DL_FOREACH(recorder->lists[IN_FLIGHT], series) {
        kube_cancel(recorder->api, series->call);
    }
    uv_close((uv_handle_t *)&recorder->timer, timer_closed);
}
