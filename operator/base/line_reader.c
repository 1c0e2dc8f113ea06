/* See line_reader.h. Pure. What has been searched for an end is not searched again: a long line in small pieces costs
 * O(n).
 */

#include "base/line_reader.h"

#include <string.h>

void line_reader_init(struct line_reader *reader, size_t max) {
    *reader = (struct line_reader){.max = max};
}

void line_reader_fini(struct line_reader *reader) {
    strbuf_fini(&reader->pending);
}

int line_reader_next(struct line_reader *reader, const char **bytes, size_t *length, const char **ret_line,
                     size_t *ret_length) {
    if (reader->given) { /* the caller is done with it */
        strbuf_reset(&reader->pending);
        reader->given = false;
    }
    const char *end = *length == 0 ? NULL : memchr(*bytes, '\n', *length);
    size_t part = end == NULL ? *length : (size_t)(end - *bytes);
    if (reader->pending.length + part > reader->max)
        return -1;
    *ret_line = *bytes;
    *ret_length = part;
    if (end == NULL || reader->pending.length > 0) {
        strbuf_add(&reader->pending, *bytes, part);
        if (strbuf_failed(&reader->pending))
            return -1;
        *ret_line = strbuf_text(&reader->pending);
        *ret_length = reader->pending.length;
        reader->given = end != NULL;
    }
    size_t used = end == NULL ? part : part + 1;
    *bytes += used;
    *length -= used;
    return end != NULL;
}
