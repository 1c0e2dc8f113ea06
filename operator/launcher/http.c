/* See http.h. One table row a state: what to do when the descriptor is ready and which state follows. Relies on tls.h
 * and resolve.h; never reads a clock and never sends a token over a plain connection. */

#include "launcher/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/tls.h"

enum step { STEP_NEXT, STEP_WAIT, STEP_DONE, STEP_FAILED };

void http_init(struct http *http, char *buffer, size_t size) {
    *http = (struct http){.fd = -1, .resolver = {.fd = -1}, .in = buffer, .in_size = size};
}

bool http_busy(const struct http *http) {
    return http->state != HTTP_IDLE;
}

static void close_connection(struct http *http) {
    tls_session_free(http->session);
    http->session = NULL;
    if (http->fd >= 0)
        close(http->fd);
    http->fd = -1;
}

void http_close(struct http *http) {
    close_connection(http);
    resolver_stop(&http->resolver);
    explicit_bzero(http->out, http->out_length);
    http->out_length = http->out_at = 0;
    http->state = HTTP_IDLE;
}

static int format_request(struct http *http, const struct http_request *request, struct error *err) {
    char host[ENDPOINT_TEXT_MAX], type[96] = "";
    size_t extra = request->body ? request->body_length : 0;
    if (request->body)
        snprintf(type, sizeof type, "Content-Type: application/json\r\nContent-Length: %zu\r\n", extra);
    int head = snprintf(http->out, sizeof http->out,
                        "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: weir-launcher/" WEIR_VERSION
                        "\r\nAccept: application/json\r\nConnection: close\r\n%s%s%s%s\r\n",
                        request->method, request->target, endpoint_text(request->endpoint, host),
                        request->token ? "Authorization: Bearer " : "", request->token ? request->token : "",
                        request->token ? "\r\n" : "", type);
    if (head < 0 || (size_t)head >= sizeof http->out || extra > sizeof http->out - (size_t)head) {
        explicit_bzero(http->out, sizeof http->out);
        return error_set(err, ERROR_INVALID, "request is too large");
    }
    if (extra)
        memcpy(http->out + head, request->body, extra);
    http->out_length = (size_t)head + extra;
    http->out_at = 0;
    return 0;
}

/* --- the steps --- */

static enum step start_connect(struct http *http, int64_t now, struct error *err) {
    int saved = 0, one = 1;
    close_connection(http);
    for (; http->address < http->addresses.count; http->address++) {
        const struct address *address = &http->addresses.items[http->address];
        http->fd = socket(address->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (http->fd >= 0) {
            setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            if (connect(http->fd, &address->to.any, address->length) == 0 || errno == EINPROGRESS) {
                http->state = HTTP_CONNECTING;
                http->want = POLLOUT;
                http->connect_deadline = now + HTTP_CONNECT_MS;
                return STEP_WAIT;
            }
        }
        saved = errno;
        close_connection(http);
    }
    error_set(err, ERROR_TRANSIENT, "connect to %s:%u: %s", http->peer.host, http->peer.port, strerror(saved));
    return STEP_FAILED;
}

static enum step next_address(struct http *http, int64_t now, int error, struct error *err) {
    if (http->address + 1 < http->addresses.count) {
        http->address++;
        return start_connect(http, now, err);
    }
    http->addresses.count = 0; /* perhaps it has moved: look it up again */
    error_set(err, ERROR_TRANSIENT, "connect to %s:%u: %s", http->peer.host, http->peer.port, strerror(error));
    return STEP_FAILED;
}

static enum step on_resolving(struct http *http, int64_t now, struct error *err) {
    int found = resolver_step(&http->resolver, &http->peer, &http->addresses, err);
    if (found <= 0)
        return found == 0 ? STEP_WAIT : STEP_FAILED;
    http->addresses_until = now + HTTP_ADDRESS_AGE_MS;
    http->address = 0;
    return start_connect(http, now, err);
}

static enum step on_connecting(struct http *http, int64_t now, struct error *err) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(http->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error)
        return next_address(http, now, error, err);
    http->state = HTTP_WRITING;
    http->want = POLLOUT;
    if (!http->use_tls)
        return STEP_NEXT;
    if (tls_session_new(http->tls, http->fd, http->name, &http->session, err) < 0)
        return STEP_FAILED;
    http->state = HTTP_HANDSHAKE;
    return STEP_NEXT;
}

/* TLS_WANT_… and errno alike become what to poll for. */
static enum step waits(struct http *http, int value) {
    http->want = value == TLS_WANT_WRITE ? POLLOUT : POLLIN;
    return STEP_WAIT;
}

static enum step on_handshake(struct http *http, int64_t now, struct error *err) {
    (void)now;
    int value = tls_handshake(http->session, err);
    if (value == TLS_WANT_READ || value == TLS_WANT_WRITE)
        return waits(http, value);
    if (value == 0)
        error_set(err, ERROR_TRANSIENT, "TLS: handshake: connection closed");
    if (value <= 0)
        return STEP_FAILED;
    http->state = HTTP_WRITING;
    return STEP_NEXT;
}

