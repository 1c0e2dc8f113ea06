/* The schema of `status`, for the CRD and `kubectl explain` alone: status.c reads and status_encode.c writes it, and a
 * test holds the three together. The fields have no place in a struct, so this table must not be decoded with. */

#include "pipeline/status.h"
#include "pipeline/tables.h"
#include "record/record.h"

static const char *const run_phases[] = {
#define X(value, meaning) #value,
    RUN_PHASES(X)
#undef X
        NULL,
};
static const char *const task_phases[] = {
#define X(value, meaning) #value,
    TASK_PHASES(X)
#undef X
        NULL,
};
static const char *const cleanup_phases[] = {
#define X(value, meaning) #value,
    CLEANUP_PHASES(X)
#undef X
        NULL,
};
static const char *const truths[] = {"True", "False", "Unknown", NULL};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TABLE(list) \
    { .fields = (list), .field_count = COUNT(list) }
#define TEXT(name, max_bytes, doc) \
    { name, doc, FIELD_STRING, 0, .max = (max_bytes) }
#define NUMBER(name, doc) \
    { name, doc, FIELD_INT, 0, .max = INT64_MAX }
#define TIME(name, doc) TEXT(name, 40, doc)

static const struct field attempt_fields[] = {
    NUMBER("attempt", "Number of the attempt, from 1."),
    TEXT("podUID", STATUS_NAME_MAX, "UID of its pod."),
    TEXT("reason", STATUS_NAME_MAX, "Why it failed or was lost."),
    NUMBER("exitCode", "Exit code of the task's program."),
    {"infra", "Lost by the infrastructure: not counted against retry.limit.", FIELD_BOOL, .offset = 0},
    TEXT("specHash", STATUS_NAME_MAX, "Hash of what it ran, when the newest attempt runs something else."),
    TEXT("applicationID", STATUS_NAME_MAX, "Id of the remote application."),
    {"applicationIDs", "Ids of all its remote applications, newest last, when there are several.", FIELD_STRINGS, 0,
     .max = RECORD_JOBS_MAX},
    TIME("startedAt", "When its program started."),
    TIME("finishedAt", "When it ended."),
};
static const struct table attempt_table = TABLE(attempt_fields);

static const struct field progress_fields[] = {
    {"percent", "0 to 100.", FIELD_INT, 0, .max = 100},
    TEXT("text", STATUS_NAME_MAX, "Progress in the remote side's own words."),
};
static const struct table progress_table = TABLE(progress_fields);

#define X(value, meaning) " " #value ": " meaning "."
#define CLEANUP_PHASE_DOC "How far that is." CLEANUP_PHASES(X)
#define TASK_PHASE_DOC    "Where the task is." TASK_PHASES(X)
#define RUN_PHASE_DOC     "Where the run is." RUN_PHASES(X)
static const char task_phase_doc[] = TASK_PHASE_DOC;
static const char run_phase_doc[] = RUN_PHASE_DOC;
static const char cleanup_phase_doc[] = CLEANUP_PHASE_DOC;
#undef X

static const struct field cleanup_fields[] = {
    {"phase", cleanup_phase_doc, FIELD_ENUM, 0, .values = cleanup_phases},
    TEXT("message", STATUS_MESSAGE_MAX, "What was ended, or what may still run and why, in one line."),
    TIME("since", "Since when a cleaner pod is to do it."),
};
static const struct table cleanup_table = TABLE(cleanup_fields);

