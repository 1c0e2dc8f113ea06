/* See backoff.h. Pure. */

#include "base/backoff.h"

/* splitmix64 */
int64_t backoff_chance(uint64_t *random, int64_t most) {
    uint64_t x = *random += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    x ^= x >> 31;
    return (int64_t)(x % ((uint64_t)most + 1));
}

int64_t backoff_next(struct backoff *backoff, int64_t now) {
    if (backoff->wait_ms == 0 || now - backoff->failed_at > backoff->reset_ms)
        backoff->wait_ms = backoff->min_ms;
    else
        backoff->wait_ms *= 2;
    if (backoff->wait_ms > backoff->max_ms)
        backoff->wait_ms = backoff->max_ms;
    backoff->failed_at = now;
    return backoff->wait_ms + backoff_chance(&backoff->random, backoff->wait_ms);
}
