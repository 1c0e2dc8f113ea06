/* See pace.h. Pure. */

#include "controller/pace.h"

double pace_cost_ms(size_t object_bytes) {
    return 2.6 + 0.8 * (double)object_bytes / 1024;
}

int64_t pace_window_ms(double own_cost_ms, double due_cost_ms, int64_t least_ms) {
    const double share = 0.1;
    double cost = due_cost_ms > own_cost_ms ? due_cost_ms : own_cost_ms;
    double window = (double)least_ms * cost / (share * PACE_MIN_MS);
    return window < (double)least_ms ? least_ms : window > PACE_MAX_MS ? PACE_MAX_MS : (int64_t)window;
}

int64_t pace_rest_ms(int64_t pass_us) {
    return 3 * pass_us / 1000;
}
