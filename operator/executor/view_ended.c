/* See view.h: how an attempt ended. The order of the questions is the design: the launcher's own word on success first
 * (an exit code of 0 alone is none: a node that shuts down produces it too), then whether the infrastructure ended it,
 * then the launcher's word on failure, then what the kubelet saw. Classes after KEP-3329. Pure. */

#include <string.h>

#include "base/text.h"
#include "executor/overlay.h"
#include "executor/view.h"
#include "pipeline/reasons.h"

/* Is the pod ended by one of these, so that it says nothing about the task? By status.reason of the pod, or by the
 * reason of its condition DisruptionTarget. */
static const struct disruption {
    const char *seen;
    enum reason_id reason;
    const char *what;
} disruptions[] = {
    {"Evicted", REASON_Evicted, "evicted from its node"},
    {"EvictionByEvictionAPI", REASON_Evicted, "evicted through the API, as a drain of its node does"},
    {"TerminationByKubelet", REASON_Evicted, "ended by its node"},
    {"Preempting", REASON_Preempted, "preempted by a pod of higher priority"},
    {"Preempted", REASON_Preempted, "preempted by a pod of higher priority"},
    {"PreemptionByScheduler", REASON_Preempted, "preempted by a pod of higher priority"},
    {"PreemptionByKubeScheduler", REASON_Preempted, "preempted by a pod of higher priority"},
    {"DeletionByTaintManager", REASON_NodeLost, "removed from a node that became unfit"},
    {"DeletionByPodGC", REASON_NodeLost, "its node is gone"},
    {"NodeLost", REASON_NodeLost, "its node does not answer"},
    {"NodeShutdown", REASON_NodeShutdown, "its node shut down"},
    {"Shutdown", REASON_NodeShutdown, "its node shut down"},
    {"Terminated", REASON_NodeShutdown, "its node shut down"},
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

/* By whose fault the table says. */
static void end_by(struct pod_view *view, enum reason_id reason, const char *message) {
    end(view, reasons[reason].end == END_INFRA ? POD_LOST : POD_FAILED, reasons[reason].name, message);
}

/* A pod that is deleted before any kubelet looked after it gets no further phase. Of one that has a node only its
 * kubelet can say that it has ended. */
static bool deleted_unscheduled(const struct evidence *evidence) {
    const struct pod_facts *facts = evidence->facts;
    return facts->deletion_at != 0 && facts->main == MAIN_NONE && !facts->scheduled;
}

bool view_ended(const struct evidence *evidence) {
    return pod_facts_ended(evidence->facts) || deleted_unscheduled(evidence);
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
    return !record->final || reason_is(record->reason, REASON_Stopped) || reason_is(record->reason, REASON_Signal);
}

static bool lost_by_disruption(const struct evidence *evidence, struct pod_view *view) {
    const struct pod_facts *facts = evidence->facts;
    const char *pod_reason = pod_fact(facts, FACT_REASON);
    const char *detail = view_text(evidence, FACT_MESSAGE);
    const struct disruption *by_pod = find_disruption(pod_reason);
    const struct disruption *by_condition = facts->disrupted ? find_disruption(pod_fact(facts, FACT_DISRUPTION)) : NULL;
    if (!was_interrupted(&evidence->record))
        return false;
    if (text_equal(pod_reason, "Evicted") && over_own_limit(detail)) {
        end_by(view, REASON_EphemeralStorageExceeded,
               arena_printf(evidence->arena, "%s (raise the limit of ephemeral-storage, or write less to local disk)",
                            detail));
        return true;
    }
    const struct disruption *found = by_pod != NULL ? by_pod : by_condition;
    if (found == NULL && !facts->disrupted)
        return false;
    if (text_empty(detail))
        detail = view_text(evidence, FACT_DISRUPTION_MESSAGE);
    const char *reason = found != NULL ? reasons[found->reason].name : view_text(evidence, FACT_DISRUPTION);
    const char *what = found != NULL ? found->what : "ended by a disruption of its node";
    end(view, POD_LOST, reason, arena_printf(evidence->arena, "%s%s%s", what, text_empty(detail) ? "" : ": ", detail));
    return true;
}

static const char *out_of_memory(const struct evidence *evidence, const char *container, enum pod_fact limit_fact) {
    const char *limit = pod_fact(evidence->facts, limit_fact);
    if (text_empty(limit))
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
    if (evidence->facts->deletion_at == 0 || (record->final && !reason_is(record->reason, REASON_Stopped)))
        return false;
    end_by(view, REASON_PodDeleted, "its pod was deleted");
    return true;
}

/* Killed, whoever did it, while the job was the cluster's to judge: that says nothing about the job. */
static bool lost_while_detached(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    if (!record->detached || record->final || evidence->facts->main != MAIN_TERMINATED)
        return false;
    bool memory = reason_is(pod_fact(evidence->facts, FACT_ENDED_REASON), REASON_OOMKilled);
    end_by(view, REASON_LauncherKilled,
           memory ? out_of_memory(evidence, MAIN_CONTAINER, FACT_MEMORY)
                  : arena_printf(evidence->arena, "the launcher ended with exit code %d before the job did",
                                 view->exit_code));
    return true;
}

/* The kernel kills one process of the container, the launcher or what it started; the kubelet knows of both. */
static bool failed_by_memory(const struct evidence *evidence, struct pod_view *view) {
    if (!reason_is(pod_fact(evidence->facts, FACT_ENDED_REASON), REASON_OOMKilled))
        return false;
    const char *message = out_of_memory(evidence, MAIN_CONTAINER, FACT_MEMORY);
    if (evidence->record.final && !text_empty(evidence->record.message))
        message = arena_printf(evidence->arena, "%s; %s", message, evidence->record.message);
    end_by(view, REASON_OOMKilled, message);
    return true;
}

static bool failed_by_record(const struct evidence *evidence, struct pod_view *view) {
    const struct record *record = &evidence->record;
    if (!record->final)
        return false;
    const struct reason *known = reason_find(record->reason);
    bool lost = known != NULL && known->end == END_INFRA && known->by == BY_POD;
    const char *message = !text_empty(record->message)
                              ? record->message
                              : arena_printf(evidence->arena, "exit code %d", record->exit_code);
    end(view, lost ? POD_LOST : POD_FAILED, !text_empty(record->reason) ? record->reason : REASON(ExitCode), message);
    return true;
}

static bool failed_in_init(const struct evidence *evidence, struct pod_view *view) {
    const struct pod_facts *facts = evidence->facts;
    if (!facts->init_failed || facts->main == MAIN_TERMINATED)
        return false;
    const char *name = pod_fact(facts, FACT_INIT);
    bool ours = strcmp(name, LAUNCHER_CONTAINER) == 0; /* no fault of the task's */
    bool memory = reason_is(pod_fact(facts, FACT_INIT_REASON), REASON_OOMKilled);
    const char *detail = view_text(evidence, FACT_INIT_MESSAGE);
    const char *message = memory ? out_of_memory(evidence, name, FACT_INIT_MEMORY)
                                 : arena_printf(evidence->arena, "init container %s ended with exit code %d%s%s", name,
                                                (int)facts->init_exit_code, text_empty(detail) ? "" : ": ", detail);
    view->exit_code = facts->init_exit_code;
    view->has_exit_code = true;
    view->started_at = facts->init_started_at;
    view->finished_at = facts->init_finished_at;
    end(view, ours ? POD_LOST : POD_FAILED, memory ? REASON(OOMKilled) : REASON(InitContainerFailed), message);
    return true;
}

static bool failed_by_deadline(const struct evidence *evidence, struct pod_view *view) {
    if (!reason_is(pod_fact(evidence->facts, FACT_REASON), REASON_DeadlineExceeded))
        return false;
    end_by(view, REASON_DeadlineExceeded, "the pod ran longer than its activeDeadlineSeconds");
    return true;
}

/* The container ended and nobody told why. */
static bool judged_by_container(const struct evidence *evidence, struct pod_view *view) {
    const char *seen = pod_fact(evidence->facts, FACT_ENDED_REASON);
    if (evidence->facts->main != MAIN_TERMINATED)
        return false;
    if (strcmp(seen, "ContainerStatusUnknown") == 0)
        end_by(view, REASON_NodeLost, "its node does not know any more how it ended");
    else if (strcmp(seen, "StartError") == 0 || strcmp(seen, "ContainerCannotRun") == 0)
        end_by(view, REASON_StartError,
               arena_printf(evidence->arena, "the container could not be started: %s",
                            view_text(evidence, FACT_ENDED_MESSAGE)));
    else if (view->exit_code == 0)
        end_by(view, REASON_NoResult, "exit code 0 without the launcher's record: not taken as success");
    else if (view->exit_code == 137)
        end_by(view, REASON_Killed, "killed (SIGKILL) before it could say why; often for lack of memory on the node");
    else
        end_by(view, REASON_NoResult,
               arena_printf(evidence->arena, "exit code %d without the launcher's record", view->exit_code));
    return true;
}

/* A kubelet that refuses a pod (OutOfcpu, NodeAffinity, UnexpectedAdmissionError, ...) never starts anything of it; one
 * that was deleted by force while it ran gives no further sign. */
static void never_told(const struct evidence *evidence, struct pod_view *view) {
    const char *reason = view_text(evidence, FACT_REASON);
    const char *detail = view_text(evidence, FACT_MESSAGE);
    end(view, POD_LOST, !text_empty(reason) ? reason : REASON(PodFailed),
        !text_empty(detail) ? detail : "the pod ended before anything of it ran");
}

/* A container that never was gets an exit code of the kubelet's invention. */
static bool ran(const struct evidence *evidence) {
    return evidence->facts->main == MAIN_TERMINATED && evidence->facts->started_at != 0;
}

void view_outcome(const struct evidence *evidence, struct pod_view *view) {
    static bool (*const questions[])(const struct evidence *, struct pod_view *) = {
        failed_by_deadline, lost_by_disruption, lost_to_deletion,    lost_while_detached,
        failed_by_memory,   failed_by_record,   judged_by_container, failed_in_init,
    };
    const struct record *record = &evidence->record;
    if (record->final)
        view->exit_code = record->exit_code;
    else if (ran(evidence))
        view->exit_code = evidence->facts->exit_code;
    view->has_exit_code = record->final || ran(evidence);
    if (record_succeeded(record)) {
        end(view, POD_SUCCEEDED, "", view->cleans && !text_empty(record->message) ? record->message : "");
    } else {
        size_t i = 0;
        const size_t count = sizeof questions / sizeof *questions;
        while (i < count && !questions[i](evidence, view))
            i++;
        if (i == count)
            never_told(evidence, view);
    }
    if (view->started_at == 0)
        view->started_at = record->started_at;
    if (view->finished_at == 0)
        view->finished_at = record->finished_at > 0 ? record->finished_at : evidence->now;
}
