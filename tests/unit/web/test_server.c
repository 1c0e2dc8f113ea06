/* The server over real sockets, with the peers it must live with: good ones, slow ones, rude ones, many. */

#include <setjmp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/metrics.h"
#include "web/health.h"
#include "web/support_child.h"
#include "web/support_client.h"

enum { BIG = 3 * 1024 * 1024, BODY_MAX = 16 * 1024, LATE_MS = 100, DEADLINE_MS = 700, KEEPALIVE_S = 2 };

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
    defer(request, LATE_MS);
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
    char *text = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        text[i] = (char)('a' + i % 26);
    web_answer(request, &(struct web_answer){.status = 200, .body = text, .length = BIG});
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
    {WEB_PLAIN, WEB_POST, "/echo", BODY_MAX, DEADLINE_MS, handle_echo, NULL},
    {WEB_PLAIN, WEB_POST, "/late", BODY_MAX, 5000, handle_late, NULL},
    {WEB_PLAIN, WEB_POST, "/never", BODY_MAX, DEADLINE_MS, handle_never, NULL},
};

static const struct web_config config = {
    .routes = routes,
    .route_count = sizeof routes / sizeof *routes,
    .address = "127.0.0.1",
    .connections = {[WEB_PLAIN] = 12},
    .keepalive_s = KEEPALIVE_S,
};

static int begin(uv_loop_t *loop, struct web_server **ret_server) {
    static struct metric runs = {.name = "weir_test_total", .help = "A test's.", .type = METRIC_COUNTER};
    metric_add(&runs, 3);
    child_loop = loop;
    struct web_config with_loop = config;
    with_loop.loop = loop;
    struct error err;
    return web_server_new(&with_loop, ret_server, &err);
}

/* ---- in the test ---- */

static struct child child;
static int port;

static int start(void **state) {
    (void)state;
    child = child_start(&(struct child_parts){.begin = begin});
    port = child.ports[WEB_PLAIN];
    return 0;
}

static int stop(void **state) {
    (void)state;
    return child_end(&child);
}

static struct reply ask(struct peer *peer, const char *method, const char *path) {
    peer_puts(peer, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
    return peer_read(peer, 5000, strcmp(method, "HEAD") == 0);
}

/* Asks, and checks the status and that the body contains `part`. */
static void expect(struct peer *peer, const char *method, const char *path, int status, const char *part) {
    struct reply reply = ask(peer, method, path);
    assert_int_equal(reply.status, status);
    if (part != NULL && strstr(reply.body, part) == NULL)
        fail_msg("%s %s: no '%s' in '%s'", method, path, part, reply.body);
    reply_free(&reply);
}

static void expect_reply(struct peer *peer, int status, const char *body) {
    struct reply reply = peer_read(peer, 5000, false);
    assert_int_equal(reply.status, status);
    if (body != NULL)
        assert_string_equal(reply.body, body);
    reply_free(&reply);
}

static int drops(void) {
    struct peer peer = peer_open(port, NULL, NULL);
    struct reply reply = ask(&peer, "GET", "/drops");
    assert_int_equal(reply.status, 200);
    int count = atoi(reply.body);
    reply_free(&reply);
    peer_close(&peer);
    return count;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void probes_and_metrics_answer_on_one_connection(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    expect(&peer, "GET", "/healthz", 200, "ok\n");
    expect(&peer, "GET", "/readyz", 200, "ok\n");
    expect(&peer, "GET", "/toggle", 200, "not ready");
    expect(&peer, "GET", "/readyz", 503, "pods are not listed yet\nno leader\n");
    expect(&peer, "GET", "/toggle", 200, "ready");
    expect(&peer, "GET", "/metrics", 200, "# TYPE weir_test_total counter\nweir_test_total 3\n");
    expect(&peer, "GET", "//./x/../healthz?verbose", 200, "ok\n");
    expect(&peer, "GET", "/healthz/", 404, NULL);
    expect(&peer, "GET", "/late-get", 200, "late 0\n");
    expect(&peer, "GET", "/empty", 204, NULL);
    expect(&peer, "GET", "/healthz", 200, "ok\n");
    peer_close(&peer);
}

static void head_sends_no_body(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    struct reply reply = ask(&peer, "HEAD", "/healthz");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.headers, "content-length: 3\r\n"));
    reply_free(&reply);
    expect(&peer, "GET", "/healthz", 200, "ok\n");
    peer_close(&peer);
}

