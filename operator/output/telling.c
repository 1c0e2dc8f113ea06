/* See telling.h. A table of literals that complaints contain (found in one pass, needles.c) says what rank a line has
 * and where its telling part begins; Python's tracebacks are followed line by line, since their last line may have any
 * name. A better rank wins, among equals the later line; what lies far back gives way to anything. */

#include "output/telling.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/needles.h"

enum { FAR_BACK = 400 }; /* lines; a warning's stack trace in the middle of a job is not why it failed in the end */

enum place {
    AT_START,    /* the line begins with it */
    ANYWHERE,    /* the part after it tells */
    OF_LOG,      /* as ANYWHERE, and what follows the line belongs to it */
    WHOLE_LINE,  /* anywhere, and the whole line tells */
    CLASS_NAME,  /* ends the class name that the line begins with */
    JOB_VERDICT, /* the part after it goes to telling->job */
    IGNORE,      /* the line says nothing */
    LOG_LINE,    /* as IGNORE, and what follows belongs to it */
};

static const struct complaint {
    const char *literal;
    enum place place;
    enum telling_rank rank;
} complaints[] = {
    /* hadoop: streaming/StreamJob.java, util/RunJar.java, util/ProgramDriver.java */
    {"Error Launching job : ", ANYWHERE, TELLING_SPECIFIC},
    {"JAR does not exist or is not a normal file: ", WHOLE_LINE, TELLING_SPECIFIC},
    {"Unknown program '", WHOLE_LINE, TELLING_SPECIFIC},
    {"Job not successful!", IGNORE, TELLING_NONE},
    {"Streaming Command Failed!", IGNORE, TELLING_NONE},
    {" INFO ", LOG_LINE, TELLING_NONE},
    {" WARN ", LOG_LINE, TELLING_NONE},
    {"\"level\":\"INFO\"", IGNORE, TELLING_NONE},
    {"\"level\":\"WARN\"", IGNORE, TELLING_NONE},
    {"WARNING: Using incubator modules: ", IGNORE, TELLING_NONE},
    {" failed with state FAILED due to: ", JOB_VERDICT, TELLING_COMPLAINT},
    {" failed with state KILLED due to: ", JOB_VERDICT, TELLING_COMPLAINT},
    /* spark: deploy/SparkSubmit.scala */
    {"Error: Failed to load class ", WHOLE_LINE, TELLING_SPECIFIC},
    {"Application diagnostics message: ", ANYWHERE, TELLING_COMPLAINT},
    /* java and python */
    {"Caused by: ", AT_START, TELLING_EXCEPTION},
    {"Exception", CLASS_NAME, TELLING_EXCEPTION},
    {"Error", CLASS_NAME, TELLING_EXCEPTION},
    {"Py4JJavaError: ", WHOLE_LINE, TELLING_ERROR}, /* never the cause */
    {"Exception in thread \"", AT_START, TELLING_ERROR},
    {"Exception in thread \"main\" ", AT_START, TELLING_EXCEPTION},
    {"Error: ", AT_START, TELLING_ERROR},
    {"ERROR: ", AT_START, TELLING_ERROR},
    /* log lines */
    {" ERROR ", OF_LOG, TELLING_COMPLAINT},
    {" FATAL ", OF_LOG, TELLING_COMPLAINT},
    {"\"level\":\"ERROR\",\"msg\":\"", ANYWHERE, TELLING_COMPLAINT},
    /* shells, loaders and tools */
    {": command not found", WHOLE_LINE, TELLING_COMPLAINT},
    {"No such file or directory", WHOLE_LINE, TELLING_COMPLAINT},
    {"Permission denied", WHOLE_LINE, TELLING_COMPLAINT},
    {"can't open file", WHOLE_LINE, TELLING_COMPLAINT},
};
enum { COMPLAINTS = sizeof complaints / sizeof complaints[0] };

static struct needles needles;

void telling_init(void) {
    if (needles.count)
        return;
    for (size_t i = 0; i < COMPLAINTS; i++)
        if (needles_add(&needles, complaints[i].literal) != (int)i)
            abort();
    needles_build(&needles);
}

static bool starts(const char *at, const char *end, const char *prefix) {
    size_t length = strlen(prefix);
    return (size_t)(end - at) >= length && memcmp(at, prefix, length) == 0;
}

static bool is_name(int c) {
    return isalnum(c) || c == '_' || c == '$' || c == '.';
}

/* Behind the packages of "org.apache.spark.SparkException: …"; a person knows the class by its last name. */
static const char *skip_packages(const char *at, const char *end) {
    const char *start = at;
    for (const char *p = at; p < end && is_name((unsigned char)*p); p++) {
        if (*p == '.' && (islower((unsigned char)*start) || *start == '_')) {
            at = p + 1;
            start = at;
        }
    }
    return at < end && isupper((unsigned char)*at) ? at : start;
}

static void store(struct telling_text *slot, enum telling_rank rank, uint64_t line, const char *at, const char *end) {
    static const char thread[] = "Exception in thread \"";
    if (starts(at, end, thread)) {
        const char *quote = memchr(at + sizeof thread - 1, '"', (size_t)(end - at) - (sizeof thread - 1));
        at = quote && quote + 2 <= end ? quote + 2 : at;
    }
    at = starts(at, end, "Caused by: ") ? at + 11 : starts(at, end, "Error: ") ? at + 7 : at;
    if (rank >= TELLING_ERROR && rank <= TELLING_TRACEBACK)
        at = skip_packages(at, end);
    while (at < end && isspace((unsigned char)*at))
        at++;
    size_t length = (size_t)(end - at) < TELLING_TEXT_MAX - 1 ? (size_t)(end - at) : TELLING_TEXT_MAX - 1;
    if (length == 0)
        return;
    *slot = (struct telling_text){.rank = rank, .line = line};
    memcpy(slot->text, at, length);
    slot->text[length] = '\0';
}

