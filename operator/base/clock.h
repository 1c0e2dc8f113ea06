#pragma once

/* Times are int64_t milliseconds. Wall-clock times (since 1970, UTC) are for people and for objects; differences that
 * decide anything are taken from the boot clock, which never jumps and goes on while a machine sleeps. Only the main
 * loops call the two clocks; everything else takes `now` as an argument. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

int64_t clock_wall_ms(void);
int64_t clock_boot_ms(void);

/* RFC 3339 with seconds, as metav1.Time ("2026-11-20T10:00:00Z"), and with microseconds, as metav1.MicroTime. */
enum { CLOCK_TEXT_MAX = 32 };
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_MAX]);
void clock_format_micro(int64_t wall_us, char text[CLOCK_TEXT_MAX]);
int clock_parse(const char *text, int64_t *ret_wall_ms, struct error *err); /* any fraction, Z or an offset */

/* Go's time.Duration text: "90s", "1h30m", "250ms", "0"; negative and unit-less others are refused. Parts of a
 * millisecond count as a whole one, so that a short duration never becomes none. */
int duration_parse(const char *text, int64_t *ret_ms, struct error *err);
void duration_format(int64_t ms, char text[CLOCK_TEXT_MAX]); /* for people: "850ms", "4.2s", "3m12s", "2h05m" */
