/* See names.h. Pure. */

#include "pipeline/names.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

enum { POD_NAME_MAX = 63, LABEL_MAX = 63, TAG_MAX = 100, POD_HASH = 5, CUT_HASH = 8 };

const char *names_pod(const char *pipeline, const char *run_uid, const char *task, int64_t attempt,
                      struct arena *arena) {
    uint64_t hash = hash_text(hash_text(hash_text(HASH_INIT, run_uid), pipeline), task);
    char suffix[POD_HASH + 1];
    hash_name(hash_add(hash, &attempt, sizeof attempt), suffix, POD_HASH);
    const char *tail = arena_printf(arena, "-%" PRId64 "-%s", attempt, suffix);
    char *head = arena_printf(arena, "%s-%s", pipeline, task);
    size_t room = POD_NAME_MAX - strlen(tail);
    if (strlen(head) > room)
        head[room] = '\0';
    for (char *dot = strchr(head, '.'); dot != NULL; dot = strchr(dot, '.'))
        *dot = '-'; /* the name becomes a host name: one label */
    for (size_t length = strlen(head); length > 0 && head[length - 1] == '-'; length--)
        head[length - 1] = '\0';
    return arena_printf(arena, "%s%s", head, tail);
}

/* `text`, or when it is longer than `max` its beginning and a hash of the whole. */
static const char *cut(const char *text, size_t max, struct arena *arena) {
    if (strlen(text) <= max)
        return text;
    char hash[CUT_HASH + 1];
    hash_name(hash_text(HASH_INIT, text), hash, CUT_HASH);
    return arena_printf(arena, "%.*s-%s", (int)(max - CUT_HASH - 1), text, hash);
}

const char *names_label(const char *name, struct arena *arena) {
    return cut(name, LABEL_MAX, arena);
}

const char *names_tag(const char *run_uid, const char *task, struct arena *arena) {
    char *tag = arena_strdup(arena, cut(arena_printf(arena, MANAGER "-%s-%s", run_uid, task), TAG_MAX, arena));
    for (char *c = tag; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return tag;
}
