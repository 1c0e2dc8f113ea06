/* Defaults under tasks, merges and the names of properties. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_expand.h"
#include "support_manifest.h"

static void read(struct manifest *manifest, const char *spec) {
    AUTO_STRBUF yaml = STRBUF_INIT;
    strbuf_printf(&yaml, "metadata: {name: demo, namespace: lab, uid: 0A1B}\nspec:\n%s", spec);
    manifest_init(manifest, yaml.data, yaml.length);
}

static void expect_sound(struct manifest *manifest) {
    for (size_t i = 0; i < manifest->problems.count; i++)
        print_error("seen:   %s\n", manifest->problems.items[i]);
    assert_int_equal(manifest->problems.count, 0);
}

static yyjson_mut_val *main_of(yyjson_mut_val *pod) {
    return yyjson_mut_arr_get(yyjson_mut_obj_get(yyjson_mut_obj_get(pod, "spec"), "containers"), 0);
}

/* Defaults are checked with the name of the task that they are under. */
static void defaults_may_name_the_task_in_a_label(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  defaults: {image: i, pod: {metadata: {labels: {app: etl-$(task.name)}}}}\n"
                    "  tasks: [{name: t, command: {command: [x]}}]\n");
    expect_sound(&manifest);
    manifest_fini(&manifest);
}

static void defaults_may_name_the_task_in_a_path(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  defaults: {image: i, volumes: [{name: v, emptyDir: {}}], volumeMounts: [{name: v, mountPath: "
                    "/var/$(task.name)}, {name: v, mountPath: /$(task.name)}]}\n"
                    "  tasks: [{name: t, command: {command: [x]}}]\n");
    expect_sound(&manifest);
    manifest_fini(&manifest);
}

static void defaults_are_checked_with_the_tasks_name(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  defaults: {image: i, pod: {metadata: {labels: {app: a$(task.name)}}}}\n"
                    "  tasks: [{name: t12345678901234567890123456789012345678901234567890123456789012, command: "
                    "{command: [x]}}]\n");
    assert_int_equal(manifest.problems.count, 1);
    manifest_fini(&manifest);
}

/* The task wrote B before A, which refers to it: merged, A comes first, and the kubelet leaves $(B) as it is. */
static void a_reference_that_the_merge_turned_around_is_warned_of(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  defaults: {image: i, env: [{name: A, value: default}]}\n"
                    "  tasks:\n  - name: t\n    env: [{name: B, value: /b}, {name: A, value: $(B)/a}]\n"
                    "    command: {command: [x]}\n");
    expect_sound(&manifest);
    assert_int_equal(manifest.warnings.count, 1);
    assert_non_null(strstr(manifest.warnings.items[0], "spec.tasks[0].env: A refers to $(B), which comes after it"));
    manifest_fini(&manifest);
}

static void other_references_are_not(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest,
         "  defaults: {image: i, env: [{name: B, value: default}]}\n"
         "  tasks:\n  - name: t\n    env: [{name: A, value: $(B)/$(HOME)/$$(C)/$(A)/$}, {name: C, value: $(D}, "
         "{name: D, value: $$$(A)}]\n"
         "    command: {command: [x]}\n");
    expect_sound(&manifest);
    assert_int_equal(manifest.warnings.count, 0);
    manifest_fini(&manifest);
}

/* null in defaults takes away what weir makes; what the task then adds must not bring it back. */
static void null_of_defaults_stays_under_a_task_that_adds_to_it(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  defaults: {image: i, pod: {spec: {securityContext: null}}}\n"
                    "  tasks:\n  - name: t\n    pod: {spec: {securityContext: {fsGroup: 100}}}\n"
                    "    command: {command: [x]}\n");
    expect_sound(&manifest);
    yyjson_mut_val *security =
        yyjson_mut_obj_get(yyjson_mut_obj_get(manifest_pod(&manifest), "spec"), "securityContext");
    assert_string_equal(json_write(security, &manifest.arena, NULL), "{\"fsGroup\":100}");
    manifest_fini(&manifest);
}

/* Names of properties become words of the command too. */
static void names_of_properties_arrive_as_they_are(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  tasks:\n  - name: t\n    image: i\n    sparkSubmit: {application: a, conf: {spark.a$$b: x}}\n");
    expect_sound(&manifest);
    struct strings words = expand_words(main_of(manifest_pod(&manifest)), "command", &manifest.arena);
    assert_string_equal(words.items[words.count - 2], "spark.a$$b=x");
    manifest_fini(&manifest);
}

