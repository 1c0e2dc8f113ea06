/* See support_client.h. */

#include "web/support_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

SSL_CTX *client_tls(const char *bundle) {
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    BIO *bio = BIO_new_mem_buf(bundle, -1);
    for (X509 *ca; (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; X509_free(ca))
        X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), ca);
    BIO_free(bio);
    ERR_clear_error();
    return tls;
}

static void set_timeout(int fd, int ms) {
    struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
}

struct peer peer_open_from(const char *address, int port) {
    signal(SIGPIPE, SIG_IGN);
    struct peer peer = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(peer.fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(peer.fd, (struct sockaddr *)&to, sizeof to), 0);
    set_timeout(peer.fd, 10000);
    return peer;
}

int peer_try(struct peer *peer, int port, SSL_CTX *tls, const char *name, const char **ret_reason) {
    *peer = peer_open_from("127.0.0.1", port);
    if (tls == NULL)
        return 0;
    ERR_clear_error();
    peer->ssl = SSL_new(tls);
    SSL_set_fd(peer->ssl, peer->fd);
    SSL_set_hostflags(peer->ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (name != NULL && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(peer->ssl), name) != 1)
        SSL_set1_host(peer->ssl, name);
    if (SSL_connect(peer->ssl) == 1)
        return 0;
    long verdict = SSL_get_verify_result(peer->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    *ret_reason = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : reason != NULL ? reason : "closed";
    peer_close(peer);
    return -1;
}

struct peer peer_open(int port, SSL_CTX *tls, const char *name) {
    struct peer peer;
    const char *reason = NULL;
    if (peer_try(&peer, port, tls, name, &reason) != 0)
        fail_msg("connect to port %d: %s", port, reason);
    return peer;
}

void peer_send(struct peer *peer, const char *bytes, size_t length) {
    if (peer->ssl != NULL)
        SSL_write(peer->ssl, bytes, (int)length);
    else if (send(peer->fd, bytes, length, 0) < 0)
        return; /* what comes back tells */
}

void peer_puts(struct peer *peer, const char *format, ...) {
    char text[16384];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(length, 0, sizeof text - 1);
    peer_send(peer, text, (size_t)length);
}

void peer_post(struct peer *peer, const char *path, const char *token, const char *body) {
    peer_puts(peer,
              "POST %s HTTP/1.1\r\nHost: x\r\n%s%s%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
              path, token != NULL ? "Authorization: Bearer " : "", token != NULL ? token : "",
              token != NULL ? "\r\n" : "", strlen(body));
    peer_send(peer, body, strlen(body));
}

/* 1: something was added to the buffer; 0: closed; -1: nothing in time. */
static int fill(struct peer *peer) {
    char *at = peer->buffer + peer->length;
    size_t room = sizeof peer->buffer - 1 - peer->length;
    ssize_t got;
    if (peer->ssl != NULL) {
        got = SSL_read(peer->ssl, at, (int)room);
        if (got <= 0)
            got = SSL_get_error(peer->ssl, (int)got) == SSL_ERROR_WANT_READ ? -1 : 0;
    } else {
        got = recv(peer->fd, at, room, 0);
        if (got < 0 && errno != EAGAIN)
            got = 0;
    }
    if (got > 0)
        peer->length += (size_t)got;
    peer->buffer[peer->length] = '\0';
    return got > 0 ? 1 : (int)got;
}

static void consume(struct peer *peer, size_t length) {
    memmove(peer->buffer, peer->buffer + length, peer->length - length + 1);
    peer->length -= length;
}

struct reply peer_read(struct peer *peer, int timeout_ms, bool head) {
    struct reply reply = {0};
    set_timeout(peer->fd, timeout_ms);
    char *end;
    peer->buffer[peer->length] = '\0';
    while ((end = strstr(peer->buffer, "\r\n\r\n")) == NULL) {
        int result = fill(peer);
        if (result != 1)
            return (struct reply){.status = result};
    }
    size_t length = (size_t)(end + 4 - peer->buffer);
    assert_true(length < sizeof reply.headers);
    memcpy(reply.headers, peer->buffer, length);
    consume(peer, length);
    assert_int_equal(sscanf(reply.headers, "HTTP/1.%*d %d", &reply.status), 1);
    const char *size = strcasestr(reply.headers, "\r\ncontent-length:");
    reply.length = size != NULL && !head ? strtoul(size + 17, NULL, 10) : 0;
    reply.body = calloc(1, reply.length + 1);
    for (size_t have = 0; have < reply.length;) {
        size_t part = peer->length < reply.length - have ? peer->length : reply.length - have;
        memcpy(reply.body + have, peer->buffer, part);
        consume(peer, part);
        have += part;
        if (have < reply.length && fill(peer) != 1)
            fail_msg("the answer ended after %zu of %zu bytes", have, reply.length);
    }
    return reply;
}

bool peer_closed(struct peer *peer, int timeout_ms) {
    set_timeout(peer->fd, timeout_ms);
    return peer->length == 0 && fill(peer) == 0;
}

void peer_close(struct peer *peer) {
    SSL_free(peer->ssl);
    if (peer->fd >= 0)
        close(peer->fd);
    peer->ssl = NULL;
    peer->fd = -1;
}

void reply_free(struct reply *reply) {
    free(reply->body);
    reply->body = NULL;
}

int client_get(int port, const char *path) {
    struct peer peer = peer_open(port, NULL, NULL);
    peer_puts(&peer, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    struct reply reply = peer_read(&peer, 10000, false);
    int status = reply.status;
    reply_free(&reply);
    peer_close(&peer);
    return status;
}
