/* See support_view.h. */

#include "support_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/yaml.h"
#include "executor/executor.h"

static const char *const state_names[] = {[POD_PENDING] = "PENDING",
                                          [POD_RUNNING] = "RUNNING",
                                          [POD_SUCCEEDED] = "SUCCEEDED",
                                          [POD_FAILED] = "FAILED",
                                          [POD_LOST] = "LOST"};

int64_t view_time(const char *time) {
    struct error err = {0};
    char text[64];
    int64_t ms = 0;
    snprintf(text, sizeof text, DAY "%sZ", time);
    assert_int_equal(clock_parse(text, &ms, &err), 0);
    return ms;
}

void view_look(struct seen *seen, const char *metadata, const char *spec, const char *status,
               const struct record *report, const char *now) {
    struct error err = {0};
    AUTO_STRBUF yaml = STRBUF_INIT;
    AUTO_JSON *doc = NULL;
    *seen = (struct seen){.arena = ARENA_INIT};
    strbuf_printf(&yaml,
                  "metadata:\n"
                  "  name: demo-t-1-abcde\n"
                  "  uid: pod-uid\n"
                  "  creationTimestamp: \"" DAY "10:00:00Z\"\n"
                  "  labels: {weir.dev/task: t, weir.dev/attempt: \"2\"}\n"
                  "%s"
                  "spec:\n"
                  "  containers: [{name: main, resources: {limits: {memory: 2Gi}}}]\n"
                  "%s"
                  "status:\n"
                  "%s",
                  metadata, spec, status);
    if (yaml_parse(yaml.data, yaml.length, &doc, &err) < 0)
        fail_msg("%s", err.text);
    seen->facts = pod_facts_new(yyjson_doc_get_root(doc));
    executor_view(seen->facts, report, view_time(now), &seen->arena, &seen->view);
}

void view_forget(struct seen *seen) {
    free(seen->facts);
    arena_fini(&seen->arena);
}

void expect_view_of(const char *metadata, const char *spec, const char *status, const struct record *report,
                    const char *now, const char *wanted) {
    struct seen seen;
    char line[2048];
    char code[16] = "";
    view_look(&seen, metadata, spec, status, report, now);
    const struct pod_view *view = &seen.view;
    if (view->has_exit_code)
        snprintf(code, sizeof code, " %d", view->exit_code);
    snprintf(line, sizeof line, "%s%s%s%s%s%s", state_names[view->state], view->reason[0] != '\0' ? " " : "",
             view->reason, code, view->message[0] != '\0' ? ": " : "", view->message);
    view_forget(&seen);
    assert_string_equal(line, wanted);
}

void expect_view(const char *status, const char *wanted) {
    expect_view_of("", NODE, status, NULL, "10:05:00", wanted);
}

void expect_deleting(const char *status, const char *wanted) {
    expect_view_of(DELETING, NODE, status, NULL, "10:05:00", wanted);
}
