/* See spark_ui.h. Relies on rest/; failures only make the pauses longer, since progress is a courtesy. */

#include "remote/spark_ui.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { PAUSE_MAX_MS = 60 * 1000, TIMEOUT_MS = 4000, SOON_MS = 500, ANSWER_MAX = 4 * 1024 * 1024 };

static bool id_valid(const char *id) {
    size_t length = strlen(id);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)id[i]) && id[i] != '-' && id[i] != '_')
            return false;
    return length > 0 && length < SPARK_UI_ID_MAX;
}

int spark_ui_parse_applications(const char *body, size_t length, char ret_id[SPARK_UI_ID_MAX], struct error *err) {
    AUTO_JSON *doc = NULL;
    if (json_parse(body, length, &doc, err) < 0)
        return -1;
    const char *id = json_text(yyjson_arr_get_first(yyjson_doc_get_root(doc)), "id", "");
    if (!id_valid(id))
        return error_set(err, ERROR_INVALID, "the driver's answer names no application");
    snprintf(ret_id, SPARK_UI_ID_MAX, "%s", id);
    return 0;
}

static int64_t count(yyjson_val *job, const char *name) {
    int64_t value = json_int(job, name, 0);
    return value > 0 && value < 1000000000 ? value : 0;
}

int spark_ui_parse_jobs(const char *body, size_t length, struct spark_ui_progress *ret, struct error *err) {
    AUTO_JSON *doc = NULL;
    if (json_parse(body, length, &doc, err) < 0)
        return -1;
    yyjson_val *list = yyjson_doc_get_root(doc), *job;
    int64_t tasks = 0, done = 0, stages = 0, stages_done = 0;
    size_t i, jobs;
    if (!yyjson_is_arr(list))
        return error_set(err, ERROR_INVALID, "the driver's answer is no list of jobs");
    yyjson_arr_foreach(list, i, jobs, job) {
        if (strcmp(json_text(job, "status", ""), "RUNNING") != 0)
            continue;
        int64_t skipped = count(job, "numSkippedTasks");
        tasks += count(job, "numTasks") - skipped;
        done += count(job, "numCompletedTasks");
        stages += (int64_t)yyjson_arr_size(json_at(job, "stageIds", NULL)) - count(job, "numSkippedStages");
        stages_done += count(job, "numCompletedStages");
    }
    *ret = (struct spark_ui_progress){.percent = -1};
    if (tasks <= 0)
        return 0;
    if (done > tasks)
        done = tasks;
    int64_t stage = stages_done + 1 < stages ? stages_done + 1 : stages;
    ret->percent = (int)(done * 100 / tasks);
    snprintf(ret->text, sizeof ret->text, "stage %lld/%lld, %lld/%lld tasks", (long long)stage, (long long)stages,
             (long long)done, (long long)tasks);
    return 0;
}

/* --- asking --- */

void spark_ui_init(struct spark_ui *ui, struct rest *rest) {
    *ui =
        (struct spark_ui){.rest = rest, .next_at = INT64_MAX, .pause_ms = SPARK_UI_INTERVAL_MS, .progress.percent = -1};
}

static void look_soon(struct spark_ui *ui, int64_t now) {
    ui->pause_ms = SPARK_UI_INTERVAL_MS;
    ui->next_at = now + SOON_MS;
}

static void set_way(struct spark_ui *ui, enum spark_ui_way way, const char *url, int64_t now) {
    if (strcmp(ui->ways[way], url) == 0)
        return;
    snprintf(ui->ways[way], sizeof ui->ways[way], "%s", url);
    if (ui->ways[ui->way][0] == '\0')
        ui->way = way;
    if (!ui->call)
        look_soon(ui, now);
}

void spark_ui_driver(struct spark_ui *ui, unsigned port, int64_t now) {
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    set_way(ui, SPARK_UI_DRIVER, url, now);
}

void spark_ui_proxy(struct spark_ui *ui, const struct origin *rm, const char *application_id, int64_t now) {
    char origin[ORIGIN_TEXT_MAX], url[sizeof ui->ways[0]];
    if (!id_valid(application_id))
        return;
    snprintf(url, sizeof url, "%s/proxy/%.96s", origin_url(rm, origin), application_id);
    if (strcmp(ui->ways[SPARK_UI_PROXY], url) != 0)
        snprintf(ui->id, sizeof ui->id, "%s", application_id);
    set_way(ui, SPARK_UI_PROXY, url, now);
}

void spark_ui_stop(struct spark_ui *ui) {
    rest_cancel(&ui->call);
    ui->next_at = INT64_MAX;
}

static int on_answer(struct spark_ui *ui, const struct rest_answer *answer) {
    struct error ignored;
    if (answer->status != 200)
        return -1;
    if (!ui->id[0]) {
        if (spark_ui_parse_applications(answer->body, answer->length, ui->id, &ignored) < 0)
            return -1;
        ui->next_at = ui->now;
        return 0;
    }
    if (spark_ui_parse_jobs(answer->body, answer->length, &ui->progress, &ignored) < 0)
        return -1;
    ui->answered_at = ui->now;
    ui->next_at = ui->now + SPARK_UI_INTERVAL_MS;
    return 0;
}

/* The other way, if there is one, and later. */
static void pause_longer(struct spark_ui *ui) {
    enum spark_ui_way other = ui->way == SPARK_UI_DRIVER ? SPARK_UI_PROXY : SPARK_UI_DRIVER;
    if (ui->ways[other][0])
        ui->way = other;
    ui->next_at = ui->now + ui->pause_ms;
    ui->pause_ms = ui->pause_ms * 2 < PAUSE_MAX_MS ? ui->pause_ms * 2 : PAUSE_MAX_MS;
}

static void on_done(void *context, const struct rest_answer *answer, const struct error *err) {
    struct spark_ui *ui = context;
    (void)err;
    ui->call = NULL;
    if (!answer || on_answer(ui, answer) < 0) {
        pause_longer(ui);
        return;
    }
    ui->pause_ms = SPARK_UI_INTERVAL_MS;
    ui->news = true;
}

static void ask(struct spark_ui *ui) {
    char url[sizeof ui->ways[0] + 200];
    const char *base = ui->ways[ui->way];
    struct error ignored;
    if (ui->id[0])
        snprintf(url, sizeof url, "%s/api/v1/applications/%s/jobs?status=running", base, ui->id);
    else
        snprintf(url, sizeof url, "%s/api/v1/applications", base);
    struct rest_request request = {.method = "GET",
                                   .url = url,
                                   .timeout_ms = TIMEOUT_MS,
                                   .direct = ui->way == SPARK_UI_DRIVER,
                                   .redirects = 3,
                                   .max_bytes = ANSWER_MAX};
    ui->next_at = INT64_MAX;
    if (rest_start(ui->rest, &request, on_done, ui, &ui->call, &ignored) < 0)
        pause_longer(ui);
}

void spark_ui_wait(const struct spark_ui *ui, struct wait *wait) {
    if (!ui->call)
        wait_until(wait, ui->next_at);
}

void spark_ui_step(struct spark_ui *ui, int64_t now) {
    ui->now = now;
    if (!ui->call && now >= ui->next_at)
        ask(ui);
}
