/* One table with every field type: what decodes, and all that is said when it does not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"
#include "base/yaml.h"

struct retry {
    int64_t limit;
    int64_t delay_ms;
};

struct task {
    const char *name;
    const char *token;
    int when;
    struct retry *retry;
};

struct spec {
    const char *title;
    bool paused;
    bool eager;
    signed char cleanup;
    int64_t count;
    double ratio;
    int64_t timeout_ms;
    const char *memory;
    struct strings args;
    struct pairs conf;
    struct list tasks;
    yyjson_val *template;
    yyjson_val *volumes;
    int policy;
};

static int check_no_blank(const char *text, struct error *err) {
    return strchr(text, ' ') == NULL ? 0 : error_set(err, ERROR_INVALID, "\"%s\" has a blank", text);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TABLE(type, fields) \
    { sizeof(struct type), fields, COUNT(fields), NULL, 0 }

static const struct field retry_fields[] = {
    {.name = "limit", .type = FIELD_INT, .offset = offsetof(struct retry, limit), .max = 100, .absent = 3},
    {.name = "delay",
     .type = FIELD_DURATION,
     .offset = offsetof(struct retry, delay_ms),
     .min = 1000,
     .max = 3600000,
     .absent = 5000},
};
static const struct table retry_table = TABLE(retry, retry_fields);

static const char *const when_names[] = {"AllSucceeded", "AllDone", NULL};
static const struct field task_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct task, name),
     .flags = FIELD_REQUIRED | FIELD_DNS_LABEL},
    {.name = "token",
     .type = FIELD_STRING,
     .offset = offsetof(struct task, token),
     .flags = FIELD_SECRET,
     .check = check_no_blank},
    {.name = "when", .type = FIELD_ENUM, .offset = offsetof(struct task, when), .values = when_names, .absent = 1},
    {.name = "retry", .type = FIELD_OBJECT, .offset = offsetof(struct task, retry), .table = &retry_table},
};
static const struct table task_table = TABLE(task, task_fields);

static const struct field spec_fields[] = {
    {.name = "title",
     .doc = "For people.",
     .type = FIELD_STRING,
     .offset = offsetof(struct spec, title),
     .min = 2,
     .max = 5,
     .check = check_no_blank},
    {.name = "paused", .type = FIELD_BOOL, .offset = offsetof(struct spec, paused)},
    {.name = "eager", .type = FIELD_BOOL, .offset = offsetof(struct spec, eager), .absent = 1},
    {.name = "cleanup", .type = FIELD_TRISTATE, .offset = offsetof(struct spec, cleanup)},
    {.name = "count",
     .type = FIELD_INT,
     .offset = offsetof(struct spec, count),
     .min = 1,
     .max = INT64_MAX,
     .absent = -1},
    {.name = "ratio", .type = FIELD_NUMBER, .offset = offsetof(struct spec, ratio), .max = 1},
    {.name = "timeout", .type = FIELD_DURATION, .offset = offsetof(struct spec, timeout_ms)},
    {.name = "memory", .type = FIELD_QUANTITY, .offset = offsetof(struct spec, memory)},
    {.name = "args",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct spec, args),
     .max = 3,
     .flags = FIELD_NOT_FLAG,
     .pattern = "^[a-z]*$"},
    {.name = "conf", .type = FIELD_PAIRS, .offset = offsetof(struct spec, conf)},
    {.name = "tasks",
     .type = FIELD_LIST,
     .offset = offsetof(struct spec, tasks),
     .flags = FIELD_REQUIRED,
     .min = 1,
     .max = 10,
     .table = &task_table,
     .list_map_key = "name"},
    {.name = "template", .type = FIELD_ANY, .offset = offsetof(struct spec, template)},
    {.name = "volumes",
     .type = FIELD_ANY,
     .offset = offsetof(struct spec, volumes),
     .flags = FIELD_ANY_LIST,
     .list_map_key = "name"},
    {.name = "policy",
     .type = FIELD_ENUM,
     .offset = offsetof(struct spec, policy),
     .flags = FIELD_NULLABLE,
     .values = when_names},
};
static const struct rule spec_rules[] = {{"self.count > 1", "count is too small", ".count"}, {"true", "never", NULL}};
static const struct table spec_table = {sizeof(struct spec), spec_fields, COUNT(spec_fields), spec_rules,
                                        COUNT(spec_rules)};

struct fixture {
    struct arena arena;
    yyjson_doc *doc;
    struct problems problems;
    struct spec spec;
};

static int set_up(void **state) {
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    fixture.problems.arena = &fixture.arena;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    json_free(&fixture->doc);
    arena_fini(&fixture->arena);
    return 0;
}

static struct spec *decode(struct fixture *fixture, const char *yaml) {
    struct error err = {0};
    if (yaml_parse(yaml, strlen(yaml), &fixture->doc, &err) < 0)
        fail_msg("%s", err.text);
    table_decode(&spec_table, yyjson_doc_get_root(fixture->doc), &fixture->spec, "spec", &fixture->arena,
                 &fixture->problems);
    return &fixture->spec;
}

/* All problems of a text, one line each. */
static void expect_problems(void **state, const char *yaml, const char *wanted) {
    struct fixture *fixture = *state;
    decode(fixture, yaml);
    struct strings items = {.items = fixture->problems.items, .count = fixture->problems.count};
    assert_string_equal(strings_join(&items, "\n", &fixture->arena), wanted);
    assert_int_equal(fixture->problems.total, fixture->problems.count);
}

