/* See table_private.h: one function for each field type that is a single value. Pure. A text with a NUL character
 * inside is refused here, so that everybody after may treat texts as C strings. */

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "base/table_private.h"

int64_t table_items_max(const struct field *field) {
    if (field->max != 0)
        return field->max;
    return field->type == FIELD_ANY ? 0 : TABLE_ITEMS_MAX;
}

int64_t table_text_max(const struct field *field) {
    int64_t max = field->type == FIELD_STRING && field->max != 0 ? field->max : TABLE_TEXT_MAX;
    return (field->flags & FIELD_DNS_LABEL) && max > TABLE_LABEL_MAX ? TABLE_LABEL_MAX : max;
}

static const char *get_text(const struct decoder *decoder, yyjson_val *value, const struct place *place) {
    const char *text = yyjson_get_str(value);
    if (text == NULL) {
        problems_add_no_text(decoder->problems, place, yyjson_get_type(value));
        return NULL;
    }
    if (strlen(text) != yyjson_get_len(value)) {
        problems_add_at(decoder->problems, place, "must not hold a NUL character");
        return NULL;
    }
    return text;
}

static int64_t count_characters(const char *text) {
    int64_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static bool is_label(const char *text) {
    size_t length = strlen(text);
    return length > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && text[0] != '-' &&
           text[length - 1] != '-';
}

/* The rules of a FIELD_STRING, or of one entry of FIELD_STRINGS and FIELD_PAIRS. False when it said what is wrong. */
static bool check_text(const struct decoder *decoder, const struct field *field, const char *text,
                       const struct place *place) {
    size_t before = decoder->problems->total;
    int64_t length = count_characters(text);
    int64_t min = field->type == FIELD_STRING ? field->min : 0;
    int64_t max = table_text_max(field);
    struct error err = {0};
    if (length < min && min == 1)
        problems_add_at(decoder->problems, place, "must not be empty");
    else if (length < min)
        problems_add_at(decoder->problems, place, "must have at least %" PRId64 " characters (has %" PRId64 ")", min,
                        length);
    else if (length > max)
        problems_add_at(decoder->problems, place, "must have at most %" PRId64 " characters (has %" PRId64 ")", max,
                        length);
    else if ((field->flags & FIELD_DNS_LABEL) && !is_label(text))
        problems_add_at(decoder->problems, place,
                        "must be a DNS label: lower-case letters, digits and '-', not '-' at an end");
    else if ((field->flags & FIELD_NOT_FLAG) && text[0] == '-')
        problems_add_at(decoder->problems, place, "must not begin with '-' (it would be read as an option)");
    else if (field->check != NULL && field->check(text, &err) < 0)
        problems_add_at(decoder->problems, place, "%s", field->flags & FIELD_SECRET ? "is not valid" : err.text);
    return decoder->problems->total == before;
}

const char *table_text(const struct decoder *decoder, const struct field *field, yyjson_val *value,
                       const struct place *place) {
    const char *text = get_text(decoder, value, place);
    return text != NULL && check_text(decoder, field, text, place) ? text : NULL;
}

/* "must be 0..100" */
static void say_bounds(const struct decoder *decoder, const struct place *place, const char *min, const char *max,
                       const struct field *field) {
    if (field->max == INT64_MAX)
        problems_add_at(decoder->problems, place, "must be at least %s", min);
    else if (field->min == INT64_MIN)
        problems_add_at(decoder->problems, place, "must be at most %s", max);
    else
        problems_add_at(decoder->problems, place, "must be %s..%s", min, max);
}

static void say_number_bounds(const struct decoder *decoder, const struct place *place, const struct field *field) {
    char min[24];
    char max[24];
    snprintf(min, sizeof min, "%" PRId64, field->min);
    snprintf(max, sizeof max, "%" PRId64, field->max);
    say_bounds(decoder, place, min, max, field);
}

static bool within(const struct field *field, int64_t value) {
    return field->max == 0 || (value >= field->min && value <= field->max);
}

/* 3.0 is whole for the API server too; beyond 2^53 a real may have lost digits. */
static bool get_whole(yyjson_val *value, int64_t *ret_value) {
    const double exact = 9007199254740992.0;
    double real = yyjson_get_num(value);
    if (yyjson_is_int(value)) {
        if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX)
            return false;
        *ret_value = yyjson_get_sint(value);
        return true;
    }
    if (!yyjson_is_real(value) || real > exact || real < -exact)
        return false;
    int64_t whole = (int64_t)real;
    if ((double)whole < real || (double)whole > real)
        return false;
    *ret_value = whole;
    return true;
}

static void decode_int(const struct decoder *decoder, const struct field *field, yyjson_val *value, int64_t *slot,
                       const struct place *place) {
    int64_t number = 0;
    if (!yyjson_is_num(value))
        problems_add_type(decoder->problems, place, "a whole number", yyjson_get_type(value));
    else if (!get_whole(value, &number))
        problems_add_at(decoder->problems, place, "must be a whole number of less than 64 bits");
    else if (!within(field, number))
        say_number_bounds(decoder, place, field);
    else
        *slot = number;
}

