/* See names.h. Pure. */

#include "pipeline/names.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

/* 13 letters hold all of a 64-bit hash: 27^13 = 4e18 values. A million runs of one pipeline with 1000 tasks, all in one
 * namespace and never cleaned up, make 1000 * (10^6)^2 / 2 = 5e14 pairs of names that only the hash tells apart: one
 * collision in 8000 such namespaces. */
enum { POD_NAME_MAX = 63, LABEL_MAX = 63, TAG_MAX = 100, POD_HASH = 13, CUT_HASH = 8 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The first `length` characters, fewer when the last ones would be no end of a DNS label. */
static int label_length(const char *text, size_t length) {
    length = least(length, strlen(text));
    while (length > 0 && (text[length - 1] == '-' || text[length - 1] == '.'))
        length--;
    return (int)length;
}

/* `hash`: of what is named. `tail`: what follows the names, before the hash. */
static const char *pod_name(const char *pipeline, const char *task, const char *tail, uint64_t hash,
                            struct arena *arena) {
    char suffix[POD_HASH + 1];
    hash_name(hash, suffix, POD_HASH);
    size_t room = POD_NAME_MAX - strlen(tail) - POD_HASH;
    int task_length = label_length(task, room);
    size_t rest = room - (size_t)task_length;
    int head_length = rest > 1 ? label_length(pipeline, rest - 1) : 0;
    char *name = arena_printf(arena, "%.*s%s%.*s%s%s", head_length, pipeline, head_length > 0 ? "-" : "", task_length,
                              task, tail, suffix);
    for (char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot, '.'))
        *dot = '-'; /* the name becomes a host name: one label */
    return name;
}

const char *names_pod(const char *pipeline, const char *run_uid, const char *task, int64_t attempt,
                      struct arena *arena) {
    uint64_t hash = hash_text(hash_text(hash_text(HASH_INIT, run_uid), pipeline), task);
    return pod_name(pipeline, task, arena_printf(arena, "-%" PRId64 "-", attempt),
                    hash_add(hash, &attempt, sizeof attempt), arena);
}

const char *names_cleaner(const char *pipeline, const char *run_uid, const char *task, int64_t attempt, int64_t turn,
                          struct arena *arena) {
    uint64_t hash = hash_text(hash_text(hash_text(HASH_INIT, run_uid), task), "cleaner");
    hash = hash_add(hash_add(hash, &attempt, sizeof attempt), &turn, sizeof turn);
    return pod_name(pipeline, task, arena_printf(arena, "-%" PRId64 "-clean-", attempt), hash, arena);
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
