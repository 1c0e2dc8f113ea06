/* Manifests in, tasks or problems out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/validate.h"
#include "support_decode.h"

static void a_small_pipeline_gets_its_defaults(void **state) {
    (void)state;
    struct decoded seen;
    decoded_spec(&seen, "  tasks:\n"
                        "  - {name: a, command: {words: [x]}}\n");
    const struct pipeline *pipeline = seen.pipeline;
    assert_int_equal(seen.problems.total, 0);
    assert_int_equal(pipeline->task_count, 1);
    assert_int_equal(pipeline->failure_policy, FAIL_FAST);
    assert_int_equal(pipeline->pod_retention, RETAIN_ALWAYS);
    assert_int_equal(pipeline->ttl_seconds_after_finished, -1);
    assert_int_equal(pipeline->parallelism, 0);
    const struct task *task = &pipeline->tasks[0];
    assert_int_equal(task->kind, KIND_COMMAND);
    assert_int_equal(task->retry->limit, 0);
    assert_int_equal(task->retry->infra_limit, 5);
    assert_int_equal(task->retry->backoff->initial_ms, 10000);
    assert_int_equal(task->retry->backoff->max_ms, 600000);
    assert_true(task->retry->backoff->factor > 1.9 && task->retry->backoff->factor < 2.1);
    assert_int_equal(task->timeout_ms, 0);
    assert_int_equal(task->upstream_count, 0);
    decoded_fini(&seen);
}

static void every_field_of_the_spec_arrives(void **state) {
    (void)state;
    struct decoded seen;
    decoded_spec(
        &seen,
        "  suspend: true\n"
        "  failurePolicy: Continue\n"
        "  parallelism: 3\n"
        "  timeout: 1h30m\n"
        "  ttlSecondsAfterFinished: 60\n"
        "  podRetention: Always\n"
        "  onLostLauncher: Kill\n"
        "  tasks:\n"
        "  - {name: a, hadoopJar: {}}\n"
        "  - name: b\n"
        "    dependsOn: [a]\n"
        "    image: i\n"
        "    imagePullPolicy: Never\n"
        "    serviceAccountName: s\n"
        "    retry: {limit: 2, infraLimit: 0, backoff: {initial: 1s, factor: 3, max: 5s}, onlyOn: ['3', OOMKilled]}\n"
        "    timeout: 4h\n"
        "    startTimeout: 90s\n"
        "    onFailure: Ignore\n"
        "    onLostLauncher: Adopt\n"
        "    kerberos: {secretName: k}\n"
        "    sparkSubmit: {note: n}\n");
    const struct pipeline *pipeline = seen.pipeline;
    const struct task *task = &pipeline->tasks[1];
    assert_int_equal(seen.problems.total, 0);
    assert_true(pipeline->suspend);
    assert_int_equal(pipeline->failure_policy, FAIL_CONTINUE);
    assert_int_equal(pipeline->parallelism, 3);
    assert_int_equal(pipeline->timeout_ms, 5400000);
    assert_int_equal(pipeline->ttl_seconds_after_finished, 60);
    assert_int_equal(pipeline->pod_retention, RETAIN_ALWAYS);
    assert_int_equal(task->kind, KIND_SPARK_SUBMIT);
    assert_string_equal(((struct words *)task->block)->note, "n");
    assert_int_equal(task->upstream_count, 1);
    assert_int_equal(task->upstream[0], 0);
    assert_string_equal(task->image_pull_policy, "Never");
    assert_int_equal(task->retry->limit, 2);
    assert_int_equal(task->retry->infra_limit, 0);
    assert_int_equal(task->retry->backoff->initial_ms, 1000);
    assert_int_equal(task->retry->on.count, 2);
    assert_int_equal(task->timeout_ms, 4 * 3600 * 1000);
    assert_int_equal(task->start_timeout_ms, 90000);
    assert_int_equal(task->on_failure, ON_FAILURE_IGNORE);
    assert_int_equal(pipeline->tasks[0].on_lost_launcher, LOST_KILL);
    assert_int_equal(task->on_lost_launcher, LOST_ADOPT);
    assert_null(pipeline->tasks[0].kerberos);
    assert_string_equal(task->kerberos->secret_name, "k");
    decoded_fini(&seen);
}

static void all_problems_come_at_once_each_with_its_path(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        "  paralelism: 2\n"
        "  defaults: {timeout: 5, name: x}\n"
        "  tasks:\n"
        "  - {name: extract, command: {}}\n"
        "  - {name: Load, command: {}}\n"
        "  - {name: both, command: {}, hadoopJar: {}}\n"
        "  - {name: load, dependsOn: [extrct], depends: extract, timeout: 0s, command: {}}\n"
        "  - {name: none, image: 7}\n"
        "  - {name: extract, command: {word: [x]}}\n",
        "spec.defaults.name: unknown field",
        "spec.defaults.timeout: must be a duration with its unit, such as 90s, 5m or 1h30m, not a number",
        "spec.paralelism: unknown field (did you mean parallelism?)",
        "spec.tasks[1].name: must be a DNS label: lower-case letters, digits and '-', not '-' at an end",
        "spec.tasks[3].timeout: must be 1s..8760h00m",
        "spec.tasks[4].image: must be text (put it in quotes), not a number",
        "spec.tasks[5].command.word: unknown field (did you mean words?)",
        "spec.tasks[5].name: \"extract\" is there already, in item [0]",
        "spec.tasks[2]: names more than one kind: hadoopJar, command",
        "spec.tasks[4]: names no kind: exactly one of sparkSubmit, hadoopJar, hadoopStreaming, command must "
        "be set",
        "spec.tasks[3].depends: depends and dependsOn exclude each other",
        "spec.tasks[3].dependsOn[0]: no task named \"extrct\" (did you mean \"extract\"?)");
}

static void shapes_that_are_wrong_are_said_not_followed(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  tasks: []\n", "spec.tasks: must not be empty");
    EXPECT_PROBLEMS("  tasks: {a: b}\n", "spec.tasks: must be a list, not an object");
    EXPECT_PROBLEMS("  suspend: true\n", "spec.tasks: is required");
    EXPECT_PROBLEMS(
        "  defaults: 3\n  params: 4\n  tasks: [5]\n", "spec.defaults: must be an object, not a number",
        "spec.params: must be a list, not a number", "spec.tasks[0]: must be an object, not a number",
        "spec.tasks[0]: names no kind: exactly one of sparkSubmit, hadoopJar, hadoopStreaming, command must "
        "be set");
    EXPECT_PROBLEMS("  params: [{name: 1a, value: x}, {name: b}]\n  tasks: [{name: a, command: {}}]\n",
                    "spec.params[0].name: must be letters, digits, '-' and '_', and begin with a letter or '_'",
                    "spec.params[1].value: is required");
    EXPECT_PROBLEMS("  tasks: [{name: a, depends: b, command: {}}]\n",
                    "spec.tasks[0].depends: expressions are not supported by this version (name the tasks in "
                    "dependsOn)");
}

static void an_object_without_a_spec_is_a_problem(void **state) {
    (void)state;
    struct decoded seen;
    decoded_init(&seen, "metadata: {name: demo}\n");
    assert_int_equal(seen.problems.count, 1);
    assert_string_equal(seen.problems.items[0], "spec: is required");
    assert_int_equal(seen.pipeline->task_count, 0);
    decoded_fini(&seen);
    decoded_init(&seen, "spec: 7\n");
    assert_int_equal(seen.problems.count, 1);
    assert_string_equal(seen.problems.items[0], "spec: must be an object, not a number");
    decoded_fini(&seen);
}

static void references_are_put_in_everywhere(void **state) {
    (void)state;
    struct decoded seen;
    decoded_spec(
        &seen, "  params: [{name: date, value: '2026-11-19'}, {name: empty, value: ''}]\n"
               "  defaults: {image: 'reg/$(task.name):$(params.date)'}\n"
               "  tasks:\n"
               "  - name: a\n"
               "    env: [{name: D, value: '$(params.date)'}]\n"
               "    command:\n"
               "      note: '$(pipeline.namespace)/$(pipeline.name)/$(pipeline.uid)'\n"
               "      words: ['x$(params.date)y$(params.date)', '[$(params.empty)]', '$(HOME)', '$$(HOME)',\n"
               "              '$$(params.date)', '$$$(params.date)', '$(run.sh)', '$(', '$(params.date', '$()', '$']\n"
               "  - {name: b, command: {}}\n");
    assert_int_equal(seen.problems.total, 0);
    const struct words *block = seen.pipeline->tasks[0].block;
    static const char *const wanted[] = {"x2026-11-19y2026-11-19", "[]",           "$(HOME)",   "$$(HOME)",
                                         "$$(params.date)",        "$$2026-11-19", "$(run.sh)", "$$(",
                                         "$$(params.date",         "$$()",         "$$"};
    assert_string_equal(block->note, "lab/demo/0a1b");
    assert_int_equal(block->words.count, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < block->words.count; i++)
        assert_string_equal(block->words.items[i], wanted[i]);
    assert_string_equal(seen.pipeline->tasks[0].image, "reg/a:2026-11-19");
    assert_string_equal(seen.pipeline->tasks[1].image, "reg/b:2026-11-19");
    assert_string_equal(json_text(yyjson_arr_get(seen.pipeline->tasks[0].env, 0), "value", ""), "2026-11-19");
    decoded_fini(&seen);
}

static void params_may_refer_to_those_above(void **state) {
    (void)state;
    struct decoded seen;
    decoded_spec(&seen, "  params:\n"
                        "  - {name: date, value: '2026-11-19'}\n"
                        "  - {name: dir, value: '/data/$(pipeline.name)/$(params.date)'}\n"
                        "  - {name: file, value: '$(params.dir)/$$(params.date)/$(HOME)'}\n"
                        "  tasks: [{name: a, image: $(params.file), command: {note: $(params.file)}}]\n");
    assert_int_equal(seen.problems.total, 0);
    assert_string_equal(seen.pipeline->tasks[0].image, "/data/demo/2026-11-19/$(params.date)/$(HOME)");
    const struct words *block = seen.pipeline->tasks[0].block;
    assert_string_equal(block->note, "/data/demo/2026-11-19/$$(params.date)/$$(HOME)");
    decoded_fini(&seen);
    EXPECT_PROBLEMS("  params:\n"
                    "  - {name: a, value: '$(params.b)'}\n"
                    "  - {name: b, value: '$(params.b)'}\n"
                    "  - {name: c, value: '$(params.bb) $(params.a)'}\n"
                    "  - {name: d, value: '$(task.name)'}\n"
                    "  tasks: [{name: a, command: {}}]\n",
                    "spec.params[0].value: $(params.b) is not known here: a value may refer to params above it",
                    "spec.params[1].value: $(params.b) is not known here: a value may refer to params above it",
                    "spec.params[2].value: unknown reference $(params.bb) (did you mean $(params.b)?)",
                    "spec.params[3].value: unknown reference $(task.name) (write $$(task.name) to keep it as it is)");
}

static void an_unknown_reference_is_named_and_values_are_not(void **state) {
    (void)state;
    EXPECT_PROBLEMS(
        "  params: [{name: date, value: s3cret}]\n"
        "  defaults: {image: '$(params.tag)'}\n"
        "  tasks:\n"
        "  - name: a\n"
        "    env: [{name: X, value: 'a $(params.dat) b'}]\n"
        "    command: {words: [ok, '$(tasks.b.exitCode)'], note: '$(param.date)'}\n"
        "  - {name: b, command: {note: '$(pipeline.nam) $(cron.time)'}}\n",
        "spec.defaults.image: unknown reference $(params.tag) (did you mean $(params.date)?)",
        "spec.tasks[0].env[0].value: unknown reference $(params.dat) (did you mean $(params.date)?)",
        "spec.tasks[0].command.words[1]: unknown reference $(tasks.b.exitCode) (write $$(tasks.b.exitCode) to "
        "keep it as it is)",
        "spec.tasks[0].command.note: unknown reference $(param.date) (did you mean $(params.date)?)",
        "spec.tasks[1].command.note: unknown reference $(pipeline.nam) (did you mean $(pipeline.name)?)",
        "spec.tasks[1].command.note: unknown reference $(cron.time) (write $$(cron.time) to keep it as it "
        "is)");
}

static void defaults_are_merged_field_by_field(void **state) {
    (void)state;
    struct decoded seen;
    decoded_spec(&seen, "  defaults:\n"
                        "    image: base\n"
                        "    timeout: 1h\n"
                        "    retry: {limit: 2, backoff: {initial: 30s, max: 1h}}\n"
                        "    env: [{name: A, value: '1'}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n"
                        "    volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /b}]\n"
                        "    tolerations: [{key: x}]\n"
                        "    resources: {limits: {cpu: 1, memory: 1Gi}}\n"
                        "    affinity: {nodeAffinity: {}}\n"
                        "    nodeSelector: {disk: ssd, zone: a}\n"
                        "    pod: {spec: {containers: [{name: main, tty: true, env: [{name: X, value: x}]}]}}\n"
                        "  tasks:\n"
                        "  - name: plain\n"
                        "    command: {}\n"
                        "  - name: own\n"
                        "    image: mine\n"
                        "    retry: {backoff: {initial: 5s}}\n"
                        "    env: [{name: B, value: plain}, {name: C, value: '3'}]\n"
                        "    volumeMounts: [{name: z, mountPath: /b}]\n"
                        "    tolerations: [{key: y}]\n"
                        "    nodeSelector: {zone: b}\n"
                        "    timeout: null\n"
                        "    affinity: null\n"
                        "    resources: {limits: {cpu: null}}\n"
                        "    pod: {spec: {containers: [{name: side}, {name: main, tty: null, env: [{name: X, value: "
                        "z}]}]}}\n"
                        "    command: {}\n");
    assert_int_equal(seen.problems.total, 0);
    const struct task *plain = &seen.pipeline->tasks[0];
    const struct task *own = &seen.pipeline->tasks[1];
    assert_string_equal(plain->image, "base");
    assert_int_equal(plain->retry->backoff->initial_ms, 30000);
    assert_string_equal(own->image, "mine");
    assert_int_equal(plain->timeout_ms, 3600000);
    assert_int_equal(own->timeout_ms, 0);
    assert_non_null(plain->affinity);
    assert_null(own->affinity);
    assert_int_equal(own->retry->limit, 2);
    assert_int_equal(own->retry->backoff->initial_ms, 5000);
    assert_int_equal(own->retry->backoff->max_ms, 3600000);
    struct arena *arena = &seen.arena;
    assert_string_equal(
        json_write_value(own->env, arena, NULL),
        "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"plain\"},{\"name\":\"C\",\"value\":\"3\"}]");
    assert_string_equal(json_write_value(own->volume_mounts, arena, NULL),
                        "[{\"name\":\"v\",\"mountPath\":\"/a\"},{\"name\":\"z\",\"mountPath\":\"/b\"}]");
    assert_string_equal(json_write_value(own->pod, arena, NULL),
                        "{\"spec\":{\"containers\":[{\"name\":\"main\",\"tty\":null,\"env\":"
                        "[{\"name\":\"X\",\"value\":\"z\"}]},{\"name\":\"side\"}]}}");
    assert_string_equal(json_write_value(own->resources, arena, NULL),
                        "{\"limits\":{\"cpu\":null,\"memory\":\"1Gi\"}}");
    assert_string_equal(json_write_value(own->tolerations, arena, NULL), "[{\"key\":\"y\"}]");
    assert_string_equal(json_write_value(own->node_selector, arena, NULL), "{\"disk\":\"ssd\",\"zone\":\"b\"}");
    decoded_fini(&seen);
}

static const char *hash_in(struct decoded *seen, const char *spec_yaml) {
    decoded_spec(seen, spec_yaml);
    if (seen->problems.total > 0)
        fail_msg("%s", seen->problems.items[0]);
    return seen->pipeline->tasks[0].hash;
}

/* Two specs whose first tasks run the same, or not. */
static void expect_hashes(const char *one_yaml, const char *other_yaml, bool same) {
    struct decoded one, other;
    const char *first = hash_in(&one, one_yaml);
    const char *second = hash_in(&other, other_yaml);
    assert_int_equal(strlen(first), 16);
    if ((strcmp(first, second) == 0) != same)
        fail_msg("%s\nand\n%s", one_yaml, other_yaml);
    decoded_fini(&one);
    decoded_fini(&other);
}