static void answers_tell_nothing_of_the_server(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    struct reply reply = ask(&peer, "GET", "/metrics");
    assert_null(strcasestr(reply.headers, "\r\nserver:"));
    assert_null(strcasestr(reply.headers, "libwebsockets"));
    assert_non_null(strstr(reply.headers, "content-type: text/plain; version=0.0.4"));
    reply_free(&reply);
    peer_close(&peer);
}

static void it_listens_where_it_is_told(void **state) {
    (void)state;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    assert_int_not_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0); /* 127.0.0.1 only, not "any" */
    close(fd);
}

static void other_methods_are_refused(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct peer peer = peer_open(port, NULL, NULL);
        peer_puts(&peer, "%s /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", methods[i]);
        struct reply reply = peer_read(&peer, 5000, false);
        assert_int_equal(reply.status, 405);
        assert_non_null(strstr(reply.headers, "allow: GET, HEAD\r\n"));
        reply_free(&reply);
        peer_close(&peer);
    }
    struct peer peer = peer_open(port, NULL, NULL);
    peer_puts(&peer, "BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply = peer_read(&peer, 5000, false);
    assert_true(reply.status == 0 || reply.status == 403);
    reply_free(&reply);
    peer_close(&peer);
}

static void big_answers_arrive_whole(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    struct reply reply = ask(&peer, "GET", "/big");
    assert_int_equal(reply.length, BIG);
    for (size_t i = 0; i < BIG; i += 4099)
        assert_int_equal(reply.body[i], 'a' + i % 26);
    reply_free(&reply);
    expect(&peer, "GET", "/healthz", 200, "ok\n");
    peer_close(&peer);
}

static void bodies_keep_to_their_bound(void **state) {
    (void)state;
    char *body = calloc(1, 100 * 1024 + 1);
    struct peer peer = peer_open(port, NULL, NULL);
    memset(body, 'x', BODY_MAX);
    peer_post(&peer, "/echo", NULL, body);
    expect_reply(&peer, 200, body);
    peer_post(&peer, "/echo", NULL, "");
    expect_reply(&peer, 200, "");
    memset(body, 'x', 100 * 1024);
    peer_post(&peer, "/echo", NULL, body); /* refused, read and dropped: the connection goes on */
    expect_reply(&peer, 413, NULL);
    peer_post(&peer, "/nowhere", NULL, body);
    expect_reply(&peer, 404, NULL);
    peer_post(&peer, "/echo", NULL, "again");
    expect_reply(&peer, 200, "again");
    peer_close(&peer);
    free(body);
}

static void bodies_of_unknown_or_silly_length_end_the_connection(void **state) {
    (void)state;
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        {"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 411},
        {"\r\n", 411},
        {"Content-Length: nine\r\n\r\n", 400},
        {"Content-Length: 400000000\r\n\r\n", 413},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer peer = peer_open(port, NULL, NULL);
        peer_puts(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\n%s", cases[i].headers);
        struct reply reply = peer_read(&peer, 5000, false);
        assert_int_equal(reply.status, cases[i].status);
        assert_non_null(strstr(reply.headers, "connection: close\r\n"));
        reply_free(&reply);
        assert_true(peer_closed(&peer, 5000));
        peer_close(&peer);
    }
}

static void a_body_in_small_parts_is_put_together(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    peer_puts(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
    for (const char *at = "slowly"; *at != '\0'; at++) {
        pause_ms(20);
        peer_send(&peer, at, 1);
    }
    expect_reply(&peer, 200, "slowly");
    peer_close(&peer);
}

static void a_body_that_takes_too_long_is_cut(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    double begun = seconds();
    peer_puts(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    while (seconds() - begun < 3) {
        peer_send(&peer, "x", 1);
        if (peer_closed(&peer, 50))
            break;
    }
    assert_true(seconds() - begun > DEADLINE_MS / 1000.0 - 0.1);
    assert_true(seconds() - begun < DEADLINE_MS / 1000.0 + 0.6);
    peer_close(&peer);
}

static void a_late_answer_is_sent(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        peer_post(&peer, "/late", NULL, "12345");
        expect_reply(&peer, 200, "late 5\n");
    }
    peer_close(&peer);
}

static void a_handler_is_told_when_its_client_leaves(void **state) {
    (void)state;
    int before = drops();
    for (int i = 0; i < 5; i++) {
        struct peer peer = peer_open(port, NULL, NULL);
        peer_post(&peer, "/late", NULL, "12345");
        pause_ms(20);
        peer_close(&peer);
    }
    pause_ms(20);
    assert_int_equal(drops(), before + 5);
}

static void a_handler_that_takes_too_long_is_told_and_the_client_too(void **state) {
    (void)state;
    int before = drops();
    struct peer peer = peer_open(port, NULL, NULL);
    peer_post(&peer, "/never", NULL, "12345");
    struct reply reply = peer_read(&peer, 5000, false);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.headers, "retry-after: 2\r\n"));
    reply_free(&reply);
    assert_int_equal(drops(), before + 1);
    expect(&peer, "GET", "/healthz", 200, "ok\n"); /* the connection goes on */
    peer_close(&peer);
}

