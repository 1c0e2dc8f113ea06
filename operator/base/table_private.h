#pragma once

/* Between table.c, table_scalar.c, table_list.c and table_schema.c: nobody else includes this. */

#include "base/table.h"

enum { TABLE_FIELDS_MAX = 64, TABLE_LABEL_MAX = 63, TABLE_DURATION_MAX = 64, TABLE_QUANTITY_MAX = 64 };

/* Where in the document we are; on the stack, and made a text only when there is a problem. */
struct place {
    const struct place *up;
    const char *name;      /* a member; the whole path when `up` is NULL; NULL: an item */
    const char *pair_name; /* an entry of FIELD_PAIRS */
    size_t index;
};

struct decoder {
    struct arena *arena;
    struct problems *problems;
};

void table_problem(const struct decoder *decoder, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "must be an object, not text" */
void table_wrong_type(const struct decoder *decoder, const struct place *place, const char *wanted, yyjson_val *value);

/* The decoders. Each leaves the slot as it is, with its absent value, when there is a problem. */
void table_decode_object(const struct decoder *decoder, const struct table *table, yyjson_val *object, void *target,
                         const struct place *place);
void table_decode_value(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *slot,
                        const struct place *place); /* all but FIELD_OBJECT */
void table_decode_list(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *slot,
                       const struct place *place); /* FIELD_STRINGS, PAIRS, LIST, ANY */

/* A text that fits FIELD_STRING, or one entry of FIELD_STRINGS or FIELD_PAIRS; NULL when it said what is wrong. */
const char *table_text(const struct decoder *decoder, const struct field *field, yyjson_val *value,
                       const struct place *place);

/* The bounds that the decoder and the schema share. */
int64_t table_items_max(const struct field *field);
int64_t table_text_max(const struct field *field); /* of the field, or of each item */
