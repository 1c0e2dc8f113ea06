/* See table.h: the schema that goes into the CRD (kubernetes.io/docs, "Specifying a structural schema"). It has no
 * defaults, since the decoder has them. Every text and list is bounded, because the API server refuses a CEL rule whose
 * estimated cost is too high, and it estimates by these bounds. Texts are those of the table, but for patterns made of
 * names. */

#include "base/quantity.h"
#include "base/table_private.h"

#define LABEL_PATTERN    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
#define DURATION_PATTERN "^(0|([0-9]+(\\.[0-9]+)?(ns|us|\xC2\xB5s|ms|s|m|h))+)$"
#define QUANTITY_PATTERN "^([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
#define NOT_FLAG_PATTERN "^([^-]|$)"

static yyjson_mut_val *typed(yyjson_mut_doc *doc, const char *type) {
    yyjson_mut_val *schema = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, schema, "type", type);
    return schema;
}

static void add_bounds(yyjson_mut_doc *doc, yyjson_mut_val *schema, const char *min_name, int64_t min,
                       const char *max_name, int64_t max) {
    if (min > 0)
        yyjson_mut_obj_add_int(doc, schema, min_name, min);
    if (max > 0)
        yyjson_mut_obj_add_int(doc, schema, max_name, max);
}

/* A schema has one pattern; further ones go into allOf. */
static void add_pattern(yyjson_mut_doc *doc, yyjson_mut_val *schema, const char *pattern) {
    if (yyjson_mut_obj_get(schema, "pattern") == NULL) {
        yyjson_mut_obj_add_str(doc, schema, "pattern", pattern);
        return;
    }
    yyjson_mut_val *all = yyjson_mut_obj_get(schema, "allOf");
    if (all == NULL)
        all = yyjson_mut_obj_add_arr(doc, schema, "allOf");
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, all);
    yyjson_mut_obj_add_str(doc, one, "pattern", pattern);
}

/* A FIELD_STRING, or an item of FIELD_STRINGS or FIELD_PAIRS. */
static yyjson_mut_val *text_schema(const struct field *field, yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, "string");
    int64_t min = field->type == FIELD_STRING ? field->min : 0;
    add_bounds(doc, schema, "minLength", min, "maxLength", table_text_max(field));
    if (field->flags & FIELD_DNS_LABEL)
        add_pattern(doc, schema, LABEL_PATTERN);
    if (field->pattern != NULL)
        add_pattern(doc, schema, field->pattern);
    if (field->flags & FIELD_NOT_FLAG)
        add_pattern(doc, schema, NOT_FLAG_PATTERN);
    return schema;
}

static yyjson_mut_val *number_schema(const struct field *field, yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, field->type == FIELD_INT ? "integer" : "number");
    if (field->type == FIELD_INT)
        yyjson_mut_obj_add_str(doc, schema, "format", "int64");
    if (field->max != 0 && field->min != INT64_MIN)
        yyjson_mut_obj_add_int(doc, schema, "minimum", field->min);
    if (field->max != 0 && field->max != INT64_MAX)
        yyjson_mut_obj_add_int(doc, schema, "maximum", field->max);
    return schema;
}

static yyjson_mut_val *duration_schema(yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, "string");
    add_bounds(doc, schema, "minLength", 1, "maxLength", TABLE_DURATION_MAX);
    add_pattern(doc, schema, DURATION_PATTERN);
    return schema;
}

/* No "type": that is how the API server wants int-or-string. */
static yyjson_mut_val *quantity_schema(yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = yyjson_mut_obj(doc);
    yyjson_mut_val *either = yyjson_mut_obj_add_arr(doc, schema, "anyOf");
    yyjson_mut_arr_append(either, typed(doc, "integer"));
    yyjson_mut_arr_append(either, typed(doc, "string"));
    add_bounds(doc, schema, "minLength", 1, "maxLength", QUANTITY_TEXT_MAX);
    add_pattern(doc, schema, QUANTITY_PATTERN);
    yyjson_mut_obj_add_bool(doc, schema, "x-kubernetes-int-or-string", true);
    return schema;
}

/* The API server takes no null where there is an enum, whatever it says of null: a pattern is for texts alone. */
static void add_names_pattern(const struct field *field, yyjson_mut_val *schema, yyjson_mut_doc *doc) {
    AUTO_STRBUF pattern = STRBUF_INIT;
    for (size_t i = 0; field->values[i] != NULL; i++)
        strbuf_printf(&pattern, "%s%s", i == 0 ? "^(" : "|", field->values[i]);
    strbuf_puts(&pattern, ")$");
    yyjson_mut_obj_add_strcpy(doc, schema, "pattern", strbuf_text(&pattern));
}

static yyjson_mut_val *enum_schema(const struct field *field, yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, "string");
    if (field->flags & FIELD_NULLABLE) {
        add_names_pattern(field, schema, doc);
        return schema;
    }
    yyjson_mut_val *values = yyjson_mut_obj_add_arr(doc, schema, "enum");
    for (size_t i = 0; field->values[i] != NULL; i++)
        yyjson_mut_arr_add_str(doc, values, field->values[i]);
    return schema;
}

