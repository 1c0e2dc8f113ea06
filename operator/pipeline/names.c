/* Names that are a function of what they name. Pure. */

#include "pipeline/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

enum { POD_NAME_MAX = 63, HASH_LENGTH = 5 };

const char *pod_name(const char *pipeline, const char *run_uid, const char *task, int64_t attempt,
                     struct arena *arena) {
    uint64_t hash = hash_text(hash_text(hash_text(HASH_INIT, run_uid), pipeline), task);
    char suffix[HASH_LENGTH + 1];
    hash_name(hash_add(hash, &attempt, sizeof attempt), suffix, HASH_LENGTH);
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

const char *action_type_name(enum action_type type) {
    static const char *const names[] = {
        [ACTION_ADD_FINALIZER] = "add finalizer",
        [ACTION_CREATE_POD] = "create pod",
        [ACTION_DELETE_POD] = "delete pod",
        [ACTION_RELEASE_POD] = "release pod",
        [ACTION_VERIFY_POD] = "verify pod",
        [ACTION_WRITE_STATUS] = "write status",
        [ACTION_EVENT] = "event",
        [ACTION_WAKE] = "wake",
        [ACTION_DROP_FINALIZER] = "drop finalizer",
        [ACTION_DELETE_PIPELINE] = "delete pipeline",
    };
    return names[type];
}
