/* See status.h: names, and reading what was recorded. A person or a tool may have written anything there, so every text
 * is cleaned and cut, and what does not fit its type counts as absent. The encoder is status_encode.c. Pure. */

#include "pipeline/status.h"

#include <string.h>

#include "base/text.h"
#include "pipeline/tables.h"
#include "record/record.h"

static const char *const run_phases[] = {
#define X(value, meaning) [RUN_##value] = #value,
    RUN_PHASES(X)
#undef X
};

static const char *const task_phases[] = {[TASK_None] = "",
#define X(value, meaning) [TASK_##value] = #value,
                                          TASK_PHASES(X)
#undef X
};

static const char *const cleanup_phases[] = {[CLEANUP_None] = "",
#define X(value, meaning) [CLEANUP_##value] = #value,
                                             CLEANUP_PHASES(X)
#undef X
};

const char *const condition_types[CONDITION_COUNT] = {
#define X(value, type) [CONDITION_##value] = #type,
    CONDITIONS(X)
#undef X
};

enum { RUN_PHASE_COUNT = sizeof run_phases / sizeof *run_phases };

const char *run_phase_name(enum run_phase phase) {
    return run_phases[phase];
}

const char *cleanup_phase_name(enum cleanup_phase phase) {
    return cleanup_phases[phase];
}

const char *task_phase_name(enum task_phase phase) {
    return task_phases[phase];
}

const char *task_phase_count_name(enum task_phase phase) {
    static const char *const names[TASK_PHASE_COUNT] = {
        [TASK_None] = "pending",    [TASK_Queued] = "queued",       [TASK_Starting] = "starting",
        [TASK_Running] = "running", [TASK_Succeeded] = "succeeded", [TASK_Failed] = "failed",
        [TASK_Skipped] = "skipped", [TASK_Omitted] = "omitted",     [TASK_Cancelled] = "cancelled"};
    return names[phase];
}

bool task_phase_final(enum task_phase phase) {
    return phase >= TASK_Succeeded;
}

bool run_phase_final(enum run_phase phase) {
    return phase >= RUN_Succeeded;
}

struct task_status *status_task(struct run_status *status, const char *name) {
    for (size_t i = 0; i < status->task_count; i++)
        if (strcmp(status->tasks[i].name, name) == 0)
            return &status->tasks[i];
    return NULL;
}

static const char *get_url(yyjson_val *object, const char *name, struct arena *arena) {
    const char *text = json_clean(object, name, RECORD_URL_MAX, arena);
    return record_url_valid(text) ? text : "";
}

static int64_t get_count(yyjson_val *object, const char *name) {
    int64_t count = json_int(object, name, 0);
    return count < 0 || count > INT32_MAX ? 0 : count;
}

static bool get_exit_code(yyjson_val *object, int *ret_code) {
    int64_t code = json_int(object, "exitCode", -1);
    if (code < 0 || code > 255)
        return false;
    *ret_code = (int)code;
    return true;
}

static size_t find_name(const char *const *names, size_t count, const char *name, size_t fallback) {
    for (size_t i = 0; i < count; i++)
        if (text_equal(names[i], name))
            return i;
    return fallback;
}

enum run_phase run_phase_find(const char *name) {
    return (enum run_phase)find_name(run_phases, RUN_PHASE_COUNT, name, RUN_Pending);
}

static size_t decode_ids(yyjson_val *list, const char *const **ret_ids, struct arena *arena) {
    size_t i, count, got = 0;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return 0;
    const char **ids = ARENA_NEW_ARRAY(arena, RECORD_JOBS_MAX, const char *);
    *ret_ids = ids;
    yyjson_arr_foreach(list, i, count, item) {
        if (yyjson_is_str(item) && got < RECORD_JOBS_MAX)
            ids[got++] = text_clean(yyjson_get_str(item), yyjson_get_len(item), STATUS_NAME_MAX, arena);
    }
    return got;
}

/* One application is said as the newest only. */
static size_t decode_applications(yyjson_val *object, const char *newest, const char *const **ret_ids,
                                  struct arena *arena) {
    size_t got = decode_ids(json_at(object, "applicationIDs", NULL), ret_ids, arena);
    if (got > 0 || text_empty(newest))
        return got;
    const char **ids = ARENA_NEW_ARRAY(arena, 1, const char *);
    ids[0] = newest;
    *ret_ids = ids;
    return 1;
}

static void decode_attempts(yyjson_val *list, struct task_status *task, struct arena *arena) {
    size_t count = yyjson_is_arr(list) ? yyjson_arr_size(list) : 0;
    size_t skip = count > STATUS_ATTEMPTS_MAX ? count - STATUS_ATTEMPTS_MAX : 0;
    size_t i;
    yyjson_val *item;
    struct attempt_status *attempts = ARENA_NEW_ARRAY(arena, count - skip, struct attempt_status);
    task->attempts = attempts;
    yyjson_arr_foreach(list, i, count, item) {
        if (i < skip || !yyjson_is_obj(item))
            continue;
        struct attempt_status *attempt = &attempts[task->attempt_count++];
        *attempt = (struct attempt_status){
            .attempt = get_count(item, "attempt"),
            .pod_uid = json_clean(item, "podUID", STATUS_NAME_MAX, arena),
            .reason = json_clean(item, "reason", STATUS_NAME_MAX, arena),
            .infra = json_bool(item, "infra", false),
            .hash = json_clean(item, "specHash", STATUS_NAME_MAX, arena),
            .application_id = json_clean(item, "applicationID", STATUS_NAME_MAX, arena),
            .started_at = json_time(item, "startedAt"),
            .finished_at = json_time(item, "finishedAt"),
        };
        attempt->application_count =
            decode_applications(item, attempt->application_id, &attempt->application_ids, arena);
        attempt->has_exit_code = get_exit_code(item, &attempt->exit_code);
        if (text_empty(attempt->hash))
            attempt->hash = task->hash;
    }
}

