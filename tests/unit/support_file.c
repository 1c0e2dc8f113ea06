/* Reads fixtures: real output of Hadoop 3.4.2 and Spark 4.1.4, and real answers of their REST interfaces. */

#include "support_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

char *support_read(const char *path, size_t *ret_length) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no file %s", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    text[size] = '\0';
    if (ret_length)
        *ret_length = (size_t)size;
    return text;
}

char *support_fixture(const char *name, size_t *ret_length) {
    char path[512];
    snprintf(path, sizeof path, SOURCE_DIR "/tests/unit/fixtures/%s", name);
    return support_read(path, ret_length);
}
