/* See support_site.h. */

#include "web/support_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/metrics.h"
#include "web/health.h"

/* ---- in the child ---- */

static uv_loop_t *child_loop;
static int dropped_count;
static bool ready = true;

struct later {
    uv_timer_t timer;
    struct web_request *request;
};

static void free_later(uv_handle_t *handle) {
    free(handle->data);
}

static void answer_late(uv_timer_t *timer) {
    struct later *later = timer->data;
    web_answer_text(later->request, 200, "late %zu\n", later->request->length);
    uv_close((uv_handle_t *)timer, free_later);
}

static void on_dropped(struct web_request *request) {
    struct later *later = request->state;
    dropped_count++;
    uv_close((uv_handle_t *)&later->timer, free_later);
}

static void defer(struct web_request *request, uint64_t ms) {
    struct later *later = calloc(1, sizeof *later);
    later->request = request;
    later->timer.data = later;
    uv_timer_init(child_loop, &later->timer);
    uv_timer_start(&later->timer, answer_late, ms, 0);
    request->state = later;
    request->dropped = on_dropped;
}

static void handle_late(void *arg, struct web_request *request) {
    (void)arg;
    defer(request, SITE_LATE_MS);
}

static void handle_never(void *arg, struct web_request *request) {
    (void)arg;
    defer(request, 3600 * 1000);
}

static void handle_drops(void *arg, struct web_request *request) {
    (void)arg;
    web_answer_text(request, 200, "%d", dropped_count);
}

static void handle_echo(void *arg, struct web_request *request) {
    (void)arg;
    web_answer(request, &(struct web_answer){.status = 200, .body = request->body, .length = request->length});
}

static void handle_big(void *arg, struct web_request *request) {
    (void)arg;
    char *text = malloc(SITE_BIG);
    for (size_t i = 0; i < SITE_BIG; i++)
        text[i] = (char)('a' + i % 26);
    web_answer(request, &(struct web_answer){.status = 200, .body = text, .length = SITE_BIG});
    free(text);
}

static void handle_empty(void *arg, struct web_request *request) {
    (void)arg;
    web_answer(request, &(struct web_answer){.status = 204});
}

static void handle_toggle(void *arg, struct web_request *request) {
    (void)arg;
    ready = !ready;
    web_answer_text(request, 200, "%s\n", ready ? "ready" : "not ready");
}

static bool is_ready(void *arg, struct strbuf *reasons) {
    (void)arg;
    if (!ready)
        strbuf_puts(reasons, "pods are not listed yet\nno leader\n");
    return ready;
}

static struct health health = {.ready = is_ready};
static const struct web_route routes[] = {
    {WEB_PLAIN, WEB_GET, "/healthz", .handle = health_live},
    {WEB_PLAIN, WEB_GET, "/readyz", .handle = health_ready, .arg = &health},
    {WEB_PLAIN, WEB_GET, "/metrics", .handle = health_metrics},
    {WEB_PLAIN, WEB_GET, "/big", .handle = handle_big},
    {WEB_PLAIN, WEB_GET, "/drops", .handle = handle_drops},
    {WEB_PLAIN, WEB_GET, "/toggle", .handle = handle_toggle},
    {WEB_PLAIN, WEB_GET, "/late-get", .handle = handle_late},
    {WEB_PLAIN, WEB_GET, "/empty", .handle = handle_empty},
    {WEB_PLAIN, WEB_POST, "/echo", SITE_BODY_MAX, SITE_DEADLINE_MS, handle_echo, NULL},
    {WEB_PLAIN, WEB_POST, "/late", SITE_BODY_MAX, 5000, handle_late, NULL},
    {WEB_PLAIN, WEB_POST, "/never", SITE_BODY_MAX, SITE_DEADLINE_MS, handle_never, NULL},
    {WEB_PLAIN, WEB_POST, "/forever", SITE_BODY_MAX, 60 * 1000, handle_never, NULL},
};

const struct web_config site_config = {
    .routes = routes,
    .route_count = sizeof routes / sizeof *routes,
    .address = "127.0.0.1",
    .connections = {[WEB_PLAIN] = SITE_CONNECTIONS},
    .keepalive_s = SITE_KEEPALIVE_S,
};

static int begin(uv_loop_t *loop, struct web_server **ret_server) {
    static struct metric runs = {.name = "weir_test_total", .help = "A test's.", .type = METRIC_COUNTER};
    metric_add(&runs, 3);
    child_loop = loop;
    struct web_config with_loop = site_config;
    with_loop.loop = loop;
    struct error err;
    return web_server_new(&with_loop, ret_server, &err);
}

const struct child_parts site_parts = {.begin = begin};

/* ---- in the test ---- */

struct child site;

int site_start(void **state) {
    (void)state;
    site = child_start(&site_parts);
    return 0;
}

int site_stop(void **state) {
    (void)state;
    return child_end(&site);
}

struct reply ask(struct peer *peer, const char *method, const char *path) {
    peer_puts(peer, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
    return peer_read(peer, PATIENCE_MS, strcmp(method, "HEAD") == 0);
}

void expect(struct peer *peer, const char *method, const char *path, int status, const char *part) {
    struct reply reply = ask(peer, method, path);
    assert_int_equal(reply.status, status);
    if (part != NULL && strstr(reply.body, part) == NULL)
        fail_msg("%s %s: no '%s' in '%s'", method, path, part, reply.body);
    reply_free(&reply);
}

void expect_reply(struct peer *peer, int status, const char *body) {
    struct reply reply = peer_read(peer, PATIENCE_MS, false);
    assert_int_equal(reply.status, status);
    if (body != NULL)
        assert_string_equal(reply.body, body);
    reply_free(&reply);
}

int drops(void) {
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    struct reply reply = ask(&peer, "GET", "/drops");
    assert_int_equal(reply.status, 200);
    int count = (int)strtol(reply.body, NULL, 10);
    reply_free(&reply);
    peer_close(&peer);
    return count;
}

void expect_drops(int count) {
    for (int i = 0; i < 100 && drops() != count; i++)
        pause_ms(20);
    assert_int_equal(drops(), count);
}

double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}
