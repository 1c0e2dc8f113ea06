/* See yaml_scalar.h. Pure. The C locale's number syntax is relied on only after the text was checked here. */

#include "base/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool one_of(const char *text, const char *const *words) {
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static size_t skip_digits(const char *text, size_t at) {
    while (text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

enum shape { SHAPE_TEXT, SHAPE_INTEGER, SHAPE_OCTAL, SHAPE_HEX, SHAPE_REAL };

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   and 0o17, 0x1F without a sign */
static enum shape shape_of(const char *text) {
    if (text[0] == '0' && text[1] == 'o' && text[2] != '\0' && strspn(text + 2, "01234567") == strlen(text + 2))
        return SHAPE_OCTAL;
    if (text[0] == '0' && text[1] == 'x' && text[2] != '\0' &&
        strspn(text + 2, "0123456789abcdefABCDEF") == strlen(text + 2))
        return SHAPE_HEX;
    size_t begin = text[0] == '-' || text[0] == '+';
    size_t at = skip_digits(text, begin);
    size_t digits = at - begin;
    if (digits > 0 && text[at] == '\0')
        return SHAPE_INTEGER;
    if (text[at] == '.') {
        size_t end = skip_digits(text, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits == 0)
        return SHAPE_TEXT;
    if (text[at] == 'e' || text[at] == 'E') {
        at++;
        at += text[at] == '-' || text[at] == '+';
        size_t end = skip_digits(text, at);
        if (end == at)
            return SHAPE_TEXT;
        at = end;
    }
    return text[at] == '\0' ? SHAPE_REAL : SHAPE_TEXT;
}

static int too_large(const char *text, struct error *err) {
    return error_set(err, ERROR_INVALID, "a number too large to keep (put it in quotes if it is text): %s", text);
}

static int take_unsigned(yyjson_mut_doc *doc, const char *text, const char *digits, int base,
                         yyjson_mut_val **ret_value, struct error *err) {
    errno = 0;
    unsigned long long number = strtoull(digits, NULL, base);
    if (errno != 0)
        return too_large(text, err);
    *ret_value = yyjson_mut_uint(doc, number);
    return 0;
}

static int take_integer(yyjson_mut_doc *doc, const char *text, yyjson_mut_val **ret_value, struct error *err) {
    bool negative = text[0] == '-';
    const char *digits = text + (negative || text[0] == '+');
    if (digits[0] == '0' && digits[1] != '\0')
        return error_set(err, ERROR_INVALID,
                         "%s is read as octal by some and as decimal by others: "
                         "write it in decimal without the zero, or in quotes",
                         text);
    if (!negative)
        return take_unsigned(doc, text, digits, 10, ret_value, err);
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno != 0)
        return too_large(text, err);
    *ret_value = yyjson_mut_sint(doc, number);
    return 0;
}

static int take_real(yyjson_mut_doc *doc, const char *text, yyjson_mut_val **ret_value, struct error *err) {
    double number = strtod(text, NULL);
    if (isinf(number))
        return too_large(text, err);
    *ret_value = yyjson_mut_real(doc, number);
    return 0;
}

int yaml_scalar(yyjson_mut_doc *doc, const char *text, size_t length, yyjson_mut_val **ret_value, struct error *err) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truths[] = {"true", "True", "TRUE", NULL};
    static const char *const lies[] = {"false", "False", "FALSE", NULL};
    static const char *const no_numbers[] = {".inf",  ".Inf",  ".INF", "-.inf", "-.Inf", "-.INF", "+.inf",
                                             "+.Inf", "+.INF", ".nan", ".NaN",  ".NAN",  NULL};
    enum shape shape = strlen(text) == length ? shape_of(text) : SHAPE_TEXT;
    if (one_of(text, no_numbers))
        return error_set(err, ERROR_INVALID, "%s is no number that JSON knows", text);
    switch (shape) {
    case SHAPE_INTEGER: return take_integer(doc, text, ret_value, err);
    case SHAPE_OCTAL: return take_unsigned(doc, text, text + 2, 8, ret_value, err);
    case SHAPE_HEX: return take_unsigned(doc, text, text + 2, 16, ret_value, err);
    case SHAPE_REAL: return take_real(doc, text, ret_value, err);
    case SHAPE_TEXT: break;
    }
    if (one_of(text, nulls))
        *ret_value = yyjson_mut_null(doc);
    else if (one_of(text, truths) || one_of(text, lies))
        *ret_value = yyjson_mut_bool(doc, one_of(text, truths));
    else
        *ret_value = yyjson_mut_strncpy(doc, text, length);
    return 0;
}
