#pragma once

/* Waits between tries: each up to twice as long as the last one, up to a bound, spread by chance so that many do not
 * come at once. No clock: `now` and all times are boot ms. */

#include <stdint.h>

struct backoff {
    int64_t min_ms, max_ms; /* of a wait, before chance makes it up to twice as long */
    int64_t reset_ms;       /* after that long without a failure the first wait is min_ms again */
    uint64_t random;        /* the seed at first */
    int64_t wait_ms;        /* after the last failure, without chance; 0: none yet */
    int64_t failed_at;
};

/* Counts a failure. How long to wait: min_ms to twice that the first time. */
int64_t backoff_next(struct backoff *backoff, int64_t now);
/* 0 to `most`, both included; repeatable by the seed in *random. */
int64_t backoff_chance(uint64_t *random, int64_t most);
