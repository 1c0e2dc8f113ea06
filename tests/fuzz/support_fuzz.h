#pragma once

/* What the fuzz targets share. A target is one LLVMFuzzerTestOneInput(): it takes any bytes, returns 0, keeps nothing
 * between two calls, and says by CHECK() what must hold whatever the input; the sanitizers see the rest. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(promise)                                                            \
    do {                                                                          \
        if (!(promise)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise); \
            abort();                                                              \
        }                                                                         \
    } while (0)
