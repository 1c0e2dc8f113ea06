/* See status.h: writing a status, with what is derived from it. The size is measured and details are left out when it
 * is too large, so that an outcome can always be recorded. Pure. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "pipeline/status.h"
#include "record/record.h"

/* How much is said of each task: the first that fits is taken. The last one fits 1000 tasks. */
struct detail {
    size_t message_max;
    size_t attempts;
    bool ids, progress, urls, times; /* ids: of jobs, and of more applications than the newest. times: since when it
                                        waits, and those of attempts, with what else they have */
};
static const struct detail details[] = {
    {.message_max = STATUS_MESSAGE_MAX,
     .attempts = STATUS_ATTEMPTS_MAX,
     .ids = true,
     .progress = true,
     .urls = true,
     .times = true},
    {.message_max = 160, .attempts = 2, .urls = true, .times = true},
    {.message_max = 0, .attempts = 1},
};
enum {
    DETAIL_COUNT = sizeof details / sizeof *details,
    ALWAYS_FITS = 30, /* tasks that fit with every detail */
    RUNNING_MAX = 100,
};

static size_t cut_length(const char *text, size_t max) {
    size_t length = strnlen(text, max + 1);
    if (length <= max)
        return length;
    length = max;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    return length;
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text, size_t max) {
    if (!text_empty(text) && max > 0)
        yyjson_mut_obj_add_strncpy(doc, object, name, text, cut_length(text, max));
}

static void add_name(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text) {
    add_text(doc, object, name, text, STATUS_NAME_MAX);
}

static void add_count(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t count) {
    if (count != 0)
        yyjson_mut_obj_add_sint(doc, object, name, count);
}

static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t time) {
    char text[CLOCK_TEXT_MAX];
    if (time <= 0)
        return;
    clock_format(time, text);
    yyjson_mut_obj_add_strcpy(doc, object, name, text);
}

static void add_ids(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *const *ids,
                    size_t count) {
    if (count == 0)
        return;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, name);
    for (size_t i = 0; i < count; i++)
        yyjson_mut_arr_add_strncpy(doc, list, ids[i], cut_length(ids[i], STATUS_NAME_MAX));
}

static void add_applications(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *const *ids, size_t count) {
    add_ids(doc, object, "applicationIDs", ids, count > 1 ? count : 0);
}

static yyjson_mut_val *encode_attempt(const struct attempt_status *attempt, const struct task_status *task,
                                      const struct detail *detail, yyjson_mut_doc *doc) {
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    add_count(doc, object, "attempt", attempt->attempt);
    add_name(doc, object, "reason", attempt->reason);
    if (attempt->has_exit_code)
        yyjson_mut_obj_add_int(doc, object, "exitCode", attempt->exit_code);
    if (attempt->infra)
        yyjson_mut_obj_add_bool(doc, object, "infra", true);
    if (!text_equal(attempt->hash, task->hash))
        add_name(doc, object, "specHash", attempt->hash);
    if (!detail->times)
        return object;
    add_name(doc, object, "podUID", attempt->pod_uid);
    add_name(doc, object, "applicationID", attempt->application_id);
    if (detail->ids)
        add_applications(doc, object, attempt->application_ids, attempt->application_count);
    add_time(doc, object, "startedAt", attempt->started_at);
    add_time(doc, object, "finishedAt", attempt->finished_at);
    return object;
}

static void add_attempts(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct task_status *task,
                         const struct detail *detail) {
    size_t first = task->attempt_count > detail->attempts ? task->attempt_count - detail->attempts : 0;
    if (task->attempt_count == 0)
        return;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "attempts");
    for (size_t i = first; i < task->attempt_count; i++)
        yyjson_mut_arr_append(list, encode_attempt(&task->attempts[i], task, detail, doc));
}

static void add_progress(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct task_status *task) {
    if (task->percent < 0 && text_empty(task->progress_text))
        return;
    yyjson_mut_val *progress = yyjson_mut_obj_add_obj(doc, object, "progress");
    if (task->percent >= 0)
        yyjson_mut_obj_add_int(doc, progress, "percent", task->percent);
    add_name(doc, progress, "text", task->progress_text);
}

static void add_cleanup(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct cleanup_status *cleanup,
                        const struct detail *detail) {
    if (cleanup->phase == CLEANUP_None)
        return;
    yyjson_mut_val *entry = yyjson_mut_obj_add_obj(doc, object, "cleanup");
    add_name(doc, entry, "phase", cleanup_phase_name(cleanup->phase));
    if (detail->times)
        add_text(doc, entry, "message", cleanup->message, detail->message_max);
    if (detail->times || cleanup->phase == CLEANUP_Pending)
        add_time(doc, entry, "since", cleanup->since);
}

static yyjson_mut_val *encode_task(const struct task_status *task, const struct detail *detail, yyjson_mut_doc *doc) {
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    add_name(doc, object, "name", task->name);
    add_name(doc, object, "phase", task_phase_name(task->phase));
    add_name(doc, object, "reason", task->reason);
    add_text(doc, object, "message", task->message, detail->message_max);
    if (detail->times)
        add_time(doc, object, "waitingSince", task->since);
    add_count(doc, object, "attempt", task->attempt);
    add_name(doc, object, "pod", task->pod);
    add_name(doc, object, "podUID", task->pod_uid);
    add_name(doc, object, "specHash", task->hash);
    if (task->removed)
        yyjson_mut_obj_add_bool(doc, object, "removed", true);
    if (detail->times || !task_phase_final(task->phase)) /* after its end it is of no use */
        add_name(doc, object, "remote", task->remote);
    add_name(doc, object, "applicationID", task->application_id);
    if (detail->urls) {
        add_text(doc, object, "trackingURL", task->tracking_url, RECORD_URL_MAX);
        add_text(doc, object, "historyURL", task->history_url, RECORD_URL_MAX);
    }
    if (detail->ids) {
        add_applications(doc, object, task->application_ids, task->application_count);
        add_ids(doc, object, "jobIDs", task->job_ids, task->job_count);
    }
    if (detail->progress)
        add_progress(doc, object, task);
    if (task->has_exit_code)
        yyjson_mut_obj_add_int(doc, object, "exitCode", task->exit_code);
    add_time(doc, object, "startedAt", task->started_at);
    add_time(doc, object, "finishedAt", task->finished_at);
    add_count(doc, object, "failures", task->failures);
    add_count(doc, object, "losses", task->losses);
    add_time(doc, object, "retryAt", task->retry_at);
    add_attempts(doc, object, task, detail);
    add_cleanup(doc, object, &task->cleanup, detail);
    return object;
}

