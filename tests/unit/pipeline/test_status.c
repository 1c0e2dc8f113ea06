/* A status written, read back, bounded, and described by its schema. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/table.h"
#include "pipeline/status.h"
#include "pipeline/tables.h"

enum { SECOND = 1000 };
static const int64_t day = INT64_C(1795132800) * SECOND;

static const char *const jobs[] = {"job_1", "job_2"};
static const char *const first_applications[] = {"application_1_0", "application_1_1"};
static const char *const applications[] = {"application_1732000000000_0041", "application_1732000000000_0042"};

static const struct attempt_status earlier[] = {{.attempt = 1,
                                                 .pod_uid = "uid-1",
                                                 .reason = "Evicted",
                                                 .exit_code = 1,
                                                 .infra = true,
                                                 .hash = "fedcba9876543210",
                                                 .application_id = "application_1_1",
                                                 .application_ids = first_applications,
                                                 .application_count = 2,
                                                 .started_at = day,
                                                 .finished_at = day + SECOND},
                                                {.attempt = 2,
                                                 .pod_uid = "uid-2",
                                                 .reason = "ExitCode",
                                                 .hash = "0123456789abcdef",
                                                 .exit_code = 3,
                                                 .has_exit_code = true}};

static struct task_status full_task(const char *name) {
    return (struct task_status){
        .name = name,
        .phase = TASK_Failed,
        .reason = "ExitCode",
        .message = "exit code 3: no such table",
        .since = day,
        .attempt = 3,
        .hash = "0123456789abcdef",
        .pod = "demo-a-2-x7k2q",
        .pod_uid = "0a1b2c3d-0000-0000-0000-000000000002",
        .remote = "yarn",
        .application_id = "application_1732000000000_0042",
        .application_ids = applications,
        .application_count = 2,
        .tracking_url = "http://rm:8088/proxy/application_1732000000000_0042/",
        .history_url = "http://jhs:19888/jobhistory/job/job_1",
        .job_ids = jobs,
        .job_count = 2,
        .percent = 61,
        .progress_text = "stage 3/5",
        .exit_code = 3,
        .has_exit_code = true,
        .started_at = day,
        .finished_at = day + 60 * SECOND,
        .failures = 2,
        .losses = 1,
        .retry_at = day + 90 * SECOND,
        .attempts = earlier,
        .attempt_count = 2,
        .cleanup = {CLEANUP_Failed, "application_1732000000000_0042 may still run: no answer", day + 62 * SECOND},
    };
}

static struct run_status full_status(struct task_status *tasks, size_t count) {
    struct run_status status = {
        .observed_generation = 4,
        .recorded = true,
        .phase = RUN_Failed,
        .message = "a: no such table",
        .timeout_at = day + 3600 * SECOND,
        .suspended_ms = 30 * SECOND,
        .started_at = day,
        .finished_at = day + 61 * SECOND,
        .tasks = tasks,
        .task_count = count,
    };
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        status.conditions[i] = (struct condition){.type = condition_types[i],
                                                  .status = i == CONDITION_RECONCILING,
                                                  .reason = "Because",
                                                  .message = "in words",
                                                  .changed_at = day,
                                                  .observed_generation = 4};
    return status;
}

static const char *written(const struct run_status *status, size_t total, struct arena *arena) {
    return json_write(status_encode(status, total, 0, json_new(arena)), arena, NULL);
}

static void read_back(const char *text, struct run_status *status, struct arena *arena) {
    struct error err = {0};
    yyjson_doc *doc = NULL;
    if (json_parse(text, strlen(text), &doc, &err) < 0)
        fail_msg("%s", err.text);
    status_decode(yyjson_doc_get_root(doc), status, arena);
    json_free(&doc); /* nothing of the result may point into it */
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct task_status task = full_task("a");
    struct run_status status = full_status(&task, 1);
    struct run_status seen;
    const char *text = written(&status, 2, &arena);
    read_back(text, &seen, &arena);
    assert_string_equal(written(&seen, 2, &arena), text);
    assert_int_equal(seen.phase, RUN_Failed);
    assert_int_equal(seen.finished_at, status.finished_at);
    const struct task_status *back = status_task(&seen, "a");
    assert_non_null(back);
    assert_null(status_task(&seen, "b"));
    assert_int_equal(back->phase, TASK_Failed);
    assert_int_equal(back->percent, 61);
    assert_int_equal(back->retry_at, task.retry_at);
    assert_int_equal(back->attempt_count, 2);
    assert_true(back->attempts[0].infra);
    assert_false(back->attempts[0].has_exit_code);
    assert_int_equal(back->attempts[1].exit_code, 3);
    assert_string_equal(back->job_ids[1], "job_2");
    assert_int_equal(back->application_count, 2);
    assert_string_equal(back->application_ids[0], applications[0]);
    assert_int_equal(back->attempts[0].application_count, 2);
    assert_string_equal(back->attempts[0].application_ids[0], "application_1_0");
    assert_string_equal(back->attempts[0].hash, "fedcba9876543210");
    assert_string_equal(back->attempts[1].hash, "0123456789abcdef");
    assert_int_equal(back->attempts[1].application_count, 0);
    assert_string_equal(seen.conditions[CONDITION_STALLED].message, "in words");
    assert_string_equal(back->remote, "yarn");
    assert_int_equal(back->cleanup.phase, CLEANUP_Failed);
    assert_string_equal(back->cleanup.message, task.cleanup.message);
    assert_int_equal(back->cleanup.since, task.cleanup.since);
}

