#pragma once

/* What ApplicationCLI answers (see hadoop_client.h). Pure: text and exit code -> values. The text is the program's
 * standard output, or output and error together: log lines around the answer do no harm.
 *
 * Errors of all: ERROR_NOT_FOUND: YARN says that there is no such application; ERROR_FORBIDDEN: its access list does
 * not let us; ERROR_INVALID: an answer that cannot be understood; ERROR_TRANSIENT: anything else, the text says what.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "record/record.h"

enum { HADOOP_ID_MAX = 64, HADOOP_DIAGNOSTICS_MAX = 8192 };

struct hadoop_report {
    char id[HADOOP_ID_MAX];
    char state[16];                           /* NEW NEW_SAVING SUBMITTED ACCEPTED RUNNING FINISHED FAILED KILLED */
    char final_status[16];                    /* UNDEFINED SUCCEEDED FAILED KILLED ENDED */
    int percent;                              /* 0 to 100 */
    char tracking_url[RECORD_URL_MAX + 1];    /* "" when it is none */
    char diagnostics[HADOOP_DIAGNOSTICS_MAX]; /* its end, when longer; "" from a list */
};

bool hadoop_id_valid(const char *id); /* application_<digits>_<digits>, shorter than HADOOP_ID_MAX */

/* Of -status ID. */
int hadoop_answer_status(const char *text, size_t length, int exit_code, const char *id, struct hadoop_report *ret,
                         struct error *err);
/* Of -list; as many as YARN says there are, or ERROR_INVALID after some calls. */
typedef void hadoop_answer_each(void *context, const struct hadoop_report *report);
int hadoop_answer_list(const char *text, size_t length, int exit_code, hadoop_answer_each *each, void *context,
                       struct error *err);
/* Of -kill ID. 0: it does not run any more. */
int hadoop_answer_kill(const char *text, size_t length, int exit_code, const char *id, struct error *err);
