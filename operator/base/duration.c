/* The durations of clock.h. Parsed in nanoseconds, as Go does, so that what the API server's rules accept and what we
 * accept is the same; kept in milliseconds. Pure. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    /* a name before the names that it begins with */
    {"ns", 1},
    {"us", 1000},
    {"\xC2\xB5s", 1000}, /* U+00B5, the micro sign */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * INT64_C(1000000000)},
    {"h", 3600 * INT64_C(1000000000)},
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const struct unit *take_unit(const char **at) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*at, units[i].name, length) == 0) {
            *at += length;
            return &units[i];
        }
    }
    return NULL;
}

/* One "1.5h" added to the sum. False when it is malformed or too long (Go's limit: 2^63 ns, 292 years). */
static bool take_part(const char **at, int64_t *sum) {
    int64_t whole = 0;
    if (!is_digit(**at))
        return false;
    for (; is_digit(**at); (*at)++)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, **at - '0', &whole))
            return false;
    double fraction = 0;
    if (**at == '.') {
        (*at)++;
        if (!is_digit(**at))
            return false;
        for (double weight = 0.1; is_digit(**at); (*at)++, weight /= 10)
            fraction += (**at - '0') * weight;
    }
    const struct unit *unit = take_unit(at);
    if (unit == NULL || __builtin_mul_overflow(whole, unit->ns, &whole))
        return false;
    int64_t part = (int64_t)(fraction * (double)unit->ns + 0.5);
    return !__builtin_add_overflow(*sum, whole, sum) && !__builtin_add_overflow(*sum, part, sum);
}

int duration_parse(const char *text, int64_t *ret_ms, struct error *err) {
    int64_t ns = 0;
    const char *at = text;
    bool sound = *at != '\0';
    if (strcmp(text, "0") != 0)
        while (sound && *at != '\0')
            sound = take_part(&at, &ns);
    if (!sound)
        return error_set(err, ERROR_INVALID, "not a duration such as 90s, 5m or 1h30m: \"%s\"", text);
    *ret_ms = ns / 1000000 + (ns % 1000000 != 0);
    return 0;
}

void duration_format(int64_t ms, char text[CLOCK_TEXT_MAX]) {
    const char *sign = ms < 0 ? "-" : "";
    uint64_t length = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    uint64_t seconds = length / 1000;
    if (length == 0)
        snprintf(text, CLOCK_TEXT_MAX, "0s");
    else if (length < 1000)
        snprintf(text, CLOCK_TEXT_MAX, "%s%ums", sign, (unsigned)length);
    else if (seconds < 60 && length % 1000 >= 100)
        snprintf(text, CLOCK_TEXT_MAX, "%s%u.%us", sign, (unsigned)seconds, (unsigned)(length / 100 % 10));
    else if (seconds < 60)
        snprintf(text, CLOCK_TEXT_MAX, "%s%us", sign, (unsigned)seconds);
    else if (seconds < 3600)
        snprintf(text, CLOCK_TEXT_MAX, "%s%um%02us", sign, (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    else
        snprintf(text, CLOCK_TEXT_MAX, "%s%lluh%02um", sign, (unsigned long long)(seconds / 3600),
                 (unsigned)(seconds / 60 % 60));
}
