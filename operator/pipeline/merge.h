#pragma once

/* One document on top of another: `spec.defaults` under a task, a task's `pod` over the pod that weir makes of it. */

#include "base/json.h"
#include "pipeline/pod_fields.h"

/* Puts `over` on top of the object `base`, which changes; `over` is used up, and both are of `doc`. `type` is that of
 * both, NULL when it is none of Kubernetes'. Objects go member by member. An entry of a list with a key replaces its
 * namesake, in its place and as a whole (a container is merged into it); one without a namesake comes last. Any other
 * list or value replaces that of `base`. What is merged can be merged again: a null of `over` stays, and an object on
 * top of a null says so by "$patch": "replace", as in Kubernetes' strategic merge. */
void merge_object(yyjson_mut_doc *doc, const struct pod_type *type, yyjson_mut_val *base, yyjson_mut_val *over);

/* The entry of `list`, one of that field's, with the key of `item`; NULL. */
yyjson_mut_val *merge_namesake(const struct pod_field *field, yyjson_mut_val *list, yyjson_mut_val *item);

/* Takes every null and every "$patch" out of the value: what they were there to remove has been removed. */
void merge_finish(yyjson_mut_val *value);
