/* Pods as a kubelet leaves them, and what is made of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "support_view.h"

static void a_pod_on_its_way_is_pending(void **state) {
    (void)state;
    expect_view("  phase: Pending\n", "PENDING");
    expect_view("  phase: Pending\n"
                "  initContainerStatuses: [{name: weir-launcher, state: {waiting: {reason: PodInitializing}}}]\n"
                "  containerStatuses: [{name: main, state: {waiting: {reason: PodInitializing}}}]\n",
                "PENDING");
    expect_view(
        "  phase: Pending\n"
        "  conditions: [{type: PodScheduled, status: \"False\", reason: Unschedulable, message: \"0/3 nodes are "
        "available: 3 Insufficient memory.\"}]\n",
        "PENDING Unschedulable: 0/3 nodes are available: 3 Insufficient memory.");
}

static void what_holds_a_pod_back_is_named(void **state) {
    (void)state;
    expect_view(
        "  phase: Pending\n"
        "  containerStatuses: [{name: main, state: {waiting: {reason: ImagePullBackOff, message: \"Back-off pulling "
        "image nix\"}}}]\n",
        "PENDING ImagePullBackOff: container main: Back-off pulling image nix (check the image's name, its registry "
        "and "
        "imagePullSecrets)");
    expect_view_of("", NODE,
                   "  phase: Pending\n"
                   "  containerStatuses: [{name: main, state: {waiting: {reason: ErrImagePull}}}]\n",
                   NULL, "10:10:00",
                   "PENDING ImagePullBackOff: container main: (check the image's name, its registry and "
                   "imagePullSecrets)");
    expect_view("  phase: Pending\n"
                "  containerStatuses: [{name: main, state: {waiting: {reason: InvalidImageName, message: bad}}}]\n",
                "PENDING InvalidImageName: container main: bad (correct the image's name)");
    expect_view("  phase: Pending\n"
                "  initContainerStatuses: [{name: weir-launcher, state: {waiting: {reason: ErrImageNeverPull}}}]\n",
                "PENDING ErrImageNeverPull: container weir-launcher: (the image is not on the node and "
                "imagePullPolicy is Never)");
    expect_view(
        "  phase: Pending\n"
        "  containerStatuses: [{name: main, state: {waiting: {reason: CreateContainerConfigError, message: secret s "
        "not "
        "found}}}]\n",
        "PENDING CreateContainerConfigError: container main: secret s not found (a Secret or ConfigMap that env refers "
        "to may be missing)");
    expect_view(
        "  phase: Pending\n"
        "  containerStatuses: [{name: main, state: {waiting: {reason: CreateContainerConfigError, message: "
        "container has "
        "runAsNonRoot and image will run as root}}}]\n",
        "PENDING CreateContainerConfigError: container main: container has runAsNonRoot and image will run as root "
        "(the "
        "image runs as root: set pod.spec.securityContext.runAsUser to another user, or runAsNonRoot to false)");
}

static void the_launchers_word_decides(void **state) {
    (void)state;
    expect_view(ENDED("Succeeded", 0, "Completed", RECORD_OK), "SUCCEEDED 0");
    expect_view(ENDED("Failed", 3, "Error", RECORD_EXIT3), "FAILED ExitCode 3: x exited with 3: no such table");
    expect_view(
        ENDED("Failed", 1, "Error", "{\"version\":1,\"seq\":1,\"final\":{\"exitCode\":1,\"reason\":\"YarnKilled\"}}"),
        "FAILED YarnKilled 1: exit code 1");
    /* killed after it had told its success: the job was done */
    expect_view(ENDED("Failed", 137, "Error", RECORD_OK), "SUCCEEDED 0");
}

