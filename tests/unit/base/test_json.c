/* Reading is strict and bounded, comparing is by value, quoting always gives JSON. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static yyjson_doc *parse(const char *text) {
    struct error err = {0};
    yyjson_doc *doc = NULL;
    if (json_parse(text, strlen(text), &doc, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return doc;
}

static void expect_refused(const char *text, size_t length, const char *message) {
    struct error err = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_parse(text, length, &doc, &err), -1);
    assert_int_equal(err.code, ERROR_INVALID);
    assert_null(doc);
    if (strncmp(err.text, message, strlen(message)) != 0)
        fail_msg("'%s' does not begin with '%s'", err.text, message);
}

static void walks_by_name(void **state) {
    (void)state;
    AUTO_JSON *doc = parse("{\"metadata\":{\"name\":\"run\",\"generation\":3,\"big\":18446744073709551615,"
                           "\"half\":0.5,\"on\":true}}");
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *meta = json_at(root, "metadata", NULL);
    assert_string_equal(yyjson_get_str(json_at(root, "metadata", "name", NULL)), "run");
    assert_null(json_at(root, "metadata", "name", "deeper", NULL));
    assert_null(json_at(root, "spec", "name", NULL));
    assert_null(json_at(NULL, "spec", NULL));
    assert_ptr_equal(json_at(root, NULL), root);
    assert_string_equal(json_text(meta, "name", "-"), "run");
    assert_string_equal(json_text(meta, "generation", "-"), "-");
    assert_null(json_text(NULL, "name", NULL));
    assert_int_equal(json_int(meta, "generation", -1), 3);
    assert_int_equal(json_int(meta, "big", -1), -1); /* does not fit */
    assert_int_equal(json_int(meta, "half", -1), -1);
    assert_int_equal(json_int(meta, "name", -1), -1);
    assert_true(json_bool(meta, "on", false));
    assert_true(json_bool(meta, "name", true));
}

static void refuses_with_the_position(void **state) {
    (void)state;
    expect_refused("", 0, "not JSON: ");
    expect_refused("{\"a\": 1,\n \"b\" 2}", 16, "not JSON: line 2, column 6: ");
    expect_refused("{} {}", 5, "not JSON: line 1, column 4: ");
    expect_refused("{\"a\":1,}", 8, "not JSON: line 1, ");
    expect_refused("[NaN]", 5, "not JSON: ");
    expect_refused("[1e999]", 7, "not JSON: ");
    expect_refused("[\"\xFF\"]", 5, "not JSON: ");
    expect_refused("[1]\0", 4, "not JSON: ");
    expect_refused("// no\n1", 7, "not JSON: ");
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 4] = "";
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    AUTO_JSON *doc = parse(text);
    assert_non_null(doc);
    assert_false(json_too_deep(yyjson_doc_get_root(doc)));
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    expect_refused(text, strlen(text), "not JSON: line 1, column 65: nested too deeply");
    AUTO_JSON *deep = yyjson_read(text, strlen(text), 0);
    assert_true(json_too_deep(yyjson_doc_get_root(deep)));
}

static void brackets_in_texts_are_no_depth(void **state) {
    (void)state;
    char text[300] = "[\"\\\"";
    memset(text + 4, '[', 200);
    memcpy(text + 204, "\",\"\\\\\"]", 8);
    AUTO_JSON *doc = parse(text);
    assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 2);
}

static void writes_into_the_arena(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, object, "name", "é\n");
    yyjson_mut_obj_add_real(doc, object, "none", __builtin_nan(""));
    for (int i = 0; i < 2000; i++) /* more than one of yyjson's own blocks */
        yyjson_mut_arr_add_int(doc,
                               yyjson_mut_obj_get(object, "list") != NULL ? yyjson_mut_obj_get(object, "list")
                                                                          : yyjson_mut_obj_add_arr(doc, object, "list"),
                               i);
    size_t length = 0;
    const char *text = json_write(object, &arena, &length);
    assert_int_equal(strlen(text), length);
    assert_memory_equal(text, "{\"name\":\"é\\n\",\"none\":null,\"list\":[0,1,2,", 38);
    AUTO_JSON *back = parse(text);
    assert_string_equal(json_write_value(yyjson_doc_get_root(back), &arena, NULL), text);
}

