#pragma once

/* YAML as JSON, so that both share one decoder. The JSON schema of YAML 1.2 for plain scalars (true, null, numbers);
 * anchors, aliases, tags, merge keys, duplicate keys, deep nesting and more than one document are refused by line. */

#include <stddef.h>

#include "base/json.h"

int yaml_parse(const char *text, size_t length, yyjson_doc **ret_doc, struct error *err);
