/* See program.h. Relies on PATH; starts nothing. */

#include "remote/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *program_find(const char *name) {
    for (const char *list = getenv("PATH"); list && *list;) {
        int length = (int)strcspn(list, ":");
        char *path = NULL;
        if (length > 0 && asprintf(&path, "%.*s/%s", length, list, name) < 0)
            return NULL;
        if (path && access(path, X_OK) == 0)
            return path;
        free(path);
        list += length + (list[length] == ':');
    }
    return NULL;
}

char *program_root(const char *name) {
    char *path = program_find(name), *real = path ? realpath(path, NULL) : NULL;
    for (int i = 0; real && i < 2; i++) {
        char *slash = strrchr(real, '/');
        if (slash)
            *slash = '\0';
    }
    free(path);
    return real;
}
