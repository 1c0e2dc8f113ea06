#pragma once

/* The line of a job's output that tells a person best why it failed: the last exception, the last line of a traceback,
 * a launch error, else an error line, else the last line. Constant memory; looks at every line of both streams. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TELLING_TEXT_MAX = 300 };
enum telling_stream { TELLING_STDOUT, TELLING_STDERR, TELLING_STREAMS };

enum telling_rank {
    TELLING_NONE,
    TELLING_LAST,      /* nothing but the last line */
    TELLING_COMPLAINT, /* a log line of level ERROR, "No such file", … */
    TELLING_ERROR,     /* "Error: …", "Exception in thread …" */
    TELLING_EXCEPTION, /* the line that names the exception, unless a log line brought it up */
    TELLING_TRACEBACK, /* the last line of a Python traceback: the driver's own words */
    TELLING_SPECIFIC,  /* says what is wrong with the job as it was submitted */
};

struct telling_text {
    enum telling_rank rank;
    uint64_t line; /* when it was seen, in lines */
    char text[TELLING_TEXT_MAX];
};

struct telling {
    struct telling_text best, job; /* job: "Task failed task_…" of MapReduce */
    struct telling_text last[TELLING_STREAMS];
    bool in_traceback[TELLING_STREAMS];
    bool in_log[TELLING_STREAMS]; /* what follows a log line belongs to it: more often noise than the cause */
    uint64_t lines;
};

void telling_init(void); /* before the first line: builds the search table */
void telling_line(struct telling *telling, enum telling_stream stream, const char *line, size_t length);
const char *telling_best(const struct telling *telling); /* "" when nothing was said */

/* The same choice among the lines of one text (YARN's diagnostics), into `out` of TELLING_TEXT_MAX bytes. */
void telling_choose(const char *text, char out[TELLING_TEXT_MAX]);