static void bytes_that_follow_a_waiting_request_end_it(void **state) {
    (void)state;
    int before = drops();
    struct peer peer = peer_open(port, NULL, NULL);
    peer_post(&peer, "/late", NULL, "12345");
    pause_ms(30);
    peer_puts(&peer, "garbage\r\n\r\n");
    assert_true(peer_closed(&peer, 5000));
    peer_close(&peer);
    assert_int_equal(drops(), before + 1);
    assert_int_equal(client_get(port, "/healthz"), 200);
}

static void pipelined_gets_are_answered_in_order(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    for (int i = 0; i < 3; i++)
        peer_puts(&peer, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        expect_reply(&peer, 200, "ok\n");
        expect_reply(&peer, 404, NULL);
    }
    peer_close(&peer);
}

static void idle_and_silent_connections_are_closed(void **state) {
    (void)state;
    struct peer idle = peer_open(port, NULL, NULL);
    struct peer silent = peer_open(port, NULL, NULL);
    struct peer halfway = peer_open(port, NULL, NULL);
    expect(&idle, "GET", "/healthz", 200, "ok\n");
    double begun = seconds();
    peer_puts(&halfway, "GET /healthz HTTP/1.1\r\nHo");
    assert_true(peer_closed(&idle, 10000));
    assert_in_range((int)((seconds() - begun) * 1000), KEEPALIVE_S * 1000 - 500, KEEPALIVE_S * 1000 + 1500);
    assert_true(peer_closed(&silent, 10000));
    assert_true(peer_closed(&halfway, 10000));
    assert_true(seconds() - begun < 8);
    peer_close(&idle);
    peer_close(&silent);
    peer_close(&halfway);
}

static void connections_are_limited_and_come_back(void **state) {
    (void)state;
    struct peer peers[12];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 12; i++)
            peers[i] = peer_open(port, NULL, NULL);
        struct peer one_more = peer_open(port, NULL, NULL);
        assert_true(peer_closed(&one_more, 1000));
        peer_close(&one_more);
        expect(&peers[11], "GET", "/healthz", 200, "ok\n");
        for (size_t i = 0; i < 12; i++)
            peer_close(&peers[i]);
        pause_ms(100);
    }
    assert_int_equal(client_get(port, "/healthz"), 200);
}

static void headers_that_are_too_long_end_the_connection(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    char *value = calloc(1, 10 * 1024);
    memset(value, 'x', 10 * 1024 - 1);
    peer_puts(&peer, "GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n", value);
    assert_true(peer_closed(&peer, 5000));
    peer_close(&peer);
    free(value);
}

