/* See origins.h. Pure text work; never resolves a name. */

#include "rest/origins.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int parse_port(const char *text, size_t length, unsigned *ret_port) {
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
    *ret_port = port;
    return 0;
}

static bool host_valid(const char *host, size_t length, bool bracketed) {
    if (length == 0 || length >= ORIGIN_HOST_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (host[i] == '\0' || (!isalnum((unsigned char)host[i]) && !strchr(bracketed ? ":.%" : ".-_", host[i])))
            return false;
    return true;
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT of `length` bytes. */
static int parse_authority(const char *text, size_t length, unsigned default_port, struct origin *ret_origin) {
    struct origin origin = {.port = default_port};
    const char *end = text + length;
    bool bracketed = length > 0 && text[0] == '[';
    const char *host = bracketed ? text + 1 : text;
    const char *host_end = length == 0 ? NULL : memchr(host, bracketed ? ']' : ':', (size_t)(end - host));
    if (host_end == NULL && bracketed)
        return -1;
    if (host_end == NULL)
        host_end = end;
    const char *rest = bracketed ? host_end + 1 : host_end;
    if (!host_valid(host, (size_t)(host_end - host), bracketed))
        return -1;
    if (rest < end && (*rest != ':' || parse_port(rest + 1, (size_t)(end - rest - 1), &origin.port) < 0))
        return -1;
    if (origin.port == 0)
        return -1;
    memcpy(origin.host, host, (size_t)(host_end - host));
    *ret_origin = origin;
    return 0;
}

int origin_of_address(const char *text, unsigned default_port, struct origin *ret_origin, struct error *err) {
    if (parse_authority(text, strlen(text), default_port, ret_origin) < 0)
        return error_set(err, ERROR_INVALID, "\"%.80s\" is not HOST:PORT", text);
    return 0;
}

/* *ret_rest: what follows the authority. No URL is shown in errors: it may hold a secret. */
static int parse_url(const char *url, struct origin *ret_origin, const char **ret_rest, struct error *err) {
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return error_set(err, ERROR_INVALID, "not an http or https URL");
    const char *authority = url + (tls ? 8 : 7);
    size_t length = strcspn(authority, "/?#\\");
    if (parse_authority(authority, length, tls ? 443 : 80, ret_origin) < 0)
        return error_set(err, ERROR_INVALID, "the URL has no valid HOST[:PORT]");
    ret_origin->tls = tls;
    *ret_rest = authority + length;
    return 0;
}

int origin_of(const char *url, struct origin *ret_origin, struct error *err) {
    const char *rest = NULL;
    return parse_url(url, ret_origin, &rest, err);
}

bool origin_same(const struct origin *a, const struct origin *b) {
    return a->port == b->port && a->tls == b->tls && strcasecmp(a->host, b->host) == 0;
}

const char *origin_name(const struct origin *origin, char text[ORIGIN_TEXT_MAX]) {
    bool v6 = strchr(origin->host, ':') != NULL;
    snprintf(text, ORIGIN_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", origin->host, origin->port);
    return text;
}

const char *origin_url(const struct origin *origin, char text[ORIGIN_TEXT_MAX]) {
    char name[ORIGIN_TEXT_MAX];
    int length = snprintf(text, ORIGIN_TEXT_MAX, "%s://", origin->tls ? "https" : "http");
    snprintf(text + length, ORIGIN_TEXT_MAX - (size_t)length, "%.267s", origin_name(origin, name));
    return text;
}

/* Several. */

static size_t find(const struct origins *origins, const struct origin *origin) {
    size_t i = 0;
    while (i < origins->count && !origin_same(&origins->items[i], origin))
        i++;
    return i;
}

int origins_add(struct origins *origins, const char *text, bool tls, struct error *err) {
    struct origin origin = {0};
    const char *rest = "";
    if (strstr(text, "://") != NULL) {
        if (parse_url(text, &origin, &rest, err) < 0)
            return -1;
    } else if (origin_of_address(text, 0, &origin, err) == 0) {
        origin.tls = tls;
    } else {
        return -1;
    }
    if (rest[0] != '\0' && strcmp(rest, "/") != 0)
        return error_set(err, ERROR_INVALID, "a server's URL must end after HOST:PORT");
    if (find(origins, &origin) < origins->count)
        return 0;
    if (origins->count == ORIGINS_MAX)
        return error_set(err, ERROR_INVALID, "more than %d servers", ORIGINS_MAX);
    origins->items[origins->count++] = origin;
    return 0;
}

const struct origin *origins_current(const struct origins *origins) {
    return origins->count == 0 ? NULL : &origins->items[origins->current];
}

bool origins_next(struct origins *origins) {
    if (origins->count == 0)
        return false;
    origins->current = (origins->current + 1) % origins->count;
    origins->failed++;
    if (origins->failed < origins->count)
        return true;
    origins->failed = 0;
    return false;
}

void origins_answered(struct origins *origins, const char *url) {
    struct error ignored;
    struct origin origin = {0};
    if (origin_of(url, &origin, &ignored) < 0)
        return;
    size_t i = find(origins, &origin);
    if (i == origins->count)
        return;
    origins->current = i;
    origins->failed = 0;
}
