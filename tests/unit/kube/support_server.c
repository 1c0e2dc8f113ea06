/* See support_server.h. */

#include "kube/support_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/strbuf.h"

struct peer {
    uv_tcp_t tcp; /* first */
    uv_timer_t timer;
    struct peer *next;
    struct server *server;
    int number;
    struct strbuf in;
    char *out; /* being written in pieces */
    size_t out_length, out_at, piece;
    bool cut; /* when all is written */
    int open_handles;
    char buffer[65536];
};

static void handle_closed(uv_handle_t *handle) {
    struct peer *peer = handle->data;
    if (--peer->open_handles > 0)
        return;
    strbuf_fini(&peer->in);
    free(peer->out);
    free(peer);
}

static void peer_close(struct peer *peer) {
    for (struct peer **at = &peer->server->peers; *at != NULL; at = &(*at)->next) {
        if (*at == peer) {
            *at = peer->next;
            break;
        }
    }
    if (!uv_is_closing((uv_handle_t *)&peer->tcp)) {
        uv_close((uv_handle_t *)&peer->tcp, handle_closed);
        uv_close((uv_handle_t *)&peer->timer, handle_closed);
    }
}

static void write_piece(uv_timer_t *timer) {
    struct peer *peer = timer->data;
    size_t left = peer->out_length - peer->out_at;
    size_t length = peer->piece == 0 || peer->piece > left ? left : peer->piece;
    uv_buf_t buffer = uv_buf_init(peer->out + peer->out_at, (unsigned)length);
    int written = left == 0 ? 0 : uv_try_write((uv_stream_t *)&peer->tcp, &buffer, 1);
    if (written > 0)
        peer->out_at += (size_t)written;
    if (peer->out_at < peer->out_length) {
        uv_timer_start(&peer->timer, write_piece, written == UV_EAGAIN ? 1 : 0, 0);
        return;
    }
    free(peer->out);
    peer->out = NULL;
    if (peer->cut)
        peer_close(peer);
}

static void answer(struct peer *peer, const struct reply *reply) {
    if (reply->end == REPLY_SILENT)
        return;
    if (reply->end == REPLY_DROP) {
        peer_close(peer);
        return;
    }
    struct strbuf out = STRBUF_INIT;
    const char *body = reply->body != NULL ? reply->body : "";
    size_t length = reply->length != 0 ? reply->length : strlen(body);
    bool chunked = reply->end != REPLY_WHOLE;
    strbuf_printf(&out, "HTTP/1.1 %d Reply\r\nContent-Type: application/json\r\n%s",
                  reply->status ? reply->status : 200, reply->headers != NULL ? reply->headers : "");
    if (chunked)
        strbuf_printf(&out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        strbuf_printf(&out, "Content-Length: %zu\r\n\r\n", length);
    if (chunked && length > 0)
        strbuf_printf(&out, "%zx\r\n", length);
    strbuf_add(&out, body, length);
    if (chunked && length > 0 && reply->end != REPLY_CUT)
        strbuf_puts(&out, "\r\n");
    if (reply->end == REPLY_STREAM)
        strbuf_puts(&out, "0\r\n\r\n");
    peer->out_length = out.length;
    peer->out = strbuf_steal(&out);
    peer->out_at = 0;
    peer->piece = reply->piece;
    peer->cut = reply->end == REPLY_CUT;
    uv_timer_start(&peer->timer, write_piece, 0, 0);
}

static char *header_value(const char *head, const char *name) {
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            const char *value = line + strlen(name) + 1;
            value += strspn(value, " ");
            return strndup(value, strcspn(value, "\r"));
        }
    }
    return NULL;
}

/* Takes one request out of what has come in; false when it is not whole yet. */
static bool take_request(struct peer *peer) {
    struct server *server = peer->server;
    const char *text = strbuf_text(&peer->in);
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return false;
    char *head = strndup(text, (size_t)(end - text));
    char *length_text = header_value(head, "Content-Length");
    size_t length = length_text != NULL ? strtoul(length_text, NULL, 10) : 0;
    size_t whole = (size_t)(end - text) + 4 + length;
    free(length_text);
    if (peer->in.length < whole) {
        free(head);
        return false;
    }
    assert_true(server->seen_count < sizeof server->seen / sizeof *server->seen);
    struct exchange *seen = &server->seen[server->seen_count];
    *seen = (struct exchange){.method = strndup(head, strcspn(head, " ")), .connection = peer->number};
    const char *path = head + strcspn(head, " ") + 1;
    seen->path = strndup(path, strcspn(path, " "));
    seen->authorization = header_value(head, "Authorization");
    seen->content_type = header_value(head, "Content-Type");
    seen->body = strndup(end + 4, length);
    free(head);
    strbuf_drop_front(&peer->in, whole);
    static const struct reply enough = {.status = 503};
    size_t index = server->seen_count++;
    answer(peer, index < server->reply_count ? &server->replies[index] : &enough);
    return true;
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
    (void)wanted;
    struct peer *peer = handle->data;
    *buffer = uv_buf_init(peer->buffer, sizeof peer->buffer);
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    struct peer *peer = stream->data;
    if (count < 0) {
        peer_close(peer);
        return;
    }
    strbuf_add(&peer->in, buffer->base, (size_t)count);
    while (!uv_is_closing((uv_handle_t *)stream) && take_request(peer))
        ;
}

static void on_connection(uv_stream_t *listener, int status) {
    struct server *server = listener->data;
    assert_int_equal(status, 0);
    struct peer *peer = calloc(1, sizeof *peer);
    peer->server = server;
    peer->number = ++server->connections;
    peer->open_handles = 2;
    uv_tcp_init(server->loop, &peer->tcp);
    uv_timer_init(server->loop, &peer->timer);
    peer->tcp.data = peer->timer.data = peer;
    uv_accept(listener, (uv_stream_t *)&peer->tcp);
    uv_tcp_nodelay(&peer->tcp, 1);
    peer->next = server->peers;
    server->peers = peer;
    uv_read_start((uv_stream_t *)&peer->tcp, give_buffer, on_bytes);
}

void server_start(struct server *server, uv_loop_t *loop, const struct reply *replies, size_t count) {
    memset(server, 0, sizeof *server);
    server->loop = loop;
    server->replies = replies;
    server->reply_count = count;
    uv_tcp_init(loop, &server->tcp);
    server->tcp.data = server;
    struct sockaddr_in address;
    int size = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_bind(&server->tcp, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->tcp, 64, on_connection), 0);
    uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&address, &size);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

void server_stop(struct server *server) {
    while (server->peers != NULL)
        peer_close(server->peers);
    uv_close((uv_handle_t *)&server->tcp, NULL);
    for (size_t i = 0; i < server->seen_count; i++) {
        struct exchange *seen = &server->seen[i];
        char *const texts[] = {seen->method, seen->path, seen->authorization, seen->content_type, seen->body};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            free(texts[j]);
    }
}

/* A tick: UV_RUN_ONCE goes on to wait for I/O also when a timer's callback has just changed everything. */
static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

void loop_until(uv_loop_t *loop, bool (*holds)(void *arg), void *arg, const char *what) {
    uv_timer_t tick;
    int64_t limit = clock_boot_ms() + 20000;
    uv_timer_init(loop, &tick);
    uv_timer_start(&tick, on_tick, 2, 2);
    while (!holds(arg) && clock_boot_ms() < limit)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    if (!holds(arg))
        fail_msg("did not happen in time: %s", what);
}

void loop_finish(uv_loop_t *loop) {
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}
