/* YAML from anybody. What is accepted is JSON that can be written and read again, and means the same when that JSON is
 * read as the YAML it also is. */

#include "base/yaml.h"
#include "support_fuzz.h"

static void check_same(yyjson_val *a, yyjson_val *b, struct arena *arena) {
    yyjson_mut_doc *doc = json_new(arena);
    CHECK(json_same(yyjson_val_mut_copy(doc, a), yyjson_val_mut_copy(doc, b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *doc = NULL, *json = NULL, *yaml = NULL;
    struct error err = {0};
    if (yaml_parse((const char *)data, size, &doc, &err) < 0) {
        CHECK(doc == NULL && err.code == ERROR_INVALID && err.text[0] != '\0');
        return 0;
    }
    size_t length = 0;
    yyjson_val *root = yyjson_doc_get_root(doc);
    const char *text = json_write_value(root, &arena, &length);
    CHECK(json_parse(text, length, &json, &err) == 0);
    check_same(root, yyjson_doc_get_root(json), &arena);
    if (yaml_parse(text, length, &yaml, &err) == 0) /* not all JSON is YAML: control characters, long names */
        check_same(root, yyjson_doc_get_root(yaml), &arena);
    return 0;
}
