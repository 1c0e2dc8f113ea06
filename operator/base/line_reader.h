#pragma once

/* Cuts a byte stream into lines: any chunking, any bytes, one copy, a bound on the length. */

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

struct line_reader {
    struct strbuf pending; /* an unfinished line */
    size_t max;
    bool given; /* `pending` was returned */
};

/* A line longer than `max` bytes is an error. */
void line_reader_init(struct line_reader *reader, size_t max);
void line_reader_fini(struct line_reader *reader);
/* The next whole line, without its end; consumes from *bytes. 1: *ret_line holds one, valid until the next call; call
 * again. 0: more bytes are needed. -1: too long, nothing more can be read. */
int line_reader_next(struct line_reader *reader, const char **bytes, size_t *length, const char **ret_line,
                     size_t *ret_length);
