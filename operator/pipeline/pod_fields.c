/* See pod_fields.h: looking things up in the generated table. Pure. */

#include "pipeline/pod_fields.h"

#include <stdlib.h>
#include <string.h>

static int compare_name(const void *name, const void *field) {
    return strcmp(name, ((const struct pod_field *)field)->name);
}

const struct pod_field *pod_field_find(const struct pod_type *type, const char *name) {
    if (type == NULL)
        return NULL;
    return bsearch(name, type->fields, type->count, sizeof *type->fields, compare_name);
}

const struct pod_type *pod_field_type(const struct pod_field *field) {
    return field != NULL && field->value == POD_FIELD_OBJECT ? &pod_types[field->type] : NULL;
}