static yyjson_mut_val *encode_condition(const struct condition *condition, yyjson_mut_doc *doc) {
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, object, "type", condition->type);
    yyjson_mut_obj_add_str(doc, object, "status", condition->status ? "True" : "False");
    add_count(doc, object, "observedGeneration", condition->observed_generation);
    add_time(doc, object, "lastTransitionTime", condition->changed_at);
    add_name(doc, object, "reason", condition->reason);
    add_text(doc, object, "message", condition->message, CONDITION_MESSAGE_MAX);
    return object;
}

static void add_conditions(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct run_status *status) {
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < CONDITION_COUNT; i++)
        if (status->conditions[i].type != NULL)
            yyjson_mut_arr_append(list, encode_condition(&status->conditions[i], doc));
    if (yyjson_mut_arr_size(list) > 0)
        yyjson_mut_obj_add_val(doc, object, "conditions", list);
}

/* By task phase, in lower case; `pending` are those without an entry. Also gives how many are done. */
static size_t add_counts(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct run_status *status,
                         size_t task_total) {
    size_t counts[TASK_PHASE_COUNT] = {0};
    size_t there = 0;
    for (size_t i = 0; i < status->task_count; i++) {
        if (status->tasks[i].removed)
            continue;
        counts[status->tasks[i].phase]++;
        there++;
    }
    if (task_total > there)
        counts[TASK_None] += task_total - there;
    yyjson_mut_val *list = yyjson_mut_obj(doc);
    for (size_t i = 0; i < TASK_PHASE_COUNT; i++)
        if (counts[i] > 0)
            yyjson_mut_obj_add_uint(doc, list, task_phase_count_name((enum task_phase)i), counts[i]);
    if (task_total > 0)
        yyjson_mut_obj_add_val(doc, object, "counts", list);
    return counts[TASK_Succeeded] + counts[TASK_Skipped];
}

/* "a,b", or "a,b +7" when there are more than a column holds. */
static void add_running(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct run_status *status) {
    AUTO_STRBUF names = STRBUF_INIT;
    size_t more = 0;
    for (size_t i = 0; i < status->task_count; i++) {
        const struct task_status *task = &status->tasks[i];
        if (task->phase != TASK_Running && task->phase != TASK_Starting)
            continue;
        if (more > 0 || (names.length > 0 && names.length + strlen(task->name) > RUNNING_MAX))
            more++;
        else
            strbuf_printf(&names, "%s%s", names.length > 0 ? "," : "", task->name);
    }
    if (more > 0)
        strbuf_printf(&names, " +%zu", more);
    if (names.length > 0)
        yyjson_mut_obj_add_strncpy(doc, object, "running", names.data, names.length);
}

static yyjson_mut_val *encode(const struct run_status *status, size_t task_total, const struct detail *detail,
                              yyjson_mut_doc *doc) {
    char progress[48];
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    add_count(doc, object, "observedGeneration", status->observed_generation);
    yyjson_mut_obj_add_str(doc, object, "phase", run_phase_name(status->phase));
    add_text(doc, object, "message", status->message, STATUS_MESSAGE_MAX);
    add_time(doc, object, "startedAt", status->started_at);
    if (run_phase_final(status->phase))
        add_time(doc, object, "finishedAt", status->finished_at);
    add_time(doc, object, "timeoutAt", status->timeout_at);
    add_count(doc, object, "suspendedSeconds", status->suspended_ms / 1000);
    size_t done = add_counts(doc, object, status, task_total);
    if (task_total > 0) {
        snprintf(progress, sizeof progress, "%zu/%zu", done, task_total);
        yyjson_mut_obj_add_strcpy(doc, object, "progress", progress);
    }
    add_running(doc, object, status);
    add_conditions(doc, object, status);
    if (status->task_count == 0)
        return object;
    yyjson_mut_val *tasks = yyjson_mut_obj_add_arr(doc, object, "tasks");
    for (size_t i = 0; i < status->task_count; i++)
        yyjson_mut_arr_append(tasks, encode_task(&status->tasks[i], detail, doc));
    return object;
}

static size_t measure(yyjson_mut_val *value) {
    size_t length = 0;
    free(yyjson_mut_val_write(value, YYJSON_WRITE_NOFLAG, &length));
    return length;
}

yyjson_mut_val *status_encode(const struct run_status *status, size_t task_total, size_t max, yyjson_mut_doc *doc) {
    yyjson_mut_val *object = encode(status, task_total, &details[0], doc);
    bool fits = max == 0 && status->task_count <= ALWAYS_FITS;
    size_t most = max > 0 ? max : STATUS_MAX;
    for (size_t i = 1; !fits && i < DETAIL_COUNT && measure(object) > most; i++)
        object = encode(status, task_total, &details[i], doc);
    return object;
}
