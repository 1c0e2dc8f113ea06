#pragma once

/* Inside remote/ only: the progress of a Spark application from its driver's REST API, in this pod or behind the
 * cluster manager's proxy. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wait.h"
#include "rest/origins.h"
#include "rest/rest.h"

enum { SPARK_UI_ID_MAX = 96, SPARK_UI_TEXT_MAX = 96, SPARK_UI_INTERVAL_MS = 4000 };

struct spark_ui_progress {
    int percent;                  /* of the tasks of the jobs that run; -1: none runs */
    char text[SPARK_UI_TEXT_MAX]; /* "stage 3/5, 122/200 tasks" */
};

/* GET .../applications: the only application's id; -1 when there is none. */
int spark_ui_parse_applications(const char *body, size_t length, char ret_id[SPARK_UI_ID_MAX], struct error *err);
/* GET .../applications/ID/jobs?status=running */
int spark_ui_parse_jobs(const char *body, size_t length, struct spark_ui_progress *ret, struct error *err);

enum spark_ui_way { SPARK_UI_DRIVER, SPARK_UI_PROXY, SPARK_UI_WAYS };

struct spark_ui {
    struct rest *rest;
    struct rest_call *call;                          /* NULL: nothing is asked */
    char ways[SPARK_UI_WAYS][ORIGIN_TEXT_MAX + 160]; /* URLs that its API is under; "" until known */
    enum spark_ui_way way;                           /* the one that is taken as long as it works */
    char id[SPARK_UI_ID_MAX];                        /* application id; "" until known */
    int64_t now, next_at, pause_ms;
    struct spark_ui_progress progress;
    int64_t answered_at; /* boot ms of the newest progress; 0: never */
    bool news;           /* id or progress may have changed; the reader clears it */
};

void spark_ui_init(struct spark_ui *ui, struct rest *rest);
void spark_ui_driver(struct spark_ui *ui, unsigned port, int64_t now); /* the driver runs in this pod */
/* It is behind this manager's proxy, too. */
void spark_ui_proxy(struct spark_ui *ui, const struct origin *rm, const char *application_id, int64_t now);
void spark_ui_wait(const struct spark_ui *ui, struct wait *wait);
void spark_ui_step(struct spark_ui *ui, int64_t now);
void spark_ui_stop(struct spark_ui *ui);
