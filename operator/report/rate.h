#pragma once

/* How many reviews a second the API server is asked for: RATE_MAX while it answers quickly, fewer while it is slow or
 * fails, at least RATE_MIN. Pure. Times are boot ms. */

#include <stdbool.h>
#include <stdint.h>

enum { RATE_MAX = 200, RATE_MIN = 4, RATE_BURST_MS = 40, RATE_QUICK_MS = 250 };

struct rate {
    double per_second, max;
    double spare;      /* may go at once; at most what comes in RATE_BURST_MS */
    int64_t at;        /* when that was reckoned */
    int64_t slowed_at; /* once for all answers of a bad moment */
};

void rate_init(struct rate *rate, double max, int64_t now); /* max 0: RATE_MAX */
bool rate_take(struct rate *rate, int64_t now);             /* may one more go now? */
int64_t rate_wait_ms(const struct rate *rate, int64_t now); /* after rate_take() said no: until it may say yes */
void rate_answered(struct rate *rate, int64_t took_ms, bool failed, int64_t now);
