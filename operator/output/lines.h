#pragma once

/* A byte stream seen as lines, for looking at a copy of them: any bytes, any length, constant memory. Of each line the
 * first LINES_WINDOW bytes are shown. A carriage return ends a line too (progress bars). */

#include <stdbool.h>
#include <stddef.h>

enum { LINES_WINDOW = 4096 };

typedef void (*lines_each)(void *context, const char *line, size_t length);

struct lines {
    lines_each each; /* called with each line that is not empty; not terminated */
    void *context;
    size_t length; /* of the line that has begun, within the window */
    bool shown;    /* its window was full and has been passed on: skip to its end */
    char window[LINES_WINDOW];
};

void lines_add(struct lines *lines, const char *bytes, size_t length);
void lines_end(struct lines *lines); /* the last line may lack its newline */
