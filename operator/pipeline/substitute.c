/* See substitute.h. Pure. Recurses over documents whose depth pipeline_decode() has bounded. */

#include "pipeline/substitute.h"

#include <string.h>

/* What begins one of ours. Those that are not in any scope yet are still refused, not silently kept. */
static const char *const spaces[] = {"params", "pipeline", "task", "tasks", "inputs", "outputs", "cron"};
enum { SPACE_COUNT = sizeof spaces / sizeof *spaces, SPACES_KNOWN = 3 }; /* of the first ones, slips of the pen count */

static const char word_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

/* Length of the name in "$(name)" at `at`, ours or a variable's; 0: that is none. */
static size_t name_length(const char *at) {
    size_t length = strspn(at + 2, word_characters);
    return at[2 + length] == ')' ? length : 0;
}

static const char *find(const struct references *scope, const char *name) {
    for (size_t i = 0; i < scope->values.count; i++)
        if (strcmp(scope->values.items[i].name, name) == 0)
            return scope->values.items[i].value;
    return NULL;
}

/* "params.date", and "param.date", which is a slip of the pen; "run.sh" and "HOME" are somebody else's. */
static bool is_ours(const char *name, struct arena *arena) {
    size_t length = strcspn(name, ".");
    if (name[length] == '\0')
        return false;
    const char *first = arena_strndup(arena, name, length);
    const char *names[SPACE_COUNT];
    struct strings all = {.items = names, .count = SPACE_COUNT};
    struct strings known = {.items = names, .count = SPACES_KNOWN};
    memcpy(names, spaces, sizeof spaces);
    return strings_contain(&all, first) || text_nearest(first, &known) != NULL;
}

static void say_unknown(const struct references *scope, const char *name, const struct place *place,
                        struct problems *problems) {
    struct strings names = {.items = ARENA_NEW_ARRAY(problems->arena, scope->values.count, const char *)};
    for (size_t i = 0; i < scope->values.count && problems->count < PROBLEMS_MAX; i++)
        names.items[names.count++] = scope->values.items[i].name;
    const char *nearest = text_nearest(name, &names);
    if (strings_contain(&scope->later, name))
        problems_add_at(problems, place, "$(%s) is not known here: a value may refer to params above it", name);
    else if (nearest != NULL)
        problems_add_at(problems, place, "unknown reference $(%s) (did you mean $(%s)?)", name, nearest);
    else
        problems_add_at(problems, place, "unknown reference $(%s) (write $$(%s) to keep it as it is)", name, name);
}

/* Text that is to arrive as it is. */
static void put(struct strbuf *out, const char *text, size_t length, bool expands) {
    for (size_t i = 0; i < length; i++) {
        if (expands && text[i] == '$')
            strbuf_putc(out, '$');
        strbuf_putc(out, text[i]);
    }
}

static void put_value(const struct substitution *substitution, const char *value, bool expands, struct strbuf *out) {
    struct references *scope = substitution->scope;
    size_t length = strlen(value);
    if (length > scope->room)
        scope->overflow = true;
    if (scope->overflow)
        return;
    scope->room -= length;
    put(out, value, length, expands);
}

/* Reads "$(" and what belongs to it, before which there are an even number of dollars. Returns how much that is. */
static size_t put_reference(const struct substitution *substitution, const char *at, const char *name, bool expands,
                            const struct place *place, struct strbuf *out) {
    if (name == NULL) { /* a shell's, perhaps: there may be one inside */
        put(out, at, 1, expands);
        return 1;
    }
    size_t length = strlen(name) + strlen("$()");
    const char *value = find(substitution->scope, name);
    if (value != NULL) {
        put_value(substitution, value, expands, out);
        return length;
    }
    if (substitution->problems != NULL && is_ours(name, substitution->arena))
        say_unknown(substitution->scope, name, place, substitution->problems);
    strbuf_add(out, at, length);
    return length;
}

