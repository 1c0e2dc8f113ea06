/* A pod as its namespace may make it look, with and without a report of its launcher. The view of it is bounded and has
 * no holes. */

#include <stdlib.h>
#include <string.h>

#include "executor/executor.h"
#include "support_fuzz.h"

static void check_view(yyjson_val *pod, const struct record *report) {
    AUTO_ARENA arena = ARENA_INIT;
    struct pod_view view;
    memset(&view, 0xA5, sizeof view); /* what is left unset shows */
    struct pod_facts *facts = pod_facts_new(pod);
    executor_view(facts, report, INT64_C(1795132800000), &arena, &view);
    CHECK(view.state >= POD_PENDING && view.state <= POD_LOST);
    CHECK(view.task != NULL && view.hash != NULL && view.attempt >= 0);
    CHECK(strlen(view.message) <= STATUS_MESSAGE_MAX && strlen(view.reason) <= STATUS_NAME_MAX);
    CHECK(strpbrk(view.message, "\r\n\t\033") == NULL && strpbrk(view.reason, "\r\n\t\033") == NULL);
    CHECK(view.tracking_url[0] == '\0' || record_url_valid(view.tracking_url));
    CHECK(view.history_url[0] == '\0' || record_url_valid(view.history_url));
    CHECK(view.percent >= -1 && view.percent <= 100 && view.job_count <= RECORD_JOBS_MAX);
    for (size_t i = 0; i < view.job_count; i++)
        CHECK(strlen(view.job_ids[i]) <= STATUS_NAME_MAX);
    CHECK(view.application_count <= RECORD_JOBS_MAX);
    for (size_t i = 0; i < view.application_count; i++)
        CHECK(strlen(view.application_ids[i]) <= STATUS_NAME_MAX);
    CHECK(strlen(view.remains) <= STATUS_MESSAGE_MAX && strpbrk(view.remains, "\r\n\t\033") == NULL);
    free(facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char told[] = "{\"version\":1,\"seq\":7,\"phase\":\"Running\",\"trackingURL\":\"http://rm/x\","
                               "\"jobIDs\":[\"job_1_2\"],\"startedAt\":\"2026-11-20T10:00:00Z\"}";
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *doc = NULL;
    struct record report = RECORD_INIT;
    struct error err = {0};
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    CHECK(record_decode(told, sizeof told - 1, &report, &arena, &err) == 0);
    check_view(yyjson_doc_get_root(doc), NULL);
    check_view(yyjson_doc_get_root(doc), &report);
    return 0;
}
