/* See launcher_option.h. Relies on options being written as two words, as pod_pin.c does. Pure. */

#include "executor/launcher_option.h"

#include "base/text.h"

enum { FIRST = 2 }; /* after the program and its verb */

const char *launcher_option(yyjson_val *command, const char *name, size_t *at) {
    size_t count = yyjson_arr_size(command);
    for (size_t i = *at > FIRST ? *at : FIRST; i + 1 < count; i++) {
        const char *word = yyjson_get_str(yyjson_arr_get(command, i));
        if (text_equal(word, "--"))
            return NULL;
        if (!text_equal(word, name))
            continue;
        *at = i + 2;
        return yyjson_get_str(yyjson_arr_get(command, i + 1));
    }
    return NULL;
}
