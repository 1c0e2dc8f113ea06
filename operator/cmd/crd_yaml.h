#pragma once

/* JSON as YAML for people: block style, long texts folded. What it writes, base/yaml reads back as the same value. */

#include "base/json.h"

void crd_write_yaml(yyjson_mut_val *value, struct strbuf *out);
