#pragma once

/* The real server in a process of its own, so that clients may block and its end is checked too: it must leave its loop
 * without an open handle, and the sanitizers look for leaks when it exits. */

#include <sys/types.h>

#include <uv.h>

#include "web/server.h"

struct child {
    pid_t pid;
    int ports[WEB_PORT_COUNT];
};

struct child_parts {
    /* Builds everything on the loop; 0, or -1. */
    int (*begin)(uv_loop_t *loop, struct web_server **ret_server);
    void (*stop)(void); /* before the server stops; may be NULL */
    void (*end)(void);  /* when the loop has ended; may be NULL */
};

struct child child_start(const struct child_parts *parts);
int child_end(struct child *child); /* SIGTERM; its exit status: 0 when all is clean */
