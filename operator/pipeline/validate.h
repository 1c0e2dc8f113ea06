#pragma once

/* What the tables cannot say, and the API server did not: rules over several fields, and sizes. */

#include "pipeline/model.h"

/* Of the JSON of a spec. With STATUS_MAX it keeps the whole object below what etcd takes. */
enum { SPEC_MAX = 400 * 1000 };

void pipeline_validate(const struct pipeline *pipeline, yyjson_val *object, struct problems *problems);