static void an_exit_code_alone_is_no_success(void **state) {
    (void)state;
    expect_view(ENDED("Succeeded", 0, "Completed", ""),
                "FAILED NoResult 0: exit code 0 without the launcher's record: not taken as success");
    expect_view(ENDED("Succeeded", 0, "Completed", "all is well"),
                "FAILED NoResult 0: exit code 0 without the launcher's record: not taken as success");
    expect_view(ENDED("Succeeded", 0, "Completed", "{\"version\":99,\"seq\":1,\"final\":{\"exitCode\":0}}"),
                "FAILED NoResult 0: exit code 0 without the launcher's record: not taken as success");
    expect_view(ENDED("Succeeded", 0, "Completed", "{\"version\":1,\"seq\":1}"),
                "FAILED NoResult 0: exit code 0 without the launcher's record: not taken as success");
    expect_view(ENDED("Succeeded", 0, "Completed", "") DISRUPTED("TerminationByKubelet"),
                "LOST Evicted 0: ended by its node: on n1");
    expect_view(
        ENDED("Succeeded", 0, "Completed",
              "") "  reason: Terminated\n  message: Pod was terminated in response to imminent node shutdown.\n",
        "LOST NodeShutdown 0: its node shut down: Pod was terminated in response to imminent node shutdown.");
    expect_view(ENDED("Failed", 7, "Error", ""), "FAILED NoResult 7: exit code 7 without the launcher's record");
    expect_view(ENDED("Failed", 137, "Error", ""),
                "FAILED Killed 137: killed (SIGKILL) before it could say why; often for lack of memory on the node");
}

static void memory_is_named_with_its_limit(void **state) {
    (void)state;
    expect_view(ENDED("Failed", 137, "OOMKilled", ""),
                "FAILED OOMKilled 137: container main was killed for using more memory than its limit of 2Gi (raise "
                "resources.limits.memory, or give the program less)");
    expect_view(
        ENDED("Failed", 1, "OOMKilled",
              "{\"version\":1,\"seq\":1,\"final\":{\"exitCode\":1,\"reason\":\"ExitCode\",\"message\":\"java exited "
              "with 1\"}}"),
        "FAILED OOMKilled 1: container main was killed for using more memory than its limit of 2Gi (raise "
        "resources.limits.memory, or give the program less); java exited with 1");
    expect_view(ENDED("Succeeded", 0, "OOMKilled", RECORD_OK), "SUCCEEDED 0");
}

