#pragma once

/* YAML as JSON, so that both share one decoder. The core schema of YAML 1.2 for plain scalars (null, true, numbers;
 * "yes" and "on" are text); anchors, aliases, tags, merge keys, duplicate keys, deep nesting, numbers with a leading
 * zero and more than one document are refused by line, and texts longer than YAML_BYTES_MAX. */

#include <stddef.h>

#include "base/json.h"

enum { YAML_BYTES_MAX = 4 * 1024 * 1024 };

/* ERROR_INVALID with the line otherwise. Free with json_free(). */
int yaml_parse(const char *text, size_t length, yyjson_doc **ret_doc, struct error *err);
