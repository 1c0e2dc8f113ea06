/* Objects as nobody would write them: a sound Pipeline, pod or status with some of its values replaced by others of any
 * type, thousands of times with a fixed seed. Whatever comes, nothing crashes (the sanitizers watch), what is refused
 * says why, and what is accepted becomes a pod that has what weir needs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "support_manifest.h"

enum { ROUNDS = 4000, REPLACED_MAX = 3 };

static uint64_t next_random(uint64_t *seed) { /* xorshift64*: the same everywhere */
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545F4914F6CDD1DULL;
}

static const char *const replacements[] = {
    "null",
    "true",
    "0",
    "-1",
    "7",
    "99999999999999999999",
    "1e308",
    "\"\"",
    "\"-x\"",
    "\"a\"",
    "\"main\"",
    "\"weir\"",
    "\"$(params.p)\"",
    "\"$(params.q)\"",
    "\"$(\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "{\"a\":{}}",
    "[{\"name\":\"main\"}]",
    "[{\"name\":\"x\"},{\"name\":\"x\"}]",
    "[\"a\",3,null]",
    "{\"\":\"\"}",
    "\"2026-11-20T10:00:00Z\"",
    "\"1h\"",
    "\"Failed\"",
    "{\"terminated\":{\"exitCode\":1}}",
    "\"{\\\"version\\\":1,\\\"seq\\\":1,\\\"final\\\":{\\\"exitCode\\\":0}}\"",
};

/* Counts values in the order of a walk; the one numbered `wanted` becomes `other`. */
static yyjson_mut_val *copy_but(yyjson_val *value, size_t *number, size_t wanted, yyjson_val *other,
                                yyjson_mut_doc *doc) {
    size_t i, count;
    yyjson_val *name, *item;
    if ((*number)++ == wanted)
        return yyjson_val_mut_copy(doc, other);
    if (yyjson_is_obj(value)) {
        yyjson_mut_val *object = yyjson_mut_obj(doc);
        yyjson_obj_foreach(value, i, count, name, item) {
            yyjson_mut_obj_add(object, yyjson_val_mut_copy(doc, name), copy_but(item, number, wanted, other, doc));
        }
        return object;
    }
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *list = yyjson_mut_arr(doc);
        yyjson_arr_foreach(value, i, count, item) {
            yyjson_mut_arr_append(list, copy_but(item, number, wanted, other, doc));
        }
        return list;
    }
    return yyjson_val_mut_copy(doc, value);
}

