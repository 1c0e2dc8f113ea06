#pragma once

/* An HTTP/1.1 answer in memory, taken apart. Pure: bytes so far -> answer, more needed, or broken. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { HTTP_HEAD_MAX = 16 * 1024, HTTP_LOCATION_MAX = 1024 };

struct http_response {
    int status;
    char location[HTTP_LOCATION_MAX]; /* of Location, or of the URL in Refresh; "" when there is none */
    char *body;                       /* within the buffer, terminated */
    size_t length;
};

/* `data` holds `length` bytes so far and room for one more; `eof`: no more will come. Returns 1 when the answer is
 * whole (a chunked body is joined in place: the bytes are then spent), 0 when more is needed, -1 when it is no valid
 * answer. */
int http_response_parse(char *data, size_t length, bool eof, struct http_response *ret_response, struct error *err);
