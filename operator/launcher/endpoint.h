#pragma once

/* Where to connect: host and port, plain or TLS. Values; nothing to free. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ENDPOINT_HOST_MAX = 256 };

struct endpoint {
    char host[ENDPOINT_HOST_MAX]; /* a name or an address, without brackets; "" is no endpoint */
    unsigned port;
    bool tls;
};

/* "HOST:PORT", "[V6]:PORT"; the port may be missing when `default_port` is not 0. */
int endpoint_parse(const char *text, unsigned default_port, struct endpoint *ret, struct error *err);

/* "http://HOST[:PORT][/path]" or https; `ret_path` (may be NULL) points into `url`, "" when there is none. */
int endpoint_parse_url(const char *url, struct endpoint *ret, const char **ret_path, struct error *err);

bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* "host:port" as a Host header wants it; returns `text`. */
enum { ENDPOINT_TEXT_MAX = ENDPOINT_HOST_MAX + 10 };
const char *endpoint_text(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX]);
