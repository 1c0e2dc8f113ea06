#pragma once

/* What a run needs to know between two passes and nobody else holds: what live requests told. Lost at a restart without
 * harm: the requests are made again. */

#include <stdint.h>

#include "base/arena.h"
#include "plan/plan.h"

struct memory; /* of all runs */

struct memory *memory_new(void);
void memory_free(struct memory *memory); /* takes NULL */

void memory_gone(struct memory *memory, const char *run_uid, const char *pod_uid);
void memory_collision(struct memory *memory, const char *run_uid, const char *pod);
/* Holds for this generation of the Pipeline only. */
void memory_refusal(struct memory *memory, const char *run_uid, int64_t generation, const char *task, const char *why);
void memory_recorded(struct memory *memory, const char *run_uid, int64_t now);
void memory_forget(struct memory *memory, const char *run_uid); /* no-op when unknown */

/* Fills gone, collisions, refusals and recorded_at, in the arena. */
void memory_fill(const struct memory *memory, struct run *run, struct arena *arena);