static yyjson_val *replace_one(yyjson_val *value, uint64_t *seed, struct arena *arena) {
    struct error err = {0};
    yyjson_doc *other = NULL;
    const char *text = replacements[next_random(seed) % (sizeof replacements / sizeof *replacements)];
    if (json_parse(text, strlen(text), &other, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    yyjson_mut_doc *doc = json_new(arena);
    size_t size = 0;
    copy_but(value, &size, SIZE_MAX, NULL, doc);
    size_t number = 0;
    yyjson_mut_val *changed = copy_but(value, &number, next_random(seed) % size, yyjson_doc_get_root(other), doc);
    yyjson_val *result = yyjson_doc_get_root(yyjson_mut_val_imut_copy(changed, &doc->alc));
    json_free(&other);
    return result;
}

/* Calls `look` with one changed object after the other. */
static void play(const char *yaml, void (*look)(yyjson_val *object, struct arena *arena)) {
    struct error err = {0};
    uint64_t seed = 20261120;
    yyjson_doc *doc = NULL;
    if (yaml_parse(yaml, strlen(yaml), &doc, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < ROUNDS; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        yyjson_val *object = yyjson_doc_get_root(doc);
        for (size_t j = next_random(&seed) % REPLACED_MAX + 1; j > 0; j--)
            object = replace_one(object, &seed, &arena);
        look(object, &arena);
    }
    json_free(&doc);
}

static size_t accepted, refused;

static void make_pods(struct pipeline *pipeline, struct arena *arena) {
    const struct run run = {.name = "demo", .namespace = "lab", .uid = "0a1b", .spec = pipeline};
    for (size_t i = 0; i < pipeline->task_count; i++) {
        struct error err = {0};
        yyjson_mut_val *pod = NULL;
        if (executor_pod(&run, &pipeline->tasks[i], 1, NULL, &test_config, json_new(arena), &pod, &err) < 0)
            fail_msg("accepted, then: %s", err.text);
        const char *text = json_write(pod, arena, NULL);
        assert_non_null(strstr(text, "\"restartPolicy\":\"Never\""));
        assert_non_null(strstr(text, "\"command\":[\"/weir/weir-launcher\",\"run\""));
        assert_non_null(strstr(text, "\"finalizers\":[\"weir.dev/result\"]"));
    }
}

static void look_at_pipeline(yyjson_val *object, struct arena *arena) {
    struct problems problems = {.arena = arena};
    struct pipeline *pipeline = pipeline_decode(object, executor_tables(), arena, &problems);
    executor_validate(pipeline, &problems, NULL);
    assert_non_null(pipeline);
    for (size_t i = 0; i < problems.count; i++)
        if (strstr(problems.items[i], ": ") == NULL)
            fail_msg("no path: %s", problems.items[i]);
    if (problems.total == 0)
        make_pods(pipeline, arena);
    accepted += problems.total == 0;
    refused += problems.total > 0;
}

static void no_pipeline_hurts(void **state) {
    (void)state;
    play("metadata: {name: demo, namespace: lab, uid: 0a1b}\n"
         "spec:\n"
         "  params: [{name: p, value: v}]\n"
         "  parallelism: 2\n"
         "  timeout: 1h\n"
         "  defaults: {image: i, retry: {limit: 1, backoff: {initial: 1s}}, env: [{name: A, value: $(params.p)}],\n"
         "             pod: {spec: {containers: [{name: main, env: [{name: Z, value: z}]}]}}}\n"
         "  tasks:\n"
         "  - name: a\n"
         "    sparkSubmit: {application: a.py, master: yarn, args: [x], conf: {k: v}, driver: {memory: 1g},\n"
         "                  executor: {cores: 2}}\n"
         "  - name: b\n"
         "    dependsOn: [a]\n"
         "    env: [{name: B, value: b}]\n"
         "    volumes: [{name: v, emptyDir: {}}]\n"
         "    volumeMounts: [{name: v, mountPath: /v}]\n"
         "    tolerations: [{key: k}]\n"
         "    pod: {metadata: {labels: {l: m}}, spec: {volumes: [{name: w, emptyDir: {}}], tolerations: [{key: z}],\n"
         "          terminationGracePeriodSeconds: 90, securityContext: {runAsUser: 7},\n"
         "          containers: [{name: main, env: [{name: C, value: c}], volumeMounts: [{name: w, mountPath: /w}],\n"
         "          ports: [{containerPort: 1}]}, {name: side, image: s}]}}\n"
         "    hadoopStreaming: {jar: j, input: [i], output: o, cmdenv: {A: b}, numReduceTasks: 1}\n"
         "  - {name: c, dependsOn: [a, b], hadoopJar: {jar: j, files: [f]}}\n"
         "  - {name: d, command: {command: [sh], workingDir: /x}}\n",
         look_at_pipeline);
    assert_true(accepted > ROUNDS / 20); /* or the test looks at refusals alone */
    assert_true(refused > ROUNDS / 4);
}

static void look_at_pod(yyjson_val *object, struct arena *arena) {
    struct pod_view view;
    struct pod_facts *facts = pod_facts_new(object);
    executor_view(facts, NULL, INT64_C(1795132800000), arena, &view);
    assert_in_range(view.state, POD_PENDING, POD_LOST);
    free(facts);
    assert_true(view.task && view.hash && view.reason && view.message && view.tracking_url);
    assert_true(view.percent >= -1 && view.percent <= 100 && view.job_count <= 16);
}

static void no_pod_hurts(void **state) {
    (void)state;
    play("metadata: {name: p, uid: u, creationTimestamp: \"2026-11-20T10:00:00Z\", finalizers: [weir.dev/result],\n"
         "  deletionTimestamp: \"2026-11-20T10:00:00Z\", deletionGracePeriodSeconds: 60,\n"
         "  labels: {weir.dev/task: t, weir.dev/attempt: \"1\"}}\n"
         "spec: {nodeName: n, containers: [{name: main, resources: {limits: {memory: 1Gi}}}]}\n"
         "status:\n"
         "  phase: Failed\n"
         "  reason: Evicted\n"
         "  message: low\n"
         "  conditions: [{type: DisruptionTarget, status: \"True\", reason: X, message: y},\n"
         "               {type: PodScheduled, status: \"False\", reason: Unschedulable, message: m}]\n"
         "  initContainerStatuses: [{name: weir-launcher, state: {terminated: {exitCode: 0, reason: Completed}}}]\n"
         "  containerStatuses: [{name: main, state: {terminated: {exitCode: 137, reason: OOMKilled, message: "
         "'{\"version\":1,"
         "\"seq\":3,\"jobIDs\":[\"j\"],\"progress\":{\"percent\":3},\"final\":{\"exitCode\":1,\"reason\":\"Stopped\"}}'"
         "}}}]\n",
         look_at_pod);
}

static void look_at_status(yyjson_val *object, struct arena *arena) {
    struct run_status status, again;
    status_decode(object, &status, arena);
    yyjson_mut_val *encoded = status_encode(&status, status.task_count, 0, json_new(arena));
    size_t length = 0;
    const char *text = json_write(encoded, arena, &length);
    assert_in_range(length, 2, STATUS_MAX);
    struct error err = {0};
    yyjson_doc *doc = NULL;
    if (json_parse(text, length, &doc, &err) < 0)
        fail_msg("%s", err.text);
    status_decode(yyjson_doc_get_root(doc), &again, arena);
    assert_string_equal(json_write(status_encode(&again, again.task_count, 0, json_new(arena)), arena, NULL), text);
    json_free(&doc);
}

static void no_status_hurts(void **state) {
    (void)state;
    play("observedGeneration: 3\n"
         "phase: Failed\n"
         "startedAt: \"2026-11-20T10:00:00Z\"\n"
         "finishedAt: \"2026-11-20T10:00:00Z\"\n"
         "conditions: [{type: Stalled, status: \"True\", reason: r, message: m, lastTransitionTime: "
         "\"2026-11-20T10:00:00Z\"}]\n"
         "tasks:\n"
         "- {name: a, phase: Failed, reason: ExitCode, message: m, attempt: 2, pod: p, podUID: u, applicationID: i,\n"
         "   trackingURL: \"http://h/\", historyURL: \"http://h/\", jobIDs: [j], progress: {percent: 3, text: t},\n"
         "   exitCode: 1, startedAt: \"2026-11-20T10:00:00Z\", failures: 1, losses: 1, retryAt: "
         "\"2026-11-20T10:00:00Z\",\n"
         "   attempts: [{attempt: 1, podUID: u, reason: r, exitCode: 1, infra: true}]}\n",
         look_at_status);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_pipeline_hurts),
        cmocka_unit_test(no_pod_hurts),
        cmocka_unit_test(no_status_hurts),
    };
    return cmocka_run_group_tests_name("robust", tests, NULL, NULL);
}
