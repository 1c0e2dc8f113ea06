#pragma once

#include <stddef.h>

enum { SUPPORT_PATH_MAX = 512 };

/* A new directory under /tmp; `path` is replaced by its name. support_remove() takes it away with all that is in it. */
void support_directory(char path[SUPPORT_PATH_MAX]);
void support_remove(const char *path);
/* Writes DIRECTORY/NAME anew. */
void support_write(const char *directory, const char *name, const char *text);
/* Takes away all variables of the environment that say where Hadoop is and who we are. */
void support_clear_environment(void);
