#pragma once

/* Questions to the API server that are not answered yet, by a hash, and the keys that wait for one that another asked.
 */

#include <stdbool.h>
#include <stdint.h>

struct asking {
    struct question *first; /* private */
};

void asking_begin(struct asking *asking, uint64_t hash); /* no-op when it is there */
bool asking_has(const struct asking *asking, uint64_t hash);
/* The key is woken when that one ends. No-op when it is none, or when the key waits for it already. */
void asking_wait(struct asking *asking, uint64_t hash, const char *key);
void asking_end(struct asking *asking, uint64_t hash, void (*wake)(const char *key, void *arg), void *arg);
void asking_clear(struct asking *asking); /* wakes nobody */
