/* See holdoff.h. Doubling stops at the cap: no shift, no overflow. */

#include "controller/holdoff.h"

void holdoff_failed(struct holdoff *holdoff, int64_t first_ms, int64_t most_ms, int64_t at_least_ms, int64_t now) {
    int64_t delay = first_ms;
    for (unsigned i = 0; i < holdoff->failures && delay < most_ms; i++)
        delay *= 2;
    if (delay > most_ms)
        delay = most_ms;
    holdoff->failures++;
    holdoff->until = now + (delay > at_least_ms ? delay : at_least_ms);
}

void holdoff_clear(struct holdoff *holdoff) {
    *holdoff = (struct holdoff){0};
}
