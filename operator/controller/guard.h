#pragma once

/* The run in work stands in a file, by its UID, so that a run whose work crashes the process is found after the restart
 * and left alone while all others go on. The file is a small map shared with the kernel: noting a run costs no system
 * call. A crash (SIGSEGV, SIGABRT and the like) counts at once; a kill from outside only when the same run is met
 * twice. What is left alone is tried again when its generation changes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard;

enum { GUARD_KEY_MAX = 192, GUARD_HELD_MAX = 64 };

/* `path` NULL, or a file that cannot be made: a guard that holds nobody. Never NULL. */
struct guard *guard_open(const char *path);
void guard_close(struct guard *guard); /* takes NULL */

/* `uid`: of the run, or the key in the queue when there is none. */
void guard_enter(struct guard *guard, const char *uid, int64_t generation);
void guard_leave(struct guard *guard);
/* Is this run to be left alone? */
bool guard_holds(const struct guard *guard, const char *uid, int64_t generation);
