/* See view.h: how an attempt ended. The order of the questions is the design: the launcher's own word on success first
 * (an exit code of 0 alone is none: a node that shuts down produces it too), then whether the infrastructure ended it,
 * then the launcher's word on failure, then what the kubelet saw. Classes after KEP-3329. Pure. */

#include <string.h>

#include "base/text.h"
#include "executor/overlay.h"
#include "executor/view.h"

enum { DELETION_SLACK_MS = 30 * 1000 };

/* Is the pod ended by one of these, so that it says nothing about the task? By status.reason of the pod, or by the
 * reason of its condition DisruptionTarget. */
static const struct disruption {
    const char *seen;
    const char *reason;
    const char *what;
} disruptions[] = {
    {"Evicted", "Evicted", "evicted from its node"},
    {"EvictionByEvictionAPI", "Evicted", "evicted through the API, as a drain of its node does"},
    {"TerminationByKubelet", "Evicted", "ended by its node"},
    {"Preempting", "Preempted", "preempted by a pod of higher priority"},
    {"Preempted", "Preempted", "preempted by a pod of higher priority"},
    {"PreemptionByScheduler", "Preempted", "preempted by a pod of higher priority"},
    {"PreemptionByKubeScheduler", "Preempted", "preempted by a pod of higher priority"},
    {"DeletionByTaintManager", "NodeLost", "removed from a node that became unfit"},
    {"DeletionByPodGC", "NodeLost", "its node is gone"},
    {"NodeLost", "NodeLost", "its node does not answer"},
    {"NodeShutdown", "NodeShutdown", "its node shut down"},
    {"Shutdown", "NodeShutdown", "its node shut down"},
    {"Terminated", "NodeShutdown", "its node shut down"},
};

static const struct disruption *find_disruption(const char *seen) {
    for (size_t i = 0; i < sizeof disruptions / sizeof *disruptions; i++)
        if (strcmp(disruptions[i].seen, seen) == 0)
            return &disruptions[i];
    return NULL;
}

static void end(struct pod_view *view, enum pod_state state, const char *reason, const char *message) {
    view->state = state;
    view->reason = reason;
    view->message = message;
}

static bool phase_ended(const struct evidence *evidence) {
    return strcmp(evidence->phase, "Failed") == 0 || strcmp(evidence->phase, "Succeeded") == 0;
}

/* A pod that is deleted before anything of it ran gets no further phase when no kubelet looks after it. */
static bool deleted_unstarted(const struct evidence *evidence) {
    yyjson_val *state = json_at(evidence->main, "state", NULL);
    bool started = yyjson_obj_get(state, "running") != NULL || yyjson_obj_get(state, "terminated") != NULL;
    if (!evidence->deleting || started)
        return false;
    bool scheduled = !text_empty(json_text(json_at(evidence->pod, "spec", NULL), "nodeName", NULL));
    int64_t due = json_time(json_at(evidence->pod, "metadata", NULL), "deletionTimestamp");
    return !scheduled || evidence->now >= due + DELETION_SLACK_MS;
}

bool view_ended(const struct evidence *evidence) {
    return evidence->terminated != NULL || phase_ended(evidence) || deleted_unstarted(evidence);
}

/* Over its own limit of local storage: reported as an eviction, but the task's own doing. The kubelet's texts are the
 * only sign of it (pkg/kubelet/eviction/helpers.go). */
static bool over_own_limit(const char *message) {
    return strstr(message, "exceeds the total limit") != NULL ||
           strstr(message, "exceeded its local ephemeral") != NULL ||
           strstr(message, "Usage of EmptyDir volume") != NULL;
}

/* The launcher was told to stop, or was not even heard: the task did not fail by itself. */
static bool was_interrupted(const struct record *record) {
    return !record->final || text_equal(record->reason, "Stopped") || text_equal(record->reason, "Signal");
}

