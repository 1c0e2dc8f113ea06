#pragma once

/* Why a task or a run is as it is, in one word: every reason that weir gives or acts upon stands in one table, with
 * what it means for the attempt, for waiting, and for a person. Others' words (a kubelet that refuses a pod) are passed
 * on as they are and are not in it. */

#include <stdbool.h>
#include <stddef.h>

/* What an attempt comes to that ends for this reason. */
enum reason_end {
    END_NONE,   /* ends nothing: why a task waits, or why it needed no attempt */
    END_TASK,   /* the task's own failure: counts against retry.limit */
    END_INFRA,  /* lost by the infrastructure: counts against retry.infraLimit */
    END_CANCEL, /* stopped for good: Cancelled */
    END_OMIT,   /* its program is not to run any more: Omitted */
    END_AGAIN,  /* taken back before its program ran: again, and counts against nothing */
};

/* Who says so. What the plan decided is recorded before it is carried out, and stays the reason whatever the pod's end
 * says. */
enum reason_by { BY_POD, BY_PLAN };

/* How long a pod may wait for this reason when no startTimeout is set. */
enum reason_patience { WAITS_FOREVER, WAITS_A_WHILE, WAITS_NOT }; /* a while: PLAN_PATIENCE_MS */

// clang-format off: a line a reason
/* X(name, what it ends as, who says so, patience, what a person is told: a sentence without its full stop) */
#define TASK_REASONS(X)                                                                                                \
    X(ExitCode, END_TASK, BY_POD, WAITS_FOREVER,                                                                       \
      "the program ended with the exit code shown; the message has its last words")                                    \
    X(Signal, END_TASK, BY_POD, WAITS_FOREVER, "the program was ended by a signal")                                    \
    X(OOMKilled, END_TASK, BY_POD, WAITS_FOREVER, "it used more memory than its limit")                                \
    X(EphemeralStorageExceeded, END_TASK, BY_POD, WAITS_FOREVER, "it wrote more to local disk than its limit")         \
    X(Killed, END_TASK, BY_POD, WAITS_FOREVER, "killed before it could say why, often for lack of memory on the node") \
    X(NoResult, END_TASK, BY_POD, WAITS_FOREVER,                                                                       \
      "it ended without the launcher's record, so nobody can say that it succeeded")                                   \
    X(StartFailed, END_TASK, BY_POD, WAITS_FOREVER, "the program is not there or cannot be run")                       \
    X(StartError, END_TASK, BY_POD, WAITS_FOREVER, "the container could not be started")                               \
    X(InitContainerFailed, END_TASK, BY_POD, WAITS_FOREVER, "an init container of the pod failed")                     \
    X(DeadlineExceeded, END_TASK, BY_POD, WAITS_FOREVER, "the pod ran longer than its activeDeadlineSeconds")          \
    X(YarnFailed, END_TASK, BY_POD, WAITS_FOREVER, "YARN's word on the application, with its diagnostics")             \
    X(YarnKilled, END_TASK, BY_POD, WAITS_FOREVER, "the application was killed on YARN")                               \
    X(YarnLost, END_TASK, BY_POD, WAITS_FOREVER, "YARN knows no such application")                                     \
    X(Failed, END_TASK, BY_POD, WAITS_FOREVER, "it failed and gave no reason")                                         \
    X(Timeout, END_TASK, BY_PLAN, WAITS_FOREVER, "the attempt ran longer than its timeout")                            \
    X(StartTimeout, END_TASK, BY_PLAN, WAITS_FOREVER,                                                                  \
      "its pod did not run within startTimeout; the message says what it waited for")                                  \
    X(NameCollision, END_TASK, BY_PLAN, WAITS_FOREVER, "a pod that is not this run's has the name of this one")        \
    X(Evicted, END_INFRA, BY_POD, WAITS_FOREVER, "evicted from its node, as a drain does")                             \
    X(Preempted, END_INFRA, BY_POD, WAITS_FOREVER, "preempted by a pod of higher priority")                            \
    X(NodeLost, END_INFRA, BY_POD, WAITS_FOREVER, "its node is gone or does not know any more how it ended")           \
    X(NodeShutdown, END_INFRA, BY_POD, WAITS_FOREVER, "its node shut down")                                            \
    X(PodDeleted, END_INFRA, BY_POD, WAITS_FOREVER, "somebody deleted its pod")                                        \
    X(PodLost, END_INFRA, BY_POD, WAITS_FOREVER, "its pod is gone and left no result")                                 \
    X(PodFailed, END_INFRA, BY_POD, WAITS_FOREVER, "its pod ended before anything of it ran")                          \
    X(Stopped, END_INFRA, BY_POD, WAITS_FOREVER, "its launcher was told to stop")                                      \
    X(LauncherKilled, END_INFRA, BY_POD, WAITS_FOREVER,                                                                \
      "its launcher was killed; what it has on the cluster does not need it")                                          \
    X(RemoteUnknown, END_INFRA, BY_POD, WAITS_FOREVER,                                                                 \
      "the cluster did not say what an earlier attempt left running, or how the job ended")                            \
    X(Removed, END_CANCEL, BY_PLAN, WAITS_FOREVER, "the spec does not name this task any more")                        \
    X(PipelineTimeout, END_CANCEL, BY_PLAN, WAITS_FOREVER, "the run did not end within its timeout")                   \
    X(FailFast, END_OMIT, BY_PLAN, WAITS_FOREVER, "another task failed, and failurePolicy is FailFast")                \
    X(DependencyFailed, END_OMIT, BY_PLAN, WAITS_FOREVER, "a task that it depends on did not end well")                \
    X(Suspended, END_AGAIN, BY_PLAN, WAITS_FOREVER, "spec.suspend holds it back")                                      \
    X(Backoff, END_NONE, BY_PLAN, WAITS_FOREVER, "waits before it is tried again")                                     \
    X(Parallelism, END_NONE, BY_PLAN, WAITS_FOREVER, "waits for room: spec.parallelism")                               \
    X(FormerPod, END_NONE, BY_PLAN, WAITS_FOREVER, "waits for its former pod to end")                                  \
    X(InvalidSpec, END_NONE, BY_PLAN, WAITS_FOREVER, "waits for a valid spec")                                         \
    X(CreateFailed, END_NONE, BY_PLAN, WAITS_FOREVER,                                                                  \
      "the API server refuses its pod for now, in the words of the message; tried again with back-off")                \
    X(QuotaExceeded, END_NONE, BY_PLAN, WAITS_FOREVER,                                                                 \
      "a ResourceQuota has no room for its pod; tried again with back-off")                                            \
    X(Inferred, END_NONE, BY_PLAN, WAITS_FOREVER, "the status was lost, but a task that depends on it had started")    \
    X(NodeUnreachable, END_NONE, BY_POD, WAITS_FOREVER,                                                                \
      "its node does not answer; nobody can say whether it still runs")                                                \
    X(CleanupFailed, END_NONE, BY_POD, WAITS_FOREVER,                                                                  \
      "what an ended attempt left on the cluster could not be ended; the message names it")                            \
    X(PodHidden, END_NONE, BY_POD, WAITS_FOREVER,                                                                      \
      "its pod runs, but its labels or owner were changed: weir sees it now and then only")                            \
    X(Unschedulable, END_NONE, BY_POD, WAITS_FOREVER, "no node takes the pod")                                         \
    X(SchedulingGated, END_NONE, BY_POD, WAITS_FOREVER, "a scheduling gate holds the pod back")                        \
    X(ImagePullBackOff, END_TASK, BY_POD, WAITS_A_WHILE, "check the image's name, its registry and imagePullSecrets")  \
    X(InvalidImageName, END_TASK, BY_PLAN, WAITS_NOT, "correct the image's name")                                      \
    X(ErrImageNeverPull, END_TASK, BY_PLAN, WAITS_NOT, "the image is not on the node and imagePullPolicy is Never")    \
    X(ImageInspectError, END_TASK, BY_POD, WAITS_A_WHILE, "the image on the node is damaged")                          \
    X(RegistryUnavailable, END_TASK, BY_POD, WAITS_A_WHILE, "the registry does not answer")                            \
    X(SignatureValidationFailed, END_TASK, BY_POD, WAITS_A_WHILE, "the image's signature is not accepted")             \
    X(CreateContainerConfigError, END_TASK, BY_POD, WAITS_A_WHILE,                                                     \
      "a Secret or ConfigMap that env refers to may be missing")                                                       \
    X(CreateContainerError, END_TASK, BY_POD, WAITS_A_WHILE, "check volumeMounts, devices and securityContext")        \
    X(RunContainerError, END_TASK, BY_POD, WAITS_A_WHILE, "check securityContext and the image")                       \
    X(PostStartHookError, END_TASK, BY_POD, WAITS_A_WHILE, "the overlay's lifecycle.postStart fails")

