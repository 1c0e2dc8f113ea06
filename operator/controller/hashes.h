#pragma once

/* A set of 64-bit hashes that holds the last few thousand: for what is worth knowing and can be asked for again. Two
 * things of one hash cost one question that is not asked. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HASHES_MAX = 4096 };

struct hashes {
    struct hash_entry *oldest; /* private */
};

bool hashes_have(const struct hashes *hashes, uint64_t hash);
void hashes_add(struct hashes *hashes, uint64_t hash);
void hashes_clear(struct hashes *hashes);