static bool lost_by_disruption(const struct evidence *evidence, struct pod_view *view) {
    const char *pod_reason = view_text(evidence->status, "reason", evidence->arena);
    const char *detail = view_text(evidence->status, "message", evidence->arena);
    const struct disruption *by_pod = find_disruption(pod_reason);
    const struct disruption *by_condition =
        evidence->disruption != NULL ? find_disruption(json_text(evidence->disruption, "reason", "")) : NULL;
    if (!was_interrupted(&evidence->record))
        return false;
    if (text_equal(pod_reason, "Evicted") && over_own_limit(detail)) {
        end(view, POD_FAILED, "Evicted",
            arena_printf(evidence->arena, "%s (raise the limit of ephemeral-storage, or write less to local disk)",
                         detail));
        return true;
    }
    const struct disruption *found = by_pod != NULL ? by_pod : by_condition;
    if (found == NULL && evidence->disruption == NULL)
        return false;
    if (text_empty(detail))
        detail = view_text(evidence->disruption, "message", evidence->arena);
    const char *reason = found != NULL ? found->reason : view_text(evidence->disruption, "reason", evidence->arena);
    const char *what = found != NULL ? found->what : "ended by a disruption of its node";
    end(view, POD_LOST, reason, arena_printf(evidence->arena, "%s%s%s", what, text_empty(detail) ? "" : ": ", detail));
    return true;
}

static const char *memory_limit(yyjson_val *pod, const char *container) {
    yyjson_val *list = json_at(pod, "spec", "containers", NULL);
    return json_text(json_at(view_container(list, container), "resources", "limits", NULL), "memory", NULL);
}

static const char *out_of_memory(const struct evidence *evidence, const char *container) {
    const char *limit = memory_limit(evidence->pod, container);
    if (limit == NULL)
        return arena_printf(evidence->arena,
                            "container %s was killed for lack of memory on its node (set "
                            "resources.requests and limits of memory)",
                            container);
    return arena_printf(evidence->arena,
                        "container %s was killed for using more memory than its limit of %s (raise "
                        "resources.limits.memory, or give the program less)",
                        container, limit);
}

static bool lost_to_deletion(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    if (!evidence->deleting || (record->final && !text_equal(record->reason, "Stopped")))
        return false;
    end(view, POD_LOST, "PodDeleted", "its pod was deleted");
    return true;
}

/* The kernel kills one process of the container, the launcher or what it started; the kubelet knows of both. */
static bool failed_by_memory(const struct evidence *evidence, struct pod_view *view) {
    if (!text_equal(json_text(evidence->terminated, "reason", NULL), "OOMKilled"))
        return false;
    const char *message = out_of_memory(evidence, MAIN_CONTAINER);
    if (evidence->record.final && !text_empty(evidence->record.message))
        message = arena_printf(evidence->arena, "%s; %s", message, evidence->record.message);
    end(view, POD_FAILED, "OOMKilled", message);
    return true;
}

static bool failed_by_record(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    if (!record->final)
        return false;
    bool stopped = text_equal(record->reason, "Stopped");
    const char *message = !text_empty(record->message)
                              ? record->message
                              : arena_printf(evidence->arena, "exit code %d", record->exit_code);
    end(view, stopped ? POD_LOST : POD_FAILED, !text_empty(record->reason) ? record->reason : "ExitCode", message);
    return true;
}

static bool failed_in_init(const struct evidence *evidence, struct pod_view *view) {
    yyjson_val *state = json_at(evidence->failed_init, "state", "terminated", NULL);
    if (state == NULL || evidence->terminated != NULL)
        return false;
    const char *name = json_text(evidence->failed_init, "name", "");
    bool ours = strcmp(name, LAUNCHER_CONTAINER) == 0; /* no fault of the task's */
    bool memory = text_equal(json_text(state, "reason", NULL), "OOMKilled");
    const char *detail = view_text(state, "message", evidence->arena);
    const char *message =
        memory ? out_of_memory(evidence, name)
               : arena_printf(evidence->arena, "init container %s ended with exit code %d%s%s", name,
                              (int)json_int(state, "exitCode", 0), text_empty(detail) ? "" : ": ", detail);
    view->exit_code = (int)json_int(state, "exitCode", 0);
    view->has_exit_code = true;
    view->started_at = json_time(state, "startedAt");
    view->finished_at = json_time(state, "finishedAt");
    end(view, ours ? POD_LOST : POD_FAILED, memory ? "OOMKilled" : "InitContainerFailed", message);
    return true;
}

