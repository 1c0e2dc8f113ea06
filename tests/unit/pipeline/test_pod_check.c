/* Kubernetes' own fields: what is wrong with them is said once, where it is written, and what is right is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "pipeline/pod_check.h"
#include "support_decode.h"

#define TASK(fields) "  tasks:\n  - name: a\n    image: i\n    command: {}\n" fields

static void names_are_known(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        TASK("    resources: {limit: {cpu: 1}}\n"
             "    env: [{name: A, valu: x, valueFrom: {secretKeyref: {name: s, key: k}}}]\n"
             "    pod: {spec: {conteiners: [], containers: [{name: main, volumeMount: [], $patch: delete}]}}\n"),
        "spec.tasks[0].resources.limit: unknown field (did you mean limits?)",
        "spec.tasks[0].env[0].valu: unknown field (did you mean value?)",
        "spec.tasks[0].env[0].valueFrom.secretKeyref: unknown field (did you mean secretKeyRef?)",
        "spec.tasks[0].pod.spec.conteiners: unknown field (did you mean containers?)",
        "spec.tasks[0].pod.spec.containers[0].volumeMount: unknown field (did you mean volumeMounts?)",
        "spec.tasks[0].pod.spec.containers[0].$patch: patch directives are not supported");
}

static void types_are_said_with_what_to_do(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        TASK("    env: [{name: A, value: 5}, {name: B, value: true}, x, null, {name: C, value: [1]}]\n"
             "    resources: {limits: {cpu: 1.5, memory: 1 GB}, requests: {cpu: -1, memory: true}}\n"
             "    nodeSelector: {gpu: true, disk: ssd}\n"
             "    volumes: {}\n"
             "    tolerations: [{key: a, tolerationSeconds: 1.5}, {key: b, tolerationSeconds: '3'}]\n"
             "    affinity: []\n"
             "    pod:\n"
             "      metadata: {labels: [a], annotations: {n: 7}}\n"
             "      spec:\n"
             "        hostNetwork: 'yes'\n"
             "        priority: 3000000000\n"
             "        containers:\n"
             "        - name: main\n"
             "          ports: [{containerPort: 80, hostPort: 1e3}]\n"
             "          livenessProbe: {httpGet: {port: []}}\n"
             "          startupProbe: {httpGet: {port: web}, periodSeconds: 5}\n"),
        "spec.tasks[0].env[0].value: must be text (put it in quotes), not a number",
        "spec.tasks[0].env[1].value: must be text (put it in quotes), not true or false",
        "spec.tasks[0].env[2]: must be an object, not text", "spec.tasks[0].env[3]: must be an object, not null",
        "spec.tasks[0].env[4].value: must be text, not a list",
        "spec.tasks[0].resources.limits[memory]: must be a quantity such as 2, 500m or 4Gi",
        "spec.tasks[0].resources.requests[cpu]: must be a quantity such as 2, 500m or 4Gi",
        "spec.tasks[0].resources.requests[memory]: must be a quantity such as 2, 500m or 4Gi, not true or false",
        "spec.tasks[0].nodeSelector[gpu]: must be text (put it in quotes), not true or false",
        "spec.tasks[0].volumes: must be a list, not an object",
        "spec.tasks[0].tolerations[0].tolerationSeconds: must be a whole number",
        "spec.tasks[0].tolerations[1].tolerationSeconds: must be a whole number, not text",
        "spec.tasks[0].affinity: must be an object, not a list",
        "spec.tasks[0].pod.metadata.labels: must be an object, not a list",
        "spec.tasks[0].pod.metadata.annotations[n]: must be text (put it in quotes), not a number",
        "spec.tasks[0].pod.spec.hostNetwork: must be true or false, not text",
        "spec.tasks[0].pod.spec.priority: must be at most 2147483647",
        "spec.tasks[0].pod.spec.containers[0].ports[0].hostPort: must be a whole number",
        "spec.tasks[0].pod.spec.containers[0].livenessProbe.httpGet.port: must be a whole number or text, not a list");
}

static void what_must_be_there_is_asked_for(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        TASK("    env: [{value: x}, {name: B, valueFrom: {secretKeyRef: {name: s}}}]\n"
             "    imagePullSecrets: [{}]\n"
             "    volumes: [{name: v, hostPath: {}}, {emptyDir: {}}]\n"
             "    volumeMounts: [{mountPath: /a}, {name: v}]\n"
             "    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}\n"
             "    pod: {spec: {containers: [{image: i, livenessProbe: {httpGet: {path: /x}}}, {name: main}]}}\n"),
        "spec.tasks[0].env[0].name: is required", "spec.tasks[0].env[1].valueFrom.secretKeyRef.key: is required",
        "spec.tasks[0].imagePullSecrets[0].name: is required", "spec.tasks[0].volumes[0].hostPath.path: is required",
        "spec.tasks[0].volumes[1].name: is required", "spec.tasks[0].volumeMounts[0].name: is required",
        "spec.tasks[0].volumeMounts[1].mountPath: is required",
        "spec.tasks[0].affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: is "
        "required",
        "spec.tasks[0].pod.spec.containers[0].livenessProbe.httpGet.port: is required",
        "spec.tasks[0].pod.spec.containers[0].name: is required");
}

static void a_key_is_there_once(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        TASK("    env: [{name: A}, {name: B}, {name: A}]\n"
             "    volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /a}]\n"
             "    tolerations: [{key: x}, {key: x}]\n"
             "    pod: {spec: {containers: [{name: main, ports: [{containerPort: 1}, {containerPort: 1, protocol: "
             "UDP},\n"
             "      {containerPort: 1, protocol: TCP}]}, {name: main}]}}\n"),
        "spec.tasks[0].env[2].name: \"A\" is there already, in item [0]",
        "spec.tasks[0].volumeMounts[1].mountPath: \"/a\" is there already, in item [0]",
        "spec.tasks[0].pod.spec.containers[0].ports[2].containerPort: \"1/TCP\" is there already, in item [0]",
        "spec.tasks[0].pod.spec.containers[1].name: \"main\" is there already, in item [0]");
}

static void a_mistake_in_the_defaults_is_said_there_and_once(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  defaults:\n"
                    "    env: [{name: A, value: x}, {name: B, value: y}, {name: C, value: 5}]\n"
                    "    pod: {spec: {containers: [{name: main, tyt: true}]}}\n"
                    "  tasks:\n"
                    "  - {name: a, image: i, command: {}, env: [{name: Z, value: z}]}\n"
                    "  - {name: b, image: i, command: {}}\n",
                    "spec.defaults.env[2].value: must be text (put it in quotes), not a number",
                    "spec.defaults.pod.spec.containers[0].tyt: unknown field (did you mean tty?)");
}

/* The merged list has the default's entry first: the place is that of the manifest. */
static void a_mistake_in_a_task_is_said_where_it_is_written(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        "  defaults:\n"
        "    env: [{name: A, value: x}, {name: B, value: y}]\n"
        "    volumes: [{name: v, emptyDir: {}}]\n"
        "  tasks:\n"
        "  - {name: a, image: i, command: {}, env: [{name: Z, value: 7}], volumes: [{name: w, emptydir: {}}]}\n",
        "spec.tasks[0].env[0].value: must be text (put it in quotes), not a number",
        "spec.tasks[0].volumes[0].emptydir: unknown field (did you mean emptyDir?)");
}

