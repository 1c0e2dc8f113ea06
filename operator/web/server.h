#pragma once

/* The operator's HTTP/1.1 servers: a plain port and a TLS port on one libuv loop, serving a table of routes.
 *
 * The only place that knows libwebsockets. Handlers see a complete request and answer it at once or later, on the same
 * loop and thread. What is refused before a handler sees it: unknown path 404, other method 405, POST without
 * Content-Length 411, body over the route's bound 413, headers over 8 KiB (closed), a request that is not complete
 * within the route's deadline (closed). Requests must not be pipelined: the connection may be closed. Needs
 * libwebsockets-evlib-uv at run time. */

#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <openssl/types.h>
#include <uv.h>

#include "base/error.h"

enum web_port { WEB_PLAIN, WEB_TLS, WEB_PORT_COUNT };
enum web_method { WEB_GET /* and HEAD */, WEB_POST };

/* One request, owned by the server. Valid from the handler's call until web_answer() or `dropped`, whichever is first.
 */
struct web_request {
    const char *authorization; /* header values; NULL when absent */
    const char *content_type;
    char *body; /* terminated; NULL without one. The handler may overwrite it */
    size_t length;
    int64_t received_at;  /* boot ms: when the request was complete */
    struct in6_addr peer; /* peer.h */

    /* Set by a handler that answers later. `dropped` is called when the client left, the deadline passed (the server
     * then answers 503) or the server stops: stop the work, do not answer any more. */
    void (*dropped)(struct web_request *request);
    void *state;
};

struct web_answer {
    int status;
    const char *type; /* content type; NULL: text/plain */
    const char *body; /* copied; any size, but all in memory at once */
    size_t length;
    int retry_after; /* seconds; 0: no such header */
};

struct web_route {
    enum web_port port;
    enum web_method method;
    const char *path;    /* exact, as normalised by the server */
    size_t body_max;     /* WEB_POST: bytes */
    int64_t deadline_ms; /* from the headers to the answer; 0: 10 s */
    void (*handle)(void *arg, struct web_request *request);
    void *arg;
};

struct web_config {
    uv_loop_t *loop;                /* one server a loop: libwebsockets does not take two apart at the end */
    const struct web_route *routes; /* outlives the server */
    size_t route_count;
    const char *address;             /* to listen on; NULL: all */
    int ports[WEB_PORT_COUNT];       /* 0: any free one; -1: none */
    int connections[WEB_PORT_COUNT]; /* at most; 0: 32 plain, 256 TLS. Who gets one when all are taken: seats.h */
    int keepalive_s;                 /* an idle connection is closed after; 0: 5 s */
};

struct web_server;

/* Listens. ERROR_TRANSIENT names the port that is busy, ERROR_INVALID the address that cannot be. The TLS port refuses
 * handshakes until it has a certificate. `*ret_server` is set after failure too (or NULL): it is stopped then, and
 * still to be freed. */
int web_server_new(const struct web_config *config, struct web_server **ret_server, struct error *err);

/* The port in use, or -1. */
int web_server_port(const struct web_server *server, enum web_port port);

/* For connections from now on; open ones go on with the old one. Takes references of its own. EC keys only: another
 * key type would be served beside the old one instead of replacing it. */
int web_server_use_certificate(struct web_server *server, X509 *certificate, EVP_PKEY *key, struct error *err);

/* Two steps, since libuv closes handles in its own turns: stop drops every request and starts closing (call it while
 * the loop runs, and once), free follows when uv_run() has returned. Both take NULL. */
void web_server_stop(struct web_server *server);
void web_server_free(struct web_server *server);

/* Answers; the request must not be touched afterwards. */
void web_answer(struct web_request *request, const struct web_answer *answer);
void web_answer_text(struct web_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