static void a_reference_in_a_name_is_put_in(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest,
         "  params: [{name: b, value: bucket}]\n"
         "  tasks:\n  - name: t\n    image: i\n"
         "    sparkSubmit: {application: a, conf: {'spark.hadoop.fs.s3a.bucket.$(params.b).endpoint': x}}\n");
    expect_sound(&manifest);
    struct strings words = expand_words(main_of(manifest_pod(&manifest)), "command", &manifest.arena);
    assert_string_equal(words.items[words.count - 2], "spark.hadoop.fs.s3a.bucket.bucket.endpoint=x");
    manifest_fini(&manifest);
}

/* It says the same as leaving it out. */
static void false_is_no_violation(void **state) {
    (void)state;
    EXPECT_TASK_PROBLEMS("    image: i\n    pod: {spec: {hostPID: false, shareProcessNamespace: false}}\n"
                         "    command: {command: [x]}\n");
}

/* Both are given: never valid, unless value is "" - and that has the same shape. */
static void a_value_beside_value_from_is_another_shape(void **state) {
    (void)state;
    uint64_t hash[2];
    static const char *const values[] = {"''", "x"};
    for (size_t i = 0; i < 2; i++) {
        struct manifest manifest;
        AUTO_STRBUF text = STRBUF_INIT;
        strbuf_printf(&text,
                      "  tasks:\n  - name: t\n    image: i\n    env: [{name: A, value: %s, valueFrom: {fieldRef: "
                      "{fieldPath: metadata.name}}}]\n    command: {command: [x]}\n",
                      values[i]);
        read(&manifest, strbuf_text(&text));
        expect_sound(&manifest);
        hash[i] = executor_pod_shape(manifest_pod(&manifest));
        manifest_fini(&manifest);
    }
    assert_true(hash[0] != hash[1]);
}

static void the_prefix_of_a_label_is_a_dns_name(void **state) {
    (void)state;
    struct manifest manifest;
    read(&manifest, "  tasks:\n  - name: t\n    image: i\n    command: {command: [x]}\n"
                    "    pod: {metadata: {labels: {'a..b/c': x, '.a/c': x, 'a./c': x}}}\n");
    assert_int_equal(manifest.problems.count, 3);
    manifest_fini(&manifest);
}

/* An account that the overlay names is as good as one that the task names; what the overlay says itself stays. */
static void the_token_comes_with_an_account(void **state) {
    (void)state;
    static const struct {
        const char *overlay, *account;
        bool token;
    } cases[] = {{"", "default", false},
                 {"serviceAccountName: spark", "spark", true},
                 {"serviceAccountName: spark, automountServiceAccountToken: false", "spark", false},
                 {"automountServiceAccountToken: true", "default", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest manifest;
        AUTO_STRBUF text = STRBUF_INIT;
        strbuf_printf(&text, "  tasks: [{name: t, image: i, command: {command: [x]}, pod: {spec: {%s}}}]\n",
                      cases[i].overlay);
        read(&manifest, strbuf_text(&text));
        expect_sound(&manifest);
        yyjson_mut_val *spec = yyjson_mut_obj_get(manifest_pod(&manifest), "spec");
        assert_string_equal(yyjson_mut_get_str(yyjson_mut_obj_get(spec, "serviceAccountName")), cases[i].account);
        assert_int_equal(yyjson_mut_get_bool(yyjson_mut_obj_get(spec, "automountServiceAccountToken")), cases[i].token);
        manifest_fini(&manifest);
    }
}

static void main_is_not_restarted_in_its_pod(void **state) {
    (void)state;
    EXPECT_TASK_PROBLEMS("    image: i\n    pod: {spec: {containers: [{name: main, restartPolicy: Always}]}}\n"
                         "    command: {command: [x]}\n",
                         "spec.tasks[0].pod.spec.containers[0].restartPolicy: cannot be set: weir makes a new pod for "
                         "each attempt (use retry)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_may_name_the_task_in_a_label),
        cmocka_unit_test(defaults_may_name_the_task_in_a_path),
        cmocka_unit_test(defaults_are_checked_with_the_tasks_name),
        cmocka_unit_test(a_reference_that_the_merge_turned_around_is_warned_of),
        cmocka_unit_test(other_references_are_not),
        cmocka_unit_test(null_of_defaults_stays_under_a_task_that_adds_to_it),
        cmocka_unit_test(names_of_properties_arrive_as_they_are),
        cmocka_unit_test(a_reference_in_a_name_is_put_in),
        cmocka_unit_test(false_is_no_violation),
        cmocka_unit_test(a_value_beside_value_from_is_another_shape),
        cmocka_unit_test(the_prefix_of_a_label_is_a_dns_name),
        cmocka_unit_test(the_token_comes_with_an_account),
        cmocka_unit_test(main_is_not_restarted_in_its_pod),
    };
    return cmocka_run_group_tests_name("defaults", tests, NULL, NULL);
}
