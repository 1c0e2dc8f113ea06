/* A token as anybody may send it: the bytes as they are, and as the payload of one that is well made. What is taken is
 * for our audience and names a pod; base64 comes back as it went. */

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "report/token.h"
#include "support_fuzz.h"

static void read_token(const char *token) {
    AUTO_ARENA arena = ARENA_INIT;
    struct token_claims claims = {0};
    struct error err = {0};
    if (token_read(token, "weir-report", 1763640000000, &arena, &claims, &err) == 0) {
        CHECK(claims.namespace[0] != '\0' && claims.pod_name[0] != '\0' && claims.pod_uid[0] != '\0');
        return;
    }
    CHECK(err.code == ERROR_FORBIDDEN && err.text[0] != '\0');
    CHECK(claims.pod_uid == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = ARENA_INIT;
    size_t length = 0;
    read_token(arena_strndup(&arena, (const char *)data, size));
    free(base64_decode((const char *)data, size, NULL));
    char *packed = base64_encode((const char *)data, size);
    char *bytes = base64_decode(packed, strlen(packed), &length);
    CHECK(bytes != NULL && length == size && memcmp(bytes, data, size) == 0);
    read_token(arena_printf(&arena, "eyJhbGciOiJSUzI1NiJ9.%s.signature", packed));
    free(bytes);
    free(packed);
    return 0;
}
