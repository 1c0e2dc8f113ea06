/* See graves.h. Hashes stand for the UIDs: two of 64 bits that are equal would cost one late answer. */

#include "kube/graves.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "kube/version.h"

enum { GRAVES_MAX = 8192 };

struct grave {
    UT_hash_handle hh; /* keeps the order of addition */
    uint64_t uid;
    char version[]; /* "": gone for good */
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

static struct grave *grave_new(uint64_t uid, const char *version) {
    size_t size = strlen(version) + 1;
    struct grave *grave = calloc(1, sizeof *grave + size);
    if (grave == NULL)
        abort();
    grave->uid = uid;
    memcpy(grave->version, version, size);
    return grave;
}

/* What two burials of one UID come to. */
static const char *last_of(const char *before, const char *version) {
    switch (version_compare(version, before)) {
    case VERSION_NEWER: return version;
    case VERSION_SAME:
    case VERSION_OLDER: return before;
    case VERSION_UNKNOWN:
    default: return "";
    }
}

void graves_add(struct graves *graves, const char *uid, const char *version) {
    if (uid[0] == '\0')
        return;
    uint64_t hash = hash_text(HASH_INIT, uid);
    struct grave *before = find(graves, hash);
    const char *last = before != NULL ? last_of(before->version, version) : version != NULL ? version : "";
    struct grave *grave = grave_new(hash, last);
    if (before != NULL)
        drop(graves, before);
    HASH_ADD(hh, graves->oldest, uid, sizeof grave->uid, grave);
    if (HASH_COUNT(graves->oldest) > GRAVES_MAX)
        drop(graves, graves->oldest);
}

bool graves_admit(const struct graves *graves, const char *uid, const char *version) {
    const struct grave *grave = find(graves, hash_text(HASH_INIT, uid));
    return grave == NULL || version_compare(version, grave->version) == VERSION_NEWER;
}

bool graves_contradict(const struct graves *graves, const char *uid, const char *version, const char *list) {
    const struct grave *grave = find(graves, hash_text(HASH_INIT, uid));
    return grave != NULL && version_went_back(version, grave->version, list);
}

void graves_clear(struct graves *graves) {
    while (graves->oldest != NULL)
        drop(graves, graves->oldest);
}
