#pragma once

/* How often a status is written. On a small cluster the API server is the limit, and status writes load it: measured,
 * one costs it about 2.6 ms of CPU and 0.8 ms a KB of the object. So what is not urgent is folded into windows, and all
 * status writes together get a tenth of a core. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_MIN_MS = 250, PACE_MAX_MS = 5000, PACE_SMALL_BYTES = 100 * 1000 };

double pace_cost_ms(size_t object_bytes);
/* `due_cost_ms`: of all writes that wait, this one's included. `least_ms`: the shortest, of cheap ones; usually
 * PACE_MIN_MS, and another one stretches or shrinks all. */
int64_t pace_window_ms(double own_cost_ms, double due_cost_ms, int64_t least_ms);
/* How long a run rests after a pass that took so long: one run takes a quarter of a core at most. */
int64_t pace_rest_ms(int64_t pass_us);
