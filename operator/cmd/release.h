#pragma once

/* What `helm uninstall` ends with: no operator is there any more to let pods go. */

#include "cmd/operator_options.h"

/* Takes the finalizer weir.dev/result off every pod of weir's in the namespaces of `options` (all when it names none);
 * nothing else of them is changed, and Pipelines are not looked at. Says what it did in the log. The exit code: 0 when
 * none is left, 1 when it cannot say so. Runs a loop of its own until then. */
int release_pods(const struct operator_options *options);
