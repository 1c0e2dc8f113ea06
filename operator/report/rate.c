/* See rate.h. A bucket that fills at a rate which answers move: a little up by each quick one, down by a part of it for
 * a slow one, by half for none. Decides nothing about who goes. */

#include "report/rate.h"

#define STEP_UP     1.0
#define SLOW_FACTOR 0.8
#define FAIL_FACTOR 0.5

enum { SLOWED_MS = 1000 };

static double between(double value, double least, double most) {
    return value < least ? least : value > most ? most : value;
}

static double burst(const struct rate *rate) {
    return between(rate->per_second * RATE_BURST_MS / 1000, 1, rate->per_second);
}

static void refill(struct rate *rate, int64_t now) {
    if (now > rate->at)
        rate->spare = between(rate->spare + (double)(now - rate->at) * rate->per_second / 1000, 0, burst(rate));
    rate->at = now;
}

void rate_init(struct rate *rate, double max, int64_t now) {
    double most = max > 0 ? max : RATE_MAX;
    *rate = (struct rate){.per_second = most, .max = most, .at = now, .slowed_at = now - SLOWED_MS};
    rate->spare = burst(rate);
}

bool rate_take(struct rate *rate, int64_t now) {
    refill(rate, now);
    if (rate->spare < 1)
        return false;
    rate->spare -= 1;
    return true;
}

int64_t rate_wait_ms(const struct rate *rate, int64_t now) {
    int64_t left = (int64_t)((1 - rate->spare) * 1000 / rate->per_second) + 1 - (now - rate->at);
    return left > 0 ? left : 0;
}

void rate_answered(struct rate *rate, int64_t took_ms, bool failed, int64_t now) {
    refill(rate, now);
    double wanted = rate->per_second + STEP_UP;
    if (failed || took_ms > RATE_QUICK_MS) {
        if (now - rate->slowed_at < SLOWED_MS)
            return;
        rate->slowed_at = now;
        wanted = rate->per_second * (failed ? FAIL_FACTOR : SLOW_FACTOR);
    }
    rate->per_second = between(wanted, RATE_MIN, rate->max);
}