static void the_infrastructure_is_not_the_task(void **state) {
    (void)state;
    static const struct {
        const char *condition, *wanted;
    } cases[] = {
        {"PreemptionByScheduler", "LOST Preempted 143: preempted by a pod of higher priority: on n1"},
        {"DeletionByTaintManager", "LOST NodeLost 143: removed from a node that became unfit: on n1"},
        {"EvictionByEvictionAPI", "LOST Evicted 143: evicted through the API, as a drain of its node does: on n1"},
        {"DeletionByPodGC", "LOST NodeLost 143: its node is gone: on n1"},
        {"SomethingNew", "LOST SomethingNew 143: ended by a disruption of its node: on n1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char status[1024];
        snprintf(status, sizeof status,
                 "%s  conditions: [{type: DisruptionTarget, status: \"True\", reason: %s, message: \"on n1\"}]\n",
                 ENDED("Failed", 143, "Error", RECORD_STOPPED), cases[i].condition);
        expect_view(status, cases[i].wanted);
    }
    /* it had failed by itself before */
    expect_view(ENDED("Failed", 3, "Error", RECORD_EXIT3) DISRUPTED("EvictionByEvictionAPI"),
                "FAILED ExitCode 3: x exited with 3: no such table");
    /* and one that is over says nothing */
    expect_view(
        ENDED("Failed", 143, "Error", RECORD_STOPPED) "  conditions: [{type: DisruptionTarget, status: \"False\", "
                                                      "reason: EvictionByEvictionAPI}]\n",
        "LOST Stopped 143: stopped by a signal");
    expect_view(ENDED("Failed", 1, "Error", RECORD_UNKNOWN), "LOST RemoteUnknown 1: no ResourceManager answers");
    expect_view(ENDED("Failed", 137, "ContainerStatusUnknown",
                      "The container could not be located when the pod was terminated"),
                "LOST NodeLost 137: its node does not know any more how it ended");
}

static void an_eviction_says_whose_fault_it_was(void **state) {
    (void)state;
    expect_view("  phase: Failed\n  reason: Evicted\n  message: \"The node was low on resource: memory.\"\n",
                "LOST Evicted: evicted from its node: The node was low on resource: memory.");
    expect_view(
        "  phase: Failed\n  reason: Evicted\n  message: \"Pod ephemeral local storage usage exceeds the total limit of "
        "containers 1Gi.\"\n",
        "FAILED EphemeralStorageExceeded: Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "
        "(raise the limit "
        "of ephemeral-storage, or write less to local disk)");
    expect_view(
        "  phase: Failed\n  reason: Evicted\n  message: 'Usage of EmptyDir volume \"tmp\" exceeds the limit "
        "\"1Gi\". '\n",
        "FAILED EphemeralStorageExceeded: Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\".  (raise the "
        "limit of "
        "ephemeral-storage, or write less to local disk)");
    expect_view(
        "  phase: Failed\n  reason: Evicted\n  message: 'Container main exceeded its local ephemeral storage limit "
        "\"1Gi\". '\n",
        "FAILED EphemeralStorageExceeded: Container main exceeded its local ephemeral storage limit \"1Gi\".  "
        "(raise the limit of "
        "ephemeral-storage, or write less to local disk)");
    expect_view("  phase: Failed\n  reason: NodeLost\n", "LOST NodeLost: its node does not answer");
    expect_view("  phase: Failed\n  reason: OutOfcpu\n  message: \"Node didn't have enough resource: cpu\"\n",
                "LOST OutOfcpu: Node didn't have enough resource: cpu");
    expect_view("  phase: Failed\n", "LOST PodFailed: the pod ended before anything of it ran");
    expect_view(
        "  phase: Failed\n  reason: DeadlineExceeded\n  message: Pod was active on the node longer than the deadline\n",
        "FAILED DeadlineExceeded: the pod ran longer than its activeDeadlineSeconds");
}

#define INIT(name, code, reason, message)                                                                  \
    "  phase: Failed\n"                                                                                    \
    "  initContainerStatuses: [{name: " name ", state: {terminated: {exitCode: " #code ", reason: " reason \
    ", message: '" message "'}}}]\n"                                                                       \
    "  containerStatuses: [{name: main, state: {waiting: {reason: PodInitializing}}}]\n"

static void an_init_container_that_fails_ends_it(void **state) {
    (void)state;
    expect_view(INIT("fetch", 5, "Error", "no route to host"),
                "FAILED InitContainerFailed 5: init container fetch ended with exit code 5: no route to host");
    expect_view(
        INIT("fetch", 137, "OOMKilled", ""),
        "FAILED OOMKilled 137: container fetch was killed for lack of memory on its node (set resources.requests and "
        "limits of memory)");
    expect_view(INIT("weir-launcher", 1, "Error", "disk full"),
                "LOST InitContainerFailed 1: init container weir-launcher ended with exit code 1: disk full");
    expect_view(
        "  phase: Failed\n"
        "  containerStatuses: [{name: main, state: {terminated: {exitCode: 128, reason: StartError, message: 'exec: "
        "/weir/weir-launcher: permission denied'}}}]\n",
        "FAILED StartError: the container could not be started: exec: /weir/weir-launcher: permission denied");
}

static void sidecars_do_not_decide(void **state) {
    (void)state;
    expect_view("  phase: Running\n"
                "  containerStatuses:\n"
                "  - {name: istio-proxy, state: {running: {startedAt: \"" DAY "10:00:30Z\"}}}\n"
                "  - name: main\n"
                "    state: {terminated: {exitCode: 0, message: '" RECORD_OK "'}}\n",
                "SUCCEEDED 0");
    expect_view("  phase: Running\n"
                "  containerStatuses:\n"
                "  - {name: istio-proxy, state: {terminated: {exitCode: 1}}}\n"
                "  - {name: main, state: {running: {startedAt: \"" DAY "10:00:30Z\"}}}\n",
                "RUNNING");
}

static void a_deleted_pod_ends_when_nothing_of_it_runs(void **state) {
    (void)state;
    /* never scheduled: no kubelet will ever say more */
    expect_view_of(DELETING, "", "  phase: Pending\n", NULL, "10:05:00", "LOST PodDeleted: its pod was deleted");
    /* scheduled: its kubelet says so, or nobody */
    expect_view_of(DELETING, NODE, "  phase: Pending\n", NULL, "10:04:40", "PENDING");
    expect_view_of(DELETING, NODE, "  phase: Pending\n", NULL, "10:05:00",
                   "PENDING NodeUnreachable: its node has not answered since 2026-11-20T10:04:30Z: when it is gone for "
                   "good, delete the node, or the pod with kubectl delete pod --force, and the task goes on elsewhere");
    expect_view_of(DELETING, NODE, "  phase: Running\n  containerStatuses: [{name: main, state: {running: {}}}]\n",
                   NULL, "10:04:50", "RUNNING");
    expect_deleting(ENDED("Failed", 143, "Error", RECORD_STOPPED), "LOST PodDeleted 143: its pod was deleted");
    expect_deleting(ENDED("Failed", 137, "Error", ""), "LOST PodDeleted 137: its pod was deleted");
    expect_deleting(ENDED("Succeeded", 0, "Completed", RECORD_OK), "SUCCEEDED 0");
    expect_deleting(ENDED("Failed", 3, "Error", RECORD_EXIT3), "FAILED ExitCode 3: x exited with 3: no such table");
    expect_deleting(ENDED("Failed", 143, "Error", RECORD_STOPPED) DISRUPTED("EvictionByEvictionAPI"),
                    "LOST Evicted 143: evicted through the API, as a drain of its node does: on n1");
}

static void the_pod_is_known_by_its_labels_and_times(void **state) {
    (void)state;
    struct seen seen;
    view_look(&seen, DELETING "  finalizers: [other, weir.dev/result]\n", NODE, ENDED("Failed", 143, "Error", ""), NULL,
              "10:05:00");
    assert_string_equal(seen.view.task, "t");
    assert_int_equal(seen.view.attempt, 2);
    assert_true(seen.view.held);
    assert_true(seen.view.deleting);
    assert_int_equal(seen.view.deleting_since, view_time("10:03:30"));
    assert_int_equal(seen.view.created_at, view_time("10:00:00"));
    assert_int_equal(seen.view.started_at, view_time("10:01:00"));
    assert_int_equal(seen.view.finished_at, view_time("10:02:00"));
    view_forget(&seen);
    view_look(&seen, "", "", "  phase: Pending\n", NULL, "10:05:00");
    assert_false(seen.view.held || seen.view.deleting || seen.view.done);
    assert_true(seen.view.attempts); /* of a version that knew no roles */
    assert_int_equal(seen.view.percent, -1);
    assert_int_equal(seen.view.finished_at, 0);
    view_forget(&seen);
}

static void nonsense_is_survived(void **state) {
    (void)state;
    static const char *const pods[] = {
        "{}",
        "[]",
        "3",
        "null",
        "{metadata: 3, status: [1], spec: x}",
        "{metadata: {labels: [x], finalizers: {a: b}, deletionTimestamp: 7}}",
        "{status: {phase: 3, conditions: {a: b}, containerStatuses: [1, {name: main}]}}",
        "{status: {containerStatuses: [{name: main, state: {terminated: {exitCode: x, message: 3}}}]}}",
        "{status: {initContainerStatuses: [null, {state: {terminated: {exitCode: 1}}}], phase: Failed}}",
        "{metadata: {labels: {weir.dev/attempt: '-1'}}, status: {containerStatuses: {name: main}}}",
    };
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        struct error err = {0};
        AUTO_ARENA arena = ARENA_INIT;
        struct pod_view view;
        yyjson_doc *doc = NULL;
        if (yaml_parse(pods[i], strlen(pods[i]), &doc, &err) < 0)
            fail_msg("%s: %s", pods[i], err.text);
        struct pod_facts *facts = pod_facts_new(yyjson_doc_get_root(doc));
        executor_view(facts, NULL, view_time("10:05:00"), &arena, &view);
        assert_non_null(view.reason);
        assert_non_null(view.message);
        assert_non_null(view.task);
        assert_int_equal(view.attempt, 0);
        free(facts);
        json_free(&doc);
    }
}

