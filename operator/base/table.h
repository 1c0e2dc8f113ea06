#pragma once

/* Decode tables: one table a struct says name, type, bounds and meaning of each field. From the same table come the
 * decoder with its error messages, the CRD schema and the reference. Decoding never stops at the first problem. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/problems.h"

enum field_type {
    FIELD_STRING,   /* const char *; NULL when absent */
    FIELD_BOOL,     /* bool; `absent` when absent */
    FIELD_TRISTATE, /* signed char: -1 absent, 0, 1 */
    FIELD_INT,      /* int64_t; `absent` when absent */
    FIELD_NUMBER,   /* double; 0 when absent */
    FIELD_DURATION, /* int64_t milliseconds from "90s"; `absent` when absent */
    FIELD_QUANTITY, /* const char *: a Kubernetes quantity, kept as written */
    FIELD_ENUM,     /* int: index in `values`; `absent` when absent */
    FIELD_STRINGS,  /* struct strings */
    FIELD_PAIRS,    /* struct pairs from an object of strings */
    FIELD_OBJECT,   /* pointer to a struct decoded by `table`; NULL when absent */
    FIELD_LIST,     /* struct list of structs decoded by `table` */
    FIELD_ANY,      /* yyjson_val *: kept as it is and not looked at, for who knows its type; NULL when absent */
};

enum field_flags {
    FIELD_REQUIRED = 1 << 0,
    FIELD_ANY_LIST = 1 << 1,   /* FIELD_ANY, for the schema: an array of objects; else an object */
    FIELD_DNS_LABEL = 1 << 2,  /* FIELD_STRING/S: RFC 1123 label */
    FIELD_NOT_FLAG = 1 << 3,   /* FIELD_STRING/S, PAIRS' values: must not begin with '-' (would be read as an option) */
    FIELD_SECRET = 1 << 4,     /* never quoted in a message */
    FIELD_NULLABLE = 1 << 5,   /* for the schema: null is kept, since it says something; else the API server drops it */
    FIELD_UNEXPANDED = 1 << 6, /* for who puts values in: nobody expands $(VAR) in the text afterwards */
};

/* A list or text without a bound of its own has these, in the decoder as in the schema: the API server estimates the
 * cost of CEL rules by them, and refuses costly ones. FIELD_ANY lists are bounded by their `max`, in the schema alone.
 */
enum { TABLE_ITEMS_MAX = 1000, TABLE_TEXT_MAX = 65536 };

struct list {
    void *items; /* array of structs of the table's size */
    size_t count;
};

struct field {
    const char *name; /* JSON member */
    const char *doc;  /* the description in the CRD: sentences, with unit and default */
    enum field_type type;
    size_t offset;
    unsigned flags;
    int64_t min, max;          /* numbers, FIELD_DURATION: bounds when max != 0 (INT64_MIN/MAX: open); lists, pairs
                                * and strings: length; max 0: TABLE_ITEMS_MAX entries, TABLE_TEXT_MAX characters */
    int64_t absent;            /* value when absent */
    const char *pattern;       /* for the schema only (RE2); the decoder's check is `check` */
    const char *const *values; /* FIELD_ENUM: NULL-terminated names */
    const struct table *table; /* FIELD_OBJECT, FIELD_LIST */
    const char *list_map_key;  /* FIELD_LIST, FIELD_ANY lists: x-kubernetes-list-type map with this key */
    int (*check)(const char *text, struct error *err); /* FIELD_STRING/S: one more rule; may be NULL */
};

struct rule { /* x-kubernetes-validations */
    const char *cel;
    const char *message;
    const char *field_path; /* may be NULL */
};

struct table {
    size_t size;
    const struct field *fields;
    size_t field_count; /* at most 64 */
    const struct rule *rules;
    size_t rule_count;
};

const struct field *table_field(const struct table *table, const char *name); /* NULL */

/* Decodes `object` into `*target` (zeroed, of table->size). Absent members get their `absent` value; a NULL object is
 * one without members. A member with a problem keeps its `absent` value. Unknown members are a problem (with "did you
 * mean"), null is absent. `path` begins each message. Texts and FIELD_ANY point into the document, which must outlive
 * the target. */
void table_decode(const struct table *table, yyjson_val *object, void *target, const char *path, struct arena *arena,
                  struct problems *problems);

/* The OpenAPI v3 structural schema of the table, as JSON. */
yyjson_mut_val *table_schema(const struct table *table, yyjson_mut_doc *doc);
