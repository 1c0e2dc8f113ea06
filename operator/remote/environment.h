#pragma once

/* The variables that the task and helper processes are started with: a copy of ours that can be added to. For the life
 * of the process: texts that are replaced are not freed, since they may be environ's. */

#include <stddef.h>

#include "base/error.h"

struct environment {
    char **items; /* NULL-terminated, "NAME=value" */
    size_t count, room;
};

int environment_copy(struct environment *env, char *const *from, const char *but_prefix, struct error *err);
const char *environment_get(const struct environment *env, const char *name); /* NULL: not set */
int environment_set(struct environment *env, const char *name, const char *value, struct error *err);
/* To what is there, after a blank. */
int environment_append(struct environment *env, const char *name, const char *value, struct error *err);
