/* See yaml.h. Relies on libyaml's event parser, which does not recurse, and builds a yyjson document as events arrive.
 * What a reader and Kubernetes' own YAML would understand differently (tags, merge keys, octal 0644) is refused rather
 * than guessed. Never resolves an alias, so that a small text cannot become a large document. */

#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/text.h"
#include "base/yaml_scalar.h"

/* A key that was seen, to find those given twice. Keys of the open mappings lie one mapping behind the other. */
struct key {
    const char *text;
    size_t length;
    size_t line;
};

struct level {
    yyjson_mut_val *container;
    yyjson_mut_val *name; /* in a mapping: the key that waits for its value */
    size_t first_key;
};

struct reader {
    yaml_parser_t parser;
    yyjson_mut_doc *doc;
    struct level levels[JSON_DEPTH_MAX];
    size_t depth;
    yyjson_mut_val *root;
    struct key *keys;
    size_t key_count;
    size_t key_room;
};

static int fail(size_t line, const char *what, struct error *err) {
    return error_set(err, ERROR_INVALID, "line %zu: %s", line, what);
}

static int no_memory(struct error *err) {
    return error_set(err, ERROR_TRANSIENT, "no memory for the document");
}

static int compare_keys(const void *left, const void *right) {
    const struct key *a = left;
    const struct key *b = right;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    int order = memcmp(a->text, b->text, a->length);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* Takes the keys of the innermost mapping off the stack; none may be there twice. */
static int close_keys(struct reader *reader, struct error *err) {
    size_t first = reader->levels[reader->depth - 1].first_key;
    size_t count = reader->key_count - first;
    reader->key_count = first;
    if (count < 2)
        return 0;
    struct key *keys = reader->keys + first;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (keys[i].length != keys[i - 1].length || memcmp(keys[i].text, keys[i - 1].text, keys[i].length) != 0)
            continue;
        AUTO_ARENA arena = ARENA_INIT;
        return error_set(err, ERROR_INVALID, "line %zu: \"%s\" is given twice (first on line %zu)", keys[i].line,
                         text_clean(keys[i].text, keys[i].length, 64, &arena), keys[i - 1].line);
    }
    return 0;
}

static int push_key(struct reader *reader, const yaml_event_t *event, struct error *err) {
    if (reader->key_count == reader->key_room) {
        size_t room = reader->key_room == 0 ? 64 : reader->key_room * 2;
        struct key *keys = reallocarray(reader->keys, room, sizeof *keys);
        if (keys == NULL)
            return no_memory(err);
        reader->keys = keys;
        reader->key_room = room;
    }
    yyjson_mut_val *name = reader->levels[reader->depth - 1].name;
    reader->keys[reader->key_count++] = (struct key){
        .text = yyjson_mut_get_str(name), .length = yyjson_mut_get_len(name), .line = event->start_mark.line + 1};
    return 0;
}

static bool wants_key(const struct reader *reader) {
    if (reader->depth == 0)
        return false;
    const struct level *level = &reader->levels[reader->depth - 1];
    return yyjson_mut_is_obj(level->container) && level->name == NULL;
}

static int take_key(struct reader *reader, const yaml_event_t *event, struct error *err) {
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    size_t line = event->start_mark.line + 1;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && length == 0)
        return fail(line, "a key is missing before ':'", err);
    if (plain && text_equal(text, "<<"))
        return fail(line, "merge keys (<<) are not supported: write the members out", err);
    yyjson_mut_val *name = yyjson_mut_strncpy(reader->doc, text, length);
    if (name == NULL)
        return no_memory(err);
    reader->levels[reader->depth - 1].name = name;
    return push_key(reader, event, err);
}