/* The usual task has one application, and its attempts run the same: neither is said twice. */
static void what_is_known_anyway_is_not_written(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status seen;
    static const char text[] =
        "{\"phase\":\"Running\",\"counts\":{\"running\":1},\"progress\":\"0/1\",\"running\":\"a\",\"tasks\":[{"
        "\"name\":\"a\",\"phase\":\"Running\",\"specHash\":\"h\",\"applicationID\":\"application_1_2\",\"attempts\":"
        "[{\"attempt\":1,\"applicationID\":\"application_1_1\"}]}]}";
    read_back(text, &seen, &arena);
    assert_int_equal(seen.tasks[0].application_count, 1);
    assert_string_equal(seen.tasks[0].application_ids[0], "application_1_2");
    assert_string_equal(seen.tasks[0].attempts[0].hash, "h");
    assert_string_equal(seen.tasks[0].attempts[0].application_ids[0], "application_1_1");
    assert_string_equal(written(&seen, 1, &arena), text);
}

static void nothing_is_nothing(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status seen;
    status_decode(NULL, &seen, &arena);
    assert_false(seen.recorded);
    assert_int_equal(seen.phase, RUN_Pending);
    assert_int_equal(seen.task_count, 0);
    assert_string_equal(written(&seen, 0, &arena), "{\"phase\":\"Pending\"}");
    read_back("{}", &seen, &arena);
    assert_false(seen.recorded);
    read_back("{\"observedGeneration\":-1}", &seen, &arena); /* the CRD's default */
    assert_false(seen.recorded);
}

static void what_is_malformed_counts_as_absent(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status seen;
    read_back(
        "{\"phase\":7,\"observedGeneration\":\"-1\",\"startedAt\":\"yesterday\",\"conditions\":{\"a\":1},\"tasks\":["
        "3,null,{\"phase\":\"Running\"},{\"name\":\"\"},"
        "{\"name\":\"a\",\"phase\":\"Dancing\",\"attempt\":99999999999,\"exitCode\":4096,\"trackingURL\":"
        "\"javascript:alert(1)\",\"message\":\"a\\u0007\\nb\",\"progress\":{\"percent\":101,\"text\":7},"
        "\"jobIDs\":[1,\"job_1\"],\"attempts\":[null,{\"attempt\":\"x\"}]}]}",
        &seen, &arena);
    assert_true(seen.recorded);
    assert_int_equal(seen.phase, RUN_Pending);
    assert_int_equal(seen.observed_generation, 0);
    assert_int_equal(seen.started_at, 0);
    assert_null(seen.conditions[0].type);
    assert_int_equal(seen.task_count, 1);
    const struct task_status *task = &seen.tasks[0];
    assert_int_equal(task->phase, TASK_None);
    assert_int_equal(task->attempt, 0);
    assert_false(task->has_exit_code);
    assert_string_equal(task->tracking_url, "");
    assert_string_equal(task->message, "a b");
    assert_int_equal(task->percent, -1);
    assert_string_equal(task->progress_text, "");
    assert_int_equal(task->job_count, 1);
    assert_int_equal(task->attempt_count, 1);
    read_back("[1,2]", &seen, &arena);
    assert_false(seen.recorded);
    read_back(
        "{\"tasks\":{\"name\":\"a\"},\"conditions\":[{\"type\":\"Ready\"},{\"type\":\"Stalled\",\"status\":true}]}",
        &seen, &arena);
    assert_int_equal(seen.task_count, 0);
    assert_false(seen.conditions[CONDITION_STALLED].status);
}

