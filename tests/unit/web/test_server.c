/* The server over real sockets: what it answers, and where it listens. */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "web/support_site.h"

static void probes_and_metrics_answer_on_one_connection(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
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
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    struct reply reply = ask(&peer, "HEAD", "/healthz");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.headers, "content-length: 3\r\n"));
    reply_free(&reply);
    expect(&peer, "GET", "/healthz", 200, "ok\n");
    peer_close(&peer);
}

static void answers_tell_nothing_of_the_server(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
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
    struct sockaddr_in6 to = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)SITE_PORT), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    assert_int_not_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0); /* 127.0.0.1 only, not "any" */
    close(fd);
}

static void big_answers_arrive_whole(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    struct reply reply = ask(&peer, "GET", "/big");
    assert_int_equal(reply.length, SITE_BIG);
    for (size_t i = 0; i < SITE_BIG; i += 4099)
        assert_int_equal(reply.body[i], 'a' + i % 26);
    reply_free(&reply);
    expect(&peer, "GET", "/healthz", 200, "ok\n");
    peer_close(&peer);
}

static void bodies_keep_to_their_bound(void **state) {
    (void)state;
    char *body = calloc(1, 100 * 1024 + 1);
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    memset(body, 'x', SITE_BODY_MAX);
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

static void a_body_in_small_parts_is_put_together(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    peer_puts(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
    for (const char *at = "slowly"; *at != '\0'; at++) {
        pause_ms(20);
        peer_send(&peer, at, 1);
    }
    expect_reply(&peer, 200, "slowly");
    peer_close(&peer);
}

static void a_late_answer_is_sent(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        peer_post(&peer, "/late", NULL, "12345");
        expect_reply(&peer, 200, "late 5\n");
    }
    peer_close(&peer);
}

static void pipelined_gets_are_answered_in_order_or_not_at_all(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    peer_puts(&peer, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        struct reply reply = peer_read(&peer, PATIENCE_MS, false);
        if (reply.status == 0)
            break;
        assert_int_equal(reply.status, i == 0 ? 200 : 404);
        reply_free(&reply);
    }
    peer_close(&peer);
    assert_int_equal(client_get(SITE_PORT, "/healthz"), 200);
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
    struct web_config attempt = site_config;
    attempt.ports[WEB_PLAIN] = SITE_PORT;
    try_start(attempt, &err);
    snprintf(text, sizeof text, "listen on plain port 127.0.0.1:%d: Address already in use", SITE_PORT);
    assert_string_equal(err.text, text);
    assert_int_equal(err.code, ERROR_TRANSIENT);

    attempt.ports[WEB_PLAIN] = 0;
    attempt.ports[WEB_TLS] = SITE_PORT; /* the first port is listened on already, then */
    try_start(attempt, &err);
    snprintf(text, sizeof text, "listen on TLS port 127.0.0.1:%d: Address already in use", SITE_PORT);
    assert_string_equal(err.text, text);

    attempt.ports[WEB_TLS] = 0;
    attempt.address = "192.0.2.1";
    try_start(attempt, &err);
    assert_string_equal(err.text, "listen on plain port 192.0.2.1:0: Cannot assign requested address");
    attempt.address = "nonsense";
    try_start(attempt, &err);
    assert_string_equal(err.text, "listen on \"nonsense\": not an IP address");

    attempt = site_config;
    try_start(attempt, &err);
    assert_string_equal(err.text, "");
}

static void without_a_certificate_no_handshake_succeeds(void **state) {
    (void)state;
    SSL_CTX *tls = client_tls("");
    struct peer peer;
    const char *reason = NULL;
    assert_int_equal(peer_try(&peer, site.ports[WEB_TLS], tls, "localhost", &reason), -1);
    SSL_CTX_free(tls);
    struct peer plain = peer_open(site.ports[WEB_TLS], NULL, NULL);
    peer_puts(&plain, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply = peer_read(&plain, PATIENCE_MS, false);
    assert_int_equal(reply.status, 0);
    peer_close(&plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_and_metrics_answer_on_one_connection),
        cmocka_unit_test(head_sends_no_body),
        cmocka_unit_test(answers_tell_nothing_of_the_server),
        cmocka_unit_test(it_listens_where_it_is_told),
        cmocka_unit_test(big_answers_arrive_whole),
        cmocka_unit_test(bodies_keep_to_their_bound),
        cmocka_unit_test(a_body_in_small_parts_is_put_together),
        cmocka_unit_test(a_late_answer_is_sent),
        cmocka_unit_test(pipelined_gets_are_answered_in_order_or_not_at_all),
        cmocka_unit_test(what_cannot_be_listened_on_is_said),
        cmocka_unit_test(without_a_certificate_no_handshake_succeeds),
    };
    return cmocka_run_group_tests_name("server", tests, site_start, site_stop);
}
