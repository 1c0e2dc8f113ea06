/* Golden files: tests/golden/pods/NAME.yaml is a Pipeline, NAME.json its pods, or its problems. With GOLDEN=update in
 * the environment what is seen becomes what is expected; look at the difference before committing it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_manifest.h"

#define FOLDER SOURCE_DIR "/tests/golden/pods/"

static void read_file(const char *path, struct strbuf *out) {
    char bytes[4096];
    size_t length;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        strbuf_add(out, bytes, length);
    fclose(file);
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void add_pods(struct manifest *manifest, yyjson_mut_doc *doc, yyjson_mut_val *list) {
    struct error err = {0};
    for (size_t i = 0; i < manifest->pipeline->task_count; i++) {
        yyjson_mut_val *pod = NULL;
        if (executor_pod(&manifest->run, &manifest->pipeline->tasks[i], 1, NULL, &test_config, doc, &pod, &err) < 0)
            fail_msg("%s", err.text);
        yyjson_mut_arr_append(list, pod);
    }
}

static char *seen_of(struct manifest *manifest) {
    yyjson_mut_doc *doc = json_new(&manifest->arena);
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < manifest->problems.count; i++)
        yyjson_mut_arr_add_str(doc, list, manifest->problems.items[i]);
    if (manifest->problems.count == 0)
        add_pods(manifest, doc, list);
    char *text = yyjson_mut_val_write(list, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);
    char *line = arena_printf(&manifest->arena, "%s\n", text);
    free(text);
    return line;
}

static void check(const char *name) {
    AUTO_STRBUF yaml = STRBUF_INIT;
    AUTO_STRBUF wanted = STRBUF_INIT;
    struct manifest manifest;
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s.yaml", name);
    read_file(path, &yaml);
    assert_true(yaml.length > 0);
    manifest_init(&manifest, yaml.data, yaml.length);
    const char *seen = seen_of(&manifest);
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    if (text_equal(getenv("GOLDEN"), "update"))
        write_file(path, seen);
    read_file(path, &wanted);
    bool same = strcmp(seen, strbuf_text(&wanted)) == 0;
    if (!same)
        print_error("%s differs (GOLDEN=update writes it); seen:\n%s", path, seen);
    manifest_fini(&manifest);
    assert_true(same);
}

static void the_smallest_pod(void **state) {
    (void)state;
    check("command");
}

static void a_pod_with_every_field(void **state) {
    (void)state;
    check("spark");
}

static void pods_of_what_runs_on_yarn(void **state) {
    (void)state;
    check("remote");
}

static void an_overlay_is_merged(void **state) {
    (void)state;
    check("overlay");
}

static void layers_are_merged_in_their_order(void **state) {
    (void)state;
    check("merge");
}

static void an_overlay_that_fights_is_refused(void **state) {
    (void)state;
    check("refused");
    check("refused-once");
}

static void a_pod_without_its_container_is_not_made(void **state) {
    (void)state;
    struct manifest manifest;
    struct error err = {0};
    yyjson_mut_val *pod = NULL;
    manifest_task(&manifest, "    image: i\n    command: {command: [x]}\n    pod: {spec: {containers: null}}\n");
    assert_int_equal(manifest.problems.count, 1);
    yyjson_mut_doc *doc = json_new(&manifest.arena);
    assert_int_equal(executor_pod(&manifest.run, &manifest.pipeline->tasks[0], 1, NULL, &test_config, doc, &pod, &err),
                     -1);
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.text, "task t: its pod has no container main");
    manifest_fini(&manifest);
}

static void long_names_fit_their_labels(void **state) {
    (void)state;
    struct manifest manifest;
    struct error err = {0};
    yyjson_mut_val *pod = NULL;
    manifest_task(&manifest, "    image: i\n    command: {command: [x]}\n");
    manifest.run.name = "a-pipeline-may-be-called-by-a-dns-subdomain-name.which-is-much-longer-than-a-label";
    yyjson_mut_doc *doc = json_new(&manifest.arena);
    assert_int_equal(executor_pod(&manifest.run, &manifest.pipeline->tasks[0], 12, NULL, &test_config, doc, &pod, &err),
                     0);
    yyjson_mut_val *labels = yyjson_mut_obj_get(yyjson_mut_obj_get(pod, "metadata"), "labels");
    assert_int_equal(yyjson_mut_get_len(yyjson_mut_obj_get(labels, LABEL_PIPELINE)), 63);
    assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(labels, LABEL_ATTEMPT)), "12");
    manifest_fini(&manifest);
}

static uint64_t shape_of(const char *name, const char *task_yaml) {
    struct manifest manifest;
    struct error err = {0};
    yyjson_mut_val *pod = NULL;
    AUTO_STRBUF yaml = STRBUF_INIT;
    strbuf_printf(&yaml,
                  "metadata: {name: demo, namespace: lab, uid: 0a1b}\nspec:\n  tasks:\n  - name: %s\n    image: i\n%s",
                  name, task_yaml);
    manifest_init(&manifest, yaml.data, yaml.length);
    if (manifest.problems.count > 0)
        fail_msg("%s", manifest.problems.items[0]);
    yyjson_mut_doc *doc = json_new(&manifest.arena);
    assert_int_equal(executor_pod(&manifest.run, &manifest.pipeline->tasks[0], 1, NULL, &test_config, doc, &pod, &err),
                     0);
    const char *before = json_write(pod, &manifest.arena, NULL);
    uint64_t shape = executor_pod_shape(pod);
    assert_string_equal(json_write(pod, &manifest.arena, NULL), before);
    manifest_fini(&manifest);
    return shape;
}

#define PLAIN "    env: [{name: A, value: a}]\n    command: {command: [x]}\n"

static void pods_of_one_shape_differ_in_words_alone(void **state) {
    (void)state;
    static const char *const same[] = {
        "    env: [{name: A, value: b}]\n    command: {command: [y, z]}\n",
        "    env: [{name: A, value: a}]\n    timeout: 1h\n    sparkSubmit: {application: a}\n",
        PLAIN "    pod: {metadata: {labels: {l: m}, annotations: {a: b}}}\n",
    };
    static const char *const different[] = {
        "    env: [{name: B, value: a}]\n    command: {command: [x]}\n",
        "    env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]\n    command: {command: [x]}\n",
        PLAIN "    resources: {limits: {cpu: 1}}\n",
        PLAIN "    volumes: [{name: v, emptyDir: {}}]\n",
        "    env: [{name: A, value: a}]\n    command: {command: [x], workingDir: x}\n",
        PLAIN "    pod: {spec: {containers: [{name: main, securityContext: {runAsUser: 1}}]}}\n",
        PLAIN "    nodeSelector: {a: b}\n",
    };
    uint64_t shape = shape_of("a", PLAIN);
    assert_true(shape == shape_of("b", PLAIN));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (shape_of("a", same[i]) != shape)
            fail_msg("another shape: %s", same[i]);
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        if (shape_of("a", different[i]) == shape)
            fail_msg("the same shape: %s", different[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_pod),
        cmocka_unit_test(a_pod_with_every_field),
        cmocka_unit_test(pods_of_what_runs_on_yarn),
        cmocka_unit_test(an_overlay_is_merged),
        cmocka_unit_test(layers_are_merged_in_their_order),
        cmocka_unit_test(an_overlay_that_fights_is_refused),
        cmocka_unit_test(a_pod_without_its_container_is_not_made),
        cmocka_unit_test(long_names_fit_their_labels),
        cmocka_unit_test(pods_of_one_shape_differ_in_words_alone),
    };
    return cmocka_run_group_tests_name("pod", tests, NULL, NULL);
}
