/* A Pipeline object as a user may write it. What is refused says where and starts nothing; what is accepted gets a plan
 * that starts only tasks that depend on nothing, the same plan each time, and a pod for each of its tasks. */

#include <string.h>

#include "executor/executor.h"
#include "pipeline/graph.h"
#include "support_fuzz.h"

static const int64_t now = INT64_C(1795132800000);

static const struct launch_config config = {
    .launcher_image = "registry.example/weir:1",
    .pull_policy = "IfNotPresent",
    .report_host = "weir-operator.weir.svc",
    .report_address = "10.96.0.7:8443",
    .report_ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
};

static void check_problems(const struct problems *problems) {
    for (size_t i = 0; i < problems->count; i++)
        CHECK(strstr(problems->items[i], ": ") != NULL);
}

static void check_order(const struct pipeline *pipeline, struct arena *arena) {
    const size_t *order = graph_order(pipeline, arena);
    size_t *place = ARENA_NEW_ARRAY(arena, pipeline->task_count, size_t);
    for (size_t i = 0; i < pipeline->task_count; i++)
        place[order[i]] = i + 1;
    for (size_t i = 0; i < pipeline->task_count; i++)
        for (size_t j = 0; j < pipeline->tasks[i].upstream_count; j++)
            CHECK(place[pipeline->tasks[i].upstream[j]] < place[i]);
}

static void check_pods(const struct run *run, struct arena *arena) {
    for (size_t i = 0; i < run->spec->task_count; i++) {
        struct error err = {0};
        yyjson_mut_val *pod = NULL;
        CHECK(executor_pod(run, &run->spec->tasks[i], 1, NULL, &config, json_new(arena), &pod, &err) == 0);
        const char *text = json_write(pod, arena, NULL);
        CHECK(strstr(text, "\"restartPolicy\":\"Never\"") != NULL);
        CHECK(strstr(text, "\"command\":[\"/weir/weir-launcher\",\"run\"") != NULL);
        CHECK(strstr(text, ANNOTATION_SPEC_HASH) != NULL && strlen(run->spec->tasks[i].hash) == 16);
        yyjson_mut_val *other = NULL; /* of another attempt */
        CHECK(executor_pod(run, &run->spec->tasks[i], 2, NULL, &config, json_new(arena), &other, &err) == 0);
        CHECK(executor_pod_shape(pod) == executor_pod_shape(other));
    }
}

static void check_action(const struct run *run, const struct action *action) {
    CHECK(action->reason != NULL);
    if (action->type != ACTION_CREATE_POD)
        return;
    CHECK(run->problems->total == 0 && action->task < run->spec->task_count);
    CHECK(run->spec->tasks[action->task].upstream_count == 0 && action->attempt == 1);
}

static void check_plan(const struct run *run, struct arena *arena) {
    struct plan plan = {0}, again = {0};
    plan_run(run, now, arena, &plan);
    plan_run(run, now, arena, &again);
    CHECK(plan.count == again.count);
    for (size_t i = 0; i < plan.count; i++) {
        check_action(run, &plan.actions[i]);
        CHECK(plan.actions[i].type == again.actions[i].type && plan.actions[i].task == again.actions[i].task);
    }
    size_t length = 0;
    size_t total = run->spec != NULL ? run->spec->task_count : 0;
    json_write(status_encode(&plan.status, total, 0, json_new(arena)), arena, &length);
    CHECK(length <= STATUS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *doc = NULL;
    struct error err = {0};
    struct problems problems = {.arena = &arena};
    struct problems warnings = {.arena = &arena};
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    const struct pipeline *pipeline = pipeline_decode(yyjson_doc_get_root(doc), executor_tables(), &arena, &problems);
    executor_validate(pipeline, &problems, &warnings);
    check_problems(&problems);
    check_problems(&warnings);
    struct run run = {.name = "demo", .namespace = "lab", .uid = "0a1b2c3d-0000-0000-0000-000000000001"};
    run.generation = 1;
    run.create_room = 16;
    run.spec = pipeline;
    run.problems = &problems;
    status_decode(NULL, &run.recorded, &arena);
    check_plan(&run, &arena);
    if (problems.total == 0) {
        check_order(pipeline, &arena);
        check_pods(&run, &arena);
    }
    return 0;
}
