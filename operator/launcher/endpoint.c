/* See endpoint.h. Pure text work; never resolves a name. */

#include "launcher/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int parse_port(const char *text, size_t length, unsigned *ret) {
    unsigned port = 0;
    if (length == 0 || length > 5)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > 65535)
        return -1;
    *ret = port;
    return 0;
}

static int parse_authority(const char *text, size_t length, unsigned default_port, struct endpoint *ret) {
    struct endpoint endpoint = {.port = default_port};
    const char *end = text + length, *host = text, *host_end, *rest;
    bool bracketed = length > 0 && text[0] == '[';
    if (bracketed) {
        host = text + 1;
        host_end = memchr(host, ']', length - 1);
        rest = host_end ? host_end + 1 : NULL;
    } else {
        host_end = memchr(text, ':', length);
        host_end = host_end ? host_end : end;
        rest = host_end;
    }
    if (!rest || host_end == host || (size_t)(host_end - host) >= sizeof endpoint.host)
        return -1;
    for (const char *p = host; p < host_end; p++)
        if (!isalnum((unsigned char)*p) && !strchr(bracketed ? ":.%" : ".-_", *p))
            return -1;
    if (rest < end && (*rest != ':' || parse_port(rest + 1, (size_t)(end - rest - 1), &endpoint.port) < 0))
        return -1;
    if (endpoint.port == 0)
        return -1;
    memcpy(endpoint.host, host, (size_t)(host_end - host));
    *ret = endpoint;
    return 0;
}

int endpoint_parse(const char *text, unsigned default_port, struct endpoint *ret, struct error *err) {
    if (parse_authority(text, strlen(text), default_port, ret) < 0)
        return error_set(err, ERROR_INVALID, "\"%.80s\" is not HOST:PORT", text);
    return 0;
}

int endpoint_parse_url(const char *url, struct endpoint *ret, const char **ret_path, struct error *err) {
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return error_set(err, ERROR_INVALID, "\"%.80s\" is not an http or https URL", url);
    const char *authority = url + (tls ? 8 : 7);
    size_t length = strcspn(authority, "/?#");
    if (parse_authority(authority, length, tls ? 443 : 80, ret) < 0)
        return error_set(err, ERROR_INVALID, "\"%.80s\" has no valid HOST[:PORT]", url);
    ret->tls = tls;
    if (ret_path)
        *ret_path = authority + length;
    return 0;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b) {
    return a->port == b->port && a->tls == b->tls && strcasecmp(a->host, b->host) == 0;
}

const char *endpoint_text(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX]) {
    bool v6 = strchr(endpoint->host, ':') != NULL;
    snprintf(text, ENDPOINT_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", endpoint->host, endpoint->port);
    return text;
}
