/* An HTTP answer as any peer may give it, read piece by piece into one growing buffer: it means the same as when it is
 * read at once. */

#include <string.h>

#include "launcher/http_response.h"
#include "support_fuzz.h"
#include "support_pieces.h"

struct answer {
    struct http_response response;
    int found;
    char *data; /* exactly as large as http_response_parse() needs */
    size_t length;
};

static void add(struct answer *answer, const char *bytes, size_t length, bool eof) {
    struct error err = {0};
    answer->data = realloc(answer->data, answer->length + length + 1);
    CHECK(answer->data != NULL);
    if (length > 0)
        memcpy(answer->data + answer->length, bytes, length);
    answer->length += length;
    answer->found = http_response_parse(answer->data, answer->length, eof, &answer->response, &err);
    CHECK(answer->found >= 0 || (err.code != ERROR_NONE && err.text[0] != '\0'));
    CHECK(answer->found != 0 || !eof);
}

static void check_response(const struct answer *answer) {
    const struct http_response *response = &answer->response;
    CHECK(response->status >= 200 && response->status <= 999);
    CHECK(response->body >= answer->data && response->body + response->length <= answer->data + answer->length);
    CHECK(response->body[response->length] == '\0');
    CHECK(memchr(response->location, '\0', sizeof response->location) != NULL);
}

static void check_same(const struct answer *a, const struct answer *b) {
    CHECK(a->found == b->found);
    if (a->found < 0)
        return;
    check_response(a);
    check_response(b);
    CHECK(a->response.status == b->response.status && strcmp(a->response.location, b->response.location) == 0);
    CHECK(a->response.length == b->response.length);
    CHECK(memcmp(a->response.body, b->response.body, a->response.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct answer in_pieces = {0}, whole = {0};
    struct pieces pieces;
    pieces_init(&pieces, data, size);
    add(&whole, pieces.bytes, pieces.length, true);
    size_t length = 0;
    for (const char *piece; in_pieces.found == 0 && (piece = pieces_next(&pieces, &length)) != NULL;)
        add(&in_pieces, piece, length, false);
    if (in_pieces.found == 0)
        add(&in_pieces, NULL, 0, true);
    pieces_fini(&pieces);
    check_same(&in_pieces, &whole);
    free(in_pieces.data);
    free(whole.data);
    return 0;
}
