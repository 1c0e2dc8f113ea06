#pragma once

/* One HTTP/1.1 request at a time, plain or TLS, as a state machine that the launcher's loop drives: nothing blocks,
 * each request has a deadline, the connection is closed after each answer. Redirects are reported, never followed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/error.h"
#include "launcher/endpoint.h"
#include "launcher/http_response.h"
#include "launcher/resolve.h"
#include "base/wait.h"

enum { HTTP_REQUEST_MAX = 24 * 1024, HTTP_CONNECT_MS = 3000, HTTP_ADDRESS_AGE_MS = 30 * 1000 };
enum http_state { HTTP_IDLE, HTTP_RESOLVING, HTTP_CONNECTING, HTTP_HANDSHAKE, HTTP_WRITING, HTTP_READING };
enum http_result { HTTP_PENDING, HTTP_DONE, HTTP_FAILED };

struct http_request {
    const char *method;
    const struct endpoint *endpoint; /* Host header and verified name */
    const struct endpoint *connect;  /* where to connect instead; NULL: endpoint */
    const char *target;              /* path and query */
    const char *token;               /* bearer; NULL: none */
    const char *body;                /* JSON; NULL: none */
    size_t body_length;
    int64_t timeout_ms; /* for everything */
};

struct http {
    enum http_state state;
    int fd;
    short want;
    SSL_CTX *tls; /* not owned; NULL: https is refused */
    SSL *session;
    struct endpoint peer;         /* whom addresses are of */
    char name[ENDPOINT_HOST_MAX]; /* verified by TLS */
    bool use_tls;
    struct resolver resolver;
    struct addresses addresses;
    size_t address; /* the one being tried */
    int64_t addresses_until;
    int64_t deadline, connect_deadline;
    char out[HTTP_REQUEST_MAX]; /* wiped when sent: it may hold a token */
    size_t out_length, out_at;
    char *in; /* of the caller */
    size_t in_size, in_length;
    struct http_response response; /* valid after HTTP_DONE until the next start */
};

/* `buffer` takes the answer and must outlive the client; answers that do not fit fail. */
void http_init(struct http *http, char *buffer, size_t size);
int http_start(struct http *http, const struct http_request *request, int64_t now, struct error *err);
bool http_busy(const struct http *http);
void http_wait(const struct http *http, struct wait *wait);
/* After a turn of the loop. HTTP_DONE and HTTP_FAILED (with err) come once; idle clients are HTTP_PENDING. */
enum http_result http_step(struct http *http, const struct wait *wait, int64_t now, struct error *err);
void http_close(struct http *http); /* gives up what is under way; no-op when idle */