/* Puts a value where the document is at. */
static int place(struct reader *reader, yyjson_mut_val *value, struct error *err) {
    if (value == NULL)
        return no_memory(err);
    if (reader->depth == 0) {
        reader->root = value;
        return 0;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (yyjson_mut_is_arr(level->container)) {
        yyjson_mut_arr_append(level->container, value);
    } else {
        yyjson_mut_obj_add(level->container, level->name, value);
        level->name = NULL;
    }
    return 0;
}

static int take_scalar(struct reader *reader, const yaml_event_t *event, struct error *err) {
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (wants_key(reader))
        return take_key(reader, event, err);
    yyjson_mut_val *value = NULL;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        value = yyjson_mut_strncpy(reader->doc, text, length);
    else if (yaml_scalar(reader->doc, text, length, &value, err) < 0)
        return error_wrap(err, "line %zu", event->start_mark.line + 1);
    return place(reader, value, err);
}

static int open_container(struct reader *reader, const yaml_event_t *event, yyjson_mut_val *value, struct error *err) {
    size_t line = event->start_mark.line + 1;
    if (wants_key(reader))
        return fail(line, "a key must be text, not a list or a mapping", err);
    if (reader->depth == JSON_DEPTH_MAX)
        return fail(line, "nested too deeply", err);
    if (place(reader, value, err) < 0)
        return -1;
    reader->levels[reader->depth++] = (struct level){.container = value, .first_key = reader->key_count};
    return 0;
}

static int close_container(struct reader *reader, struct error *err) {
    if (close_keys(reader, err) < 0)
        return -1;
    reader->depth--;
    return 0;
}

static int refuse_properties(const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag,
                             struct error *err) {
    size_t line = event->start_mark.line + 1;
    if (anchor != NULL)
        return fail(line, "anchors (&) are not supported", err);
    if (tag != NULL)
        return fail(line, "tags (!) are not supported", err);
    return 0;
}

static int take_event(struct reader *reader, const yaml_event_t *event, struct error *err) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return reader->root == NULL ? 0 : fail(event->start_mark.line + 1, "only one document is allowed", err);
    case YAML_ALIAS_EVENT:
        return fail(event->start_mark.line + 1, "aliases (*) are not supported: write the value out", err);
    case YAML_SCALAR_EVENT:
        if (refuse_properties(event, event->data.scalar.anchor, event->data.scalar.tag, err) < 0)
            return -1;
        return take_scalar(reader, event, err);
    case YAML_SEQUENCE_START_EVENT:
        if (refuse_properties(event, event->data.sequence_start.anchor, event->data.sequence_start.tag, err) < 0)
            return -1;
        return open_container(reader, event, yyjson_mut_arr(reader->doc), err);
    case YAML_MAPPING_START_EVENT:
        if (refuse_properties(event, event->data.mapping_start.anchor, event->data.mapping_start.tag, err) < 0)
            return -1;
        return open_container(reader, event, yyjson_mut_obj(reader->doc), err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_container(reader, err);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return 0;
    }
    return 0;
}

static int fail_parser(const struct reader *reader, const char *text, size_t length, struct error *err) {
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return no_memory(err);
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR) { /* knows its place in bytes only */
        line = 1;
        for (size_t i = 0; i < length && i < parser->problem_offset; i++)
            line += text[i] == '\n';
    }
    return fail(line, parser->problem != NULL ? parser->problem : "not YAML", err);
}

static int read_events(struct reader *reader, const char *text, size_t length, struct error *err) {
    for (bool ended = false; !ended;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event))
            return fail_parser(reader, text, length, err);
        int result = take_event(reader, &event, err);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (result < 0)
            return -1;
    }
    if (reader->root == NULL)
        return error_set(err, ERROR_INVALID, "there is nothing in it");
    return 0;
}

int yaml_parse(const char *text, size_t length, yyjson_doc **ret_doc, struct error *err) {
    if (length > YAML_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "%zu bytes are too many: at most %d are read", length, YAML_BYTES_MAX);
    struct reader reader = {.doc = yyjson_mut_doc_new(NULL)};
    if (reader.doc == NULL)
        return no_memory(err);
    if (!yaml_parser_initialize(&reader.parser)) {
        yyjson_mut_doc_free(reader.doc);
        return no_memory(err);
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    int result = read_events(&reader, text, length, err);
    if (result == 0) {
        yyjson_mut_doc_set_root(reader.doc, reader.root);
        yyjson_doc *doc = yyjson_mut_doc_imut_copy(reader.doc, NULL);
        result = doc != NULL ? 0 : no_memory(err);
        if (doc != NULL)
            *ret_doc = doc;
    }
    yaml_parser_delete(&reader.parser);
    yyjson_mut_doc_free(reader.doc);
    free(reader.keys);
    return result;
}