static void decode_number(const struct decoder *decoder, const struct field *field, yyjson_val *value, double *slot,
                          const struct place *place) {
    double number = yyjson_get_num(value);
    if (!yyjson_is_num(value))
        problems_add_type(decoder->problems, place, "a number", yyjson_get_type(value));
    else if (field->max != 0 && (number < (double)field->min || number > (double)field->max))
        say_number_bounds(decoder, place, field);
    else
        *slot = number;
}

static void decode_duration(const struct decoder *decoder, const struct field *field, yyjson_val *value, int64_t *slot,
                            const struct place *place) {
    struct error err = {0};
    int64_t ms = 0;
    char min[CLOCK_TEXT_MAX];
    char max[CLOCK_TEXT_MAX];
    const char *text = yyjson_get_str(value);
    if (text == NULL)
        problems_add_type(decoder->problems, place, "a duration with its unit, such as 90s, 5m or 1h30m",
                          yyjson_get_type(value));
    else if (yyjson_get_len(value) > TABLE_DURATION_MAX || strlen(text) != yyjson_get_len(value))
        problems_add_at(decoder->problems, place, "must be a duration such as 90s, 5m or 1h30m");
    else if (duration_parse(text, &ms, &err) < 0)
        problems_add_at(decoder->problems, place, "%s", err.text);
    else if (!within(field, ms)) {
        duration_format(field->min, min);
        duration_format(field->max, max);
        say_bounds(decoder, place, min, max, field);
    } else {
        *slot = ms;
    }
}

static void decode_quantity(const struct decoder *decoder, yyjson_val *value, const char **slot,
                            const struct place *place) {
    const char *text = yyjson_get_str(value);
    if (yyjson_is_uint(value))
        *slot = arena_printf(decoder->arena, "%" PRIu64, yyjson_get_uint(value));
    else if (yyjson_is_real(value))
        problems_add_at(decoder->problems, place,
                        "must be a whole number, or a quantity in quotes such as \"0.5\" or \"500m\"");
    else if (text == NULL)
        problems_add_type(decoder->problems, place, "a quantity such as 2, \"500m\" or \"4Gi\"",
                          yyjson_get_type(value));
    else if (yyjson_get_len(value) > QUANTITY_TEXT_MAX || strlen(text) != yyjson_get_len(value) ||
             !quantity_parse(text, NULL))
        problems_add_at(decoder->problems, place, "must be a quantity such as 2, 500m or 4Gi");
    else
        *slot = text;
}

static void decode_enum(const struct decoder *decoder, const struct field *field, yyjson_val *value, int *slot,
                        const struct place *place) {
    struct strings names = {.items = NULL};
    while (field->values[names.count] != NULL)
        names.count++;
    const char *text = get_text(decoder, value, place);
    if (text == NULL)
        return;
    for (size_t i = 0; i < names.count; i++) {
        if (strcmp(field->values[i], text) == 0) {
            *slot = (int)i;
            return;
        }
    }
    names.items = ARENA_NEW_ARRAY(decoder->arena, names.count, const char *);
    memcpy(names.items, field->values, names.count * sizeof *names.items);
    const char *all = strings_join(&names, ", ", decoder->arena);
    const char *nearest = text_nearest(text, &names);
    if (nearest != NULL)
        problems_add_at(decoder->problems, place, "must be one of %s (did you mean %s?)", all, nearest);
    else
        problems_add_at(decoder->problems, place, "must be one of %s", all);
}

void table_decode_value(const struct decoder *decoder, const struct field *field, yyjson_val *value, void *slot,
                        const struct place *place) {
    switch (field->type) {
    case FIELD_STRING: *(const char **)slot = table_text(decoder, field, value, place); break;
    case FIELD_BOOL:
    case FIELD_TRISTATE:
        if (!yyjson_is_bool(value))
            problems_add_type(decoder->problems, place, "true or false", yyjson_get_type(value));
        else if (field->type == FIELD_BOOL)
            *(bool *)slot = yyjson_get_bool(value);
        else
            *(signed char *)slot = yyjson_get_bool(value);
        break;
    case FIELD_INT: decode_int(decoder, field, value, slot, place); break;
    case FIELD_NUMBER: decode_number(decoder, field, value, slot, place); break;
    case FIELD_DURATION: decode_duration(decoder, field, value, slot, place); break;
    case FIELD_QUANTITY: decode_quantity(decoder, value, slot, place); break;
    case FIELD_ENUM: decode_enum(decoder, field, value, slot, place); break;
    case FIELD_STRINGS:
    case FIELD_PAIRS:
    case FIELD_LIST: table_decode_list(decoder, field, value, slot, place); break;
    case FIELD_ANY: *(yyjson_val **)slot = value; break;
    case FIELD_OBJECT: break; /* table.c */
    }
}
