/* See hashes.h: a hash table that keeps the order of addition. */

#include "controller/hashes.h"

#include <stdlib.h>

#include "base/hash_table.h"

struct hash_entry {
    UT_hash_handle hh;
    uint64_t hash;
};

static struct hash_entry *find(const struct hashes *hashes, uint64_t hash) {
    struct hash_entry *entry = NULL;
    HASH_FIND(hh, hashes->oldest, &hash, sizeof hash, entry);
    return entry;
}

static void drop(struct hashes *hashes, struct hash_entry *entry) {
    HASH_DEL(hashes->oldest, entry);
    free(entry);
}

bool hashes_have(const struct hashes *hashes, uint64_t hash) {
    return find(hashes, hash) != NULL;
}

void hashes_add(struct hashes *hashes, uint64_t hash) {
    if (find(hashes, hash) != NULL)
        return;
    struct hash_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        abort();
    entry->hash = hash;
    HASH_ADD(hh, hashes->oldest, hash, sizeof entry->hash, entry);
    if (HASH_COUNT(hashes->oldest) > HASHES_MAX)
        drop(hashes, hashes->oldest);
}

void hashes_clear(struct hashes *hashes) {
    while (hashes->oldest != NULL)
        drop(hashes, hashes->oldest);
}
