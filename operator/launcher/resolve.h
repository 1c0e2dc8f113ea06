#pragma once

/* Names to addresses without ever blocking the loop: getaddrinfo() runs in a short-lived child of its own, which also
 * keeps a foreign nsswitch.conf's plug-ins out of this process. */

#include <sys/socket.h>
#include <sys/types.h>

#include "base/error.h"
#include "launcher/endpoint.h"

enum { RESOLVE_MAX = 4 };

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    } to;
    socklen_t length;
};

struct addresses {
    struct address items[RESOLVE_MAX];
    size_t count;
};

struct resolver {
    int fd; /* -1: nothing under way */
};

/* An address literal: done at once. 0, or -1 when it is a name. */
int resolve_literal(const struct endpoint *endpoint, struct addresses *ret);
int resolver_start(struct resolver *resolver, const struct endpoint *endpoint, struct error *err);
/* To be called when resolver->fd is readable, or to see. 1 done, 0 not yet, -1 failed. */
int resolver_step(struct resolver *resolver, const struct endpoint *endpoint, struct addresses *ret, struct error *err);
void resolver_stop(struct resolver *resolver); /* no-op when nothing is under way; its child ends by itself */
