/* See http_response.h. Called again from the start whenever bytes came: heads are small and chunk heads few, and there
 * is no state that could be wrong. Refuses what RFC 9112 calls a broken message instead of guessing. */

#include "launcher/http_response.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_MAX = 1 << 30, CHUNK_LINE_MAX = 256 };

struct head {
    size_t size;         /* with the blank line */
    long content_length; /* -1: not given */
    bool chunked;
};

static int broken(struct error *err, const char *what) {
    return error_set(err, ERROR_TRANSIENT, "not a valid HTTP answer: %s", what);
}

static int parse_length(const char *text, size_t size, long *ret) {
    long value = 0;
    if (size == 0)
        return -1;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]) || value > LENGTH_MAX / 10)
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    *ret = value;
    return 0;
}

static void keep_location(struct http_response *response, const char *value, size_t size) {
    if (size < sizeof response->location) {
        memcpy(response->location, value, size);
        response->location[size] = '\0';
    }
}

static int parse_field(const char *line, size_t size, struct head *head, struct http_response *response,
                       struct error *err) {
    const char *colon = memchr(line, ':', size);
    if (!colon || colon == line || isspace((unsigned char)colon[-1]))
        return broken(err, "a header line without a name");
    size_t name = (size_t)(colon - line);
    const char *value = colon + 1, *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t length = (size_t)(end - value);
    if (name == 14 && strncasecmp(line, "Content-Length", name) == 0) {
        long given = 0;
        if (parse_length(value, length, &given) < 0 || (head->content_length >= 0 && head->content_length != given))
            return broken(err, "Content-Length");
        head->content_length = given;
    } else if (name == 17 && strncasecmp(line, "Transfer-Encoding", name) == 0) {
        if (length != 7 || strncasecmp(value, "chunked", 7) != 0)
            return broken(err, "a Transfer-Encoding that was not asked for");
        head->chunked = true;
    } else if (name == 8 && strncasecmp(line, "Location", name) == 0) {
        keep_location(response, value, length);
    } else if (name == 7 && strncasecmp(line, "Refresh", name) == 0) {
        const char *url = memmem(value, length, "url=", 4);
        if (url)
            keep_location(response, url + 4, (size_t)(end - url - 4));
    }
    return 0;
}

/* "HTTP/1.x NNN …" */
static int parse_status(const char *line, size_t size, int *ret) {
    if (size < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)line[7]) || line[8] != ' ')
        return -1;
    for (size_t i = 9; i < 12; i++)
        if (!isdigit((unsigned char)line[i]))
            return -1;
    *ret = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return *ret >= 100 && (size == 12 || line[12] == ' ') ? 0 : -1;
}

static int parse_head(const char *data, size_t length, struct head *head, struct http_response *response,
                      struct error *err) {
    const char *blank = memmem(data, length < HTTP_HEAD_MAX ? length : HTTP_HEAD_MAX, "\r\n\r\n", 4);
    if (!blank) {
        if (length >= HTTP_HEAD_MAX)
            return broken(err, "its head has no end");
        int status = 0; /* so that a peer that speaks something else is found out at once */
        if (length >= 12 && parse_status(data, 12, &status) < 0)
            return broken(err, "it does not begin with HTTP/1.");
        return 0;
    }
    if (memchr(data, '\0', (size_t)(blank - data)))
        return broken(err, "a NUL in its head");
    *head = (struct head){.size = (size_t)(blank - data) + 4, .content_length = -1};
    const char *line = data;
    for (bool first = true; line < blank; first = false) {
        const char *end = memmem(line, (size_t)(blank + 2 - line), "\r\n", 2);
        size_t size = (size_t)(end - line);
        if (first ? parse_status(line, size, &response->status) < 0 : parse_field(line, size, head, response, err) < 0)
            return first ? broken(err, "its first line") : -1;
        line = end + 2;
    }
    return 1;
}

/* Size of the chunk whose head begins at `at`. 1, 0 when more is needed, -1. */
static int chunk_head(const char *data, size_t length, size_t *at, size_t *ret_size) {
    size_t left = length - *at;
    const char *end = memmem(data + *at, left < CHUNK_LINE_MAX ? left : CHUNK_LINE_MAX, "\r\n", 2);
    if (!end)
        return left >= CHUNK_LINE_MAX ? -1 : 0;
    size_t size = 0, digits = 0;
    for (const char *p = data + *at; p < end && isxdigit((unsigned char)*p); p++, digits++)
        size = size * 16 + (size_t)(isdigit((unsigned char)*p) ? *p - '0' : tolower((unsigned char)*p) - 'a' + 10);
    const char *rest = data + *at + digits;
    if (digits == 0 || digits > 7 || (rest < end && *rest != ';' && *rest != ' '))
        return -1;
    *ret_size = size;
    *at = (size_t)(end - data) + 2;
    return 1;
}

/* Walks the chunks; with `join` their bytes are moved together. Returns as http_response_parse(). */
static int walk_chunks(char *data, size_t length, bool join, size_t *ret_length) {
    size_t at = 0, joined = 0, size = 0;
    for (;;) {
        int found = chunk_head(data, length, &at, &size);
        if (found <= 0)
            return found;
        if (size == 0)
            break;
        if (length - at < size + 2)
            return 0;
        if (memcmp(data + at + size, "\r\n", 2) != 0)
            return -1;
        if (join)
            memmove(data + joined, data + at, size);
        joined += size;
        at += size + 2;
    }
    /* trailers, if any, end with a blank line */
    if (!(length - at >= 2 && memcmp(data + at, "\r\n", 2) == 0) && !memmem(data + at, length - at, "\r\n\r\n", 4))
        return 0;
    *ret_length = joined;
    return 1;
}

static int parse_chunked(struct http_response *response, struct error *err) {
    size_t joined = 0;
    int found = walk_chunks(response->body, response->length, false, &joined);
    if (found < 0)
        return broken(err, "a chunk");
    if (found == 0)
        return 0;
    walk_chunks(response->body, response->length, true, &response->length);
    return 1;
}

int http_response_parse(char *data, size_t length, bool eof, struct http_response *ret_response, struct error *err) {
    struct head head = {0};
    struct http_response response = {0};
    int found;
    for (;;) { /* 1xx answers come before the real one */
        found = parse_head(data, length, &head, &response, err);
        if (found <= 0 || response.status >= 200)
            break;
        data += head.size;
        length -= head.size;
        response = (struct http_response){0};
    }
    if (found > 0) {
        response.body = data + head.size;
        response.length = length - head.size;
        if (response.status == 204 || response.status == 304)
            response.length = 0;
        else if (head.chunked)
            found = parse_chunked(&response, err);
        else if (head.content_length >= 0)
            found = response.length >= (size_t)head.content_length;
        else
            found = eof;
        if (found > 0 && head.content_length >= 0 && !head.chunked && response.length > (size_t)head.content_length)
            response.length = (size_t)head.content_length;
    }
    if (found == 0 && eof)
        return error_set(err, ERROR_TRANSIENT, "connection closed in the middle of the answer");
    if (found > 0) {
        response.body[response.length] = '\0';
        *ret_response = response;
    }
    return found;
}