static const struct field task_fields[] = {
    {"name", "Name of the task.", FIELD_STRING, 0, .flags = FIELD_REQUIRED, .max = STATUS_NAME_MAX},
    {"phase", task_phase_doc, FIELD_ENUM, 0, .values = task_phases},
    TEXT("reason", STATUS_NAME_MAX, "Why it is so, in one word: ExitCode, OOMKilled, ImagePullBackOff, Timeout, ..."),
    TEXT("message", STATUS_MESSAGE_MAX, "The same for a person, in one line."),
    TIME("waitingSince", "Since when it waits for its reason, while Queued or Starting."),
    NUMBER("attempt", "Number of the newest attempt, from 1."),
    TEXT("specHash", STATUS_NAME_MAX, "Hash of what the newest attempt runs: defaults and params put in."),
    {"removed", "The spec does not name it any more; named again, it begins anew.", FIELD_BOOL, .offset = 0},
    TEXT("pod", STATUS_NAME_MAX, "Name of its pod."),
    TEXT("podUID", STATUS_NAME_MAX, "UID of its pod."),
    TEXT("remote", STATUS_NAME_MAX, "The cluster manager that its program may start something on: yarn."),
    TEXT("applicationID", STATUS_NAME_MAX, "Id of the YARN or Spark application; the newest of several."),
    {"applicationIDs", "Ids of all remote applications of the newest attempt, newest last, when there are several.",
     FIELD_STRINGS, 0, .max = RECORD_JOBS_MAX},
    TEXT("trackingURL", RECORD_URL_MAX, "Where to watch the job while it runs."),
    TEXT("historyURL", RECORD_URL_MAX, "Where to look at the job when it has ended."),
    {"jobIDs", "Ids of the MapReduce jobs, oldest first.", FIELD_STRINGS, 0, .max = RECORD_JOBS_MAX},
    {"progress", "How far the job is.", FIELD_OBJECT, 0, .table = &progress_table},
    NUMBER("exitCode", "Exit code of the newest attempt's program; 128 + n when signal n ended it."),
    TIME("startedAt", "When the newest attempt started."),
    TIME("finishedAt", "When the task ended."),
    NUMBER("failures", "Ended attempts that counted against retry.limit."),
    NUMBER("losses", "Ended attempts that counted against retry.infraLimit."),
    TIME("retryAt", "The next attempt is not due before."),
    {"attempts", "The last attempts before the newest, oldest first; while another one is to come, the ended one too.",
     FIELD_LIST, 0, .max = STATUS_ATTEMPTS_MAX, .table = &attempt_table},
    {"cleanup", "What an attempt whose launcher died, or was told to leave, may have left running on the cluster.",
     FIELD_OBJECT, 0, .table = &cleanup_table},
};
static const struct table task_table = TABLE(task_fields);

static const struct field count_fields[] = {
    NUMBER("pending", "Not started, and nothing to say yet."),
    NUMBER("queued", "May start; waiting for room, for a back-off or for the end of a suspension."),
    NUMBER("starting", "The pod exists and does not run yet."),
    NUMBER("running", "Running."),
    NUMBER("succeeded", "Succeeded."),
    NUMBER("failed", "Failed for good."),
    NUMBER("skipped", "Not needed."),
    NUMBER("omitted", "Cannot start any more."),
    NUMBER("cancelled", "Stopped on request."),
};
static const struct table count_table = TABLE(count_fields);

static const struct field condition_fields[] = {
    {"type",
     "Reconciling: work is going on. Stalled: it cannot go on until somebody changes something; the message lists all "
     "problems. Succeeded: how the run ended. Suspended: spec.suspend holds it back. Warning: the spec can run, but "
     "something in it will "
     "probably not do what was meant.",
     FIELD_STRING, 0, .flags = FIELD_REQUIRED, .max = STATUS_NAME_MAX},
    {"status", "True, False or Unknown.", FIELD_ENUM, 0, .flags = FIELD_REQUIRED, .values = truths},
    NUMBER("observedGeneration", "The generation of the spec that it speaks of."),
    TIME("lastTransitionTime", "When the status last changed."),
    TEXT("reason", STATUS_NAME_MAX, "Why, in one word."),
    TEXT("message", CONDITION_MESSAGE_MAX, "Why, for a person."),
};
static const struct table condition_table = TABLE(condition_fields);

static const struct field status_fields[] = {
    {"observedGeneration", "The generation of the spec that this status speaks of; -1: nothing was looked at yet.",
     FIELD_INT, 0, .min = -1, .max = INT64_MAX},
    {"phase", run_phase_doc, FIELD_ENUM, 0, .values = run_phases},
    TEXT("message", STATUS_MESSAGE_MAX, "What a person should know, in one line."),
    TIME("startedAt", "When the first task started."),
    TIME("finishedAt", "When the run ended."),
    TIME("timeoutAt", "When spec.timeout ends the run; absent while it is suspended."),
    NUMBER("suspendedSeconds", "How long spec.timeout stood still, up to the last resumption."),
    {"counts", "Tasks by phase; zeros are left out.", FIELD_OBJECT, 0, .table = &count_table},
    TEXT("progress", 48, "Tasks done of all tasks: 7/12."),
    TEXT("running", 300, "Names of the tasks that are starting or running."),
    {"conditions", "The run's conditions, as kstatus and kubectl wait read them.", FIELD_LIST, 0, .max = 16,
     .table = &condition_table, .list_map_key = "type"},
    {"tasks", "The tasks that have started, or that something can be said of.", FIELD_LIST, 0, .max = STATUS_TASKS_MAX,
     .table = &task_table},
};

static const struct rule status_rules[] = {
    {"!has(self.finishedAt) || (has(self.phase) && self.phase in ['Succeeded', 'Failed', 'Cancelled'])",
     "finishedAt belongs to a run that has ended", NULL},
};

const struct table status_table = {
    .fields = status_fields,
    .field_count = COUNT(status_fields),
    .rules = status_rules,
    .rule_count = COUNT(status_rules),
};