static bool same(const char *a, const char *b) {
    AUTO_JSON *left = parse(a);
    AUTO_JSON *right = parse(b);
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *left_copy = yyjson_val_mut_copy(doc, yyjson_doc_get_root(left));
    yyjson_mut_val *right_copy = yyjson_val_mut_copy(doc, yyjson_doc_get_root(right));
    bool result = json_same(left_copy, right_copy);
    assert_int_equal(json_same(right_copy, left_copy), result);
    return result;
}

static void compares_by_value(void **state) {
    (void)state;
    assert_true(same("{\"a\":1,\"b\":[1,{}]}", "{\"b\":[1,{}],\"a\":1.0}"));
    assert_false(same("{\"a\":1}", "{\"a\":1,\"b\":null}"));
    assert_false(same("{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}"));
    assert_false(same("[1,2]", "[2,1]"));
    assert_false(same("[1]", "[1,1]"));
    assert_true(same("-1", "-1.0"));
    assert_false(same("-1", "18446744073709551615"));
    assert_true(same("0", "-0"));
    assert_false(same("true", "false"));
    assert_false(same("null", "false"));
    assert_false(same("\"1\"", "1"));
    assert_true(same("\"a\\u0000b\"", "\"a\\u0000b\""));
    assert_false(same("\"a\\u0000b\"", "\"a\\u0000c\""));
    assert_true(json_same(NULL, NULL));
}

static void quotes_any_bytes(void **state) {
    (void)state;
    AUTO_STRBUF out = STRBUF_INIT;
    json_quote(&out, "a\"\\\n\t\x01\x7f\0é\xC3", 11);
    assert_string_equal(strbuf_text(&out), "\"a\\\"\\\\\\n\\t\\u0001\\u007f\\u0000é\xEF\xBF\xBD\"");
    AUTO_JSON *doc = parse(strbuf_text(&out));
    assert_int_equal(yyjson_get_len(yyjson_doc_get_root(doc)), 8 + 2 + 3);
}

static uint64_t hash_of(const char *text) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *doc = NULL;
    struct error err = {0};
    if (json_parse(text, strlen(text), &doc, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return json_hash(yyjson_val_mut_copy(json_new(&arena), yyjson_doc_get_root(doc)));
}

static void a_hash_is_that_of_the_value(void **state) {
    (void)state;
    static const char *const different[] = {
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "0.5",
        "1e300",
        "\"\"",
        "\"0\"",
        "\"null\"",
        "[]",
        "{}",
        "[[]]",
        "[0]",
        "[0,1]",
        "[1,0]",
        "{\"a\":null}",
        "{\"a\":1}",
        "{\"b\":1}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":2,\"b\":1}",
        "{\"ab\":1}",
        "[\"a\",\"b\"]",
        "[\"ab\"]",
    };
    enum { COUNT = sizeof different / sizeof *different };
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < i; j++)
            if (hash_of(different[i]) == hash_of(different[j]))
                fail_msg("%s and %s", different[i], different[j]);
    assert_true(hash_of("{\"a\":[1,{\"x\":2,\"y\":3}],\"b\":null}") ==
                hash_of("{\"b\":null,\"a\":[1.0,{\"y\":3,\"x\":2e0}]}"));
    /* for ever the same: it is kept in the cluster */
    assert_true(hash_of("{\"a\":[1,\"x\",true]}") == UINT64_C(0x883bcf9efa7d4f5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_by_name),         cmocka_unit_test(refuses_with_the_position),
        cmocka_unit_test(depth_is_bounded),      cmocka_unit_test(brackets_in_texts_are_no_depth),
        cmocka_unit_test(writes_into_the_arena), cmocka_unit_test(compares_by_value),
        cmocka_unit_test(quotes_any_bytes),      cmocka_unit_test(a_hash_is_that_of_the_value),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
