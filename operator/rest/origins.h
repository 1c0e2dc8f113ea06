#pragma once

/* Where servers are: scheme, host and port. One, or several that stand in for each other. Values; nothing to free. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ORIGIN_HOST_MAX = 256, ORIGIN_TEXT_MAX = ORIGIN_HOST_MAX + 20, ORIGINS_MAX = 4 };

struct origin {
    char host[ORIGIN_HOST_MAX]; /* a name or an address, without brackets */
    unsigned port;
    bool tls;
};

/* Of an http or https URL, whatever its path; users and passwords in it are refused. */
int origin_of(const char *url, struct origin *ret_origin, struct error *err);
/* Of "HOST:PORT" ("[V6]:PORT"); the port may be missing when `default_port` is not 0. */
int origin_of_address(const char *text, unsigned default_port, struct origin *ret_origin, struct error *err);
bool origin_same(const struct origin *a, const struct origin *b);
const char *origin_name(const struct origin *origin, char text[ORIGIN_TEXT_MAX]); /* "host:port"; returns `text` */
const char *origin_url(const struct origin *origin, char text[ORIGIN_TEXT_MAX]);  /* "https://host:port" */

/* {0} is empty. */
struct origins {
    struct origin items[ORIGINS_MAX];
    size_t count, current;
    size_t failed; /* in a row, since one answered */
};

/* "HOST:PORT" (https when `tls`) or a URL without a path. One that is there already is not added again. */
int origins_add(struct origins *origins, const char *text, bool tls, struct error *err);
const struct origin *origins_current(const struct origins *origins); /* NULL when empty */
/* The current one failed: the next is current. False when each has failed in a row, so it is time to wait. */
bool origins_next(struct origins *origins);
/* That URL answered: its origin is current, if it is one of these. */
void origins_answered(struct origins *origins, const char *url);
