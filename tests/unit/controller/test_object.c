/* What the cache keeps of a pod: enough for executor_view() to see the same, and what launchers said of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/object.h"
#include "executor/executor.h"

#define OWNED_BY(kind, version)                                                                              \
    "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"r\",\"uid\":\"r\"},{\"apiVersion\":\"" version \
    "\",\"kind\":\"" kind "\",\"name\":\"chain\",\"uid\":\"run\",\"controller\":true}]"

/* metadata, spec and status of a pod beyond what all have */
static yyjson_doc *pod_of(const char *metadata, const char *spec, const char *status) {
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(
        &json,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"chain-a-1\",\"namespace\":\"lab\","
        "\"uid\":\"u\",\"creationTimestamp\":\"2026-11-20T09:59:00Z\",\"managedFields\":[{\"manager\":\"x\"}],"
        "\"annotations\":{\"big\":\"text\"},\"finalizers\":[\"" FINALIZER_RESULT "\"],\"labels\":{"
        "\"" LABEL_TASK "\":\"a\",\"" LABEL_ATTEMPT "\":\"3\"}%s},\"spec\":{\"volumes\":[{\"name\":\"v\"}]%s},"
        "\"status\":{%s}}",
        metadata, spec, status);
    yyjson_doc *doc = NULL;
    struct error err;
    if (json_parse(json.data, json.length, &doc, &err) != 0)
        fail_msg("%s: %s", err.text, json.data);
    return doc;
}

static void same_text(const char *a, const char *b) {
    assert_string_equal(a == NULL ? "(none)" : a, b == NULL ? "(none)" : b);
}

/* Field by field, since texts are elsewhere. */
static void same_view(const struct pod_view *a, const struct pod_view *b) {
    same_text(a->name, b->name);
    same_text(a->uid, b->uid);
    same_text(a->task, b->task);
    same_text(a->reason, b->reason);
    same_text(a->message, b->message);
    same_text(a->tracking_url, b->tracking_url);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->deleting, b->deleting);
    assert_int_equal(a->held, b->held);
    assert_int_equal(a->hopeless, b->hopeless);
    assert_int_equal(a->exit_code, b->exit_code);
    assert_int_equal(a->has_exit_code, b->has_exit_code);
    assert_int_equal(a->created_at, b->created_at);
    assert_int_equal(a->started_at, b->started_at);
    assert_int_equal(a->finished_at, b->finished_at);
    assert_int_equal(a->deleting_since, b->deleting_since);
}

#define TERMINATED(more)                                                                                   \
    "{\"name\":\"main\",\"state\":{\"terminated\":{\"startedAt\":\"2026-11-20T10:00:00Z\",\"finishedAt\":" \
    "\"2026-11-20T10:01:00Z\"," more "}}}"

/* `seen` is what the view says: that each of these parts matters is checked too, not only that both are alike. */
static const struct {
    const char *metadata, *spec, *status;
    enum pod_state state;
    const char *reason, *words;
} pods[] = {
    {"", "", "\"phase\":\"Pending\"", POD_PENDING, "", ""},
    {"", "",
     "\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":"
     "\"0/3 nodes\"}]",
     POD_PENDING, "Unschedulable", "0/3 nodes"},
    {"", ",\"nodeName\":\"n\"",
     "\"initContainerStatuses\":[{\"name\":\"weir-launcher\",\"state\":{\"waiting\":{\"reason\":\"ErrImagePull\","
     "\"message\":\"not found\"}}}]",
     POD_PENDING, "ErrImagePull", "not found"},
    {"", "",
     "\"containerStatuses\":[{\"name\":\"main\",\"state\":{\"running\":{\"startedAt\":\"2026-11-20T10:00:00Z\"}}}]",
     POD_RUNNING, "", ""},
    {"", ",\"containers\":[{\"name\":\"main\",\"resources\":{\"limits\":{\"memory\":\"3Gi\"}}}]",
     "\"phase\":\"Failed\",\"containerStatuses\":[" TERMINATED("\"exitCode\":137,\"reason\":\"OOMKilled\"") "]",
     POD_FAILED, "OOMKilled", "limit of 3Gi"},
    {"", "", "\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"The node was low on memory\"", POD_LOST,
     "Evicted", "The node was low on memory"},
    {"", "",
     "\"phase\":\"Failed\",\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\",\"reason\":"
     "\"DeletionByTaintManager\",\"message\":\"taint\"}]",
     POD_LOST, "NodeLost", "taint"},
    {",\"deletionTimestamp\":\"2026-11-20T10:00:30Z\",\"deletionGracePeriodSeconds\":30", "", "\"phase\":\"Pending\"",
     POD_LOST, "PodDeleted", "deleted"},
    {",\"deletionTimestamp\":\"2026-11-20T10:00:30Z\",\"deletionGracePeriodSeconds\":30", ",\"nodeName\":\"n\"",
     "\"phase\":\"Pending\"", POD_PENDING, "", ""},
};