/* Reads a run of dollars and what belongs to it. Returns how much that is. */
static size_t put_dollars(const struct substitution *substitution, const char *at, bool expands,
                          const struct place *place, struct strbuf *out) {
    size_t dollars = strspn(at, "$");
    const char *last = at + dollars - 1;
    size_t length = last[1] == '(' ? name_length(last) : 0;
    const char *name = length > 0 ? arena_strndup(substitution->arena, last + 2, length) : NULL;
    bool pairs = expands
                     ? last[1] == '('
                     : name != NULL && (find(substitution->scope, name) != NULL || is_ours(name, substitution->arena));
    if (!pairs) {
        put(out, at, dollars, expands);
        return dollars;
    }
    put(out, at, dollars / 2, expands);
    if (dollars % 2 == 0)
        return dollars;
    return dollars - 1 + put_reference(substitution, last, name, expands, place, out);
}

static const char *substitute_text(const struct substitution *substitution, const char *text, bool expands,
                                   const struct place *place) {
    if (strstr(text, expands ? "$" : "$(") == NULL)
        return text;
    AUTO_STRBUF out = STRBUF_INIT;
    for (const char *at = text; *at != '\0';) {
        size_t plain = strcspn(at, "$");
        strbuf_add(&out, at, plain);
        at += plain;
        if (*at == '$')
            at += put_dollars(substitution, at, expands, place, &out);
    }
    return arena_strndup(substitution->arena, strbuf_text(&out), out.length);
}

/* Who reads a member of an object whose texts `reader` reads. */
static struct text_reader reader_of(struct text_reader reader, const char *member) {
    for (size_t i = 0; reader.kinds != NULL && i < KIND_COUNT; i++)
        if (strcmp(reader.kinds->names[i], member) == 0)
            return (struct text_reader){.block = reader.kinds->tables[i]};
    if (reader.block != NULL) {
        const struct field *field = table_field(reader.block, member);
        return (struct text_reader){.expands = field != NULL && !(field->flags & FIELD_UNEXPANDED)};
    }
    const struct pod_field *field = pod_field_find(reader.type, member);
    bool expands = reader.expands || (field != NULL && (field->flags & POD_FIELD_EXPANDED));
    return (struct text_reader){.type = pod_field_type(field), .expands = expands};
}

static yyjson_mut_val *substitute_members(const struct substitution *substitution, yyjson_val *object,
                                          struct text_reader reader, const struct place *place) {
    yyjson_mut_doc *doc = substitution->doc;
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach(object, i, count, name, value) {
        const char *member = yyjson_get_str(name);
        const struct place inner = {.up = place, .name = member};
        yyjson_mut_val *key = yyjson_mut_strn(doc, member, yyjson_get_len(name));
        if (reader.expands) /* the name of a property becomes a part of the command too */
            key = yyjson_mut_str(doc, substitute_text(substitution, member, true, place));
        yyjson_mut_obj_add(result, key, substitute_value(substitution, value, reader_of(reader, member), &inner));
    }
    return result;
}

yyjson_mut_val *substitute_value(const struct substitution *substitution, yyjson_val *value, struct text_reader reader,
                                 const struct place *place) {
    yyjson_mut_doc *doc = substitution->doc;
    if (yyjson_is_obj(value))
        return substitute_members(substitution, value, reader, place);
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *result = yyjson_mut_arr(doc);
        size_t i, count;
        yyjson_val *item;
        yyjson_arr_foreach(value, i, count, item) {
            const struct place inner = {.up = place, .index = i};
            yyjson_mut_arr_append(result, substitute_value(substitution, item, reader, &inner));
        }
        return result;
    }
    const char *text = yyjson_get_str(value);
    if (text == NULL || strlen(text) != yyjson_get_len(value)) /* a NUL inside: the decoder will refuse it */
        return yyjson_val_mut_copy(doc, value);
    return yyjson_mut_str(doc, substitute_text(substitution, text, reader.expands, place));
}
