#pragma once

/* What Kubernetes knows of a pod: the fields of each type that a PodTemplateSpec reaches, and by what the entries of a
 * list are told apart. Generated from Kubernetes' own OpenAPI document by hack/pod-fields; immutable. */

#include <stddef.h>

enum pod_field_shape { POD_FIELD_ONE, POD_FIELD_LIST, POD_FIELD_MAP };

enum pod_field_value {
    POD_FIELD_TEXT,
    POD_FIELD_BOOL,
    POD_FIELD_INT32,
    POD_FIELD_INT64,
    POD_FIELD_QUANTITY,
    POD_FIELD_INT_OR_TEXT,
    POD_FIELD_ANY, /* cannot be set, or has no rules of its own */
    POD_FIELD_OBJECT,
};

enum pod_field_flags {
    POD_FIELD_REQUIRED = 1 << 0,
    POD_FIELD_EXPANDED = 1 << 1, /* the kubelet expands $(VAR) in its texts */
    POD_FIELD_MERGED = 1 << 2,   /* LIST: an entry is merged into its namesake instead of replacing it */
};

struct pod_field {
    const char *name;
    unsigned char shape;  /* enum pod_field_shape */
    unsigned char value;  /* enum pod_field_value: its own, or that of each entry */
    unsigned char type;   /* of POD_FIELD_OBJECT: index in pod_types */
    unsigned char flags;  /* enum pod_field_flags */
    const char *key;      /* LIST: what no two entries share; NULL: the list is one value */
    const char *second;   /* the other half of the key; NULL: key alone */
    const char *fallback; /* what `second` is when it is not said; NULL: nothing */
};

struct pod_type {
    const struct pod_field *fields; /* by name */
    size_t count;
};

/* The first two of pod_types: the fields of a task, and of spec.defaults, that are Kubernetes' own; and what a task's
 * `pod` and a whole pod have in common. */
enum { POD_TYPE_TASK, POD_TYPE_TEMPLATE };
extern const struct pod_type pod_types[];

/* NULL: no such field, or no type. */
const struct pod_field *pod_field_find(const struct pod_type *type, const char *name);
/* Of the field's value, or of each entry; NULL: that is no object, or no field. */
const struct pod_type *pod_field_type(const struct pod_field *field);
