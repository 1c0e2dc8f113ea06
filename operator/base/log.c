/* See log.h. A line is put together first and written by one write(2), so that lines of two processes do not mix.
 * Relies on the clocks for the time of the line and of the limit. Never blocks on anything but standard error, never
 * fails: a line that cannot be written is lost. */

#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/strbuf.h"

enum { LINE_MAX_BYTES = 16 * 1024, TEXT_MAX = 1024, LIMIT_LINES = 10, LIMIT_MS = 10000, LIMIT_SLOTS = 256 };

/* How often a text was said in its current window. Texts that share a slot push each other out: the limit is then
 * missed, which costs lines and nothing else. */
struct window {
    uint64_t text; /* hash; 0: free */
    int64_t begun_at;
    unsigned lines;
    unsigned suppressed;
};

static const char *const names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
static enum log_level lowest = LOG_INFO;
static struct window windows[LIMIT_SLOTS];

void log_set_level(enum log_level level) {
    lowest = level;
}

int log_level_parse(const char *name, enum log_level *ret_level) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

bool log_enabled(enum log_level level) {
    return level >= lowest;
}

static void add_member(struct strbuf *line, const char *name, const char *value) {
    if (line->length > 1)
        strbuf_putc(line, ',');
    json_quote(line, name, strlen(name));
    strbuf_putc(line, ':');
    json_quote(line, value, strlen(value));
}

/* A field that does not fit is left out, so that the line stays JSON. */
static void add_fields(struct strbuf *line, const struct log_field *fields) {
    for (; fields != NULL && fields->name != NULL; fields++) {
        if (fields->value == NULL)
            continue;
        size_t before = line->length;
        add_member(line, fields->name, fields->value);
        if (strbuf_failed(line))
            strbuf_cut(line, before);
    }
}

static void write_line(enum log_level level, const char *logger, const struct log_field *fields, const char *text) {
    char now[CLOCK_TEXT_MAX];
    clock_format_micro(clock_wall_ms() * 1000, now);
    AUTO_STRBUF line = STRBUF_MAX(LINE_MAX_BYTES);
    strbuf_putc(&line, '{');
    add_member(&line, "ts", now);
    add_member(&line, "level", names[level]);
    add_member(&line, "logger", logger);
    add_member(&line, "msg", text);
    line.max -= 2;
    add_fields(&line, fields);
    line.max += 2;
    strbuf_puts(&line, "}\n");
    ssize_t ignored = write(STDERR_FILENO, strbuf_text(&line), line.length);
    (void)ignored;
}

static void say_suppressed(enum log_level level, const char *logger, const char *text, unsigned count) {
    char number[16];
    snprintf(number, sizeof number, "%u", count);
    write_line(level, logger, (const struct log_field[]){{"suppressed", number}, {0}}, text);
}

/* May this text be said now? When its window is over, what was held back in it is said as a number. */
static bool admit(enum log_level level, const char *logger, const char *text) {
    uint64_t hash = hash_text(hash_text(hash_add(HASH_INIT, &level, sizeof level), logger), text) | 1;
    struct window *window = &windows[(hash >> 1) % LIMIT_SLOTS];
    int64_t now = clock_boot_ms();
    if (window->text != hash || now - window->begun_at >= LIMIT_MS) {
        if (window->text == hash && window->suppressed > 0)
            say_suppressed(level, logger, text, window->suppressed);
        *window = (struct window){.text = hash, .begun_at = now};
    }
    if (window->lines < LIMIT_LINES) {
        window->lines++;
        return true;
    }
    window->suppressed++;
    return false;
}

void log_write(enum log_level level, const char *logger, const struct log_field *fields, const char *format, ...) {
    if (!log_enabled(level))
        return;
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (admit(level, logger, text))
        write_line(level, logger, fields, text);
}
