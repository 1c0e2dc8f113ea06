#pragma once

/* The pod that ends what an attempt left on a cluster: the attempt's image, account, environment and volumes, and its
 * launcher's `stop` instead of `run`. Pure. */

#include "executor/executor.h"

/* `attempt_pod`: as it was seen (`live`), or as executor_pod() would make it. Of `run` count name, namespace and uid.
 * The pod has no owner: it must outlive the Pipeline. ERROR_INVALID when nothing tells what to ask. */
int executor_cleaner(const struct run *run, const struct cleaner *cleaner, const char *name, yyjson_val *attempt_pod,
                     bool live, const struct launch_config *config, yyjson_mut_doc *doc, yyjson_mut_val **ret_pod,
                     struct error *err);
