#pragma once

/* Resource versions are decimal numbers of up to 128 bits (KEP-5504): compared as text, never turned into an integer.
 */

enum version_order {
    VERSION_UNKNOWN, /* one of them is no such number: nothing may be concluded */
    VERSION_OLDER,
    VERSION_SAME,
    VERSION_NEWER,
};

/* How `a` stands to `b`. NULL and "" are unknown. */
enum version_order version_compare(const char *a, const char *b);
