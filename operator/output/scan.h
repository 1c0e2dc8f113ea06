#pragma once

/* What one line of a job's output says about the job. Pure: (client program, line) -> facts. A fact is a hint for a
 * person and for finding the remote application; the verdict on a task never comes from here. */

#include <stddef.h>

#include "record/record.h"

enum fact_type {
    FACT_APPLICATION,  /* text: application_1795167331881_0001 or app-20261120100914-0001 */
    FACT_JOB,          /* text: job_1795167331881_0001, job_local544362574_0001 */
    FACT_TRACKING_URL, /* text: http or https, plausible host */
    FACT_MAP_REDUCE,   /* number, total: map and reduce in percent */
    FACT_UI_PORT,      /* number: port of the Spark driver's UI in this pod */
    FACT_STATE,        /* text: what the client says of YARN's state: ACCEPTED, RUNNING, FINISHED, FAILED, KILLED */
    FACT_FINAL_STATUS, /* text: UNDEFINED, SUCCEEDED, FAILED, KILLED */
    FACT_LOST_CONTACT, /* the client could not ask any more: what it says of the end afterwards is a guess */
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

/* What one client program prints. */
struct scanner;

/* By the task's kind ("sparkSubmit", …); of a plain command's output no facts are taken. NULL when it is no kind.
 * Aborts only on a mistake in a table. */
struct scanner *scanner_of(const char *kind);
void scan_line(const struct scanner *scanner, const char *line, size_t length, struct facts *ret_facts);
