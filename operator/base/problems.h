#pragma once

/* All that is wrong with a document, each as "path: what (what to do)". Nobody stops at the first. */

#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"

enum { PROBLEMS_MAX = 50 };

struct problems {
    struct arena *arena;
    const char *items[PROBLEMS_MAX];
    size_t count;
    size_t total; /* counts on when no more are kept */
};

/* Where in the document we are: on the stack, and made a text only when there is something to say. */
struct place {
    const struct place *up;
    const char *name;  /* a member; the whole path when `up` is NULL; NULL: an item, or an entry */
    const char *entry; /* the name of an entry of a map, shown in brackets; NULL: the item `index` */
    size_t index;
};

void problems_add(struct problems *problems, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void problems_add_at(struct problems *problems, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "must be an object, not text" */
void problems_add_type(struct problems *problems, const struct place *place, const char *wanted, yyjson_type seen);
/* "must be text (put it in quotes), not a number" */
void problems_add_no_text(struct problems *problems, const struct place *place, yyjson_type seen);
/* "unknown field (did you mean image?)", at the member `name` of what is at `up`. */
void problems_add_unknown(struct problems *problems, const struct place *up, const char *name,
                          const struct strings *known);
/* No two items of the list at `place` may have the same key in their member `member`: keys[i] is that of item i, or
 * NULL when it has none. */
void problems_add_twins(struct problems *problems, const struct place *place, const char *member,
                        const struct strings *keys);
