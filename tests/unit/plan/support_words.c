/* See support_words.h. */

#include "support_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

/* The value of the word "name=value", or NULL. */
const char *option(const struct words *words, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 1; i < words->count; i++)
        if (strncmp(words->items[i], name, length) == 0 && words->items[i][length] == '=')
            return words->items[i] + length + 1;
    return NULL;
}

bool flag(const struct words *words, const char *name) {
    for (size_t i = 1; i < words->count; i++)
        if (strcmp(words->items[i], name) == 0)
            return true;
    return false;
}

const char *word(const struct words *words, size_t index) {
    if (index >= words->count)
        fail_msg("a word is missing");
    return words->items[index < words->count ? index : 0];
}

void set_int(const struct words *words, const char *name, int64_t *value) {
    const char *text = option(words, name);
    if (text != NULL)
        *value = strtoll(text, NULL, 10);
}

void set_duration(const struct words *words, const char *name, int64_t *value) {
    struct error err = {0};
    const char *text = option(words, name);
    if (text != NULL && duration_parse(text, value, &err) != 0)
        fail_msg("%s: %s", name, err.text);
}
