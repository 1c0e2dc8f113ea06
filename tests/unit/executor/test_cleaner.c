/* What the plan must know of a pod's remote side, and the pod that ends what it left. Golden files as in test_pod.c:
 * tests/golden/cleaner/NAME.yaml is an attempt's pod, NAME.json its cleaner. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "executor/cleaner.h"
#include "executor/launcher_option.h"
#include "support_manifest.h"

#define FOLDER SOURCE_DIR "/tests/golden/cleaner/"

static void read_file(const char *path, struct strbuf *out) {
    char bytes[4096];
    size_t length;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        strbuf_add(out, bytes, length);
    fclose(file);
}

static yyjson_doc *parse(const char *text, size_t length) {
    struct error err = {0};
    yyjson_doc *doc = NULL;
    if (yaml_parse(text, length, &doc, &err) < 0)
        fail_msg("%s", err.text);
    return doc;
}

static int make(yyjson_val *pod, bool live, yyjson_mut_doc *doc, yyjson_mut_val **ret_pod, struct error *err) {
    static const char *ids[] = {"application_1_2", "$(SECRET)", "--all", "application_1_1"};
    static const struct run run = {.name = "clickstream", .namespace = "lab", .uid = "0a1b2c3d"};
    static const struct cleaner cleaner = {
        .task = "sessions", .attempt = 2, .turn = 3, .applications = {.items = ids, .count = 4}};
    return executor_cleaner(&run, &cleaner, "clickstream-sessions-2-clean-x", pod, live, &test_config, doc, ret_pod,
                            err);
}

static void check(const char *name, bool live) {
    AUTO_STRBUF yaml = STRBUF_INIT;
    AUTO_STRBUF wanted = STRBUF_INIT;
    AUTO_ARENA arena = ARENA_INIT;
    struct error err = {0};
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s.yaml", name);
    read_file(path, &yaml);
    assert_true(yaml.length > 0);
    AUTO_JSON *source = parse(yaml.data, yaml.length);
    yyjson_mut_val *pod = NULL;
    if (make(yyjson_doc_get_root(source), live, json_new(&arena), &pod, &err) != 0)
        fail_msg("%s", err.text);
    char *text = yyjson_mut_val_write(pod, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);
    const char *seen = arena_printf(&arena, "%s\n", text);
    free(text);
    snprintf(path, sizeof path, FOLDER "%s.json", name);
    if (text_equal(getenv("GOLDEN"), "update")) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(seen, file);
        assert_int_equal(fclose(file), 0);
    }
    read_file(path, &wanted);
    if (strcmp(seen, strbuf_text(&wanted)) != 0)
        fail_msg("%s differs (GOLDEN=update writes it); seen:\n%s", path, seen);
}

static void a_cleaner_after_the_spec(void **state) {
    (void)state;
    check("spec", false);
}

static void a_cleaner_after_a_live_pod(void **state) {
    (void)state;
    check("live", true);
}

static void without_a_remote_side_there_is_none(void **state) {
    (void)state;
    static const char *const pods[] = {
        "{}",
        "[]",
        "{spec: {containers: {name: main}}}",
        "{spec: {containers: [{name: main, command: [/weir/weir-launcher, run, --kind, command, --, x, --remote, "
        "yarn]}], "
        "initContainers: [{name: weir-launcher}]}}",
        "{spec: {containers: [{name: main, command: [/weir/weir-launcher, run, --remote, yarn, --, x]}]}}",
    };
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        struct error err = {0};
        yyjson_mut_val *pod = NULL;
        AUTO_JSON *source = parse(pods[i], strlen(pods[i]));
        assert_int_equal(make(yyjson_doc_get_root(source), true, json_new(&arena), &pod, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.text, "task sessions: its pod does not tell which cluster it used");
    }
}

static void options_are_read_back(void **state) {
    (void)state;
    static const char text[] = "[--remote, x, --earlier, a, --earlier, b, --tag, --earlier, --, --earlier, c]";
    AUTO_JSON *doc = parse(text, strlen(text));
    yyjson_val *command = yyjson_doc_get_root(doc);
    size_t at = 0;
    assert_null(launcher_option(command, "--remote", &at)); /* the program and its verb are no options */
    assert_string_equal(launcher_option(command, "--earlier", &at), "a");
    assert_string_equal(launcher_option(command, "--earlier", &at), "b");
    assert_string_equal(launcher_option(command, "--earlier", &at), "--");
    assert_null(launcher_option(NULL, "--earlier", &at));
}

/* --- what is seen --- */

