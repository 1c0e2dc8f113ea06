#pragma once

/* Declared state machines: which state may follow which is a table, checked at every step (after dqlite's lib/sm). */

#include <stdbool.h>
#include <stddef.h>

enum { SM_INITIAL = 1 << 0, SM_FINAL = 1 << 1 };

struct sm_state {
    const char *name;
    unsigned next; /* bit set of the states that may follow */
    unsigned flags;
};

#define SM_TO(state) (1U << (state))

/* May `to` follow `from`? Staying is always allowed. */
bool sm_allows(const struct sm_state *table, unsigned from, unsigned to);
/* Every state reachable from an initial one, final ones without successors, others with: for tests. NULL when sound;
 * else what is wrong, valid until the next call. At most 32 states. */
const char *sm_check(const struct sm_state *table, size_t count);
