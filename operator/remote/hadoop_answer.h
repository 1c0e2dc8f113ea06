#pragma once

/* What ApplicationCLI answers (see hadoop_client.h). Pure: text and exit code -> values. The text is the program's
 * standard output, or output and error together: log lines around the answer do no harm.
 *
 * Errors of all: ERROR_NOT_FOUND: YARN says that there is no such application; ERROR_FORBIDDEN: its access list does
 * not let us; ERROR_INVALID: an answer that cannot be understood; ERROR_TRANSIENT: anything else, the text says what.
 */

#include <stddef.h>

#include "base/error.h"
#include "remote/yarn_app.h"

/* Of -status ID; it does not say the tags. */
int hadoop_answer_status(const char *text, size_t length, int exit_code, const char *id, struct yarn_app *ret,
                         struct error *err);
/* Of -list; as many as YARN says there are, or ERROR_INVALID after some calls. */
typedef void hadoop_answer_each(void *context, const struct yarn_app *report);
int hadoop_answer_list(const char *text, size_t length, int exit_code, hadoop_answer_each *each, void *context,
                       struct error *err);
/* Of -kill ID. 0: it does not run any more. */
int hadoop_answer_kill(const char *text, size_t length, int exit_code, const char *id, struct error *err);