static void decodes_every_type(void **state) {
    struct spec *spec = decode(
        *state, "title: héllo\npaused: true\neager: false\ncleanup: false\ncount: 7\nratio: 0.5\ntimeout: 1h30m\n"
                "memory: 4Gi\nargs: [a, '', b]\nconf: {spark.x: '1', y: ''}\n"
                "tasks:\n- name: a\n  when: AllSucceeded\n  retry: {limit: 0}\n- {name: b, token: t}\n"
                "template: {spec: {x: 1}}\nvolumes: [{name: v, emptyDir: {}}]\n");
    struct fixture *fixture = *state;
    assert_int_equal(fixture->problems.total, 0);
    assert_string_equal(spec->title, "héllo");
    assert_true(spec->paused);
    assert_false(spec->eager);
    assert_int_equal(spec->cleanup, 0);
    assert_int_equal(spec->count, 7);
    assert_true(spec->ratio > 0.49 && spec->ratio < 0.51);
    assert_int_equal(spec->timeout_ms, 5400000);
    assert_string_equal(spec->memory, "4Gi");
    assert_int_equal(spec->args.count, 3);
    assert_string_equal(spec->args.items[2], "b");
    assert_int_equal(spec->conf.count, 2);
    assert_string_equal(spec->conf.items[0].name, "spark.x");
    assert_string_equal(spec->conf.items[0].value, "1");
    assert_int_equal(spec->tasks.count, 2);
    const struct task *tasks = spec->tasks.items;
    assert_int_equal(tasks[0].when, 0);
    assert_int_equal(tasks[0].retry->limit, 0);
    assert_int_equal(tasks[0].retry->delay_ms, 5000);
    assert_string_equal(tasks[1].token, "t");
    assert_int_equal(tasks[1].when, 1);
    assert_null(tasks[1].retry);
    assert_int_equal(json_int(json_at(spec->template, "spec", NULL), "x", 0), 1);
    assert_int_equal(yyjson_arr_size(spec->volumes), 1);
}

static void absent_and_null_are_the_same(void **state) {
    struct spec *spec =
        decode(*state, "title: null\neager: ~\ncleanup:\ncount:\nargs: ~\nconf: ~\ntasks: [{name: a}]\ntemplate: ~\n");
    struct fixture *fixture = *state;
    assert_int_equal(fixture->problems.total, 0);
    assert_null(spec->title);
    assert_true(spec->eager);
    assert_int_equal(spec->cleanup, -1);
    assert_int_equal(spec->count, -1);
    assert_int_equal(spec->timeout_ms, 0);
    assert_null(spec->memory);
    assert_int_equal(spec->args.count + spec->conf.count, 0);
    assert_null(spec->template);
}