static void only_the_last_attempts_are_kept(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct run_status seen;
    read_back(
        "{\"tasks\":[{\"name\":\"a\",\"attempts\":[{\"attempt\":1},{\"attempt\":2},{\"attempt\":3},{\"attempt\":4},"
        "{\"attempt\":5},{\"attempt\":6},{\"attempt\":7}]}]}",
        &seen, &arena);
    assert_int_equal(seen.tasks[0].attempt_count, STATUS_ATTEMPTS_MAX);
    assert_int_equal(seen.tasks[0].attempts[0].attempt, 3);
    assert_int_equal(seen.tasks[0].attempts[4].attempt, 7);
}

static yyjson_mut_val *encoded(const struct run_status *status, size_t total, struct arena *arena) {
    return status_encode(status, total, 0, json_new(arena));
}

static const char *text_of(yyjson_mut_val *object, const char *name) {
    const char *text = yyjson_mut_get_str(yyjson_mut_obj_get(object, name));
    return text != NULL ? text : "(absent)";
}

static void a_reader_finds_what_is_derived(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct task_status tasks[] = {
        {.name = "a", .phase = TASK_Succeeded, .percent = -1},
        {.name = "b", .phase = TASK_Skipped, .percent = -1},
        {.name = "c", .phase = TASK_Running, .percent = -1},
        {.name = "d", .phase = TASK_Starting, .percent = -1},
        {.name = "e", .phase = TASK_Failed, .percent = -1, .reason = "OOMKilled"},
    };
    struct run_status status = {.phase = RUN_Running, .tasks = tasks, .task_count = 5, .finished_at = day};
    yyjson_mut_val *object = encoded(&status, 12, &arena);
    assert_string_equal(text_of(object, "progress"), "2/12");
    assert_string_equal(text_of(object, "running"), "c,d");
    assert_string_equal(text_of(object, "finishedAt"), "(absent)"); /* it has not ended */
    assert_string_equal(json_write(yyjson_mut_obj_get(object, "counts"), &arena, NULL),
                        "{\"pending\":7,\"starting\":1,\"running\":1,\"succeeded\":1,\"failed\":1,\"skipped\":1}");

    tasks[2].removed = true; /* counts for nothing */
    assert_string_equal(json_write(yyjson_mut_obj_get(encoded(&status, 4, &arena), "counts"), &arena, NULL),
                        "{\"starting\":1,\"succeeded\":1,\"failed\":1,\"skipped\":1}");
}

static void many_running_names_are_counted(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct task_status tasks[200];
    for (size_t i = 0; i < 200; i++)
        tasks[i] =
            (struct task_status){.name = arena_printf(&arena, "task-%03zu", i), .phase = TASK_Running, .percent = -1};
    struct run_status status = {.phase = RUN_Running, .tasks = tasks, .task_count = 200};
    const char *running = text_of(encoded(&status, 200, &arena), "running");
    assert_true(text_starts_with(running, "task-000,task-001,"));
    assert_true(text_ends_with(running, " +189"));
    assert_in_range(strlen(running), 50, 120);
}

/* The largest run there can be, with everything to say about every task. */
static void it_never_grows_too_large(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    static struct task_status tasks[TASKS_MAX];
    char message[STATUS_MESSAGE_MAX + 1];
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    struct attempt_status attempts[STATUS_ATTEMPTS_MAX];
    for (size_t j = 0; j < STATUS_ATTEMPTS_MAX; j++) {
        attempts[j] = earlier[0];
        attempts[j].attempt = (int64_t)j + 1;
        attempts[j].pod_uid = "0a1b2c3d-0000-0000-0000-000000000002";
    }
    for (size_t i = 0; i < TASKS_MAX; i++) {
        tasks[i] = full_task(arena_printf(&arena, "a-name-as-long-as-the-rules-allow-it-to-be-for-one-task-%07zu", i));
        tasks[i].message = message;
        tasks[i].pod = "a-pod-name-as-long-as-a-label-may-be-1234567890-1234567890-1234";
        tasks[i].attempts = attempts;
        tasks[i].attempt_count = STATUS_ATTEMPTS_MAX;
        tasks[i].cleanup.message = message;
    }
    struct run_status status = full_status(tasks, TASKS_MAX);
    struct run_status seen;
    const char *text = written(&status, TASKS_MAX, &arena);
    assert_in_range(strlen(text), STATUS_MAX / 2, STATUS_MAX);
    read_back(text, &seen, &arena);
    assert_int_equal(seen.task_count, TASKS_MAX);
    const struct task_status *last = &seen.tasks[TASKS_MAX - 1];
    assert_int_equal(last->phase, TASK_Failed);
    assert_string_equal(last->pod_uid, tasks[0].pod_uid);
    assert_int_equal(last->exit_code, 3);
    assert_int_equal(last->cleanup.phase, CLEANUP_Failed);
    assert_int_equal(last->attempt_count, 1); /* the newest of them: a retry hangs on it */
    assert_int_equal(last->attempts[0].attempt, STATUS_ATTEMPTS_MAX);
}