static void offer(struct telling *telling, enum telling_rank rank, const char *at, const char *end) {
    if (telling->best.rank > rank && telling->lines - telling->best.line < FAR_BACK)
        return;
    store(&telling->best, rank, telling->lines, at, end);
}

struct look {
    struct telling *telling;
    enum telling_stream stream;
    const char *line, *end;
    const char *at; /* where the best so far begins */
    enum telling_rank rank;
    bool ignore;
    bool in_log; /* it is a line of a log */
};

/* Does a class name that the line begins with (perhaps behind "Error: " or ": ") end at `after`? */
static bool is_class_name(const struct look *look, const char *after, const char **ret_start) {
    const char *start = look->line;
    start = starts(start, look->end, "Caused by: ") ? start + 11
            : starts(start, look->end, "Error: ")   ? start + 7
            : starts(start, look->end, ": ")        ? start + 2
                                                    : start;
    for (const char *p = start; p < after; p++)
        if (!is_name((unsigned char)*p))
            return false;
    *ret_start = start;
    return after > start && (after == look->end || starts(after, look->end, ": "));
}

static void each_match(void *context, int needle, const char *after) {
    struct look *look = context;
    const struct complaint *complaint = &complaints[needle];
    const char *at = NULL, *begin = after - strlen(complaint->literal);
    switch (complaint->place) {
    case AT_START: at = begin == look->line ? look->line : NULL; break;
    case ANYWHERE: at = after; break;
    case OF_LOG:
        at = after;
        look->in_log = true;
        break;
    case WHOLE_LINE: at = look->line; break;
    case CLASS_NAME:
        if (!is_class_name(look, after, &at))
            at = NULL;
        break;
    case JOB_VERDICT:
        if (!starts(after, look->end, "NA")) /* LocalJobRunner's way of saying nothing */
            store(&look->telling->job, complaint->rank, look->telling->lines, after, look->end);
        break;
    case LOG_LINE: look->in_log = look->ignore = true; break;
    case IGNORE: look->ignore = true; break;
    }
    if (at && complaint->rank > look->rank) {
        look->at = at;
        look->rank = complaint->rank;
    }
}

/* True when the line is the last one of a Python traceback: the first that is not indented. */
static bool ends_traceback(bool *in_traceback, const char *line, const char *end) {
    static const char head[] = "Traceback (most recent call last):";
    if (end - line >= (long)sizeof head - 1 && memcmp(end - (sizeof head - 1), head, sizeof head - 1) == 0) {
        *in_traceback = true;
        return false;
    }
    if (!*in_traceback || isspace((unsigned char)*line))
        return false;
    *in_traceback = false;
    const char *p = line;
    while (p < end && is_name((unsigned char)*p))
        p++;
    return p > line && (p == end || starts(p, end, ": "));
}

/* A log line opens, and what a program prints by itself ends, the range where exceptions are a log's. */
static void note_log(struct telling *telling, const struct look *look, const char *line) {
    bool *in_log = &telling->in_log[look->stream];
    if (look->in_log)
        *in_log = true;
    else if (starts(line, look->end, "Traceback (") || starts(line, look->end, "Exception in thread \"main\""))
        *in_log = false;
}

void telling_line(struct telling *telling, enum telling_stream stream, const char *line, size_t length) {
    const char *end = line + length;
    telling->lines++;
    struct look look = {.telling = telling, .stream = stream, .line = line, .end = end};
    bool tail = ends_traceback(&telling->in_traceback[stream], line, end);
    needles_search(&needles, line, length, each_match, &look);
    note_log(telling, &look, line);
    if (look.ignore)
        return;
    if (tail && look.rank < TELLING_SPECIFIC &&
        !memmem(line, length, "Py4JJavaError", 13)) { /* the cause comes later */
        look.rank = TELLING_TRACEBACK;
        look.at = line;
    }
    if (telling->in_log[stream] && (look.rank == TELLING_EXCEPTION || look.rank == TELLING_TRACEBACK))
        look.rank = TELLING_ERROR;
    if (look.rank)
        offer(telling, look.rank, look.at, end);
    else if (!isspace((unsigned char)*line))
        store(&telling->last[stream], TELLING_LAST, telling->lines, line, end);
}

const char *telling_best(const struct telling *telling) {
    if (telling->best.rank)
        return telling->best.text;
    if (telling->last[TELLING_STDERR].rank)
        return telling->last[TELLING_STDERR].text;
    return telling->last[TELLING_STDOUT].text;
}

void telling_choose(const char *text, char out[TELLING_TEXT_MAX]) {
    struct telling telling = {0};
    struct telling_text first = {0};
    while (*text) {
        size_t length = strcspn(text, "\r\n");
        if (length) {
            telling_line(&telling, TELLING_STDERR, text, length);
            if (!first.rank)
                store(&first, TELLING_LAST, 1, text, text + length);
        }
        text += length + (text[length] != '\0');
    }
    snprintf(out, TELLING_TEXT_MAX, "%s", telling.best.rank ? telling.best.text : first.text);
}
