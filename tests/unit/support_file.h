#pragma once

#include <stddef.h>

/* The whole of tests/unit/fixtures/<name>, terminated; the caller frees. Fails the test when it is not there.
 */
char *support_fixture(const char *name, size_t *ret_length);

/* The same of any file. */
char *support_read(const char *path, size_t *ret_length);