/* The kubelet takes both conditions back or none; the node controller only the one. */
#define READY(ready, containers)                                                                          \
    "  phase: Running\n"                                                                                  \
    "  conditions:\n"                                                                                     \
    "  - {type: Ready, status: \"" ready "\", lastTransitionTime: \"" DAY "10:03:00Z\"}\n"                \
    "  - {type: ContainersReady, status: \"" containers "\", lastTransitionTime: \"" DAY "10:01:00Z\"}\n" \
    "  containerStatuses: [{name: main, state: {running: {startedAt: \"" DAY "10:01:00Z\"}}}]\n"

static void a_node_that_does_not_answer_is_said(void **state) {
    (void)state;
    static const char gone[] = "RUNNING NodeUnreachable: its node has not answered since 2026-11-20T10:03:00Z: when it "
                               "is gone for good, delete the node, or the pod with kubectl delete pod --force, and the "
                               "task goes on elsewhere";
    expect_view(READY("True", "True"), "RUNNING");
    expect_view(READY("False", "False"), "RUNNING");
    expect_view(READY("False", "True"), gone);
    /* and a pod that was deleted there does not go */
    expect_view_of("  deletionTimestamp: \"" DAY "10:03:00Z\"\n  deletionGracePeriodSeconds: 60\n", NODE,
                   READY("True", "True"), NULL, "10:05:00", gone);
}

