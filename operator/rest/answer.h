#pragma once

/* What comes back in a try: head, body, and whether it is a redirect that is followed. Within rest/ only. */

#include "rest/call.h"

void answer_reset(struct rest_call *call);
size_t answer_take(char *bytes, size_t size, size_t count, void *context); /* libcurl's write function */
/* After a try that succeeded: makes the call ready for the place that it is sent to. False: this is the answer. */
bool answer_redirects(struct rest_call *call);
/* Valid while the call is. */
void answer_read(struct rest_call *call, struct rest_answer *ret_answer);

/* Of the value of Retry-After, as milliseconds from `wall_ms`; -1 when it says nothing. */
int64_t answer_retry_after(const char *value, int64_t wall_ms);
/* The URL in the value of Refresh ("3; url=http://..."); NULL when there is none. */
const char *answer_refresh_url(const char *value);
