/* See task.h. Turns facts into the snapshot: which source wins when several speak is decided here. YARN's word wins
 * over the driver's, the driver's over a log line's. */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "launcher/task.h"

enum { DRIVER_FRESH_MS = 15 * 1000 };

static bool is_yarn_id(const char *id) {
    return text_starts_with(id, "application_");
}

static void on_application(struct task *task, const struct fact *fact) {
    snapshot_set_application(&task->snapshot, fact->text);
    yarn_hint(&task->yarn, fact->text, task->now);
}

static void on_job(struct task *task, const struct fact *fact) {
    snapshot_add_job(&task->snapshot, fact->text);
}

static void on_url(struct task *task, const struct fact *fact) {
    snapshot_set_url(&task->snapshot, fact->text);
    yarn_hint_url(&task->yarn, fact->text);
}

static void on_map_reduce(struct task *task, const struct fact *fact) {
    char text[64];
    snprintf(text, sizeof text, "map %d%% reduce %d%%", fact->number, fact->total);
    snapshot_set_progress(&task->snapshot, (fact->number + fact->total) / 2, text);
}

/* A driver in this pod: its page is reached by the pod's address, unless YARN's proxy stands before it. */
static void on_ui_port(struct task *task, const struct fact *fact) {
    char url[128];
    bool v6 = task->pod_ip && strchr(task->pod_ip, ':');
    spark_set_driver(&task->spark, (unsigned)fact->number, task->now);
    if (text_empty(task->pod_ip) || is_yarn_id(task->snapshot.application_id))
        return;
    snprintf(url, sizeof url, v6 ? "http://[%s]:%d" : "http://%s:%d", task->pod_ip, fact->number);
    snapshot_set_url(&task->snapshot, url);
}

static void on_final_status(struct task *task, const struct fact *fact) {
    if (strlen(fact->text) < sizeof task->final_status)
        memcpy(task->final_status, fact->text, strlen(fact->text) + 1);
}

static void on_tasks(struct task *task, const struct fact *fact) {
    char text[64];
    if (task->spark.answered_at && task->now - task->spark.answered_at < DRIVER_FRESH_MS)
        return;
    snprintf(text, sizeof text, "stage %.20s, %d/%d tasks", fact->text, fact->number, fact->total);
    snapshot_set_progress(&task->snapshot, (int)((int64_t)fact->number * 100 / fact->total), text);
}

static void on_state(struct task *task, const struct fact *fact) {
    if (strcmp(fact->text, "ACCEPTED") == 0)
        snapshot_set_progress(&task->snapshot, task->snapshot.record.percent, "accepted by YARN, waits for room");
    else if (strcmp(task->snapshot.progress, "accepted by YARN, waits for room") == 0)
        snapshot_set_progress(&task->snapshot, task->snapshot.record.percent, "");
}

static void observe(struct task *task, enum telling_stream stream, const char *line, size_t length) {
    static void (*const handlers[])(struct task *, const struct fact *) = {
        [FACT_APPLICATION] = on_application,   [FACT_JOB] = on_job,         [FACT_TRACKING_URL] = on_url,
        [FACT_MAP_REDUCE] = on_map_reduce,     [FACT_UI_PORT] = on_ui_port, [FACT_STATE] = on_state,
        [FACT_FINAL_STATUS] = on_final_status, [FACT_TASKS] = on_tasks,
    };
    struct facts facts;
    telling_line(&task->telling, stream, line, length);
    scan_line(task->options->kind, line, length, &facts);
    for (size_t i = 0; i < facts.count; i++)
        handlers[facts.items[i].type](task, &facts.items[i]);
}

void observe_out(void *task, const char *line, size_t length) {
    observe(task, TELLING_STDOUT, line, length);
}

void observe_err(void *task, const char *line, size_t length) {
    observe(task, TELLING_STDERR, line, length);
}

/* The ResourceManager's own page of the application: it is still there when the proxy leads nowhere any more. */
static void set_history(struct task *task, const struct yarn_app *app) {
    struct endpoint rm;
    struct error ignored;
    char host[ENDPOINT_TEXT_MAX], url[RECORD_URL_MAX];
    if (!yarn_app_ended(app) || endpoint_parse_url(app->tracking_url, &rm, NULL, &ignored) < 0)
        return;
    snprintf(url, sizeof url, "%s://%s/cluster/app/%s", rm.tls ? "https" : "http", endpoint_text(&rm, host), app->id);
    snapshot_set_history(&task->snapshot, url);
}

void observe_yarn(struct task *task) {
    const struct yarn *yarn = &task->yarn;
    const struct yarn_app *app = &yarn->app;
    if (!yarn->known || yarn->survey)
        return;
    snapshot_set_application(&task->snapshot, app->id);
    snapshot_set_url(&task->snapshot, app->tracking_url);
    set_history(task, app);
    if (task->phase == PHASE_STOPPING) /* there `app` is what was known before */
        return;
    if (task->options->kind == SCAN_SPARK_SUBMIT && strcmp(app->state, "RUNNING") == 0)
        spark_set_proxy(&task->spark, &yarn->rms.items[yarn->rm % yarn->rms.count], app->id, task->now);
    if (strcmp(app->state, "ACCEPTED") == 0) {
        snapshot_set_progress(&task->snapshot, task->snapshot.record.percent, "accepted by YARN, waits for room");
    } else if (task->options->kind != SCAN_SPARK_SUBMIT && strcmp(app->state, "RUNNING") == 0 &&
               strncmp(task->snapshot.progress, "map ", 4) != 0) {
        snapshot_set_progress(&task->snapshot, (int)app->progress, "running on YARN");
    }
}

void observe_spark(struct task *task) {
    const struct spark *spark = &task->spark;
    if (spark->id[0] && !task->snapshot.application_id[0])
        snapshot_set_application(&task->snapshot, spark->id);
    if (spark->answered_at && spark->progress.percent >= 0)
        snapshot_set_progress(&task->snapshot, spark->progress.percent, spark->progress.text);
}
