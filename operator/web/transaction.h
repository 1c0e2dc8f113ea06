#pragma once

/* Inside web/ only: what server.c (ports and their life) and transaction.c (one request) share. */

#include <stdbool.h>

#include <libwebsockets.h>

#include "web/seats.h"
#include "web/server.h"

struct port {
    struct web_server *server;
    enum web_port name;
    struct lws_vhost *vhost; /* NULL: not listening */
    int live;                /* connections, with those that are being closed */
    struct seats seats;
    struct in6_addr arriving; /* of the connection that is being accepted */
};

struct web_server {
    struct lws_context *context;
    const struct web_route *routes;
    size_t route_count;
    struct port ports[WEB_PORT_COUNT];
    SSL_CTX *tls; /* the TLS port's, owned by its vhost; NULL when there is none or it is closing */
};

/* What libwebsockets keeps for us from the headers of a request to its end. */
struct transaction_slot {
    struct transaction *transaction;
};

struct port *port_of(struct lws *wsi);

/* The events of a request; 0, or -1 to close the connection. The slot may be empty. */
int transaction_begin(struct lws *wsi, struct transaction_slot *slot, const char *path);
int transaction_body(struct transaction_slot *slot, const void *bytes, size_t length);
int transaction_complete(struct transaction_slot *slot);
int transaction_expire(struct transaction_slot *slot);
int transaction_write(struct transaction_slot *slot);
void transaction_drop(struct transaction_slot *slot); /* no-op the second time */
