/* The one merge: YAML on top of YAML, and what comes of it as JSON. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "pipeline/merge.h"

static yyjson_mut_val *parse(const char *yaml, yyjson_mut_doc *doc) {
    struct error err = {0};
    AUTO_JSON *read = NULL;
    if (yaml_parse(yaml, strlen(yaml), &read, &err) < 0)
        fail_msg("%s", err.text);
    yyjson_mut_val *value = yyjson_val_mut_copy(doc, yyjson_doc_get_root(read));
    return value;
}

static void expect(int type, const char *base_yaml, const char *over_yaml, const char *wanted) {
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *base = parse(base_yaml, doc);
    merge_object(doc, &pod_types[type], base, parse(over_yaml, doc));
    assert_string_equal(json_write(base, &arena, NULL), wanted);
}

static void expect_template(const char *base, const char *over, const char *wanted) {
    expect(POD_TYPE_TEMPLATE, base, over, wanted);
}

static void expect_task(const char *base, const char *over, const char *wanted) {
    expect(POD_TYPE_TASK, base, over, wanted);
}

static void objects_go_member_by_member(void **state) {
    (void)state;
    expect_task("{image: a, nodeSelector: {disk: ssd, zone: a}, retry: {limit: 1, onlyOn: [a]}}",
                "{image: b, nodeSelector: {zone: b}, retry: {onlyOn: [b]}, name: n}",
                "{\"image\":\"b\",\"nodeSelector\":{\"disk\":\"ssd\",\"zone\":\"b\"},"
                "\"retry\":{\"limit\":1,\"onlyOn\":[\"b\"]},\"name\":\"n\"}");
    expect_task("{resources: {limits: {cpu: 1}}}", "{resources: [x]}", "{\"resources\":[\"x\"]}");
}

/* $(VAR) may refer to entries that come before. */
static void what_has_a_namesake_stays_in_its_place(void **state) {
    (void)state;
    expect_task("env: [{name: HOME, value: /h}, {name: CONF, value: $(HOME)/conf}, {name: LAST, value: z}]",
                "env: [{name: NEW, value: n}, {name: HOME, valueFrom: {fieldRef: {fieldPath: x}}}]",
                "{\"env\":[{\"name\":\"HOME\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"x\"}}},"
                "{\"name\":\"CONF\",\"value\":\"$(HOME)/conf\"},{\"name\":\"LAST\",\"value\":\"z\"},"
                "{\"name\":\"NEW\",\"value\":\"n\"}]}");
    expect_template("spec: {initContainers: [{name: one, image: a}, {name: two, image: b}]}",
                    "spec: {initContainers: [{name: three, image: c}, {name: one, tty: true}]}",
                    "{\"spec\":{\"initContainers\":[{\"name\":\"one\",\"image\":\"a\",\"tty\":true},"
                    "{\"name\":\"two\",\"image\":\"b\"},{\"name\":\"three\",\"image\":\"c\"}]}}");
}

static void an_entry_replaces_its_namesake_as_a_whole(void **state) {
    (void)state;
    expect_task("volumes: [{name: v, emptyDir: {}}]", "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]",
                "{\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"c\"}}]}");
    expect_task("volumeMounts: [{name: v, mountPath: /a, subPath: x}, {name: v, mountPath: /b}]",
                "volumeMounts: [{name: w, mountPath: /a}]",
                "{\"volumeMounts\":[{\"name\":\"w\",\"mountPath\":\"/a\"},{\"name\":\"v\",\"mountPath\":\"/b\"}]}");
    expect_task("imagePullSecrets: [{name: a}]", "imagePullSecrets: [{name: b}, {name: a}]",
                "{\"imagePullSecrets\":[{\"name\":\"a\"},{\"name\":\"b\"}]}");
    expect_template("spec: {hostAliases: [{ip: 1.2.3.4, hostnames: [a]}]}",
                    "spec: {hostAliases: [{ip: 1.2.3.4, hostnames: [b]}]}",
                    "{\"spec\":{\"hostAliases\":[{\"ip\":\"1.2.3.4\",\"hostnames\":[\"b\"]}]}}");
}

static void a_port_is_a_number_and_a_protocol(void **state) {
    (void)state;
    expect_template("spec: {containers: [{name: main, ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP},"
                    " {containerPort: 80, name: web}]}]}",
                    "spec: {containers: [{name: main, ports: [{containerPort: 53, protocol: UDP, name: udp},"
                    " {containerPort: 53, protocol: TCP, name: tcp}, {containerPort: 80, protocol: SCTP}]}]}",
                    "{\"spec\":{\"containers\":[{\"name\":\"main\",\"ports\":["
                    "{\"containerPort\":53,\"protocol\":\"TCP\",\"name\":\"tcp\"},"
                    "{\"containerPort\":53,\"protocol\":\"UDP\",\"name\":\"udp\"},"
                    "{\"containerPort\":80,\"name\":\"web\"},{\"containerPort\":80,\"protocol\":\"SCTP\"}]}]}}");
}

static void a_list_without_a_key_is_one_value(void **state) {
    (void)state;
    expect_task("{tolerations: [{key: a}], envFrom: [{prefix: A}]}", "{tolerations: [{key: b}], envFrom: []}",
                "{\"tolerations\":[{\"key\":\"b\"}],\"envFrom\":[]}");
    /* "env" is a key's list where a container has it, not wherever something is called so */
    expect_task("sparkSubmit: {env: [{name: a, x: 1}]}", "sparkSubmit: {env: [{name: a}]}",
                "{\"sparkSubmit\":{\"env\":[{\"name\":\"a\"}]}}");
}

static void null_stays_until_it_is_dropped(void **state) {
    (void)state;
    expect_task("{resources: {limits: {cpu: 1}}, timeout: 1h}", "{resources: {limits: null}, timeout: null}",
                "{\"resources\":{\"limits\":null},\"timeout\":null}");
    AUTO_ARENA arena = ARENA_INIT;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *pod = parse("spec: {tty: true, containers: [{name: main, drop: [ALL], x: {y: 1}}]}", doc);
    yyjson_mut_val *defaults = parse("spec: {a: {b: 1, c: null}, containers: [{name: main, x: {z: 2}}]}", doc);
    merge_object(doc, &pod_types[POD_TYPE_TEMPLATE], defaults,
                 parse("spec: {tty: null, a: {b: null}, containers: [{name: main, drop: null, x: null}]}", doc));
    merge_object(doc, &pod_types[POD_TYPE_TEMPLATE], pod, defaults);
    merge_finish(pod);
    assert_string_equal(json_write(pod, &arena, NULL), "{\"spec\":{\"containers\":[{\"name\":\"main\"}],\"a\":{}}}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_go_member_by_member),
        cmocka_unit_test(what_has_a_namesake_stays_in_its_place),
        cmocka_unit_test(an_entry_replaces_its_namesake_as_a_whole),
        cmocka_unit_test(a_port_is_a_number_and_a_protocol),
        cmocka_unit_test(a_list_without_a_key_is_one_value),
        cmocka_unit_test(null_stays_until_it_is_dropped),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
