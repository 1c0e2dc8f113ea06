/* See table.h: objects; what is inside them is table_scalar.c and table_list.c. Relies on
 * JSON_DEPTH_MAX, since it recurses. Never copies text, never logs, never stops early. */

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/table_private.h"

static void set_absent(const struct field *field, void *slot) {
    switch (field->type) {
    case FIELD_BOOL: *(bool *)slot = field->absent != 0; break;
    case FIELD_TRISTATE: *(signed char *)slot = -1; break;
    case FIELD_INT:
    case FIELD_DURATION: *(int64_t *)slot = field->absent; break;
    case FIELD_ENUM: *(int *)slot = (int)field->absent; break;
    case FIELD_STRING:
    case FIELD_NUMBER:
    case FIELD_QUANTITY:
    case FIELD_STRINGS:
    case FIELD_PAIRS:
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_ANY: break; /* the target is zeroed */
    }
}

static void decode_field(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *target,
                         const struct place *up) {
    struct place place = {.up = up, .name = field->name};
    void *slot = (char *)target + field->offset;
    set_absent(field, slot);
    if (value == NULL || yyjson_is_null(value)) {
        if (field->flags & FIELD_REQUIRED)
            problems_add_at(decoder->problems, &place, "is required");
        return;
    }
    if (field->type == FIELD_OBJECT) {
        void *inner = arena_alloc(decoder->arena, field->table->size);
        table_decode_object(decoder, field->table, value, inner, &place);
        memcpy(slot, &inner, sizeof inner); /* whatever it is declared to point to */
    } else {
        table_decode_value(decoder, field, value, slot, &place);
    }
}

static void say_unknown(const struct decoder *decoder, const struct table *table, const char *name,
                        const struct place *up) {
    const char *names[TABLE_FIELDS_MAX];
    struct strings known = {.items = names, .count = table->field_count};
    for (size_t i = 0; i < table->field_count; i++)
        names[i] = table->fields[i].name;
    problems_add_unknown(decoder->problems, up, name, &known);
}

const struct field *table_field(const struct table *table, const char *name) {
    for (size_t i = 0; i < table->field_count; i++) {
        const struct field *field = &table->fields[i];
        if (field->name[0] == name[0] && strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

void table_decode_object(const struct decoder *decoder, const struct table *table, yyjson_val *object, void *target,
                         const struct place *place) {
    yyjson_val *values[TABLE_FIELDS_MAX] = {0};
    size_t i, count;
    yyjson_val *name, *value;
    if (table->field_count > TABLE_FIELDS_MAX)
        abort(); /* a table in our own source: the first test of it tells */
    if (object != NULL && !yyjson_is_obj(object)) {
        problems_add_type(decoder->problems, place, "an object", yyjson_get_type(object));
        for (i = 0; i < table->field_count; i++)
            set_absent(&table->fields[i], (char *)target + table->fields[i].offset);
        return;
    }
    yyjson_obj_foreach(object, i, count, name, value) {
        const char *member = yyjson_get_str(name);
        const struct field *field = table_field(table, member);
        if (field == NULL || strlen(member) != yyjson_get_len(name))
            say_unknown(decoder, table, member, place);
        else if (values[field - table->fields] != NULL)
            problems_add_at(decoder->problems, &(struct place){.up = place, .name = member}, "is given twice");
        else
            values[field - table->fields] = value;
    }
    for (i = 0; i < table->field_count; i++)
        decode_field(decoder, &table->fields[i], values[i], target, place);
}

void table_decode(const struct table *table, yyjson_val *object, void *target, const char *path, struct arena *arena,
                  struct problems *problems) {
    struct decoder decoder = {.arena = arena, .problems = problems};
    struct place root = {.name = path != NULL ? path : ""};
    table_decode_object(&decoder, table, object, target, &root);
}