static void no_object_is_an_empty_one(void **state) {
    struct fixture *fixture = *state;
    struct retry retry = {0};
    table_decode(&retry_table, NULL, &retry, "retry", &fixture->arena, &fixture->problems);
    assert_int_equal(fixture->problems.total, 0);
    assert_int_equal(retry.limit, 3);
    assert_int_equal(retry.delay_ms, 5000);
    table_decode(&spec_table, NULL, &fixture->spec, "", &fixture->arena, &fixture->problems);
    assert_int_equal(fixture->problems.total, 1);
    assert_string_equal(fixture->problems.items[0], "tasks: is required");
}

static void all_problems_are_said_at_once(void **state) {
    expect_problems(state,
                    "titel: x\ntasks:\n- name: a\n- name: b\n- name: c\n- {name: d, retry: {limit: 101, delay: 2h}}\n"
                    "- {when: alldone, nmae: e}\ncount: 0\n",
                    "spec.titel: unknown field (did you mean title?)\n"
                    "spec.count: must be at least 1\n"
                    "spec.tasks[3].retry.limit: must be 0..100\n"
                    "spec.tasks[3].retry.delay: must be 1s..1h00m\n"
                    "spec.tasks[4].nmae: unknown field (did you mean name?)\n"
                    "spec.tasks[4].name: is required\n"
                    "spec.tasks[4].when: must be one of AllSucceeded, AllDone (did you mean AllDone?)");
}

static void wrong_types_are_named(void **state) {
    expect_problems(state,
                    "title: 1.5\npaused: yes\ncleanup: 1\ncount: many\nratio: []\ntimeout: 90\nmemory: 0.5\nargs: "
                    "{}\nconf: {a: 4, b: [c]}\n"
                    "tasks: {}\n",
                    "spec.title: must be text (put it in quotes), not a number\n"
                    "spec.paused: must be true or false, not text\n"
                    "spec.cleanup: must be true or false, not a number\n"
                    "spec.count: must be a whole number, not text\n"
                    "spec.ratio: must be a number, not a list\n"
                    "spec.timeout: must be a duration with its unit, such as 90s, 5m or 1h30m, not a number\n"
                    "spec.memory: must be a whole number, or a quantity in quotes such as \"0.5\" or \"500m\"\n"
                    "spec.args: must be a list of texts, not an object\n"
                    "spec.conf[a]: must be text (put it in quotes), not a number\n"
                    "spec.conf[b]: must be text, not a list\n"
                    "spec.tasks: must be a list, not an object");
}

static void rules_of_values(void **state) {
    expect_problems(state,
                    "title: 'a b'\nratio: 1.5\ntimeout: 5 min\nmemory: 4GB\nargs: [ok, -rf, \"x\\0y\"]\n"
                    "tasks: [{name: A_b, token: my secret}]\ntemplate: 7\nvolumes: [x, {}]\n",
                    "spec.title: \"a b\" has a blank\n"
                    "spec.ratio: must be 0..1\n"
                    "spec.timeout: not a duration such as 90s, 5m or 1h30m: \"5 min\"\n"
                    "spec.memory: must be a quantity such as 2, 500m or 4Gi\n"
                    "spec.args[1]: must not begin with '-' (it would be read as an option)\n"
                    "spec.args[2]: must not hold a NUL character\n"
                    "spec.tasks[0].name: must be a DNS label: lower-case letters, digits and '-', not '-' at an end\n"
                    "spec.tasks[0].token: is not valid");
}

static void lengths_are_bounded(void **state) {
    expect_problems(state, "title: x\nargs: [a, b, c, d]\ntasks: []\n",
                    "spec.title: must have at least 2 characters (has 1)\n"
                    "spec.args: must have at most 3 entries (has 4)\n"
                    "spec.tasks: must not be empty");
}

