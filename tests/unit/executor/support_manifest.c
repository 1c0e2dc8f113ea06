/* See support_manifest.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "support_manifest.h"

const struct launch_config test_config = {
    .launcher_image = "registry.example/weir:1",
    .pull_policy = "IfNotPresent",
    .report_host = "weir-operator.weir.svc",
    .report_address = "10.96.0.7:8443",
    .report_ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
};

void manifest_init(struct manifest *manifest, const char *yaml, size_t length) {
    struct error err = {0};
    *manifest = (struct manifest){.arena = ARENA_INIT};
    manifest->problems.arena = manifest->warnings.arena = &manifest->arena;
    if (yaml_parse(yaml, length, &manifest->doc, &err) < 0)
        fail_msg("%s", err.text);
    yyjson_val *root = yyjson_doc_get_root(manifest->doc);
    yyjson_val *metadata = json_at(root, "metadata", NULL);
    manifest->pipeline = pipeline_decode(root, executor_tables(), &manifest->arena, &manifest->problems);
    executor_validate(manifest->pipeline, &manifest->problems, &manifest->warnings);
    manifest->run = (struct run){
        .name = json_text(metadata, "name", "demo"),
        .namespace = json_text(metadata, "namespace", "lab"),
        .uid = json_text(metadata, "uid", "0a1b2c3d-0000-0000-0000-000000000001"),
        .spec = manifest->pipeline,
    };
}

void manifest_fini(struct manifest *manifest) {
    json_free(&manifest->doc);
    arena_fini(&manifest->arena);
}

void manifest_task(struct manifest *manifest, const char *task_yaml) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_puts(&text, "metadata: {name: demo, namespace: lab, uid: 0A1B}\nspec:\n  tasks:\n  - name: t\n");
    strbuf_puts(&text, task_yaml);
    manifest_init(manifest, text.data, text.length);
}

const char *manifest_command(struct manifest *manifest, size_t task) {
    if (manifest->problems.count > 0)
        fail_msg("%s", manifest->problems.items[0]);
    struct argv argv = {.arena = &manifest->arena};
    const struct task *one = &manifest->pipeline->tasks[task];
    executor_of(one->kind)->command(one, "TAG", &argv);
    struct strings words = {.items = argv.items, .count = argv.count};
    return strings_join(&words, " ", &manifest->arena);
}

void expect_task_problems(const char *task_yaml, const char *const *wanted) {
    struct manifest manifest;
    manifest_task(&manifest, task_yaml);
    size_t count = 0;
    bool same = true;
    for (; wanted[count] != NULL; count++)
        same = same && count < manifest.problems.count && strcmp(wanted[count], manifest.problems.items[count]) == 0;
    same = same && count == manifest.problems.count;
    if (!same) {
        for (size_t i = 0; i < count; i++)
            print_error("wanted: %s\n", wanted[i]);
        for (size_t i = 0; i < manifest.problems.count; i++)
            print_error("seen:   %s\n", manifest.problems.items[i]);
    }
    manifest_fini(&manifest);
    assert_true(same);
}

yyjson_mut_val *manifest_pod(struct manifest *manifest) {
    yyjson_mut_val *pod = NULL;
    struct error err = {0};
    yyjson_mut_doc *doc = json_new(&manifest->arena);
    if (executor_pod(&manifest->run, &manifest->pipeline->tasks[0], 1, NULL, &test_config, doc, &pod, &err) < 0)
        fail_msg("%s", err.text);
    return pod;
}