static void projection_keeps_what_the_view_reads(void **state) {
    (void)state;
    const int64_t now = INT64_C(1795168800000); /* 2026-11-20T10:00:00Z */
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        AUTO_STRBUF metadata = STRBUF_INIT;
        strbuf_printf(&metadata, "," OWNED_BY("Pipeline", WEIR_API_VERSION) "%s", pods[i].metadata);
        AUTO_JSON *doc = pod_of(strbuf_text(&metadata), pods[i].spec, pods[i].status);
        struct pod_object *object = pod_object_new(yyjson_doc_get_root(doc));
        assert_non_null(object);
        struct pod_view whole;
        struct pod_view kept;
        executor_view(yyjson_doc_get_root(doc), NULL, now, &arena, &whole);
        executor_view(yyjson_doc_get_root(object->doc), NULL, now, &arena, &kept);
        same_view(&kept, &whole);
        assert_int_equal(kept.state, pods[i].state);
        assert_string_equal(kept.reason, pods[i].reason);
        assert_non_null(strstr(kept.message, pods[i].words));
        assert_null(json_at(yyjson_doc_get_root(object->doc), "metadata", "managedFields", NULL));
        assert_null(json_at(yyjson_doc_get_root(object->doc), "metadata", "annotations", NULL));
        assert_null(json_at(yyjson_doc_get_root(object->doc), "spec", "volumes", NULL));
        pod_object_free(object);
    }
}

static struct pod_object *object_of(const char *metadata, const char *status) {
    AUTO_JSON *doc = pod_of(metadata, "", status);
    return pod_object_new(yyjson_doc_get_root(doc));
}

static void only_pods_that_a_pipeline_controls_are_ours(void **state) {
    (void)state;
    struct pod_object *ours = object_of("," OWNED_BY("Pipeline", "weir.dev/v2"), "");
    assert_non_null(ours);
    assert_string_equal(ours->run_key, "lab/chain");
    assert_string_equal(ours->run_uid, "run");
    pod_object_free(ours);
    assert_null(object_of("", ""));
    assert_null(object_of("," OWNED_BY("Job", "batch/v1"), ""));
    assert_null(object_of("," OWNED_BY("Pipeline", "tekton.dev/v1"), ""));
    assert_null(object_of(",\"ownerReferences\":\"chain\"", ""));
    pod_object_free(NULL);
}

static void main_container_decides_whether_a_pod_has_ended(void **state) {
    (void)state;
    static const struct {
        const char *status;
        bool ended;
    } cases[] = {
        {"\"phase\":\"Running\"", false},
        {"\"phase\":\"Failed\"", true},
        {"\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"sidecar\",\"state\":{\"terminated\":{}}},"
         "{\"name\":\"main\",\"state\":{\"running\":{}}}]",
         false},
        {"\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"sidecar\",\"state\":{\"running\":{}}},"
         "{\"name\":\"main\",\"state\":{\"terminated\":{}}}]",
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pod_object *object = object_of("," OWNED_BY("Pipeline", WEIR_API_VERSION), cases[i].status);
        assert_int_equal(object->ended, cases[i].ended);
        pod_object_free(object);
    }
}

static bool tell(struct pod_object *pod, int64_t seq, bool final) {
    struct record record = RECORD_INIT;
    record.seq = seq;
    record.final = final;
    AUTO_STRBUF body = STRBUF_INIT;
    strbuf_printf(&body, "report %d", (int)seq);
    return pod_object_report(pod, &record, body.data, body.length);
}

static void newest_report_is_kept_and_handed_on(void **state) {
    (void)state;
    struct pod_object *older = object_of("," OWNED_BY("Pipeline", WEIR_API_VERSION), "\"phase\":\"Running\"");
    assert_true(tell(older, 0, false)); /* the first one, whatever its number */
    assert_true(tell(older, 4, false));
    assert_false(tell(older, 4, false));
    assert_false(tell(older, 3, true));
    assert_true(tell(older, 5, true));
    assert_false(tell(older, 6, false)); /* nothing follows the end */
    assert_string_equal(older->report, "report 5");

    struct pod_object *newer = object_of("," OWNED_BY("Pipeline", WEIR_API_VERSION), "\"phase\":\"Succeeded\"");
    pod_object_inherit(newer, older, 1000);
    pod_object_free(older);
    assert_string_equal(newer->report, "report 5");
    assert_int_equal(newer->report_length, strlen("report 5"));
    assert_false(tell(newer, 5, true));
    assert_int_equal(newer->ended_seen, 1000);

    struct pod_object *last = object_of("," OWNED_BY("Pipeline", WEIR_API_VERSION), "\"phase\":\"Succeeded\"");
    pod_object_inherit(last, newer, 2000);
    assert_int_equal(last->ended_seen, 1000); /* when it was seen to end, not when it was seen last */
    pod_object_free(newer);
    pod_object_free(last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(projection_keeps_what_the_view_reads),
        cmocka_unit_test(only_pods_that_a_pipeline_controls_are_ours),
        cmocka_unit_test(main_container_decides_whether_a_pod_has_ended),
        cmocka_unit_test(newest_report_is_kept_and_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
