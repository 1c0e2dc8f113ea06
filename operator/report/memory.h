#pragma once

/* What the API server said of tokens, remembered by their SHA-256, never the tokens: who holds a good one, one a pod,
 * and for a short while which were refused. Bounded: the oldest goes. Times are boot ms. */

#include <stdbool.h>
#include <stdint.h>

#include "report/identity.h"

enum {
    MEMORY_HASH_BYTES = 32,
    MEMORY_AGE_MS = 10 * 60 * 1000,
    MEMORY_MAX = 16 * 1024,
    MEMORY_REFUSED_AGE_MS = 10 * 1000,
    MEMORY_REFUSED_MAX = 1024,
};

struct memory {
    struct known *by_token, *by_pod; /* two indexes of the same entries; the first in the order of their coming */
    struct refusal *refused;         /* in the order of their coming */
};

/* Who it is, or NULL; valid until anything is kept or forgotten. */
const struct identity *memory_find(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now);
bool memory_refused(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now);

/* Copies the identity; what was known of its pod goes. No-ops when memory ends. */
void memory_keep(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now,
                 const struct identity *identity);
void memory_refuse(struct memory *memory, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now);

void memory_forget(struct memory *memory, const char *pod_uid); /* no-op when not known */
void memory_fini(struct memory *memory);

struct identity identity_copy(const struct identity *identity, struct arena *arena);
