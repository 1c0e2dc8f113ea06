#pragma once

/* uthash with our hash function: its own is a macro of many lines that falls through switch labels. */

#include "base/hash.h"

#define HASH_FUNCTION(key, length, result)                      \
    do {                                                        \
        uint64_t whole_ = hash_add(HASH_INIT, (key), (length)); \
        (result) = (unsigned)(whole_ ^ (whole_ >> 32));         \
    } while (0)

#include <uthash.h>
