#pragma once

/* A blocking HTTP client that sends exactly the bytes it is told to, over TCP or TLS: what a well or ill behaved peer
 * of the server does. Fails the test when it cannot connect. */

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

struct peer {
    int fd;
    SSL *ssl; /* NULL: plain */
    char buffer[8192];
    size_t length; /* read and not yet consumed */
};

struct reply {
    int status; /* 0: the connection was closed; -1: nothing came in time */
    char headers[2048];
    char *body; /* the caller frees by reply_free() */
    size_t length;
};

/* A context that trusts what is in the PEM bundle only. */
SSL_CTX *client_tls(const char *bundle);

struct peer peer_open(int port, SSL_CTX *tls, const char *name);
struct peer peer_open_from(const char *address, int port); /* plain, from another address of 127.0.0.0/8 */
/* -1 and the reason of OpenSSL when the handshake fails. */
int peer_try(struct peer *peer, int port, SSL_CTX *tls, const char *name, const char **ret_reason);
void peer_send(struct peer *peer, const char *bytes, size_t length);
void peer_puts(struct peer *peer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void peer_post(struct peer *peer, const char *path, const char *token, const char *body);
struct reply peer_read(struct peer *peer, int timeout_ms, bool head);
bool peer_closed(struct peer *peer, int timeout_ms); /* nothing more comes, and it is closed in time */
void peer_close(struct peer *peer);

/* One request on a connection of its own; the reply's body is freed. */
int client_get(int port, const char *path);
void reply_free(struct reply *reply);
