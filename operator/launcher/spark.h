#pragma once

/* The progress of a Spark application from its driver's REST API: in this pod, or through the ResourceManager's proxy.
 */

#include <stdbool.h>
#include <stdint.h>

#include "launcher/http.h"
#include "base/wait.h"

enum { SPARK_ANSWER_MAX = 256 * 1024, SPARK_ID_MAX = 96, SPARK_TEXT_MAX = 96, SPARK_INTERVAL_MS = 4000 };

struct spark_progress {
    int percent;               /* of the tasks of the jobs that run; -1: none runs */
    char text[SPARK_TEXT_MAX]; /* "stage 3/5, 122/200 tasks" */
};

/* GET …/applications: the only application's id; -1 when there is none. */
int spark_parse_applications(const char *body, size_t length, char ret_id[SPARK_ID_MAX], struct error *err);
/* GET …/applications/ID/jobs?status=running */
int spark_parse_jobs(const char *body, size_t length, struct spark_progress *ret, struct error *err);

struct spark {
    struct http http;
    struct endpoint at;    /* host "": not known yet */
    char prefix[160];      /* of the path: "" or "/proxy/application_…" */
    char id[SPARK_ID_MAX]; /* application id; "" until known */
    int64_t next_at, pause_ms;
    struct spark_progress progress;
    int64_t answered_at; /* boot ms of the newest progress; 0: never */
};

void spark_init(struct spark *spark, char *buffer);                     /* of SPARK_ANSWER_MAX */
void spark_set_driver(struct spark *spark, unsigned port, int64_t now); /* the driver runs in this pod */
/* It is behind this ResourceManager's proxy; no-op when that is known already. */
void spark_set_proxy(struct spark *spark, const struct endpoint *rm, const char *application_id, int64_t now);
void spark_wait(const struct spark *spark, struct wait *wait);
bool spark_step(struct spark *spark, const struct wait *wait,
                int64_t now); /* true when id or progress may have changed */
void spark_stop(struct spark *spark);
