/* See lines.h. Pure. What has been searched for an end is not searched again: a long line in small pieces costs O(n).
 */

#include "kube/lines.h"

#include <string.h>

void lines_init(struct lines *lines, size_t max) {
    *lines = (struct lines){.max = max};
}

void lines_fini(struct lines *lines) {
    strbuf_fini(&lines->pending);
}

int lines_next(struct lines *lines, const char **bytes, size_t *length, const char **ret_line, size_t *ret_length) {
    if (lines->given) { /* the caller is done with it */
        strbuf_reset(&lines->pending);
        lines->given = false;
    }
    const char *end = *length == 0 ? NULL : memchr(*bytes, '\n', *length);
    size_t part = end == NULL ? *length : (size_t)(end - *bytes);
    if (lines->pending.length + part > lines->max)
        return -1;
    *ret_line = *bytes;
    *ret_length = part;
    if (end == NULL || lines->pending.length > 0) {
        strbuf_add(&lines->pending, *bytes, part);
        if (strbuf_failed(&lines->pending))
            return -1;
        *ret_line = strbuf_text(&lines->pending);
        *ret_length = lines->pending.length;
        lines->given = end != NULL;
    }
    size_t used = end == NULL ? part : part + 1;
    *bytes += used;
    *length -= used;
    return end != NULL;
}
