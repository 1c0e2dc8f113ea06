#pragma once

/* Resource versions are decimal numbers of up to 128 bits (KEP-5504): compared as text, never turned into an integer.
 */

#include <stdbool.h>

enum version_order {
    VERSION_UNKNOWN, /* one of them is no such number: nothing may be concluded */
    VERSION_OLDER,
    VERSION_SAME,
    VERSION_NEWER,
};

/* How `a` stands to `b`. NULL and "" are unknown. */
enum version_order version_compare(const char *a, const char *b);
/* A list as of `list` shows a thing as of `shown`, older than what was `known` of it by then. Lists are consistent, so
 * that history has gone back since: a store was restored, and its versions perhaps moved on past ours. */
bool version_went_back(const char *shown, const char *known, const char *list);
