/* See executor.h: executor_view(). Only the main container says how a task goes: sidecars that somebody injects may run
 * on for ever. What the launcher said counts for its own task and nothing else. Pure; trusts no text. */

#include "executor/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "executor/overlay.h"

enum { GRACE_BELIEVED_S = 1000 * 1000 * 1000 }; /* the API server takes any number */

yyjson_val *view_container(yyjson_val *list, const char *name) {
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return NULL;
    yyjson_arr_foreach(list, i, count, item) {
        if (text_equal(json_text(item, "name", NULL), name))
            return item;
    }
    return NULL;
}

const char *view_text(yyjson_val *object, const char *name, struct arena *arena) {
    return json_clean(object, name, STATUS_MESSAGE_MAX, arena);
}

static yyjson_val *condition(yyjson_val *status, const char *type) {
    yyjson_val *list = json_at(status, "conditions", NULL);
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return NULL;
    yyjson_arr_foreach(list, i, count, item) {
        if (text_equal(json_text(item, "type", NULL), type) && text_equal(json_text(item, "status", NULL), "True"))
            return item;
    }
    return NULL;
}

/* The first init container that ended otherwise than well. */
static yyjson_val *failed_init(yyjson_val *status) {
    yyjson_val *list = json_at(status, "initContainerStatuses", NULL);
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return NULL;
    yyjson_arr_foreach(list, i, count, item) {
        if (json_int(json_at(item, "state", "terminated", NULL), "exitCode", 0) != 0)
            return item;
    }
    return NULL;
}

static void take(const char **slot, const char *other) {
    if (text_empty(*slot))
        *slot = text_empty(other) ? "" : other;
}

/* What the final record left out for lack of room may stand in the report before it. */
static void complete(struct record *record, const struct record *report) {
    take(&record->application_id, report->application_id);
    take(&record->tracking_url, report->tracking_url);
    take(&record->history_url, report->history_url);
    take(&record->progress_text, report->progress_text);
    if (record->percent < 0)
        record->percent = report->percent;
    if (record->started_at == 0)
        record->started_at = report->started_at;
    if (record->job_count == 0) {
        memcpy(record->job_ids, report->job_ids, sizeof record->job_ids);
        record->job_count = report->job_count;
    }
}

static struct record best_record(yyjson_val *terminated, const struct record *report, struct arena *arena) {
    static const struct record none = RECORD_INIT;
    struct record record = RECORD_INIT;
    struct error ignored = {0};
    yyjson_val *message = json_at(terminated, "message", NULL);
    bool durable = yyjson_is_str(message) &&
                   record_decode(yyjson_get_str(message), yyjson_get_len(message), &record, arena, &ignored) == 0;
    if (!durable)
        record = report != NULL ? *report : none;
    complete(&record, report != NULL ? report : &none);
    return record;
}

static void gather(yyjson_val *pod, const struct record *report, int64_t now, struct arena *arena,
                   struct evidence *evidence) {
    yyjson_val *status = json_at(pod, "status", NULL);
    *evidence = (struct evidence){
        .pod = pod,
        .status = status,
        .main = view_container(json_at(status, "containerStatuses", NULL), MAIN_CONTAINER),
        .failed_init = failed_init(status),
        .disruption = condition(status, "DisruptionTarget"),
        .phase = json_text(status, "phase", "Pending"),
        .deleting = json_at(pod, "metadata", "deletionTimestamp", NULL) != NULL,
        .now = now,
        .arena = arena,
    };
    evidence->terminated = json_at(evidence->main, "state", "terminated", NULL);
    evidence->record = best_record(evidence->terminated, report, arena);
}

static bool has_finalizer(yyjson_val *metadata) {
    yyjson_val *list = json_at(metadata, "finalizers", NULL);
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return false;
    yyjson_arr_foreach(list, i, count, item) {
        if (yyjson_equals_str(item, FINALIZER_RESULT))
            return true;
    }
    return false;
}

static int64_t label_number(yyjson_val *labels, const char *name) {
    const char *text = json_text(labels, name, "");
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
        return 0;
    return strtol(text, NULL, 10);
}

static void see_identity(const struct evidence *evidence, struct pod_view *view) {
    yyjson_val *metadata = json_at(evidence->pod, "metadata", NULL);
    yyjson_val *labels = json_at(metadata, "labels", NULL);
    view->name = json_text(metadata, "name", "");
    view->uid = json_text(metadata, "uid", "");
    view->task = json_text(labels, LABEL_TASK, "");
    view->attempt = label_number(labels, LABEL_ATTEMPT);
    view->deleting = evidence->deleting;
    view->held = has_finalizer(metadata);
    view->created_at = json_time(metadata, "creationTimestamp");
    if (view->deleting) { /* the timestamp is when the grace period ends */
        int64_t grace = json_int(metadata, "deletionGracePeriodSeconds", 0);
        if (grace < 0 || grace > GRACE_BELIEVED_S)
            grace = 0;
        view->deleting_since = json_time(metadata, "deletionTimestamp") - grace * 1000;
    }
}

static void see_record(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    view->application_id = record->application_id;
    view->tracking_url = record->tracking_url;
    view->history_url = record->history_url;
    view->percent = record->percent;
    view->progress_text = record->progress_text;
    view->job_count = record->job_count;
    memcpy(view->job_ids, record->job_ids, sizeof view->job_ids);
}

void executor_view(yyjson_val *pod, const struct record *report, int64_t now, struct arena *arena,
                   struct pod_view *ret_view) {
    struct evidence evidence;
    gather(pod, report, now, arena, &evidence);
    *ret_view = (struct pod_view){.reason = "", .message = ""};
    see_identity(&evidence, ret_view);
    see_record(&evidence, ret_view);
    yyjson_val *running = json_at(evidence.main, "state", "running", NULL);
    if (view_ended(&evidence)) {
        ret_view->started_at = json_time(evidence.terminated, "startedAt");
        ret_view->finished_at = json_time(evidence.terminated, "finishedAt");
        view_outcome(&evidence, ret_view);
    } else if (running != NULL) {
        ret_view->state = POD_RUNNING;
        ret_view->started_at = json_time(running, "startedAt");
    } else {
        ret_view->state = POD_PENDING;
        view_pending(&evidence, ret_view);
    }
    ret_view->reason = text_clean(ret_view->reason, strlen(ret_view->reason), STATUS_NAME_MAX, arena);
    ret_view->message = text_clean(ret_view->message, strlen(ret_view->message), STATUS_MESSAGE_MAX, arena);
}
