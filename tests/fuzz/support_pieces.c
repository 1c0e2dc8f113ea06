/* See support_pieces.h. */

#include "support_pieces.h"

#include <stdlib.h>
#include <string.h>

void pieces_init(struct pieces *pieces, const uint8_t *data, size_t size) {
    size_t cuts = size < PIECES_CUTS ? size : PIECES_CUTS;
    *pieces = (struct pieces){.bytes = (const char *)data + cuts, .length = size - cuts};
    if (cuts > 0)
        memcpy(pieces->cuts, data, cuts);
}

void pieces_fini(struct pieces *pieces) {
    free(pieces->piece);
    pieces->piece = NULL;
}

static const char *take(struct pieces *pieces, size_t length, size_t used) {
    pieces_fini(pieces);
    pieces->piece = malloc(length);
    memcpy(pieces->piece, pieces->bytes, length);
    pieces->bytes += used;
    pieces->length -= used;
    return pieces->piece;
}

const char *pieces_next(struct pieces *pieces, size_t *ret_length) {
    if (pieces->length == 0)
        return NULL;
    size_t cut = pieces->cuts[pieces->turn++ % PIECES_CUTS];
    *ret_length = cut < pieces->length ? cut : pieces->length;
    if (pieces->turn > pieces->length * 2 + PIECES_CUTS) /* nothing but empty pieces */
        *ret_length = pieces->length;
    return take(pieces, *ret_length, *ret_length);
}

const char *pieces_line(struct pieces *pieces, size_t *ret_length) {
    if (pieces->length == 0)
        return NULL;
    const char *end = memchr(pieces->bytes, '\n', pieces->length);
    *ret_length = end == NULL ? pieces->length : (size_t)(end - pieces->bytes);
    return take(pieces, *ret_length, *ret_length + (end != NULL));
}
