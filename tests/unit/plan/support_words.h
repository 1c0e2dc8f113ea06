#pragma once

/* A line of a transcript as words, and the values among them. Fatal when one is missing or makes no sense. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORDS_MAX = 16 };

struct words {
    char *items[WORDS_MAX];
    size_t count;
    const char *rest; /* after the first word and one blank */
};

const char *option(const struct words *words, const char *name); /* of the word "name=value"; NULL */
bool flag(const struct words *words, const char *name);
const char *word(const struct words *words, size_t index);
/* No-ops when there is no such option. */
void set_int(const struct words *words, const char *name, int64_t *value);
void set_duration(const struct words *words, const char *name, int64_t *value);