static void look(const char *pod, const struct record *report, struct arena *arena, struct pod_view *ret_view) {
    AUTO_JSON *doc = parse(pod, strlen(pod));
    struct pod_facts *facts = pod_facts_new(yyjson_doc_get_root(doc));
    executor_view(facts, report, 1800000000000, arena, ret_view);
    ret_view->remote = arena_strdup(arena, ret_view->remote);
    free(facts);
}

#define POD(node, metadata, status)                                                                            \
    "{metadata: {labels: {weir.dev/task: t, weir.dev/attempt: '2'}" metadata "}, "                             \
    "spec: {" node "containers: [{name: main, command: [/weir/weir-launcher, run, --remote, yarn, --, x]}]}, " \
    "status: {" status "}}"
#define ON_NODE     "nodeName: n1, "
#define MAIN(state) "containerStatuses: [{name: main, state: {" state "}}]"
#define STARTED     "startedAt: '2026-11-20T10:00:00Z'"
#define TOLD(final)                                             \
    "phase: Failed, " MAIN("terminated: {exitCode: 1, " STARTED \
                           ", message: '{\"version\":1,\"seq\":2,\"final\":" final "}'}")

static void what_may_be_left_is_seen(void **state) {
    (void)state;
    static const struct {
        const char *pod;
        bool ran, clear;
    } cases[] = {
        {POD("", "", "phase: Pending"), false, false},
        {POD(ON_NODE, "", "phase: Running, " MAIN("running: {" STARTED "}")), true, false},
        {POD(ON_NODE, "", "phase: Failed, " MAIN("terminated: {exitCode: 137, " STARTED "}")), true, false},
        {POD(ON_NODE, "", "phase: Failed, " MAIN("terminated: {exitCode: 128, reason: StartError}")), false, false},
        {POD(ON_NODE, "", TOLD("{\"exitCode\":1}")), true, true},
        {POD(ON_NODE, "", TOLD("{\"exitCode\":1,\"reason\":\"Stopped\",\"remains\":\"application_1_1\"}")), true,
         false},
        {POD(ON_NODE, "", TOLD("{\"exitCode\":1,\"reason\":\"RemoteUnknown\"}")), true, false},
        /* its node is gone, and it was on its way there */
        {POD(ON_NODE, "",
             "phase: Failed, conditions: [{type: DisruptionTarget, status: 'True', reason: "
             "DeletionByPodGC}]"),
         true, false},
        {POD(ON_NODE, ", deletionTimestamp: '2026-11-20T10:00:00Z', deletionGracePeriodSeconds: 0", "phase: Pending"),
         true, false},
        {POD("", ", deletionTimestamp: '2026-11-20T10:00:00Z', deletionGracePeriodSeconds: 0", "phase: Pending"), false,
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        struct pod_view view;
        look(cases[i].pod, NULL, &arena, &view);
        if (view.ran != cases[i].ran || view.clear != cases[i].clear || !view.attempts || view.cleans ||
            strcmp(view.remote, "yarn") != 0)
            fail_msg("%s: ran %d, clear %d, remote %s", cases[i].pod, view.ran, view.clear, view.remote);
    }
}

static void who_reports_has_run(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct record report = RECORD_INIT;
    struct pod_view view;
    report.seq = 1;
    look(POD(ON_NODE, "", "phase: Pending"), &report, &arena, &view);
    assert_true(view.ran);
    assert_false(view.clear);
}

static void a_cleaner_is_known_by_its_role(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct pod_view view;
    look("{metadata: {labels: {weir.dev/task: t, weir.dev/attempt: '2', weir.dev/role: cleaner, weir.dev/turn: '3'}}, "
         "spec: {containers: [{name: main, command: [/weir/weir-launcher, stop, --remote, yarn]}]}, status: {phase: "
         "Succeeded, " MAIN(
             "terminated: {exitCode: 0, " STARTED ", message: "
             "'{\"version\":1,\"seq\":2,\"final\":{\"exitCode\":0,\"message\":\"application_1_1 was killed\"}}'}") "}}",
         NULL, &arena, &view);
    assert_true(view.cleans);
    assert_false(view.attempts);
    assert_int_equal(view.turn, 3);
    assert_int_equal(view.attempt, 2);
    assert_int_equal(view.state, POD_SUCCEEDED);
    assert_string_equal(view.message, "application_1_1 was killed");
    assert_string_equal(view.remote, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cleaner_after_the_spec),
        cmocka_unit_test(a_cleaner_after_a_live_pod),
        cmocka_unit_test(without_a_remote_side_there_is_none),
        cmocka_unit_test(options_are_read_back),
        cmocka_unit_test(what_may_be_left_is_seen),
        cmocka_unit_test(who_reports_has_run),
        cmocka_unit_test(a_cleaner_is_known_by_its_role),
    };
    return cmocka_run_group_tests_name("cleaner", tests, NULL, NULL);
}