static void characters_count_not_bytes(void **state) {
    expect_problems(state, "title: ééééé\ntasks: [{name: a}]\n", "");
    struct fixture *fixture = *state;
    assert_string_equal(fixture->spec.title, "ééééé");
}

static void a_key_is_there_once(void **state) {
    expect_problems(state, "tasks: [{name: b}, {name: a}, {name: b}, {name: b}]\n",
                    "spec.tasks[2].name: \"b\" is there already, in item [0]\n"
                    "spec.tasks[3].name: \"b\" is there already, in item [2]");
}

static void a_problem_leaves_the_absent_value(void **state) {
    struct spec *spec = decode(*state, "count: 0\neager: 7\ncleanup: x\ntasks: 5\n");
    assert_int_equal(spec->count, -1);
    assert_true(spec->eager);
    assert_int_equal(spec->cleanup, -1);
    assert_int_equal(spec->tasks.count, 0);
}

static void json_may_give_a_member_twice(void **state) {
    struct fixture *fixture = *state;
    struct error err = {0};
    const char *text = "{\"limit\":1,\"limit\":2}";
    struct retry retry = {0};
    assert_int_equal(json_parse(text, strlen(text), &fixture->doc, &err), 0);
    table_decode(&retry_table, yyjson_doc_get_root(fixture->doc), &retry, "r", &fixture->arena, &fixture->problems);
    assert_string_equal(fixture->problems.items[0], "r.limit: is given twice");
    assert_int_equal(retry.limit, 1);
}

static void whole_numbers_are_exact(void **state) {
    static const struct {
        const char *text;
        int64_t count;
    } cases[] = {{"9223372036854775807", INT64_MAX},
                 {"9223372036854775808", -1},
                 {"3.0", 3},
                 {"3.5", -1},
                 {"9007199254740993.0", 9007199254740992},
                 {"1e16", -1},
                 {"1e3", 1000},
                 {"-1", -1}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"count\":%s,\"tasks\":[{\"name\":\"a\"}]}", cases[i].text);
        fixture->problems.count = fixture->problems.total = 0;
        struct spec *spec = decode(fixture, text);
        assert_int_equal(spec->count, cases[i].count);
        assert_int_equal(fixture->problems.total, cases[i].count == -1);
        json_free(&fixture->doc);
    }
}

static void quantities(void **state) {
    static const char *const good[] = {"2",   "'2'", "'0.5'", "'.5'",   "'5.'", "500m",
                                       "4Gi", "1E",  "'1e3'", "'1E-3'", "2k"};
    static const char *const bad[] = {"-1",   "'-1'", "''",    "Gi",  "'.'",  "4gi",
                                      "4 Gi", "'1e'", "'1e+'", "1e3", "4GiB", "true"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
        char text[64];
        const char *value = i < COUNT(good) ? good[i] : bad[i - COUNT(good)];
        snprintf(text, sizeof text, "tasks: [{name: a}]\nmemory: %s\n", value);
        fixture->problems.count = fixture->problems.total = 0;
        decode(fixture, text);
        if (fixture->problems.total != (i < COUNT(good) ? 0 : 1))
            fail_msg("memory: %s", value);
        json_free(&fixture->doc);
    }
}

static void problems_are_kept_to_a_limit(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 80; i++)
        problems_add(&fixture->problems, i % 2 ? "" : "spec", "wrong\n%d", i);
    assert_int_equal(fixture->problems.count, PROBLEMS_MAX);
    assert_int_equal(fixture->problems.total, 80);
    assert_string_equal(fixture->problems.items[0], "spec: wrong 0");
    assert_string_equal(fixture->problems.items[49], "wrong 49");
    decode(fixture, "a: 1\n");
    assert_int_equal(fixture->problems.total, 82);
}

static void expect_schema(void **state, const char *field, const char *wanted) {
    struct fixture *fixture = *state;
    yyjson_mut_val *schema = table_schema(&spec_table, json_new(&fixture->arena));
    yyjson_mut_val *properties = yyjson_mut_obj_get(schema, "properties");
    assert_string_equal(json_write(yyjson_mut_obj_get(properties, field), &fixture->arena, NULL), wanted);
}