static struct cleanup_status decode_cleanup(yyjson_val *cleanup, struct arena *arena) {
    const char *phase = json_text(cleanup, "phase", NULL);
    return (struct cleanup_status){
        .phase = (enum cleanup_phase)find_name(cleanup_phases, CLEANUP_PHASE_COUNT, phase, CLEANUP_None),
        .message = json_clean(cleanup, "message", STATUS_MESSAGE_MAX, arena),
        .since = json_time(cleanup, "since"),
    };
}

static void decode_task(yyjson_val *entry, struct task_status *task, struct arena *arena) {
    yyjson_val *progress = json_at(entry, "progress", NULL);
    int64_t percent = json_int(progress, "percent", -1);
    *task = (struct task_status){
        .name = json_clean(entry, "name", STATUS_NAME_MAX, arena),
        .phase = (enum task_phase)find_name(task_phases, TASK_PHASE_COUNT, json_text(entry, "phase", NULL), TASK_None),
        .reason = json_clean(entry, "reason", STATUS_NAME_MAX, arena),
        .message = json_clean(entry, "message", STATUS_MESSAGE_MAX, arena),
        .since = json_time(entry, "waitingSince"),
        .attempt = get_count(entry, "attempt"),
        .hash = json_clean(entry, "specHash", STATUS_NAME_MAX, arena),
        .removed = json_bool(entry, "removed", false),
        .pod = json_clean(entry, "pod", STATUS_NAME_MAX, arena),
        .pod_uid = json_clean(entry, "podUID", STATUS_NAME_MAX, arena),
        .remote = json_clean(entry, "remote", STATUS_NAME_MAX, arena),
        .application_id = json_clean(entry, "applicationID", STATUS_NAME_MAX, arena),
        .tracking_url = get_url(entry, "trackingURL", arena),
        .history_url = get_url(entry, "historyURL", arena),
        .percent = percent >= 0 && percent <= 100 ? (int)percent : -1,
        .progress_text = json_clean(progress, "text", STATUS_NAME_MAX, arena),
        .started_at = json_time(entry, "startedAt"),
        .finished_at = json_time(entry, "finishedAt"),
        .failures = get_count(entry, "failures"),
        .losses = get_count(entry, "losses"),
        .retry_at = json_time(entry, "retryAt"),
        .cleanup = decode_cleanup(json_at(entry, "cleanup", NULL), arena),
    };
    task->has_exit_code = get_exit_code(entry, &task->exit_code);
    task->application_count = decode_applications(entry, task->application_id, &task->application_ids, arena);
    task->job_count = decode_ids(json_at(entry, "jobIDs", NULL), &task->job_ids, arena);
    decode_attempts(json_at(entry, "attempts", NULL), task, arena);
}

static void decode_conditions(yyjson_val *list, struct run_status *status, struct arena *arena) {
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return;
    yyjson_arr_foreach(list, i, count, item) {
        size_t at = find_name(condition_types, CONDITION_COUNT, json_text(item, "type", NULL), CONDITION_COUNT);
        if (at == CONDITION_COUNT)
            continue;
        status->conditions[at] = (struct condition){
            .type = condition_types[at],
            .status = text_equal(json_text(item, "status", NULL), "True"),
            .reason = json_clean(item, "reason", STATUS_NAME_MAX, arena),
            .message = json_clean(item, "message", CONDITION_MESSAGE_MAX, arena),
            .changed_at = json_time(item, "lastTransitionTime"),
            .observed_generation = get_count(item, "observedGeneration"),
        };
    }
}

void status_decode(yyjson_val *status, struct run_status *ret_status, struct arena *arena) {
    *ret_status = (struct run_status){
        .recorded = yyjson_obj_size(status) > 0 && json_int(status, "observedGeneration", 0) >= 0,
        .observed_generation = get_count(status, "observedGeneration"),
        .phase = run_phase_find(json_text(status, "phase", NULL)),
        .message = json_clean(status, "message", STATUS_MESSAGE_MAX, arena),
        .started_at = json_time(status, "startedAt"),
        .finished_at = json_time(status, "finishedAt"),
        .timeout_at = json_time(status, "timeoutAt"),
        .suspended_ms = get_count(status, "suspendedSeconds") * 1000,
    };
    decode_conditions(json_at(status, "conditions", NULL), ret_status, arena);
    yyjson_val *list = json_at(status, "tasks", NULL);
    size_t count = yyjson_is_arr(list) ? yyjson_arr_size(list) : 0;
    ret_status->tasks = ARENA_NEW_ARRAY(arena, count, struct task_status);
    size_t i;
    yyjson_val *item;
    yyjson_arr_foreach(list, i, count, item) {
        const char *name = json_text(item, "name", "");
        if (!text_empty(name) && ret_status->task_count < STATUS_TASKS_MAX)
            decode_task(item, &ret_status->tasks[ret_status->task_count++], arena);
    }
}
