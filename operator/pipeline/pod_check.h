#pragma once

/* Names and types of Kubernetes' own fields, without an API server: what it would refuse hours later, or drop. */

#include "base/problems.h"
#include "pipeline/pod_fields.h"

enum { POD_LIST_MAX = 1000 }; /* entries of any list or map */

/* Adds what is wrong with the fields of a task, or of spec.defaults, that are Kubernetes' own; others are not looked
 * at. `under` is what they will be merged over, or NULL: what an object must have may be there. Null says that a member
 * is to go, so it is right anywhere but in a list. */
void pod_check(yyjson_mut_val *fields, yyjson_mut_val *under, const struct place *place, struct problems *problems);
