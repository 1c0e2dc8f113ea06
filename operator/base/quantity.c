/* See quantity.h: a number that is not negative, then a suffix or an exponent. Pure. Never looks at the locale. */

#include "base/quantity.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *suffix;
    double factor;
} units[] = {{"", 1},        {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50},
             {"Ei", 0x1p60}, {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},    {"k", 1e3},     {"M", 1e6},
             {"G", 1e9},     {"T", 1e12},    {"P", 1e15},    {"E", 1e18}};

/* Reads digits, each worth `worth` times what the next one to the left is; returns how many there are. */
static size_t read_digits(const char *text, bool fraction, double *value) {
    double worth = 1;
    size_t count = 0;
    for (; text[count] >= '0' && text[count] <= '9'; count++) {
        worth /= 10;
        *value = fraction ? *value + (text[count] - '0') * worth : *value * 10 + (text[count] - '0');
    }
    return count;
}

/* "e3", "E-3" */
static bool read_exponent(const char *text, double *factor) {
    double exponent = 0;
    if (*text != 'e' && *text != 'E')
        return false;
    text++;
    bool negative = *text == '-';
    text += *text == '+' || *text == '-';
    size_t digits = read_digits(text, false, &exponent);
    if (digits == 0 || text[digits] != '\0')
        return false;
    *factor = 1;
    for (int i = 0; i < 400 && i < exponent; i++) /* beyond is infinite, or nothing */
        *factor = negative ? *factor / 10 : *factor * 10;
    return true;
}

bool quantity_parse(const char *text, double *ret_value) {
    double value = 0;
    double factor = 0;
    text += *text == '+';
    size_t whole = read_digits(text, false, &value);
    size_t fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = read_digits(text + 1, true, &value);
        text += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    size_t i = 0;
    while (i < sizeof units / sizeof *units && strcmp(text, units[i].suffix) != 0)
        i++;
    if (i < sizeof units / sizeof *units)
        factor = units[i].factor;
    else if (!read_exponent(text, &factor))
        return false;
    if (ret_value != NULL)
        *ret_value = value * factor;
    return true;
}
