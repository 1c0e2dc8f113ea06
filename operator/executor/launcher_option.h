#pragma once

/* What a launcher was told, read back from its command line in a pod. */

#include "base/json.h"

/* The next value of the option at or after `*at`, which is moved behind it; NULL: no more. What comes after "--" is the
 * task's. `command` may be anything. */
const char *launcher_option(yyjson_val *command, const char *name, size_t *at);
