/* See http_pool.h: a pool's queues and the way of a call through them. The transfers are in kube/http_call.c, the loop
 * in kube/curl_loop.c. Users' callbacks are made from turn() only, never from inside libcurl and never from
 * pool_send(), and each may send, cancel and free. */

#include "kube/http_pool.h"

#include <stdio.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/metrics.h"

static struct metric requests_total = {.name = "weir_api_requests_total",
                                       .help = "Requests to the API server by outcome (code 0: no answer).",
                                       .type = METRIC_COUNTER,
                                       .labels = {"verb", "resource", "code"}};
static struct metric request_seconds = {.name = "weir_api_request_seconds",
                                        .help = "Time from sending a request to its whole answer.",
                                        .type = METRIC_HISTOGRAM,
                                        .labels = {"verb"},
                                        .buckets = metric_seconds,
                                        .bucket_count = 14};

static void on_timer(uv_timer_t *timer);

static void turn_at(struct http_pool *pool, int64_t at, int64_t now) {
    uv_update_time(pool->timer.loop);
    if (at == INT64_MAX)
        uv_timer_stop(&pool->timer);
    else
        uv_timer_start(&pool->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

static int64_t first_give_up(const struct http_pool *pool) {
    int64_t at = INT64_MAX;
    const struct http_group *group = NULL;
    const struct kube_call *call = NULL;
    DL_FOREACH(pool->slots.groups, group) {
        for (int urgency = 0; urgency < URGENCY_COUNT; urgency++)
            DL_FOREACH(group->waiting[urgency], call) {
                at = call->give_up_at < at ? call->give_up_at : at;
            }
    }
    return at;
}

/* The next turn that neither libcurl nor a user brings. */
static void schedule(struct http_pool *pool, int64_t now) {
    int64_t at = INT64_MAX;
    if (pool->shared->closing)
        return;
    if (pool->refused != NULL)
        at = now;
    else if (pool->stopped)
        at = pool->running != NULL ? pool->give_up_at : INT64_MAX;
    else if (pool->no_credential)
        at = first_give_up(pool);
    else if (now < pool->paused_until)
        at = pool->paused_until;
    turn_at(pool, at, now);
}

static void put_in(struct kube_call *call, struct kube_call **list) {
    DL_APPEND(*list, call);
    call->list = list;
    if (list == &call->pool->running)
        slots_take(&call->pool->slots, call);
}

static void take_out(struct kube_call *call) {
    if (call->list == &call->pool->running) {
        curl_multi_remove_handle(curl_loop_multi(call->pool->curl), call->easy->curl);
        slots_give(&call->pool->slots, call);
    }
    DL_DELETE(*call->list, call);
    call->list = NULL;
}

static void measure(const struct kube_call *call, int status, int64_t now) {
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    metric_add(&requests_total, 1, call->verb, call_plural(call), code);
    if (call->on_data == NULL)
        metric_observe(&request_seconds, (double)(now - call->began_at) / 1000, call->verb);
}

/* The call ends here: what follows must not look at it any more. */
static void finish(struct kube_call *call, CURLcode code) {
    struct http_pool *pool = call->pool;
    struct kube_answer answer = {0};
    int64_t now = clock_boot_ms();
    call_judge(call, code, &answer);
    take_out(call);
    slots_leave(&pool->slots, call);
    if (call->failed.code == ERROR_NONE)
        measure(call, answer.status, now);
    if (answer.status == 401 || code == CURLE_PEER_FAILED_VERIFICATION)
        kube_config_doubt(pool->shared->config, now);
    if (answer.status == 401)
        credentials_refused(pool->shared->credentials, call->began_at, now);
    if (pool->pauses && call_met_overload(call, &answer) && pool->paused_until < now + answer.retry_after_ms)
        pool->paused_until = now + answer.retry_after_ms;
    call->done(&answer, call->arg);
    json_free(&answer.doc);
    call_free(call);
}

/* One piece at a time, from the front: a callback may cancel any call. */
static void hand_out_data(struct http_pool *pool) {
    struct kube_call *call = NULL;
    for (;;) {
        DL_FOREACH(pool->running, call) {
            if (call->streaming && call->got.length > 0)
                break;
        }
        if (call == NULL)
            return;
        AUTO_STRBUF data = call->got;
        call->got = (struct strbuf)STRBUF_INIT;
        call->on_data(data.data, data.length, call->arg);
    }
}

static void finish_ended(struct http_pool *pool) {
    int left = 0;
    const CURLMsg *message = NULL;
    while (!pool->shared->closing && (message = curl_multi_info_read(curl_loop_multi(pool->curl), &left)) != NULL) {
        struct kube_call *call = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK)
            finish(call, message->data.result);
    }
    /* One a turn: its callback may send the next one that cannot be sent. */
    if (pool->refused != NULL)
        finish(pool->refused, CURLE_OK);
}

/* 1: there is no credential yet. */
static int start(struct kube_call *call, int64_t now, struct error *err) {
    const struct http_shared *shared = call->pool->shared;
    struct call_setup setup = {.store = &call->pool->store, .server = kube_config_server(shared->config)};
    if (!call_may_leave(call)) {
        *err = call->failed;
        return -1;
    }
    kube_config_refresh(shared->config, now);
    int got = credentials_token(shared->credentials, now, &setup.token, err);
    if (got != 0)
        return got;
    kube_config_tls(shared->config, &setup.tls);
    if (call_prepare(call, &setup, now, err) < 0)
        return -1;
    CURLMcode failed = curl_multi_add_handle(curl_loop_multi(call->pool->curl), call->easy->curl);
    return failed == CURLM_OK ? 0 : error_set(err, ERROR_TRANSIENT, "%s", curl_multi_strerror(failed));
}

static void refuse(struct kube_call *call, const struct error *err) {
    call->failed = *err;
    take_out(call);
    put_in(call, &call->pool->refused);
}

static void give_up_late(struct http_pool *pool, const struct error *err, int64_t now) {
    struct http_group *group = NULL;
    struct kube_call *call = NULL;
    struct kube_call *next = NULL;
    DL_FOREACH(pool->slots.groups, group) {
        for (int urgency = 0; urgency < URGENCY_COUNT; urgency++)
            DL_FOREACH_SAFE(group->waiting[urgency], call, next) {
                if (now >= call->give_up_at)
                    refuse(call, err);
            }
    }
}

static void start_waiting(struct http_pool *pool) {
    int64_t now = clock_boot_ms();
    struct error err = {0};
    struct kube_call *call = NULL;
    int got = 0;
    while (got <= 0 && !pool->shared->closing && now >= pool->paused_until &&
           (call = slots_next(&pool->slots)) != NULL) {
        got = start(call, now, &err);
        if (got < 0) {
            refuse(call, &err);
        } else if (got == 0) {
            take_out(call);
            put_in(call, &pool->running);
        }
    }
    pool->no_credential = got > 0;
    if (pool->no_credential)
        give_up_late(pool, &err, now);
    schedule(pool, now);
}

static void hold_back(struct kube_call *call) {
    call->fenced = true;
    error_set(&call->failed, ERROR_TRANSIENT, "held back: we are ending");
}

static void end_running(struct http_pool *pool) {
    while (!pool->shared->closing && pool->running != NULL) {
        struct kube_call *call = pool->running;
        snprintf(call->curl_text, sizeof call->curl_text, "given up: we are ending");
        finish(call, CURLE_ABORTED_BY_CALLBACK);
    }
}

static void turn(void *arg) {
    struct http_pool *pool = arg;
    hand_out_data(pool);
    finish_ended(pool);
    if (pool->stopped && clock_boot_ms() >= pool->give_up_at)
        end_running(pool);
    start_waiting(pool);
}

static void on_timer(uv_timer_t *timer) {
    turn(timer->data);
}

void pool_send(struct http_pool *pool, struct kube_call *call) {
    call->pool = pool;
    call->give_up_at = clock_boot_ms() + call->timeout_ms;
    struct kube_call **line = slots_join(&pool->slots, call);
    if (pool->stopped && call->failed.code == ERROR_NONE)
        hold_back(call);
    put_in(call, call->failed.code != ERROR_NONE ? &pool->refused : line);
    start_waiting(pool);
}

void pool_stop(struct http_pool *pool, int64_t grace_ms) {
    pool->stopped = true;
    pool->give_up_at = clock_boot_ms() + grace_ms;
    for (struct kube_call *call = NULL; (call = slots_waiting(&pool->slots)) != NULL;) {
        hold_back(call);
        take_out(call);
        put_in(call, &pool->refused);
    }
    pool_wake(pool);
}

void pool_wake(struct http_pool *pool) {
    if (!pool->shared->closing)
        turn_at(pool, 0, 0);
}

static void drop(struct kube_call *call) {
    take_out(call);
    slots_leave(&call->pool->slots, call);
    call_free(call);
}

void pool_cancel(struct kube_call *call) {
    pool_wake(call->pool); /* there is room for another */
    drop(call);
}

/* Lifecycle. */

int pool_open(struct http_pool *pool, uv_loop_t *loop, struct http_shared *shared, unsigned max, bool pauses,
              struct error *err) {
    *pool = (struct http_pool){.shared = shared, .slots = {.max = max}, .pauses = pauses};
    uv_timer_init(loop, &pool->timer);
    pool->timer.data = pool;
    pool->curl = curl_loop_new(loop, turn, pool, err);
    return pool->curl == NULL ? -1 : 0;
}

static void cancel_all(struct kube_call *const *list) {
    while (*list != NULL)
        drop(*list);
}

void pool_close(struct http_pool *pool, uv_close_cb closed) {
    cancel_all(&pool->running);
    cancel_all(&pool->refused);
    for (struct kube_call *call = NULL; (call = slots_waiting(&pool->slots)) != NULL;)
        drop(call);
    curl_loop_free(pool->curl);
    uv_close((uv_handle_t *)&pool->timer, closed);
}
