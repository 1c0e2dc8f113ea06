/* See http.h: the pools, their queues and the way of a call through them (waiting, running, done). The transfers are
 * in kube/http_call.c, the loop in kube/curl_loop.c. Users' callbacks are made from turn() only, never from
 * inside libcurl and never from kube_send(), and each may send, cancel and free. */

#include "kube/http.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "kube/curl_loop.h"
#include "kube/http_call.h"

struct http_pool {
    struct http *http;
    struct curl_loop *curl;
    uv_timer_t timer;                              /* turns the pool when there is something to say or a pause ends */
    struct kube_call *waiting, *running, *refused; /* refused: never sent, their callback is due */
    unsigned count, max;                           /* running */
    bool pauses;                                   /* Retry-After stops new requests */
    int64_t paused_until;                          /* boot ms */
};

struct http {
    struct kube_api api; /* first */
    struct kube_config *config;
    struct kube_http_options options;
    char *user_agent;
    struct http_pool pools[POOL_COUNT];
    bool closing;
    unsigned open; /* timers not closed yet */
};

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

/* Turns the pool as soon as the loop comes round. */
static void poke(struct http_pool *pool, int64_t delay_ms) {
    uv_update_time(pool->timer.loop);
    uv_timer_start(&pool->timer, on_timer, (uint64_t)delay_ms, 0);
}

static void put_in(struct kube_call *call, struct kube_call **list) {
    DL_APPEND(*list, call);
    call->list = list;
    if (list == &call->pool->running)
        call->pool->count++;
}

static void take_out(struct kube_call *call) {
    if (call->list == &call->pool->running) {
        curl_multi_remove_handle(curl_loop_multi(call->pool->curl), call->easy);
        call->pool->count--;
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
    if (call->failed.code == ERROR_NONE)
        measure(call, answer.status, now);
    if (answer.status == 401)
        kube_config_unauthorized(pool->http->config, call->began_at);
    if (pool->pauses && answer.retry_after_ms > 0 && (answer.status == 429 || answer.status == 503))
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
    while (!pool->http->closing && (message = curl_multi_info_read(curl_loop_multi(pool->curl), &left)) != NULL) {
        struct kube_call *call = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK)
            finish(call, message->data.result);
    }
    /* One a turn: its callback may send the next one that cannot be sent. */
    if (pool->refused != NULL)
        finish(pool->refused, CURLE_OK);
    if (pool->refused != NULL)
        poke(pool, 0);
}

static int start(struct kube_call *call, struct error *err) {
    struct http *http = call->pool->http;
    int64_t now = clock_boot_ms();
    struct call_setup setup = {.options = &http->options, .server = kube_config_server(http->config)};
    kube_config_refresh(http->config, now);
    if (kube_config_token(http->config, now, &setup.token, err) < 0)
        return -1;
    kube_config_tls(http->config, &setup.tls);
    if (call_prepare(call, &setup, now, err) < 0)
        return -1;
    CURLMcode failed = curl_multi_add_handle(curl_loop_multi(call->pool->curl), call->easy);
    return failed == CURLM_OK ? 0 : error_set(err, ERROR_TRANSIENT, "%s", curl_multi_strerror(failed));
}

static void start_waiting(struct http_pool *pool) {
    int64_t now = clock_boot_ms();
    while (!pool->http->closing && pool->waiting != NULL && pool->count < pool->max) {
        if (now < pool->paused_until) {
            poke(pool, pool->paused_until - now);
            return;
        }
        struct kube_call *call = pool->waiting;
        take_out(call);
        if (start(call, &call->failed) < 0) {
            put_in(call, &pool->refused);
            poke(pool, 0);
        } else {
            put_in(call, &pool->running);
        }
    }
}

static void turn(void *arg) {
    struct http_pool *pool = arg;
    hand_out_data(pool);
    finish_ended(pool);
    start_waiting(pool);
}

static void on_timer(uv_timer_t *timer) {
    turn(timer->data);
}

