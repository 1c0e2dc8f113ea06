/* See http.h: the four pools as one API. The way of a request is in kube/http_pool.c. */

#include "kube/http.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "kube/http_pool.h"

struct http {
    struct kube_api api; /* first */
    struct http_shared shared;
    char *user_agent;
    struct http_pool pools[POOL_COUNT];
    unsigned open; /* pools not closed yet */
};

static struct kube_call *http_send(struct kube_api *api, const struct kube_request *request, kube_done_cb done,
                                   void *arg) {
    struct http *http = (struct http *)api;
    struct kube_call *call = call_new(request, &http->shared.options, done, arg);
    pool_send(&http->pools[request->pool], call);
    return call;
}

static void http_cancel(struct kube_api *api, struct kube_call *call) {
    (void)api;
    pool_cancel(call);
}

static const struct kube_api_ops http_ops = {.send = http_send, .cancel = http_cancel};

/* Lifecycle. */

static void pick_options(struct http *http, const struct kube_http_options *wanted) {
    struct kube_http_options *options = &http->shared.options;
    if (wanted != NULL)
        *options = *wanted;
    options->connect_ms = options->connect_ms > 0 ? options->connect_ms : 10 * 1000;
    options->request_ms = options->request_ms > 0 ? options->request_ms : 30 * 1000;
    options->stall_s = options->stall_s > 0 ? options->stall_s : 20;
    options->answer_max = options->answer_max > 0 ? options->answer_max : 16UL * 1024 * 1024;
    options->in_flight = options->in_flight > 0 ? options->in_flight : 40;
    options->plugin_ms = options->plugin_ms > 0 ? options->plugin_ms : 60 * 1000;
    struct utsname machine = {0};
    uname(&machine);
    AUTO_STRBUF agent = STRBUF_INIT;
    strbuf_printf(&agent, "weir/%s (linux/%s)", WEIR_VERSION, machine.machine);
    http->user_agent = strdup(options->user_agent != NULL ? options->user_agent : strbuf_text(&agent));
    options->user_agent = http->user_agent;
}

static void credential_ready(void *arg) {
    struct http *http = arg;
    for (int name = 0; name < POOL_COUNT; name++)
        pool_wake(&http->pools[name]);
}

int kube_http_new(uv_loop_t *loop, struct kube_config *config, const struct kube_http_options *options,
                  struct kube_api **ret_api, struct error *err) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        abort();
    http->api.ops = &http_ops;
    http->shared.config = config;
    pick_options(http, options);
    http->shared.credentials = credentials_new(loop, config, http->shared.options.seed, http->shared.options.plugin_ms,
                                               credential_ready, http);
    for (int name = 0; name < POOL_COUNT; name++) {
        unsigned max = name == POOL_REQUESTS ? http->shared.options.in_flight : UINT_MAX;
        bool pauses = name == POOL_REQUESTS || name == POOL_REVIEWS;
        http->open++;
        if (pool_open(&http->pools[name], loop, &http->shared, max, pauses, err) < 0) {
            kube_http_free(&http->api);
            return -1;
        }
    }
    *ret_api = &http->api;
    return 0;
}

void kube_http_stop(struct kube_api *api, int64_t grace_ms) {
    struct http *http = (struct http *)api;
    if (!http->shared.closing)
        pool_stop(&http->pools[POOL_REQUESTS], grace_ms);
}

static void pool_closed(uv_handle_t *handle) {
    struct http_pool *pool = handle->data;
    struct http_shared *shared = pool->shared;
    easy_clear(&pool->store); /* only now: a call whose callback closed us has given its handle back */
    struct http *http = (struct http *)((char *)shared - offsetof(struct http, shared));
    if (--http->open > 0)
        return;
    kube_config_free(http->shared.config);
    free(http->user_agent);
    free(http);
}

void kube_http_free(struct kube_api *api) {
    struct http *http = (struct http *)api;
    if (http == NULL || http->shared.closing)
        return;
    http->shared.closing = true; /* memory lasts until the loop turns: this may be called from one of our callbacks */
    credentials_free(http->shared.credentials);
    for (int name = 0; name < POOL_COUNT; name++)
        if (http->pools[name].shared != NULL)
            pool_close(&http->pools[name], pool_closed);
}
