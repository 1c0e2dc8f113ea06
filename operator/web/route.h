#pragma once

/* Which route a request belongs to, and whether its body may come: decided from the headers, before anything is kept.
 * Pure. */

#include <stdbool.h>

#include "web/server.h"

enum { ROUTE_DISCARD_MAX = 256 * 1024 }; /* a refused body up to this is read and dropped, and the connection goes on */

struct route_head {
    enum web_port port;
    bool get, head, post; /* none: some other method */
    const char *path;
    const char *content_length; /* as sent; NULL when absent */
    bool transfer_encoding;     /* present, whatever it says: bodies in chunks are not decoded */
};

struct route_choice {
    const struct web_route *route; /* NULL: refused with `status` */
    int status;
    const char *text;
    const char *allow; /* with 405 */
    size_t length;     /* of the body to come */
    bool close;        /* the connection cannot be used again: where its next request begins is not known */
};

struct route_choice route_choose(const struct web_route *routes, size_t count, const struct route_head *head);
