#pragma once

/* What of a task runs, as a short text: see struct task's hash. */

#include "base/json.h"

/* `task`: an object with defaults merged under it and values put in. */
const char *spec_hash(yyjson_mut_val *task, struct arena *arena);