static void a_task_may_complete_what_the_defaults_began(void **state) {
    (void)state;
    static const char defaults[] =
        "  defaults:\n"
        "    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}\n"
        "    pod: {spec: {containers: [{name: side, image: s, livenessProbe: {httpGet: {port: 80}}}]}}\n";
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "%s" TASK(
                 "    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}\n"
                 "    pod: {spec: {containers: [{name: main}, {name: side, livenessProbe: {httpGet: {path: /x}}}]}}\n"),
             defaults);
    EXPECT_PROBLEMS(yaml);
    snprintf(
        yaml, sizeof yaml,
        "%s" TASK("    pod: {spec: {containers: [{name: other, livenessProbe: {httpGet: {path: /x}}}, {name: side,\n"
                  "      livenessProbe: {httpGet: {port: null}}}]}}\n"),
        defaults);
    EXPECT_PROBLEMS(yaml, "spec.tasks[0].pod.spec.containers[0].livenessProbe.httpGet.port: is required",
                    "spec.tasks[0].pod.spec.containers[1].livenessProbe.httpGet.port: is required");
}

static void null_takes_away_and_is_no_mistake(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  defaults: {resources: {limits: null}, nodeSelector: {a: null}, volumes: null}\n" TASK(
        "    env: null\n    affinity: {nodeAffinity: null}\n    nodeSelector: {disk: null}\n"
        "    pod: {spec: {hostNetwork: null, containers: [{name: main, image: null, env: [{name: A, value: "
        "null}]}]}}\n"));
}

static void values_put_in_are_checked(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  params: [{name: memory, value: 4 Gi}, {name: cpu, value: '2'}]\n" TASK(
                        "    resources: {limits: {memory: $(params.memory), cpu: $(params.cpu)}}\n"),
                    "spec.tasks[0].resources.limits[memory]: must be a quantity such as 2, 500m or 4Gi");
}

static void lists_are_bounded(void **state) {
    (void)state;
    AUTO_STRBUF yaml = STRBUF_INIT;
    strbuf_puts(&yaml, TASK("    tolerations: ["));
    for (int i = 0; i <= POD_LIST_MAX; i++)
        strbuf_puts(&yaml, "{},");
    strbuf_puts(&yaml, "]\n");
    EXPECT_PROBLEMS(strbuf_text(&yaml), "spec.tasks[0].tolerations: must have at most 1000 entries (has 1001)");
}

static void the_table_can_be_looked_up(void **state) {
    (void)state;
    size_t types = 0, fields = 0;
    unsigned last = 0;
    for (const struct pod_type *type = pod_types; types <= last; types++, type++) {
        assert_true(type->count > 0);
        for (size_t i = 0; i < type->count; i++, fields++) {
            const struct pod_field *field = &type->fields[i];
            assert_ptr_equal(pod_field_find(type, field->name), field);
            if (field->value == POD_FIELD_OBJECT && field->type > last)
                last = field->type;
            if (field->key != NULL)
                assert_non_null(pod_field_find(pod_field_type(field), field->key));
            if (field->second != NULL)
                assert_non_null(pod_field_find(pod_field_type(field), field->second));
        }
    }
    assert_in_range(types, 90, 150);
    assert_in_range(fields, 450, 700);
    assert_null(pod_field_find(&pod_types[POD_TYPE_TASK], "command"));
    assert_null(pod_field_find(NULL, "env"));
    assert_null(pod_field_type(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_known),
        cmocka_unit_test(types_are_said_with_what_to_do),
        cmocka_unit_test(what_must_be_there_is_asked_for),
        cmocka_unit_test(a_key_is_there_once),
        cmocka_unit_test(a_mistake_in_the_defaults_is_said_there_and_once),
        cmocka_unit_test(a_mistake_in_a_task_is_said_where_it_is_written),
        cmocka_unit_test(a_task_may_complete_what_the_defaults_began),
        cmocka_unit_test(null_takes_away_and_is_no_mistake),
        cmocka_unit_test(values_put_in_are_checked),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(the_table_can_be_looked_up),
    };
    return cmocka_run_group_tests_name("pod_check", tests, NULL, NULL);
}