static bool failed_by_deadline(const struct evidence *evidence, struct pod_view *view) {
    if (!text_equal(json_text(evidence->status, "reason", NULL), "DeadlineExceeded"))
        return false;
    end(view, POD_FAILED, "DeadlineExceeded", "the pod ran longer than its activeDeadlineSeconds");
    return true;
}

/* The container ended and nobody told why. */
static bool judged_by_container(const struct evidence *evidence, struct pod_view *view) {
    const char *seen = json_text(evidence->terminated, "reason", "");
    const char *detail = view_text(evidence->terminated, "message", evidence->arena);
    if (evidence->terminated == NULL)
        return false;
    if (strcmp(seen, "ContainerStatusUnknown") == 0)
        end(view, POD_LOST, "NodeLost", "its node does not know any more how it ended");
    else if (strcmp(seen, "StartError") == 0 || strcmp(seen, "ContainerCannotRun") == 0)
        end(view, POD_FAILED, "StartError",
            arena_printf(evidence->arena, "the container could not be started: %s", detail));
    else if (view->exit_code == 0)
        end(view, POD_FAILED, "NoResult", "exit code 0 without the launcher's record: not taken as success");
    else if (view->exit_code == 137)
        end(view, POD_FAILED, "Killed",
            "killed (SIGKILL) before it could say why; often for lack of memory on the node");
    else
        end(view, POD_FAILED, "NoResult",
            arena_printf(evidence->arena, "exit code %d without the launcher's record", view->exit_code));
    return true;
}

/* A kubelet that refuses a pod (OutOfcpu, NodeAffinity, UnexpectedAdmissionError, ...) never starts anything of it. */
static void refused_by_node(const struct evidence *evidence, struct pod_view *view) {
    const char *reason = view_text(evidence->status, "reason", evidence->arena);
    const char *detail = view_text(evidence->status, "message", evidence->arena);
    end(view, POD_LOST, !text_empty(reason) ? reason : "PodFailed",
        !text_empty(detail) ? detail : "the pod ended before anything of it ran");
}

/* A container that never was gets an exit code of the kubelet's invention. */
static bool ran(const struct evidence *evidence) {
    return evidence->terminated != NULL && json_time(evidence->terminated, "startedAt") != 0;
}

void view_outcome(const struct evidence *evidence, struct pod_view *view) {
    static bool (*const questions[])(const struct evidence *, struct pod_view *) = {
        failed_by_deadline, lost_by_disruption,  failed_by_memory, lost_to_deletion,
        failed_by_record,   judged_by_container, failed_in_init,
    };
    const struct record *record = &evidence->record;
    if (record->final)
        view->exit_code = record->exit_code;
    else if (ran(evidence))
        view->exit_code = (int)json_int(evidence->terminated, "exitCode", 0);
    view->has_exit_code = record->final || ran(evidence);
    if (record_succeeded(record)) {
        end(view, POD_SUCCEEDED, "", "");
    } else {
        size_t i = 0;
        const size_t count = sizeof questions / sizeof *questions;
        while (i < count && !questions[i](evidence, view))
            i++;
        if (i == count)
            refused_by_node(evidence, view);
    }
    if (view->started_at == 0)
        view->started_at = record->started_at;
    if (view->finished_at == 0)
        view->finished_at = record->finished_at > 0 ? record->finished_at : evidence->now;
}
