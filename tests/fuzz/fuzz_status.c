/* A status as anybody with the right to write one may leave it. It is read as what it can mean, and written in the form
 * that is read as the same again. */

#include <string.h>

#include "pipeline/status.h"
#include "support_fuzz.h"

static const char *rewrite(yyjson_val *value, struct arena *arena, size_t *ret_length) {
    struct run_status status = {0};
    status_decode(value, &status, arena);
    const char *text = json_write(status_encode(&status, status.task_count, 0, json_new(arena)), arena, ret_length);
    CHECK(*ret_length <= STATUS_MAX);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_JSON *doc = NULL, *written = NULL;
    struct error err = {0};
    size_t length = 0, again_length = 0;
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    const char *text = rewrite(yyjson_doc_get_root(doc), &arena, &length);
    CHECK(json_parse(text, length, &written, &err) == 0);
    const char *again = rewrite(yyjson_doc_get_root(written), &arena, &again_length);
    CHECK(again_length == length && memcmp(again, text, length) == 0);
    return 0;
}
