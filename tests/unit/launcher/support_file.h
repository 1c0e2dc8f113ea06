#pragma once

#include <stddef.h>

/* The whole of tests/unit/launcher/fixtures/<name>, terminated; the caller frees. Fails the test when it is not there.
 */
char *support_read(const char *name, size_t *ret_length);
