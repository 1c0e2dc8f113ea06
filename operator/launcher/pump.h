#pragma once

/* One stream of the task passed through unchanged, at the pace of whoever reads ours, while a copy of its lines is
 * looked at as soon as it comes in. Constant memory; a blocked reader blocks the task's writer and nothing else. */

#include <stdbool.h>
#include <stddef.h>

#include "base/wait.h"
#include "output/lines.h"

enum { PUMP_BUFFER = 64 * 1024 };

struct pump {
    int in, out;   /* in is owned: -1 after its end */
    int out_flags; /* to be given back; -1: unchanged */
    bool broken;   /* nobody reads our end any more: what comes is dropped, the task is not held up */
    size_t at, length;
    struct lines lines;
    char buffer[PUMP_BUFFER];
};

void pump_init(struct pump *pump, int in, int out, lines_each each, void *context);
void pump_wait(const struct pump *pump, struct wait *wait);
void pump_step(struct pump *pump, const struct wait *wait);
bool pump_done(const struct pump *pump); /* all that the task wrote has been passed on */
void pump_fini(struct pump *pump);
