/* See spark.h. Relies on http.h; failures only make the pauses longer, since progress is a courtesy. */

#include "launcher/spark.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { PAUSE_MAX_MS = 60 * 1000, TIMEOUT_MS = 4000 };

static bool id_valid(const char *id) {
    size_t length = strlen(id);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)id[i]) && id[i] != '-' && id[i] != '_')
            return false;
    return length > 0 && length < SPARK_ID_MAX;
}

int spark_parse_applications(const char *body, size_t length, char ret_id[SPARK_ID_MAX], struct error *err) {
    AUTO_JSON *doc = NULL;
    if (json_parse(body, length, &doc, err) < 0)
        return -1;
    const char *id = json_text(yyjson_arr_get_first(yyjson_doc_get_root(doc)), "id", "");
    if (!id_valid(id))
        return error_set(err, ERROR_INVALID, "the driver's answer names no application");
    snprintf(ret_id, SPARK_ID_MAX, "%s", id);
    return 0;
}

static int64_t count(yyjson_val *job, const char *name) {
    int64_t value = json_int(job, name, 0);
    return value > 0 && value < 1000000000 ? value : 0;
}

int spark_parse_jobs(const char *body, size_t length, struct spark_progress *ret, struct error *err) {
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
    *ret = (struct spark_progress){.percent = -1};
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

void spark_init(struct spark *spark, char *buffer) {
    *spark = (struct spark){.next_at = INT64_MAX, .pause_ms = SPARK_INTERVAL_MS, .progress.percent = -1};
    http_init(&spark->http, buffer, SPARK_ANSWER_MAX);
}

static void look_soon(struct spark *spark, int64_t now) {
    spark->pause_ms = SPARK_INTERVAL_MS;
    spark->next_at = now + 500;
}

void spark_set_driver(struct spark *spark, unsigned port, int64_t now) {
    if (spark->prefix[0] || (spark->at.host[0] && spark->at.port == port))
        return;
    spark->at = (struct endpoint){.host = "127.0.0.1", .port = port};
    look_soon(spark, now);
}

void spark_set_proxy(struct spark *spark, const struct endpoint *rm, const char *application_id, int64_t now) {
    if (!id_valid(application_id) || (spark->prefix[0] && strcmp(spark->id, application_id) == 0))
        return;
    spark->at = *rm;
    snprintf(spark->id, sizeof spark->id, "%s", application_id);
    snprintf(spark->prefix, sizeof spark->prefix, "/proxy/%s", application_id);
    look_soon(spark, now);
}

void spark_stop(struct spark *spark) {
    http_close(&spark->http);
    spark->next_at = INT64_MAX;
}

static void ask(struct spark *spark, int64_t now) {
    char target[400];
    struct error ignored;
    struct http_request request = {.method = "GET", .endpoint = &spark->at, .target = target, .timeout_ms = TIMEOUT_MS};
    if (spark->id[0])
        snprintf(target, sizeof target, "%s/api/v1/applications/%s/jobs?status=running", spark->prefix, spark->id);
    else
        snprintf(target, sizeof target, "%s/api/v1/applications", spark->prefix);
    spark->next_at = INT64_MAX;
    if (http_start(&spark->http, &request, now, &ignored) < 0)
        spark->next_at = now + PAUSE_MAX_MS;
}

static int on_answer(struct spark *spark, int64_t now) {
    const struct http_response *response = &spark->http.response;
    struct error ignored;
    if (response->status != 200)
        return -1;
    if (!spark->id[0]) {
        if (spark_parse_applications(response->body, response->length, spark->id, &ignored) < 0)
            return -1;
        spark->next_at = now;
        return 0;
    }
    if (spark_parse_jobs(response->body, response->length, &spark->progress, &ignored) < 0)
        return -1;
    spark->answered_at = now;
    spark->next_at = now + SPARK_INTERVAL_MS;
    return 0;
}

void spark_wait(const struct spark *spark, struct wait *wait) {
    http_wait(&spark->http, wait);
    if (!http_busy(&spark->http))
        wait_until(wait, spark->next_at);
}

bool spark_step(struct spark *spark, const struct wait *wait, int64_t now) {
    struct error ignored;
    enum http_result result = http_step(&spark->http, wait, now, &ignored);
    if (result == HTTP_FAILED || (result == HTTP_DONE && on_answer(spark, now) < 0)) {
        spark->next_at = now + spark->pause_ms;
        spark->pause_ms = spark->pause_ms * 2 < PAUSE_MAX_MS ? spark->pause_ms * 2 : PAUSE_MAX_MS;
    } else if (result == HTTP_DONE) {
        spark->pause_ms = SPARK_INTERVAL_MS;
    }
    if (!http_busy(&spark->http) && now >= spark->next_at)
        ask(spark, now);
    return result == HTTP_DONE;
}
