#pragma once

/* Between table.c, table_scalar.c, table_list.c and table_schema.c: nobody else includes this. */

#include "base/table.h"

enum { TABLE_FIELDS_MAX = 64, TABLE_LABEL_MAX = 63, TABLE_DURATION_MAX = 64 };

struct decoder {
    struct arena *arena;
    struct problems *problems;
};

/* The decoders. Each leaves the slot as it is, with its absent value, when there is a problem. */
void table_decode_object(const struct decoder *decoder, const struct table *table, yyjson_val *object, void *target,
                         const struct place *place);
void table_decode_value(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *slot,
                        const struct place *place); /* all but FIELD_OBJECT */
void table_decode_list(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *slot,
                       const struct place *place); /* FIELD_STRINGS, PAIRS, LIST */

/* A text that fits FIELD_STRING, or one entry of FIELD_STRINGS or FIELD_PAIRS; NULL when it said what is wrong. */
const char *table_text(const struct decoder *decoder, const struct field *field, yyjson_val *value,
                       const struct place *place);

/* The bounds that the decoder and the schema share. */
int64_t table_items_max(const struct field *field);
int64_t table_text_max(const struct field *field); /* of the field, or of each item */
