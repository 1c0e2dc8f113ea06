/* The server and the peers it must live with: slow ones, rude ones, many, and those who leave. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/support_site.h"

static void other_methods_are_refused(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct peer peer = peer_open(SITE_PORT, NULL, NULL);
        peer_puts(&peer, "%s /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", methods[i]);
        struct reply reply = peer_read(&peer, PATIENCE_MS, false);
        assert_int_equal(reply.status, 405);
        assert_non_null(strstr(reply.headers, "allow: GET, HEAD\r\n"));
        reply_free(&reply);
        peer_close(&peer);
    }
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    peer_puts(&peer, "BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    assert_true(reply.status == 0 || reply.status == 403);
    reply_free(&reply);
    peer_close(&peer);
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
        struct peer peer = peer_open(SITE_PORT, NULL, NULL);
        peer_puts(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\n%s", cases[i].headers);
        struct reply reply = peer_read(&peer, PATIENCE_MS, false);
        assert_int_equal(reply.status, cases[i].status);
        assert_non_null(strstr(reply.headers, "connection: close\r\n"));
        reply_free(&reply);
        assert_true(peer_closed(&peer, PATIENCE_MS));
        peer_close(&peer);
    }
}

static void a_body_that_takes_too_long_is_cut(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    double begun = seconds();
    peer_puts(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    while (seconds() - begun < 5) {
        peer_send(&peer, "x", 1);
        if (peer_closed(&peer, 50))
            break;
    }
    assert_true(seconds() - begun > SITE_DEADLINE_MS / 1000.0 - 0.1);
    assert_true(seconds() - begun < SITE_DEADLINE_MS / 1000.0 + 2);
    peer_close(&peer);
}

static void a_handler_is_told_when_its_client_leaves(void **state) {
    (void)state;
    int before = drops();
    for (int i = 0; i < 5; i++) {
        struct peer peer = peer_open(SITE_PORT, NULL, NULL);
        peer_post(&peer, "/forever", NULL, "12345");
        pause_ms(20);
        peer_close(&peer);
    }
    pause_ms(20);
    expect_drops(before + 5);
}

static void a_handler_that_takes_too_long_is_told_and_the_client_too(void **state) {
    (void)state;
    int before = drops();
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    peer_post(&peer, "/never", NULL, "12345");
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.headers, "retry-after: 2\r\n"));
    reply_free(&reply);
    expect_drops(before + 1);
    expect(&peer, "GET", "/healthz", 200, "ok\n"); /* the connection goes on */
    peer_close(&peer);
}

/* Depending on the library's version such bytes end the connection or are dropped; they must do nothing else. */
static void bytes_that_follow_a_waiting_request_do_no_harm(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    peer_post(&peer, "/late", NULL, "12345");
    peer_puts(&peer, "garbage\r\n\r\n");
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    assert_true(reply.status == 0 || (reply.status == 200 && strcmp(reply.body, "late 5\n") == 0));
    reply_free(&reply);
    peer_close(&peer);
    assert_int_equal(client_get(SITE_PORT, "/healthz"), 200);
}

static void idle_and_silent_connections_are_closed(void **state) {
    (void)state;
    struct peer idle = peer_open(SITE_PORT, NULL, NULL);
    struct peer silent = peer_open(SITE_PORT, NULL, NULL);
    struct peer halfway = peer_open(SITE_PORT, NULL, NULL);
    expect(&idle, "GET", "/healthz", 200, "ok\n");
    double begun = seconds();
    peer_puts(&halfway, "GET /healthz HTTP/1.1\r\nHo");
    assert_true(peer_closed(&idle, PATIENCE_MS));
    assert_in_range((int)((seconds() - begun) * 1000), SITE_KEEPALIVE_S * 1000 - 500, SITE_KEEPALIVE_S * 1000 + 2500);
    assert_true(peer_closed(&silent, PATIENCE_MS));
    assert_true(peer_closed(&halfway, PATIENCE_MS));
    assert_true(seconds() - begun < 12);
    peer_close(&idle);
    peer_close(&silent);
    peer_close(&halfway);
}

/* A probe of the kubelet among silent peers, its own and those of others; they come again as often as they are cut. */
static void the_silent_keep_nobody_out(void **state) {
    (void)state;
    static const char *const from[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    struct peer silent[60];
    for (size_t i = 0; i < 60; i++) {
        silent[i] = peer_open_from(from[i % 3], SITE_PORT);
        if (i % 4 == 0)
            peer_puts(&silent[i], "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
        assert_int_equal(client_get(SITE_PORT, "/healthz"), 200);
    }
    for (size_t i = 0; i < 60; i++)
        peer_close(&silent[i]);
}

static struct peer ask_forever(const char *from) {
    struct peer peer = peer_open_from(from, SITE_PORT);
    peer_post(&peer, "/forever", NULL, "12345");
    pause_ms(20);
    return peer;
}

static void connections_are_limited_and_come_back(void **state) {
    (void)state;
    struct peer peers[SITE_CONNECTIONS];
    int before = drops();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < SITE_CONNECTIONS; i++)
            peers[i] = ask_forever("127.0.0.2");
        struct peer one_more = peer_open_from("127.0.0.2", SITE_PORT);
        assert_true(peer_closed(&one_more, 3000)); /* none of its own is silent */
        peer_close(&one_more);
        assert_int_equal(client_get(SITE_PORT, "/healthz"), 200); /* but one of more than a share goes for another */
        assert_true(peer_closed(&peers[0], 3000));
        for (size_t i = 0; i < SITE_CONNECTIONS; i++)
            peer_close(&peers[i]);
        pause_ms(100);
        expect_drops(before + (round + 1) * SITE_CONNECTIONS);
    }
    assert_int_equal(client_get(SITE_PORT, "/healthz"), 200);
}

static void headers_that_are_too_long_end_the_connection(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    char *value = calloc(1, 10 * 1024);
    memset(value, 'x', 10 * 1024 - 1);
    peer_puts(&peer, "GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n", value);
    assert_true(peer_closed(&peer, PATIENCE_MS));
    peer_close(&peer);
    free(value);
}

static void upgrades_are_refused(void **state) {
    (void)state;
    struct peer peer = peer_open(SITE_PORT, NULL, NULL);
    peer_puts(&peer, "GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    assert_int_not_equal(reply.status, 101);
    reply_free(&reply);
    peer_close(&peer);
    assert_int_equal(client_get(SITE_PORT, "/healthz"), 200);
}

static void a_stop_in_the_middle_is_clean(void **state) {
    (void)state;
    struct child other = child_start(&site_parts);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_methods_are_refused),
        cmocka_unit_test(bodies_of_unknown_or_silly_length_end_the_connection),
        cmocka_unit_test(a_body_that_takes_too_long_is_cut),
        cmocka_unit_test(a_handler_is_told_when_its_client_leaves),
        cmocka_unit_test(a_handler_that_takes_too_long_is_told_and_the_client_too),
        cmocka_unit_test(bytes_that_follow_a_waiting_request_do_no_harm),
        cmocka_unit_test(idle_and_silent_connections_are_closed),
        cmocka_unit_test(the_silent_keep_nobody_out),
        cmocka_unit_test(connections_are_limited_and_come_back),
        cmocka_unit_test(headers_that_are_too_long_end_the_connection),
        cmocka_unit_test(upgrades_are_refused),
        cmocka_unit_test(a_stop_in_the_middle_is_clean),
    };
    return cmocka_run_group_tests_name("peers", tests, site_start, site_stop);
}
