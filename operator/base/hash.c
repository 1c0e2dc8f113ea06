/* See hash.h, and http://www.isthe.com/chongo/tech/comp/fnv/. Pure; the same on every machine: names are made of it. */

#include "base/hash.h"

#include <string.h>

uint64_t hash_add(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3ULL;
    return hash;
}

uint64_t hash_text(uint64_t hash, const char *text) {
    return hash_add(hash, text, strlen(text) + 1);
}

void hash_name(uint64_t hash, char *text, size_t length) {
    static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
    const size_t letters = sizeof alphabet - 1;
    const size_t in_64_bits = 13;
    uint64_t rest = hash;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && i % in_64_bits == 0)
            rest = hash = hash_text(hash, "more");
        text[i] = alphabet[rest % letters];
        rest /= letters;
    }
    text[length] = '\0';
}