static void deleted_by_force_is_taken_for_ended(void **state) {
    (void)state;
    expect_view_of("  deletionTimestamp: \"" DAY "10:04:59Z\"\n  deletionGracePeriodSeconds: 0\n", NODE,
                   READY("True", "True"), NULL, "10:05:00", "LOST PodDeleted: its pod was deleted");
}

static void a_pod_lingers_while_another_container_runs(void **state) {
    (void)state;
    struct seen seen;
    view_look(&seen, "", NODE,
              "  phase: Running\n"
              "  containerStatuses:\n"
              "  - {name: istio-proxy, state: {running: {startedAt: \"" DAY "10:00:30Z\"}}}\n"
              "  - {name: main, state: {terminated: {exitCode: 3}}}\n",
              NULL, "10:05:00");
    assert_true(seen.view.lingers);
    assert_int_equal(seen.view.state, POD_FAILED);
    view_forget(&seen);
}

/* As launchers run by the thousand. */
static void what_is_kept_is_small(void **state) {
    (void)state;
    struct seen seen;
    view_look(&seen, "  finalizers: [weir.dev/result]\n", NODE, READY("True", "True"), NULL, "10:05:00");
    assert_in_range(seen.facts->size, 100, 300);
    assert_true(seen.view.held);
    view_forget(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_on_its_way_is_pending),
        cmocka_unit_test(what_holds_a_pod_back_is_named),
        cmocka_unit_test(the_launchers_word_decides),
        cmocka_unit_test(an_exit_code_alone_is_no_success),
        cmocka_unit_test(memory_is_named_with_its_limit),
        cmocka_unit_test(the_infrastructure_is_not_the_task),
        cmocka_unit_test(an_eviction_says_whose_fault_it_was),
        cmocka_unit_test(an_init_container_that_fails_ends_it),
        cmocka_unit_test(sidecars_do_not_decide),
        cmocka_unit_test(a_deleted_pod_ends_when_nothing_of_it_runs),
        cmocka_unit_test(the_pod_is_known_by_its_labels_and_times),
        cmocka_unit_test(nonsense_is_survived),
        cmocka_unit_test(a_node_that_does_not_answer_is_said),
        cmocka_unit_test(deleted_by_force_is_taken_for_ended),
        cmocka_unit_test(a_pod_lingers_while_another_container_runs),
        cmocka_unit_test(what_is_kept_is_small),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