static void texts_are_cut_between_characters(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    char message[1200];
    for (size_t i = 0; i + 2 < sizeof message; i += 2)
        memcpy(message + i, "é", 2);
    message[sizeof message - 2] = '\0';
    struct task_status task = {
        .name = "a", .phase = TASK_Failed, .percent = -1, .message = arena_printf(&arena, "x%s", message)};
    struct run_status status = {.phase = RUN_Running, .tasks = &task, .task_count = 1};
    yyjson_mut_val *object = encoded(&status, 1, &arena);
    yyjson_mut_val *entry = yyjson_mut_arr_get_first(yyjson_mut_obj_get(object, "tasks"));
    assert_int_equal(strlen(text_of(entry, "message")), STATUS_MESSAGE_MAX - 1);
}

/* ---- the schema ---- */

static void same_members(yyjson_mut_val *value, yyjson_mut_val *schema, const char *path, struct arena *arena) {
    if (yyjson_mut_is_arr(value)) {
        same_members(yyjson_mut_arr_get_first(value), yyjson_mut_obj_get(schema, "items"), path, arena);
        return;
    }
    if (!yyjson_mut_is_obj(value))
        return;
    yyjson_mut_val *properties = yyjson_mut_obj_get(schema, "properties");
    size_t i, count;
    yyjson_mut_val *name, *item;
    yyjson_mut_obj_foreach(value, i, count, name, item) {
        const char *at = arena_printf(arena, "%s.%s", path, yyjson_mut_get_str(name));
        yyjson_mut_val *property = yyjson_mut_obj_get(properties, yyjson_mut_get_str(name));
        if (property == NULL)
            fail_msg("%s is written and not in the schema", at);
        same_members(item, property, at, arena);
    }
    yyjson_mut_obj_foreach(properties, i, count, name, item) {
        if (yyjson_mut_obj_get(value, yyjson_mut_get_str(name)) == NULL && strcmp(path, "status.counts") != 0)
            fail_msg("%s.%s is in the schema and was not written", path, yyjson_mut_get_str(name));
        if (yyjson_mut_get_len(yyjson_mut_obj_get(item, "description")) < 5)
            fail_msg("%s.%s has no description", path, yyjson_mut_get_str(name));
    }
}

static void the_schema_is_what_is_written(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct task_status tasks[] = {full_task("a"), {.name = "b", .phase = TASK_Running, .percent = -1}};
    struct attempt_status attempt = earlier[0];
    attempt.has_exit_code = true;
    tasks[0].attempts = &attempt;
    tasks[0].attempt_count = 1;
    tasks[0].removed = true;
    struct run_status status = full_status(tasks, 2);
    yyjson_mut_doc *doc = json_new(&arena);
    same_members(status_encode(&status, 3, 0, doc), table_schema(&status_table, doc), "status", &arena);
}

static void names_are_what_they_say(void **state) {
    (void)state;
    assert_string_equal(run_phase_name(RUN_Stopping), "Stopping");
    assert_string_equal(task_phase_name(TASK_None), "");
    assert_true(task_phase_final(TASK_Omitted) && task_phase_final(TASK_Succeeded) && task_phase_final(TASK_Cancelled));
    assert_false(task_phase_final(TASK_Running) || task_phase_final(TASK_None));
    assert_true(run_phase_final(RUN_Cancelled) && !run_phase_final(RUN_Stopping));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(what_is_known_anyway_is_not_written),
        cmocka_unit_test(what_is_malformed_counts_as_absent),
        cmocka_unit_test(only_the_last_attempts_are_kept),
        cmocka_unit_test(a_reader_finds_what_is_derived),
        cmocka_unit_test(many_running_names_are_counted),
        cmocka_unit_test(it_never_grows_too_large),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(the_schema_is_what_is_written),
        cmocka_unit_test(names_are_what_they_say),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