static void schema_of_each_type(void **state) {
    expect_schema(state, "title",
                  "{\"type\":\"string\",\"minLength\":2,\"maxLength\":5,\"description\":\"For people.\"}");
    expect_schema(state, "paused", "{\"type\":\"boolean\"}");
    expect_schema(state, "cleanup", "{\"type\":\"boolean\"}");
    expect_schema(state, "count", "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1}");
    expect_schema(state, "ratio", "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}");
    expect_schema(state, "timeout",
                  "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
                  "\"pattern\":\"^(0|([0-9]+(\\\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$\"}");
    expect_schema(state, "memory",
                  "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],\"minLength\":1,\"maxLength\":64,"
                  "\"pattern\":\"^([0-9]+(\\\\.[0-9]*)?|\\\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$\","
                  "\"x-kubernetes-int-or-string\":true}");
    expect_schema(state, "args",
                  "{\"type\":\"array\",\"maxItems\":3,\"items\":{\"type\":\"string\",\"maxLength\":65536,"
                  "\"pattern\":\"^[a-z]*$\",\"allOf\":[{\"pattern\":\"^([^-]|$)\"}]}}");
    expect_schema(state, "conf",
                  "{\"type\":\"object\",\"maxProperties\":1000,"
                  "\"additionalProperties\":{\"type\":\"string\",\"maxLength\":65536}}");
    expect_schema(state, "template", "{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}");
    expect_schema(state, "policy", "{\"type\":\"string\",\"pattern\":\"^(AllSucceeded|AllDone)$\",\"nullable\":true}");
    expect_schema(state, "volumes",
                  "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true,"
                  "\"properties\":{\"name\":{\"type\":\"string\",\"description\":"
                  "\"Unique in this list. Beside it: the fields of Kubernetes' own type.\"}},\"required\":[\"name\"]},"
                  "\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"name\"]}");
}

static void schema_of_lists_of_objects(void **state) {
    expect_schema(state, "tasks",
                  "{\"type\":\"array\",\"minItems\":1,\"maxItems\":10,\"items\":{\"type\":\"object\",\"properties\":{"
                  "\"name\":{\"type\":\"string\",\"maxLength\":63,\"pattern\":\"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$\"},"
                  "\"token\":{\"type\":\"string\",\"maxLength\":65536},"
                  "\"when\":{\"type\":\"string\",\"enum\":[\"AllSucceeded\",\"AllDone\"]},"
                  "\"retry\":{\"type\":\"object\",\"properties\":{"
                  "\"limit\":{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":0,\"maximum\":100},"
                  "\"delay\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
                  "\"pattern\":\"^(0|([0-9]+(\\\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$\"}}}},\"required\":[\"name\"]},"
                  "\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-list-map-keys\":[\"name\"]}");
}

static void schema_of_rules_and_required(void **state) {
    struct fixture *fixture = *state;
    yyjson_mut_val *schema = table_schema(&spec_table, json_new(&fixture->arena));
    assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(schema, "type")), "object");
    assert_string_equal(json_write(yyjson_mut_obj_get(schema, "required"), &fixture->arena, NULL), "[\"tasks\"]");
    assert_string_equal(json_write(yyjson_mut_obj_get(schema, "x-kubernetes-validations"), &fixture->arena, NULL),
                        "[{\"rule\":\"self.count > 1\",\"message\":\"count is too small\",\"fieldPath\":\".count\"},"
                        "{\"rule\":\"true\",\"message\":\"never\"}]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decodes_every_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_and_null_are_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_object_is_an_empty_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_problems_are_said_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_types_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules_of_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lengths_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(characters_count_not_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_there_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_problem_leaves_the_absent_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_may_give_a_member_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_numbers_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quantities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(problems_are_kept_to_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schema_of_each_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schema_of_lists_of_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schema_of_rules_and_required, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
