/* See lines.h. Whole lines inside one piece are passed on where they are; only a line that spans pieces is copied. */

#include "output/lines.h"

#include <string.h>

static void show(struct lines *lines, const char *line, size_t length) {
    if (length > 0)
        lines->each(lines->context, line, length < LINES_WINDOW ? length : LINES_WINDOW);
}

static void keep(struct lines *lines, const char *bytes, size_t length) {
    size_t room = LINES_WINDOW - lines->length;
    if (lines->shown)
        return;
    size_t take = length < room ? length : room;
    memcpy(lines->window + lines->length, bytes, take);
    lines->length += take;
    if (lines->length == LINES_WINDOW) { /* do not make a person wait for the end of an endless line */
        show(lines, lines->window, lines->length);
        lines->shown = true;
    }
}

void lines_end(struct lines *lines) {
    if (!lines->shown)
        show(lines, lines->window, lines->length);
    lines->length = 0;
    lines->shown = false;
}

void lines_add(struct lines *lines, const char *bytes, size_t length) {
    const char *end = bytes + length;
    const char *newline = memchr(bytes, '\n', length), *carriage = memchr(bytes, '\r', length);
    while (newline || carriage) {
        const char *stop = !newline || (carriage && carriage < newline) ? carriage : newline;
        size_t size = (size_t)(stop - bytes);
        if (lines->length == 0 && !lines->shown) {
            show(lines, bytes, size);
        } else {
            keep(lines, bytes, size);
            lines_end(lines);
        }
        bytes = stop + 1;
        if (stop == newline)
            newline = memchr(bytes, '\n', (size_t)(end - bytes));
        else
            carriage = memchr(bytes, '\r', (size_t)(end - bytes));
    }
    if (bytes < end)
        keep(lines, bytes, (size_t)(end - bytes));
}
