#pragma once

/* `spec.defaults` under a task. */

#include "base/json.h"

/* Puts `over` on top of the object `base`, which changes; `over` is used up. Objects go member by member; entries of
 * env, volumes, volumeMounts and imagePullSecrets replace their namesakes, and containers of an overlay are merged with
 * theirs; both come last. Any other list or value of `over` replaces that of `base`. Null says nothing. */
void merge_object(yyjson_mut_val *base, yyjson_mut_val *over);
