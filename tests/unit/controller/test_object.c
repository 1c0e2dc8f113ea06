/* What the caches keep: whose a pod is and what its launcher said; of a Pipeline that has ended a few numbers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/object.h"
#include "executor/executor.h"
#include "pipeline/tables.h"

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
        "\"" LABEL_MANAGED_BY "\":\"weir\",\"" LABEL_TASK "\":\"a\",\"" LABEL_ATTEMPT
        "\":\"3\"}%s},\"spec\":{\"volumes\":[{\"name\":\"v\"}]%s},"
        "\"status\":{%s}}",
        metadata, spec, status);
    yyjson_doc *doc = NULL;
    struct error err;
    if (json_parse(json.data, json.length, &doc, &err) != 0)
        fail_msg("%s: %s", err.text, json.data);
    return doc;
}

static struct pod_object *object_of(const char *metadata, const char *status) {
    AUTO_JSON *doc = pod_of(metadata, "", status);
    return pod_object_new(yyjson_doc_get_root(doc));
}

/* By its owner, and when that was taken off by its labels. */
static void a_pod_is_its_owners_or_its_labels(void **state) {
    (void)state;
    struct pod_object *pod = object_of("," OWNED_BY("Pipeline", "weir.dev/v2"), "");
    assert_string_equal(pod->key, "lab/chain");
    assert_string_equal(pod_object_run(pod), "run");
    assert_string_equal(pod->owner, "chain"); /* no label says so */
    pod_object_free(pod);
    pod = object_of("", "");
    assert_null(pod->key);
    assert_string_equal(pod_object_run(pod), "");
    pod_object_free(pod);
    static const char *const others[] = {"," OWNED_BY("Job", "batch/v1"), "," OWNED_BY("Pipeline", "tekton.dev/v1"),
                                         ",\"ownerReferences\":\"chain\""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        pod = object_of(others[i], "");
        assert_null(pod->key);
        pod_object_free(pod);
    }
    pod_object_free(NULL);
}

static yyjson_doc *parse(const char *json) {
    yyjson_doc *doc = NULL;
    struct error err;
    if (json_parse(json, strlen(json), &doc, &err) != 0)
        fail_msg("%s: %s", err.text, json);
    return doc;
}

static void an_orphan_and_one_that_is_done(void **state) {
    (void)state;
    AUTO_JSON *orphan = parse("{\"metadata\":{\"name\":\"p\",\"namespace\":\"lab\",\"labels\":{\"" LABEL_MANAGED_BY
                              "\":\"weir\",\"" LABEL_PIPELINE "\":\"chain\",\"" LABEL_RUN "\":\"old\"}}}");
    struct pod_object *pod = pod_object_new(yyjson_doc_get_root(orphan));
    assert_string_equal(pod->key, "lab/chain");
    assert_string_equal(pod_object_run(pod), "old");
    assert_null(pod->owner);
    pod_object_free(pod);
    AUTO_JSON *foreign = parse("{\"metadata\":{\"name\":\"p\",\"namespace\":\"lab\",\"labels\":{\"" LABEL_MANAGED_BY
                               "\":\"weir\",\"" LABEL_PIPELINE "\":\"chain\"}}}");
    pod = pod_object_new(yyjson_doc_get_root(foreign)); /* labels like ours, of no run */
    assert_null(pod->key);
    pod_object_free(pod);
    AUTO_JSON *hidden = parse("{\"metadata\":{\"name\":\"p\",\"labels\":{\"" LABEL_MANAGED_BY "\":\"helm\"}}}");
    assert_null(pod_object_new(yyjson_doc_get_root(hidden)));
    AUTO_JSON *done = parse("{\"metadata\":{\"name\":\"p\",\"labels\":{\"" LABEL_DONE "\":\"true\"}}}");
    assert_null(pod_object_new(yyjson_doc_get_root(done)));
    pod = pod_object_any(yyjson_doc_get_root(done));
    assert_true(pod->facts->done);
    pod_object_free(pod);
}

#define FINISHED(generation, more)                                                                                \
    "{\"metadata\":{\"name\":\"chain\",\"namespace\":\"lab\",\"uid\":\"u\",\"generation\":" generation            \
    ",\"creationTimestamp\":\"2026-11-20T10:00:00Z\"},\"spec\":{\"ttlSecondsAfterFinished\":60,\"podRetention\":" \
    "\"OnFailure\",\"tasks\":[{\"name\":\"a\"}]},\"status\":{\"observedGeneration\":3,\"phase\":\"Failed\","      \
    "\"startedAt\":"                                                                                              \
    "\"2026-11-20T10:00:01Z\",\"finishedAt\":\"2026-11-20T10:09:00Z\",\"progress\":\"7/"                          \
    "12\",\"counts\":{\"succeeded\":7,"                                                                           \
    "\"failed\":1,\"omitted\":4}" more "}}"

static void of_a_finished_run_a_few_numbers_are_kept(void **state) {
    (void)state;
    AUTO_JSON *doc = parse(FINISHED("3", ",\"tasks\":[{\"name\":\"a\",\"phase\":\"Failed\"}]"));
    struct pipeline_object *pipeline = pipeline_object_new(yyjson_doc_get_root(doc));
    assert_true(pipeline_object_finished(pipeline));
    assert_int_equal(pipeline->phase, RUN_Failed);
    assert_int_equal(pipeline->ttl_seconds_after_finished, 60);
    assert_int_equal(pipeline->pod_retention, RETAIN_ON_FAILURE);
    assert_int_equal(pipeline->done, 7);
    assert_int_equal(pipeline->total, 12);
    assert_int_equal(pipeline->counts[TASK_Succeeded], 7);
    assert_int_equal(pipeline->counts[TASK_Omitted], 4);
    assert_int_equal(pipeline->finished_at - pipeline->started_at, 539000);
    pipeline_object_free(pipeline);
    AUTO_JSON *edited = parse(FINISHED("4", ""));
    pipeline = pipeline_object_new(yyjson_doc_get_root(edited));
    assert_false(pipeline_object_finished(pipeline)); /* what was asked for since is not looked at yet */
    pipeline_object_free(pipeline);
}

/* With the cache's own part: less than 400 bytes for a finished run, less than 700 for a pod of a running one. */
static void what_is_kept_is_small(void **state) {
    (void)state;
    enum { NODE_BYTES = 250, TEXTS = 36 + 36 + 8 + 30 };
    assert_in_range(sizeof(struct pipeline_object) + NODE_BYTES, 200, 400);
    struct pod_object *pod = object_of("," OWNED_BY("Pipeline", WEIR_API_VERSION), "\"phase\":\"Running\"");
    assert_in_range(sizeof *pod + pod->facts->size + strlen(pod->key) + NODE_BYTES + TEXTS, 300, 700);
    pod_object_free(pod);
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
        cmocka_unit_test(a_pod_is_its_owners_or_its_labels),        cmocka_unit_test(an_orphan_and_one_that_is_done),
        cmocka_unit_test(of_a_finished_run_a_few_numbers_are_kept), cmocka_unit_test(what_is_kept_is_small),
        cmocka_unit_test(newest_report_is_kept_and_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