static int plain(ssize_t value, int want, const char *what, struct error *err) {
    if (value >= 0)
        return (int)value;
    if (errno == EAGAIN || errno == EINTR)
        return want;
    return error_set(err, ERROR_TRANSIENT, "%s: %s", what, strerror(errno));
}

static enum step on_writing(struct http *http, int64_t now, struct error *err) {
    (void)now;
    const char *at = http->out + http->out_at;
    size_t left = http->out_length - http->out_at;
    int value = http->use_tls ? tls_write(http->session, at, left, err)
                              : plain(send(http->fd, at, left, MSG_NOSIGNAL), TLS_WANT_WRITE, "send", err);
    if (value == TLS_WANT_READ || value == TLS_WANT_WRITE)
        return waits(http, value);
    if (value == 0)
        error_set(err, ERROR_TRANSIENT, "connection closed before the request was sent");
    if (value <= 0)
        return STEP_FAILED;
    http->out_at += (size_t)value;
    if (http->out_at == http->out_length) {
        explicit_bzero(http->out, http->out_length);
        http->state = HTTP_READING;
        http->want = POLLIN;
    }
    return STEP_NEXT;
}

static enum step on_reading(struct http *http, int64_t now, struct error *err) {
    (void)now;
    size_t room = http->in_size - 1 - http->in_length;
    if (room == 0) {
        error_set(err, ERROR_TRANSIENT, "the answer is larger than %zu bytes", http->in_size - 1);
        return STEP_FAILED;
    }
    char *at = http->in + http->in_length;
    int value = http->use_tls ? tls_read(http->session, at, room, err)
                              : plain(recv(http->fd, at, room, 0), TLS_WANT_READ, "receive", err);
    if (value == TLS_WANT_READ || value == TLS_WANT_WRITE)
        return waits(http, value);
    if (value < 0)
        return STEP_FAILED;
    http->in_length += (size_t)value;
    int found = http_response_parse(http->in, http->in_length, value == 0, &http->response, err);
    return found > 0 ? STEP_DONE : found < 0 ? STEP_FAILED : STEP_NEXT;
}

static enum step (*const steps[])(struct http *, int64_t, struct error *) = {
    [HTTP_RESOLVING] = on_resolving, [HTTP_CONNECTING] = on_connecting, [HTTP_HANDSHAKE] = on_handshake,
    [HTTP_WRITING] = on_writing,     [HTTP_READING] = on_reading,
};

/* --- interface --- */

static bool addresses_known(struct http *http, const struct endpoint *connect, int64_t now) {
    struct addresses literal;
    if (resolve_literal(connect, &literal) == 0) {
        http->addresses = literal;
        return true;
    }
    return http->addresses.count && endpoint_same(&http->peer, connect) && now < http->addresses_until;
}

int http_start(struct http *http, const struct http_request *request, int64_t now, struct error *err) {
    const struct endpoint *connect = request->connect ? request->connect : request->endpoint;
    http_close(http);
    if (request->endpoint->tls && !http->tls)
        return error_set(err, ERROR_INVALID, "https is not set up for %s", request->endpoint->host);
    if (request->token && !request->endpoint->tls)
        return error_set(err, ERROR_INVALID, "a token is never sent over plain http");
    if (format_request(http, request, err) < 0)
        return -1;
    http->use_tls = request->endpoint->tls;
    memcpy(http->name, request->endpoint->host, sizeof http->name);
    http->in_length = 0;
    http->deadline = now + request->timeout_ms;
    bool known = addresses_known(http, connect, now);
    http->peer = *connect;
    http->address = 0;
    if (known) {
        if (start_connect(http, now, err) == STEP_WAIT)
            return 0;
    } else if (resolver_start(&http->resolver, connect, err) == 0) {
        http->state = HTTP_RESOLVING;
        return 0;
    }
    http_close(http);
    return -1;
}

void http_wait(const struct http *http, struct wait *wait) {
    if (http->state == HTTP_IDLE)
        return;
    wait_fd(wait, http->state == HTTP_RESOLVING ? http->resolver.fd : http->fd,
            http->state == HTTP_RESOLVING ? POLLIN : http->want);
    wait_until(wait, http->deadline);
    if (http->state == HTTP_CONNECTING)
        wait_until(wait, http->connect_deadline);
}

enum http_result http_step(struct http *http, const struct wait *wait, int64_t now, struct error *err) {
    enum step step = STEP_NEXT;
    if (http->state == HTTP_IDLE)
        return HTTP_PENDING;
    int fd = http->state == HTTP_RESOLVING ? http->resolver.fd : http->fd;
    if (now >= http->deadline) {
        error_set(err, ERROR_TRANSIENT, "%s:%u: no answer in time", http->peer.host, http->peer.port);
        step = STEP_FAILED;
    } else if (http->state == HTTP_CONNECTING && now >= http->connect_deadline) {
        step = next_address(http, now, ETIMEDOUT, err);
    } else if (!wait_events(wait, fd)) {
        return HTTP_PENDING;
    }
    while (step == STEP_NEXT)
        step = steps[http->state](http, now, err);
    if (step == STEP_WAIT)
        return HTTP_PENDING;
    http_close(http);
    return step == STEP_DONE ? HTTP_DONE : HTTP_FAILED;
}