static struct kube_call *http_send(struct kube_api *api, const struct kube_request *request, kube_done_cb done,
                                   void *arg) {
    struct http *http = (struct http *)api;
    struct http_pool *pool = &http->pools[request->pool];
    struct kube_call *call = call_new(request, done, arg);
    if (call == NULL)
        abort(); /* no memory: state is in the API server, a restart loses nothing */
    call->pool = pool;
    if (call->failed.code != ERROR_NONE) {
        put_in(call, &pool->refused);
        poke(pool, 0);
        return call;
    }
    put_in(call, &pool->waiting);
    start_waiting(pool);
    return call;
}

static void http_cancel(struct kube_api *api, struct kube_call *call) {
    (void)api;
    take_out(call);
    poke(call->pool, 0); /* there is room for another */
    call_free(call);
}

static const struct kube_api_ops http_ops = {.send = http_send, .cancel = http_cancel};

/* Lifecycle. */

static void pick_options(struct http *http, const struct kube_http_options *wanted) {
    struct kube_http_options *options = &http->options;
    if (wanted != NULL)
        *options = *wanted;
    options->connect_ms = options->connect_ms > 0 ? options->connect_ms : 10 * 1000;
    options->request_ms = options->request_ms > 0 ? options->request_ms : 30 * 1000;
    options->stall_s = options->stall_s > 0 ? options->stall_s : 20;
    options->answer_max = options->answer_max > 0 ? options->answer_max : 16UL * 1024 * 1024;
    options->in_flight = options->in_flight > 0 ? options->in_flight : 32;
    struct utsname machine = {0};
    uname(&machine);
    AUTO_STRBUF agent = STRBUF_INIT;
    strbuf_printf(&agent, "weir/%s (linux/%s)", WEIR_VERSION, machine.machine);
    http->user_agent = strdup(options->user_agent != NULL ? options->user_agent : strbuf_text(&agent));
    options->user_agent = http->user_agent;
}

static int pool_open(struct http *http, enum kube_pool name, uv_loop_t *loop, struct error *err) {
    struct http_pool *pool = &http->pools[name];
    *pool = (struct http_pool){.http = http,
                               .max = name == POOL_REQUESTS ? http->options.in_flight : UINT_MAX,
                               .pauses = name == POOL_REQUESTS};
    uv_timer_init(loop, &pool->timer);
    pool->timer.data = pool;
    http->open++;
    pool->curl = curl_loop_new(loop, turn, pool, err);
    return pool->curl == NULL ? -1 : 0;
}

int kube_http_new(uv_loop_t *loop, struct kube_config *config, const struct kube_http_options *options,
                  struct kube_api **ret_api, struct error *err) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        abort();
    http->api.ops = &http_ops;
    http->config = config;
    pick_options(http, options);
    for (int name = 0; name < POOL_COUNT; name++) {
        if (pool_open(http, (enum kube_pool)name, loop, err) < 0) {
            kube_http_free(&http->api);
            return -1;
        }
    }
    *ret_api = &http->api;
    return 0;
}

static void timer_closed(uv_handle_t *handle) {
    struct http *http = ((struct http_pool *)handle->data)->http;
    if (--http->open > 0)
        return;
    kube_config_free(http->config);
    free(http->user_agent);
    free(http);
}

static void cancel_all(struct kube_call **list) {
    while (*list != NULL) {
        struct kube_call *call = *list;
        take_out(call);
        call_free(call);
    }
}

void kube_http_free(struct kube_api *api) {
    struct http *http = (struct http *)api;
    if (http == NULL || http->closing)
        return;
    http->closing = true; /* memory lasts until the loop turns: this may be called from one of our callbacks */
    for (int name = 0; name < POOL_COUNT; name++) {
        struct http_pool *pool = &http->pools[name];
        if (pool->http == NULL)
            continue;
        cancel_all(&pool->running);
        cancel_all(&pool->waiting);
        cancel_all(&pool->refused);
        curl_loop_free(pool->curl);
        uv_close((uv_handle_t *)&pool->timer, timer_closed);
    }
}
