#pragma once

/* An HTTP server with a script, on the loop of the test, over real sockets. The n-th request gets the n-th reply. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

enum reply_end {
    REPLY_WHOLE,  /* with Content-Length; the connection stays */
    REPLY_STREAM, /* chunked, ends well */
    REPLY_OPEN,   /* chunked, never ends */
    REPLY_CUT,    /* chunked, the connection is cut after the body */
    REPLY_DROP,   /* no answer: the connection is cut */
    REPLY_SILENT, /* no answer: nothing happens */
};

struct reply {
    int status;          /* 0: 200 */
    const char *headers; /* more header lines, each with its \r\n */
    const char *body;
    size_t length; /* 0: strlen(body) */
    enum reply_end end;
    size_t piece; /* bytes a write; 0: all at once */
};

struct exchange {
    char *method, *path, *authorization, *content_type, *body;
    int connection; /* number of the connection it came by, from 1 */
};

struct server {
    uv_loop_t *loop;
    uv_tcp_t tcp;
    char url[64];
    const struct reply *replies;
    size_t reply_count;
    struct exchange seen[4096];
    size_t seen_count;
    int connections;
    struct peer *peers;
};

/* Replies must outlive the server; past the last one requests get a 503. */
void server_start(struct server *server, uv_loop_t *loop, const struct reply *replies, size_t count);
void server_stop(struct server *server);

/* Turns the loop until the condition holds; fails the test after 20 s. */
void loop_until(uv_loop_t *loop, bool (*holds)(void *arg), void *arg, const char *what);
/* Turns the loop until its handles are closed, and closes it. */
void loop_finish(uv_loop_t *loop);
