#pragma once

/* Plain scalars of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/, 10.3.2): for yaml.c alone. */

#include "base/json.h"

/* null, true, false and numbers are what they say, everything else is text ("yes" and "on" too). ERROR_INVALID for
 * numbers that JSON cannot hold and for those with a leading zero: readers do not agree whether 0644 is octal. */
int yaml_scalar(yyjson_mut_doc *doc, const char *text, size_t length, yyjson_mut_val **ret_value, struct error *err);
