#pragma once

/* Kubernetes quantities ("500m", "4Gi", "1e3"; apimachinery pkg/api/resource), without negative ones. */

#include <stdbool.h>

enum { QUANTITY_TEXT_MAX = 64 };

/* False when it is none; `ret_value`, which may be NULL, is then untouched. Good for comparing, not to the last digit.
 */
bool quantity_parse(const char *text, double *ret_value);
