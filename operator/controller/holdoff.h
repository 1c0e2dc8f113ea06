#pragma once

/* How long not to ask again after failures: doubling from `first` to `most`, and never shorter than the server asked
 * for. Pure: times are boot ms. */

#include <stdint.h>

struct holdoff {
    unsigned failures; /* in a row */
    int64_t until;     /* nothing before; 0: at once */
};

void holdoff_failed(struct holdoff *holdoff, int64_t first_ms, int64_t most_ms, int64_t at_least_ms, int64_t now);
void holdoff_clear(struct holdoff *holdoff);
