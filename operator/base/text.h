#pragma once

/* Small text helpers, and the two list shapes that decoded specs are made of (arena-owned, immutable). */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct strings {
    const char **items;
    size_t count;
};

struct pair {
    const char *name;
    const char *value;
};

struct pairs { /* insertion order */
    struct pair *items;
    size_t count;
};

bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_empty(const char *text);             /* NULL or "" */
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
bool strings_contain(const struct strings *list, const char *text);
const char *strings_join(const struct strings *list, const char *separator, struct arena *arena);

/* Bytes of the UTF-8 character at the beginning, 1 to 4; 0 when there is none (RFC 3629). */
size_t text_utf8(const char *bytes, size_t length);

/* Bytes from outside made fit for an API object: valid UTF-8, no control characters (newline and tab become a space,
 * others vanish), at most `max` bytes, cut at a character boundary with "..." when longer. */
char *text_clean(const char *bytes, size_t length, size_t max, struct arena *arena);

/* The candidate most like `word` by edit distance, or NULL when none is near (more than a third of it differs). */
const char *text_nearest(const char *word, const struct strings *candidates);