// clang-format on
enum reason_id {
#define X(name, end, by, patience, sentence) REASON_##name,
    TASK_REASONS(X)
#undef X
        REASON_COUNT
};

struct reason {
    const char *name;
    enum reason_end end;
    enum reason_by by;
    enum reason_patience patience;
    const char *sentence;
};

extern const struct reason reasons[REASON_COUNT];
#define REASON(id) (reasons[REASON_##id].name)

const struct reason *reason_find(const char *name); /* NULL: none of ours; takes NULL */
bool reason_is(const char *name, enum reason_id id);
/* Decided by the plan and recorded: it stays the reason of an attempt's end. */
bool reason_decided(const char *name);

// clang-format off
/* Reasons of a run's conditions: X(name, sentence) */
#define RUN_REASONS(X) \
    X(Pending, "nothing has started yet") \
    X(Running, "tasks run or can run") \
    X(FormerRun, "waits until the pods of a deleted run of the same name have ended; the message names them") \
    X(Suspended, "spec.suspend is true") \
    X(NotSuspended, "spec.suspend is false again") \
    X(Stopping, "being deleted or past its timeout: what runs is being stopped") \
    X(Succeeded, "every task succeeded, was skipped, or failed with onFailure: Ignore") \
    X(Failed, "a task failed for good, or the run timed out") \
    X(TasksFailed, "tasks failed for good; the message names them") \
    X(PipelineTimeout, "the run did not end within its timeout") \
    X(InvalidSpec, "the spec cannot be run; the message lists every problem with its path") \
    X(SpecValid, "the spec can be run again") \
    X(SpecWarnings, "something in the spec will probably not do what was meant; the message says what")
// clang-format on

enum run_reason_id {
#define X(name, sentence) RUN_REASON_##name,
    RUN_REASONS(X)
#undef X
};
#define RUN_REASON(name) ((void)RUN_REASON_##name, #name) /* its text; a name that is in no table does not compile */
