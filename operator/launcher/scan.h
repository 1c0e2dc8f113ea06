#pragma once

/* What one line of a job's output says about the job. Pure: (kind, line) -> facts. A fact is a hint for a person and
 * for finding the remote application; the verdict on a task never comes from here. */

#include <stddef.h>

#include "record/record.h"

enum scan_kind {
    SCAN_SPARK_SUBMIT = 1 << 0,
    SCAN_HADOOP_JAR = 1 << 1,
    SCAN_HADOOP_STREAMING = 1 << 2,
    SCAN_COMMAND = 1 << 3, /* no facts are taken from a plain command's output */
};

enum fact_type {
    FACT_APPLICATION,  /* text: application_1795167331881_0001 or app-20261120100914-0001 */
    FACT_JOB,          /* text: job_1795167331881_0001, job_local544362574_0001 */
    FACT_TRACKING_URL, /* text: http or https, plausible host */
    FACT_MAP_REDUCE,   /* number, total: map and reduce in percent */
    FACT_UI_PORT,      /* number: port of the Spark driver's UI in this pod */
    FACT_STATE,        /* text: what the client says of YARN's state: ACCEPTED, RUNNING, FINISHED, FAILED, KILLED */
    FACT_FINAL_STATUS, /* text: UNDEFINED, SUCCEEDED, FAILED, KILLED */
    FACT_TASKS,        /* number of total tasks of the stage have ended; text: stage, "1.0" */
};

struct fact {
    enum fact_type type;
    int number, total;
    char text[RECORD_URL_MAX + 1];
};

enum { FACTS_MAX = 4 };
struct facts {
    struct fact items[FACTS_MAX];
    size_t count;
};

/* Builds the search table; before the first scan_line(). Aborts only on a mistake in the table. */
void scan_init(void);
void scan_line(enum scan_kind kind, const char *line, size_t length, struct facts *ret_facts);
int scan_kind_parse(const char *name, enum scan_kind *ret_kind); /* "sparkSubmit", …; -1 when it is none */