static yyjson_mut_val *pairs_schema(const struct field *field, yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, "object");
    add_bounds(doc, schema, "minProperties", field->min, "maxProperties", table_items_max(field));
    yyjson_mut_obj_add_val(doc, schema, "additionalProperties", text_schema(field, doc));
    return schema;
}

static yyjson_mut_val *list_schema(const struct field *field, yyjson_mut_val *items, yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, "array");
    add_bounds(doc, schema, "minItems", field->min, "maxItems", table_items_max(field));
    yyjson_mut_obj_add_val(doc, schema, "items", items);
    if (field->list_map_key != NULL) {
        yyjson_mut_obj_add_str(doc, schema, "x-kubernetes-list-type", "map");
        yyjson_mut_val *keys = yyjson_mut_obj_add_arr(doc, schema, "x-kubernetes-list-map-keys");
        yyjson_mut_arr_add_str(doc, keys, field->list_map_key);
    }
    return schema;
}

static yyjson_mut_val *any_schema(const struct field *field, yyjson_mut_doc *doc) {
    yyjson_mut_val *object = typed(doc, "object");
    yyjson_mut_obj_add_bool(doc, object, "x-kubernetes-preserve-unknown-fields", true);
    if (!(field->flags & FIELD_ANY_LIST))
        return object;
    if (field->list_map_key != NULL) { /* a map's key must be declared and required */
        yyjson_mut_val *properties = yyjson_mut_obj_add_obj(doc, object, "properties");
        yyjson_mut_val *key = yyjson_mut_obj_add_obj(doc, properties, field->list_map_key);
        yyjson_mut_obj_add_str(doc, key, "type", "string");
        yyjson_mut_obj_add_str(doc, key, "description",
                               "Unique in this list. Beside it: the fields of Kubernetes' own type.");
        yyjson_mut_val *required = yyjson_mut_obj_add_arr(doc, object, "required");
        yyjson_mut_arr_add_str(doc, required, field->list_map_key);
    }
    return list_schema(field, object, doc);
}

static yyjson_mut_val *field_schema(const struct field *field, yyjson_mut_doc *doc) {
    switch (field->type) {
    case FIELD_STRING: return text_schema(field, doc);
    case FIELD_BOOL:
    case FIELD_TRISTATE: return typed(doc, "boolean");
    case FIELD_INT:
    case FIELD_NUMBER: return number_schema(field, doc);
    case FIELD_DURATION: return duration_schema(doc);
    case FIELD_QUANTITY: return quantity_schema(doc);
    case FIELD_ENUM: return enum_schema(field, doc);
    case FIELD_STRINGS: return list_schema(field, text_schema(field, doc), doc);
    case FIELD_PAIRS: return pairs_schema(field, doc);
    case FIELD_OBJECT: return table_schema(field->table, doc);
    case FIELD_LIST: return list_schema(field, table_schema(field->table, doc), doc);
    case FIELD_ANY: return any_schema(field, doc);
    }
    return typed(doc, "object");
}

static void add_rules(const struct table *table, yyjson_mut_val *schema, yyjson_mut_doc *doc) {
    if (table->rule_count == 0)
        return;
    yyjson_mut_val *rules = yyjson_mut_obj_add_arr(doc, schema, "x-kubernetes-validations");
    for (size_t i = 0; i < table->rule_count; i++) {
        yyjson_mut_val *rule = yyjson_mut_arr_add_obj(doc, rules);
        yyjson_mut_obj_add_str(doc, rule, "rule", table->rules[i].cel);
        yyjson_mut_obj_add_str(doc, rule, "message", table->rules[i].message);
        if (table->rules[i].field_path != NULL)
            yyjson_mut_obj_add_str(doc, rule, "fieldPath", table->rules[i].field_path);
    }
}

yyjson_mut_val *table_schema(const struct table *table, yyjson_mut_doc *doc) {
    yyjson_mut_val *schema = typed(doc, "object");
    yyjson_mut_val *properties = yyjson_mut_obj(doc);
    yyjson_mut_val *required = yyjson_mut_arr(doc);
    for (size_t i = 0; i < table->field_count; i++) {
        const struct field *field = &table->fields[i];
        yyjson_mut_val *one = field_schema(field, doc);
        if (field->doc != NULL)
            yyjson_mut_obj_add_str(doc, one, "description", field->doc);
        yyjson_mut_obj_add_val(doc, properties, field->name, one);
        if (field->flags & FIELD_NULLABLE)
            yyjson_mut_obj_add_bool(doc, one, "nullable", true);
        if (field->flags & FIELD_REQUIRED)
            yyjson_mut_arr_add_str(doc, required, field->name);
    }
    if (table->field_count > 0)
        yyjson_mut_obj_add_val(doc, schema, "properties", properties);
    if (yyjson_mut_arr_size(required) > 0)
        yyjson_mut_obj_add_val(doc, schema, "required", required);
    add_rules(table, schema, doc);
    return schema;
}
