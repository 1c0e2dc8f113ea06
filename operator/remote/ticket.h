#pragma once

/* When the ticket in a Kerberos credential cache ends. Pure: the file's bytes (format 4, as MIT's and Heimdal's kinit
 * write it) -> times. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ticket_times {
    int64_t starts, ends; /* s since 1970; ends > starts */
};

/* Of the first ticket-granting ticket. False: there is none, or the bytes are something else. */
bool ticket_read(const void *bytes, size_t length, struct ticket_times *ret);
