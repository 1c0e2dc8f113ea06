/* See text.h. Pure. Never looks at the locale: a character is a UTF-8 sequence, a control one is C0, DEL or C1. */

#include "base/text.h"

#include <string.h>

bool text_equal(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool text_empty(const char *text) {
    return text == NULL || text[0] == '\0';
}

bool text_starts_with(const char *text, const char *prefix) {
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix) {
    if (text == NULL)
        return false;
    size_t length = strlen(text);
    size_t end = strlen(suffix);
    return length >= end && strcmp(text + length - end, suffix) == 0;
}

bool strings_contain(const struct strings *list, const char *text) {
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->items[i], text))
            return true;
    return false;
}

const char *strings_join(const struct strings *list, const char *separator, struct arena *arena) {
    size_t gap = strlen(separator);
    size_t length = 0;
    for (size_t i = 0; i < list->count; i++)
        length += strlen(list->items[i]) + (i > 0 ? gap : 0);
    char *text = arena_alloc(arena, length + 1);
    char *at = text;
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            at = mempcpy(at, separator, gap);
        at = mempcpy(at, list->items[i], strlen(list->items[i]));
    }
    return text;
}

/* Width by first byte, and the range of the second byte: RFC 3629, section 4 (no overlong forms, no surrogates). */
size_t text_utf8(const char *bytes, size_t length) {
    const unsigned char *at = (const unsigned char *)bytes;
    if (length == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    size_t width = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4 || length < width)
        return 0;
    unsigned char low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < width; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return width;
}

static bool is_control(const char *at, size_t width) {
    unsigned char first = (unsigned char)at[0];
    return first < 0x20 || first == 0x7F || (width == 2 && first == 0xC2 && (unsigned char)at[1] < 0xA0);
}

/* The next character to write for the input at `at`; its width may be 0 (left out). Returns the bytes read. */
static size_t clean_one(const char *at, size_t length, const char **ret_piece, size_t *ret_width) {
    size_t width = text_utf8(at, length);
    if (width == 0) {
        *ret_piece = "\xEF\xBF\xBD"; /* U+FFFD */
        *ret_width = 3;
        return 1;
    }
    bool space = at[0] == '\n' || at[0] == '\t';
    *ret_piece = space ? " " : at;
    *ret_width = !space && is_control(at, width) ? 0 : width;
    return width;
}

char *text_clean(const char *bytes, size_t length, size_t max, struct arena *arena) {
    size_t room = length < max / 3 ? length * 3 : max;
    size_t dots = max < 3 ? 0 : 3;
    char *text = arena_alloc(arena, room + 1);
    size_t used = 0;
    size_t cut = 0; /* the longest whole beginning that leaves room for the dots */
    for (size_t i = 0; i < length;) {
        const char *piece = NULL;
        size_t width = 0;
        i += clean_one(bytes + i, length - i, &piece, &width);
        if (used + width > max) {
            memcpy(text + cut, "...", dots);
            text[cut + dots] = '\0';
            return text;
        }
        if (width > 0)
            memcpy(text + used, piece, width);
        used += width;
        if (used + dots <= max)
            cut = used;
    }
    text[used] = '\0';
    return text;
}

enum { NEAREST_MAX = 63 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap neighbours) from a to b; both at most NEAREST_MAX bytes. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], second[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *text_nearest(const char *word, const struct strings *candidates) {
    size_t length = strlen(word);
    const char *best = NULL;
    size_t best_edits = length / 3 + 1;
    if (length > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        size_t other = strlen(candidates->items[i]);
        if (other > NEAREST_MAX)
            continue;
        size_t edits = distance(word, length, candidates->items[i], other);
        if (edits < best_edits) {
            best = candidates->items[i];
            best_edits = edits;
        }
    }
    return best;
}