static void upgrades_are_refused(void **state) {
    (void)state;
    struct peer peer = peer_open(port, NULL, NULL);
    peer_puts(&peer, "GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    struct reply reply = peer_read(&peer, 5000, false);
    assert_int_not_equal(reply.status, 101);
    reply_free(&reply);
    peer_close(&peer);
    assert_int_equal(client_get(port, "/healthz"), 200);
}

static void a_stop_in_the_middle_is_clean(void **state) {
    (void)state;
    struct child other = child_start(&(struct child_parts){.begin = begin});
    struct peer waiting = peer_open(other.ports[WEB_PLAIN], NULL, NULL);
    struct peer reading = peer_open(other.ports[WEB_PLAIN], NULL, NULL);
    struct peer silent = peer_open(other.ports[WEB_PLAIN], NULL, NULL);
    peer_post(&waiting, "/never", NULL, "12345");
    peer_puts(&reading, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    pause_ms(50);
    assert_int_equal(child_end(&other), 0); /* no open handle, no leak */
    peer_close(&waiting);
    peer_close(&reading);
    peer_close(&silent);
}

/* Tries to start on a loop of its own; the error's text or "". */
static void try_start(struct web_config attempt, struct error *err) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    attempt.loop = &loop;
    struct web_server *server = NULL;
    *err = (struct error){0};
    if (web_server_new(&attempt, &server, err) == 0)
        web_server_stop(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    web_server_free(server);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void what_cannot_be_listened_on_is_said(void **state) {
    (void)state;
    struct error err;
    char text[128];
    struct web_config attempt = config;
    attempt.ports[WEB_PLAIN] = port;
    try_start(attempt, &err);
    snprintf(text, sizeof text, "listen on plain port 127.0.0.1:%d: Address already in use", port);
    assert_string_equal(err.text, text);
    assert_int_equal(err.code, ERROR_TRANSIENT);

    attempt.ports[WEB_PLAIN] = 0;
    attempt.ports[WEB_TLS] = port; /* the first port is listened on already, then */
    try_start(attempt, &err);
    snprintf(text, sizeof text, "listen on TLS port 127.0.0.1:%d: Address already in use", port);
    assert_string_equal(err.text, text);

    attempt.ports[WEB_TLS] = 0;
    attempt.address = "192.0.2.1";
    try_start(attempt, &err);
    assert_string_equal(err.text, "listen on plain port 192.0.2.1:0: Cannot assign requested address");
    attempt.address = "nonsense";
    try_start(attempt, &err);
    assert_string_equal(err.text, "listen on \"nonsense\": not an IP address");

    attempt = config;
    try_start(attempt, &err);
    assert_string_equal(err.text, "");
}

static void without_a_certificate_no_handshake_succeeds(void **state) {
    (void)state;
    SSL_CTX *tls = client_tls("");
    struct peer peer;
    const char *reason = NULL;
    assert_int_equal(peer_try(&peer, child.ports[WEB_TLS], tls, "localhost", &reason), -1);
    SSL_CTX_free(tls);
    struct peer plain = peer_open(child.ports[WEB_TLS], NULL, NULL);
    peer_puts(&plain, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply = peer_read(&plain, 5000, false);
    assert_int_equal(reply.status, 0);
    peer_close(&plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_and_metrics_answer_on_one_connection),
        cmocka_unit_test(head_sends_no_body),
        cmocka_unit_test(answers_tell_nothing_of_the_server),
        cmocka_unit_test(it_listens_where_it_is_told),
        cmocka_unit_test(other_methods_are_refused),
        cmocka_unit_test(big_answers_arrive_whole),
        cmocka_unit_test(bodies_keep_to_their_bound),
        cmocka_unit_test(bodies_of_unknown_or_silly_length_end_the_connection),
        cmocka_unit_test(a_body_in_small_parts_is_put_together),
        cmocka_unit_test(a_body_that_takes_too_long_is_cut),
        cmocka_unit_test(a_late_answer_is_sent),
        cmocka_unit_test(a_handler_is_told_when_its_client_leaves),
        cmocka_unit_test(a_handler_that_takes_too_long_is_told_and_the_client_too),
        cmocka_unit_test(bytes_that_follow_a_waiting_request_end_it),
        cmocka_unit_test(pipelined_gets_are_answered_in_order),
        cmocka_unit_test(idle_and_silent_connections_are_closed),
        cmocka_unit_test(connections_are_limited_and_come_back),
        cmocka_unit_test(headers_that_are_too_long_end_the_connection),
        cmocka_unit_test(upgrades_are_refused),
        cmocka_unit_test(a_stop_in_the_middle_is_clean),
        cmocka_unit_test(what_cannot_be_listened_on_is_said),
        cmocka_unit_test(without_a_certificate_no_handshake_succeeds),
    };
    return cmocka_run_group_tests_name("server", tests, start, stop);
}
