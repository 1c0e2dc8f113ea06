#pragma once

/* Many literals looked for in one pass over a line (Aho and Corasick, 1975, as a full table): the cost a byte does not
 * grow with the number of literals, so scanning keeps up with a job that prints hundreds of megabytes a second. */

#include <stddef.h>
#include <stdint.h>

enum { NEEDLES_STATES = 1200, NEEDLES_CLASSES = 80, NEEDLES_MAX = 64 };

struct needles {
    uint8_t class_of[256]; /* 0: in no literal */
    uint16_t next[NEEDLES_STATES][NEEDLES_CLASSES];
    uint64_t found[NEEDLES_STATES]; /* bit i: literal i ends here */
    size_t length[NEEDLES_MAX];
    size_t states, classes, count;
};

/* Adds one literal; returns its number, or -1 when there is no room. All are added before needles_build(). */
int needles_add(struct needles *needles, const char *literal);
void needles_build(struct needles *needles);

/* Calls `each` for every place where a literal ends; `after` points behind it. */
typedef void (*needles_each)(void *context, int needle, const char *after);
void needles_search(const struct needles *needles, const char *text, size_t length, needles_each each, void *context);
