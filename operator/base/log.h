#pragma once

/* One JSON object a line on standard error: {"ts":…,"level":…,"logger":…,"msg":…, and the fields}. Libraries below
 * controller/ do not log above debug: they return errors. Secrets never reach a log call. Not thread-safe by design. */

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;  /* NULL ends the list */
    const char *value; /* NULL leaves the field out */
};

void log_set_level(enum log_level level);
int log_level_parse(const char *name, enum log_level *ret_level); /* -1 when it is none */
bool log_enabled(enum log_level level);

/* Same call site and text more than 10 times in 10 s: the rest is counted and said once ("suppressed"). */
void log_write(enum log_level level, const char *logger, const struct log_field *fields, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* log_info("controller", "created pod", {"pod", name}, {"run", run}) */
#define LOG_FIELDS(...)             ((const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(logger, msg, ...) log_write(LOG_DEBUG, logger, LOG_FIELDS(__VA_ARGS__), "%s", msg)
#define log_info(logger, msg, ...)  log_write(LOG_INFO, logger, LOG_FIELDS(__VA_ARGS__), "%s", msg)
#define log_warn(logger, msg, ...)  log_write(LOG_WARN, logger, LOG_FIELDS(__VA_ARGS__), "%s", msg)
#define log_error(logger, msg, ...) log_write(LOG_ERROR, logger, LOG_FIELDS(__VA_ARGS__), "%s", msg)
