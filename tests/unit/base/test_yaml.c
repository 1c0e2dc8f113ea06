/* Each case is a text and the JSON that it means, or the words with which it is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"

struct yaml_case {
    const char *text;
    const char *wanted;
};

static void expect_json(const struct yaml_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        AUTO_JSON *doc = NULL;
        AUTO_ARENA arena = ARENA_INIT;
        if (yaml_parse(cases[i].text, strlen(cases[i].text), &doc, &err) < 0)
            fail_msg("'%s': %s", cases[i].text, err.text);
        assert_string_equal(json_write_value(yyjson_doc_get_root(doc), &arena, NULL), cases[i].wanted);
    }
}

static void expect_refused(const struct yaml_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        yyjson_doc *doc = NULL;
        if (yaml_parse(cases[i].text, strlen(cases[i].text), &doc, &err) == 0)
            fail_msg("'%s' was taken", cases[i].text);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_null(doc);
        if (strncmp(err.text, cases[i].wanted, strlen(cases[i].wanted)) != 0)
            fail_msg("'%s': '%s' does not begin with '%s'", cases[i].text, err.text, cases[i].wanted);
    }
}
#define EXPECT_JSON(...)                                 \
    expect_json((const struct yaml_case[]){__VA_ARGS__}, \
                sizeof((const struct yaml_case[]){__VA_ARGS__}) / sizeof(struct yaml_case))
#define EXPECT_REFUSED(...)                                 \
    expect_refused((const struct yaml_case[]){__VA_ARGS__}, \
                   sizeof((const struct yaml_case[]){__VA_ARGS__}) / sizeof(struct yaml_case))

static void structures(void **state) {
    (void)state;
    EXPECT_JSON({"a: 1\nb:\n  - x\n  - {c: d, e: [1, 2]}\n", "{\"a\":1,\"b\":[\"x\",{\"c\":\"d\",\"e\":[1,2]}]}"},
                {"- - 1\n  - 2\n- []\n- {}\n", "[[1,2],[],{}]"}, {"just text", "\"just text\""},
                {"---\na:\nb: ''\n...\n", "{\"a\":null,\"b\":\"\"}"},
                {"script: |\n  line 1\n  line 2\nfolded: >-\n  a\n  b\n",
                 "{\"script\":\"line 1\\nline 2\\n\",\"folded\":\"a b\"}"},
                {"# only\n---\n- é # end\n", "[\"é\"]"},
                {"\xEF\xBB\xBF"
                 "a: 1",
                 "{\"a\":1}"},
                {"1: a\ntrue: b\nnull: c\n\"\": d\n", "{\"1\":\"a\",\"true\":\"b\",\"null\":\"c\",\"\":\"d\"}"},
                {"a: \"x\\0y\"", "{\"a\":\"x\\u0000y\"}"},
                {"a: {x: 1}\nb: {x: 1}\n", "{\"a\":{\"x\":1},\"b\":{\"x\":1}}"});
}

static void plain_scalars_of_the_core_schema(void **state) {
    (void)state;
    EXPECT_JSON({"[null, Null, NULL, ~]", "[null,null,null,null]"},
                {"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
                {"[yes, no, on, off, y, tRUE, nULL]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"tRUE\",\"nULL\"]"},
                {"[0, 12, -7, +7, -0]", "[0,12,-7,7,0]"}, {"[0x1F, 0o17, 0xg, 0o8]", "[31,15,\"0xg\",\"0o8\"]"},
                {"[1.5, .5, 1., -1e3, 1E-2]", "[1.5,0.5,1.0,-1000.0,0.01]"},
                {"[1.2.3, 1_000, 12:30, 2026-11-20, 1e, e1, ., -, +.e1]",
                 "[\"1.2.3\",\"1_000\",\"12:30\",\"2026-11-20\",\"1e\",\"e1\",\".\",\"-\",\"+.e1\"]"},
                {"['1', \"true\", 'null']", "[\"1\",\"true\",\"null\"]"});
}

static void numbers_are_bounded(void **state) {
    (void)state;
    EXPECT_JSON({"[18446744073709551615, -9223372036854775808]", "[18446744073709551615,-9223372036854775808]"});
    EXPECT_REFUSED({"a: 18446744073709551616", "line 1: a number too large to keep (put it in quotes if it is text)"},
                   {"a: -9223372036854775809", "line 1: a number too large"},
                   {"a: 0x1FFFFFFFFFFFFFFFF", "line 1: a number too large"}, {"a: 1e999", "line 1: a number too large"},
                   {"\n\na: .inf", "line 3: .inf is no number"}, {"a: .NaN", "line 1: .NaN is no"},
                   {"a: 0644", "line 1: 0644 is read as octal by some"},
                   {"a: -012", "line 1: -012 is read as octal by some"});
}

static void refuses_by_line(void **state) {
    (void)state;
    EXPECT_REFUSED({"a: &x 1\n", "line 1: anchors (&) are not supported"},
                   {"a: 1\nb: *x\n", "line 2: aliases (*) are not supported"}, {"a: 1\n&k b: 2", "line 2: anchors"},
                   {"a:\n  &x\n  - 1\n", "line 2: anchors"}, {"a: &x {}", "line 1: anchors"},
                   {"a: !!str 1\n", "line 1: tags (!) are not supported"}, {"a: ! x\n", "line 1: tags"},
                   {"- !custom [1]", "line 1: tags"}, {"a: 1\n--- \nb: 2\n", "line 2: only one document is allowed"},
                   {"a: 1\nb: 2\nx:\n  b: 2\na: 3\n", "line 5: \"a\" is given twice (first on line 1)"},
                   {"x:\n- {a: 1,\n   'a': 2}\n", "line 3: \"a\" is given twice (first on line 2)"},
                   {"a:\n  <<: {b: 1}\n", "line 2: merge keys (<<) are not supported"},
                   {"? [a]\n: b\n", "line 1: a key must be text"}, {"? {a: b}\n: b\n", "line 1: a key must be text"},
                   {": b\n", "line 1: did not find expected key"}, {"?\n: b\n", "line 1: a key is missing"},
                   {"{: b}", "line 1: did not find expected node content"}, {"a: [1\nb: 2\n", "line 2: "},
                   {"a:\n\t- b\n", "line 2: "}, {"a: 'x", "line 1: "}, {"a\n b: c: d\n", "line "});
}

static void nothing_is_no_document(void **state) {
    (void)state;
    EXPECT_REFUSED({"", "there is nothing in it"}, {"# a comment\n", "there is nothing in it"},
                   {"   \n\n", "there is nothing in it"});
}

static void control_characters_are_refused_by_line(void **state) {
    (void)state;
    EXPECT_REFUSED({"a: 1\nb: \x01\n", "line 2: control characters are not allowed"},
                   {"a: 1\n\nb: \xFF\n", "line 3: "});
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[3 * JSON_DEPTH_MAX] = "";
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    struct error err = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(yaml_parse(text, strlen(text), &doc, &err), 0);
    json_free(&doc);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    EXPECT_REFUSED({text, "line 1: nested too deeply"});
}

static void length_is_bounded(void **state) {
    (void)state;
    size_t length = YAML_BYTES_MAX + 1;
    char *text = calloc(1, length + 1);
    memset(text, 'a', length);
    EXPECT_REFUSED({text, "4194305 bytes are too many"});
    free(text);
}

static void many_keys_take_no_long_time(void **state) {
    (void)state;
    AUTO_STRBUF text = STRBUF_INIT;
    for (int i = 0; i < 200000; i++)
        strbuf_printf(&text, "k%d: 1\n", i);
    struct error err = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(yaml_parse(strbuf_text(&text), text.length, &doc, &err), 0);
    assert_int_equal(yyjson_obj_size(yyjson_doc_get_root(doc)), 200000);
    json_free(&doc);
    strbuf_puts(&text, "k0: 2\n");
    assert_int_equal(yaml_parse(strbuf_text(&text), text.length, &doc, &err), -1);
    assert_string_equal(err.text, "line 200001: \"k0\" is given twice (first on line 1)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structures),
        cmocka_unit_test(plain_scalars_of_the_core_schema),
        cmocka_unit_test(numbers_are_bounded),
        cmocka_unit_test(refuses_by_line),
        cmocka_unit_test(nothing_is_no_document),
        cmocka_unit_test(control_characters_are_refused_by_line),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(many_keys_take_no_long_time),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
