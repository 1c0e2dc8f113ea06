/* See support_decode.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "support_decode.h"

static const struct field fields[] = {
    {"words", "Words.", FIELD_STRINGS, .offset = offsetof(struct words, words)},
    {"note", "A note.", FIELD_STRING, .offset = offsetof(struct words, note)},
};
static const struct table table = {.size = sizeof(struct words), .fields = fields, .field_count = 2};

static const struct kind_tables *kinds(void) {
    static struct kind_tables tables;
#define X(value, name)                    \
    tables.names[KIND_##value] = #name;   \
    tables.docs[KIND_##value] = "Words."; \
    tables.tables[KIND_##value] = &table;
    TASK_KINDS(X)
#undef X
    return &tables;
}

static void decode(struct decoded *decoded, yyjson_doc *doc) {
    *decoded = (struct decoded){.arena = ARENA_INIT, .doc = doc};
    decoded->problems.arena = &decoded->arena;
    decoded->pipeline = pipeline_decode(yyjson_doc_get_root(doc), kinds(), &decoded->arena, &decoded->problems);
}

void decoded_init(struct decoded *decoded, const char *object_yaml) {
    struct error err = {0};
    yyjson_doc *doc = NULL;
    if (yaml_parse(object_yaml, strlen(object_yaml), &doc, &err) < 0)
        fail_msg("%s", err.text);
    decode(decoded, doc);
}

void decoded_json(struct decoded *decoded, const char *object_json, size_t length) {
    yyjson_doc *doc = yyjson_read(object_json, length, 0);
    assert_non_null(doc);
    decode(decoded, doc);
}

void decoded_fini(struct decoded *decoded) {
    json_free(&decoded->doc);
    arena_fini(&decoded->arena);
}

void decoded_spec(struct decoded *decoded, const char *spec_yaml) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_puts(&text, "metadata: {name: demo, namespace: lab, uid: 0a1b}\nspec:\n");
    strbuf_puts(&text, spec_yaml);
    decoded_init(decoded, strbuf_text(&text));
}

void expect_problems(const char *spec_yaml, const char *const *wanted) {
    struct decoded decoded;
    decoded_spec(&decoded, spec_yaml);
    size_t count = 0;
    bool same = true;
    for (; wanted[count] != NULL; count++)
        same = same && count < decoded.problems.count && strcmp(wanted[count], decoded.problems.items[count]) == 0;
    same = same && count == decoded.problems.count;
    if (!same) {
        for (size_t i = 0; i < count; i++)
            print_error("wanted: %s\n", wanted[i]);
        for (size_t i = 0; i < decoded.problems.count; i++)
            print_error("seen:   %s\n", decoded.problems.items[i]);
    }
    decoded_fini(&decoded);
    assert_true(same);
}
