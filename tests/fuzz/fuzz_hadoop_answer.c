/* What Hadoop's own client prints: names of applications and their diagnostics are anybody's, and what is taken from it
 * goes into the record and into the next command line. */

#include <string.h>

#include "remote/hadoop_answer.h"
#include "support_fuzz.h"

static void check_report(const struct yarn_app *report) {
    CHECK(yarn_id_valid(report->id) && report->state[0] != '\0' && report->final_status[0] != '\0');
    CHECK(report->progress >= 0 && report->progress <= 100);
    CHECK(report->tracking_url[0] == '\0' || record_url_valid(report->tracking_url));
    CHECK(strlen(report->diagnostics) < sizeof report->diagnostics);
}

static void on_report(void *context, const struct yarn_app *report) {
    (void)context;
    check_report(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char id[] = "application_1795278585466_0006";
    const char *text = (const char *)data;
    struct yarn_app report;
    for (int code = 0; code < 2; code++) {
        struct error err = {0};
        if (hadoop_answer_status(text, size, code, id, &report, &err) == 0) {
            CHECK(code == 0 && strcmp(report.id, id) == 0);
            check_report(&report);
        } else {
            CHECK(err.code != ERROR_NONE && err.text[0] != '\0');
        }
        CHECK(hadoop_answer_list(text, size, code, on_report, NULL, &err) == 0 || err.text[0] != '\0');
        CHECK(hadoop_answer_kill(text, size, code, id, &err) == 0 || err.text[0] != '\0');
    }
    return 0;
}
