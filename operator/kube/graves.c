/* See graves.h. Hashes stand for the UIDs: two of 64 bits that are equal would cost one late answer. */

#include "kube/graves.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/hash_table.h"

enum { GRAVES_MAX = 8192 };

struct grave {
    UT_hash_handle hh; /* keeps the order of addition */
    uint64_t uid;
};

static struct grave *find(const struct graves *graves, uint64_t uid) {
    struct grave *grave = NULL;
    HASH_FIND(hh, graves->oldest, &uid, sizeof uid, grave);
    return grave;
}

static void drop(struct graves *graves, struct grave *grave) {
    HASH_DEL(graves->oldest, grave);
    free(grave);
}

void graves_add(struct graves *graves, const char *uid) {
    uint64_t hash = hash_text(HASH_INIT, uid);
    if (uid[0] == '\0' || find(graves, hash) != NULL)
        return;
    struct grave *grave = calloc(1, sizeof *grave);
    if (grave == NULL)
        abort();
    grave->uid = hash;
    HASH_ADD(hh, graves->oldest, uid, sizeof grave->uid, grave);
    if (HASH_COUNT(graves->oldest) > GRAVES_MAX)
        drop(graves, graves->oldest);
}

bool graves_have(const struct graves *graves, const char *uid) {
    return find(graves, hash_text(HASH_INIT, uid)) != NULL;
}

void graves_clear(struct graves *graves) {
    while (graves->oldest != NULL)
        drop(graves, graves->oldest);
}