static void a_hash_says_what_runs(void **state) {
    (void)state;
    static const char plain[] = "  tasks: [{name: a, image: i, command: {words: [x], note: n}}]\n";
    static const char *const same[] = {
        "  tasks: [{command: {note: n, words: [x]}, image: i, name: a}]\n",
        "  defaults: {image: i, timeout: 3h, retry: {limit: 3}}\n  tasks: [{name: a, command: {words: [x], note: "
        "n}}]\n",
        "  params: [{name: p, value: x}]\n  tasks: [{name: a, image: i, command: {words: [$(params.p)], note: n}}]\n",
        "  onLostLauncher: Kill\n  tasks: [{name: a, image: i, command: {words: [x], note: n}}]\n",
        "  parallelism: 3\n  tasks: [{name: other, dependsOn: [b], image: i, retry: {limit: 2}, timeout: 1h,\n"
        "    startTimeout: 1m, onFailure: Ignore, onLostLauncher: Kill, env: null, command: {words: [x], note: n}}, "
        "{name: b, command: "
        "{}}]\n",
    };
    static const char *const different[] = {
        "  tasks: [{name: a, image: i, kerberos: {secretName: k}, command: {words: [x], note: n}}]\n",
        "  tasks: [{name: a, image: j, command: {words: [x], note: n}}]\n",
        "  tasks: [{name: a, image: i, hadoopJar: {words: [x], note: n}}]\n",
        "  tasks: [{name: a, image: i, command: {words: [x, y], note: n}}]\n",
        "  tasks: [{name: a, image: i, env: [{name: A, value: b}], command: {words: [x], note: n}}]\n",
        "  defaults: {resources: {limits: {cpu: 1}}}\n  tasks: [{name: a, image: i, command: {words: [x], note: n}}]\n",
        "  tasks: [{name: a, image: i, pod: {spec: {hostname: h}}, command: {words: [x], note: n}}]\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        expect_hashes(plain, same[i], true);
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        expect_hashes(plain, different[i], false);
    struct decoded seen; /* for ever the same: pods of earlier versions carry it */
    assert_string_equal(hash_in(&seen, plain), "lzclbrd4rwzb52r9");
    decoded_fini(&seen);
}

static void a_name_may_not_stand_in_defaults(void **state) {
    (void)state;
    EXPECT_PROBLEMS("  defaults: {dependsOn: [a], command: {}}\n  tasks: [{name: a, command: {}}]\n",
                    "spec.defaults.dependsOn: unknown field", "spec.defaults.command: unknown field");
}

static void a_spec_that_leaves_no_room_is_refused(void **state) {
    (void)state;
    AUTO_STRBUF yaml = STRBUF_INIT;
    strbuf_puts(&yaml, "  tasks:\n");
    for (int i = 0; i < 20; i++) {
        strbuf_printf(&yaml, "  - {name: t%d, command: {note: '", i);
        for (int j = 0; j < 2500; j++)
            strbuf_puts(&yaml, "0123456789");
        strbuf_puts(&yaml, "'}}\n");
    }
    struct decoded seen;
    decoded_spec(&seen, strbuf_text(&yaml));
    bool said = false;
    for (size_t i = 0; i < seen.problems.count; i++)
        said = said || text_starts_with(seen.problems.items[i], "spec: is too large: 500");
    decoded_fini(&seen);
    assert_true(said);
}

/* 100 params of 4 KB, each used again and again: the result must stay small whatever the spec says. */
static void references_cannot_blow_a_spec_up(void **state) {
    (void)state;
    AUTO_STRBUF yaml = STRBUF_INIT;
    strbuf_puts(&yaml, "  params: [{name: p, value: '");
    for (int i = 0; i < 400; i++)
        strbuf_puts(&yaml, "0123456789");
    strbuf_puts(&yaml, "'}]\n  tasks:\n");
    for (int i = 0; i < 20; i++) {
        strbuf_printf(&yaml, "  - {name: t%d, command: {note: '", i);
        for (int j = 0; j < 1000; j++)
            strbuf_puts(&yaml, "$(params.p)");
        strbuf_puts(&yaml, "'}}\n");
    }
    struct decoded seen;
    decoded_spec(&seen, strbuf_text(&yaml));
    bool said = false;
    for (size_t i = 0; i < seen.problems.count; i++)
        said = said || text_equal(seen.problems.items[i], "spec: too large after params and defaults are put in");
    decoded_fini(&seen);
    assert_true(said);
}

/* An API server takes what is nested 10000 deep, and reading it back does not bound it either. */
static void a_deep_spec_is_refused_not_followed(void **state) {
    (void)state;
    enum { DEPTH = 100 * 1000 };
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_puts(&json, "{\"spec\":{\"tasks\":[{\"name\":\"a\",\"command\":{},\"affinity\":");
    for (int i = 0; i < DEPTH; i++)
        strbuf_puts(&json, "[");
    for (int i = 0; i < DEPTH; i++)
        strbuf_puts(&json, "]");
    strbuf_puts(&json, "}]}}");
    struct decoded seen;
    decoded_json(&seen, json.data, json.length);
    assert_int_equal(seen.problems.count, 1);
    assert_string_equal(seen.problems.items[0], "spec: is nested too deeply: at most 64 levels");
    decoded_fini(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_pipeline_gets_its_defaults),
        cmocka_unit_test(every_field_of_the_spec_arrives),
        cmocka_unit_test(all_problems_come_at_once_each_with_its_path),
        cmocka_unit_test(shapes_that_are_wrong_are_said_not_followed),
        cmocka_unit_test(an_object_without_a_spec_is_a_problem),
        cmocka_unit_test(references_are_put_in_everywhere),
        cmocka_unit_test(params_may_refer_to_those_above),
        cmocka_unit_test(an_unknown_reference_is_named_and_values_are_not),
        cmocka_unit_test(defaults_are_merged_field_by_field),
        cmocka_unit_test(a_hash_says_what_runs),
        cmocka_unit_test(a_name_may_not_stand_in_defaults),
        cmocka_unit_test(a_spec_that_leaves_no_room_is_refused),
        cmocka_unit_test(references_cannot_blow_a_spec_up),
        cmocka_unit_test(a_deep_spec_is_refused_not_followed),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
