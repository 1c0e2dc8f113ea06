/* See environment.h. */

#include "remote/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MORE = 16 };

int environment_copy(struct environment *env, char *const *from, const char *but_prefix, struct error *err) {
    size_t count = 0;
    while (from[count])
        count++;
    *env = (struct environment){.items = calloc(count + MORE + 1, sizeof *env->items), .room = count + MORE};
    if (!env->items)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (strncmp(from[i], but_prefix, strlen(but_prefix)) != 0)
            env->items[env->count++] = from[i];
    return 0;
}

static size_t find(const struct environment *env, const char *name) {
    size_t length = strlen(name), i = 0;
    while (i < env->count && !(strncmp(env->items[i], name, length) == 0 && env->items[i][length] == '='))
        i++;
    return i;
}

const char *environment_get(const struct environment *env, const char *name) {
    size_t i = find(env, name);
    return i < env->count ? env->items[i] + strlen(name) + 1 : NULL;
}

int environment_set(struct environment *env, const char *name, const char *value, struct error *err) {
    size_t i = find(env, name);
    char *entry = NULL;
    if (i == env->room || asprintf(&entry, "%s=%s", name, value) < 0)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    env->items[i] = entry;
    env->count += i == env->count;
    return 0;
}

int environment_append(struct environment *env, const char *name, const char *value, struct error *err) {
    const char *before = environment_get(env, name);
    char *text = NULL;
    if (!before || !*before)
        return environment_set(env, name, value, err);
    if (asprintf(&text, "%s %s", before, value) < 0)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    int result = environment_set(env, name, text, err);
    free(text);
    return result;
}
