#pragma once

/* A stream as it comes from a socket, cut where the input says: its first PIECES_CUTS bytes are the lengths of pieces,
 * in turn, the rest is the stream. So a mutation moves a cut as easily as it changes a byte. */

#include <stddef.h>
#include <stdint.h>

enum { PIECES_CUTS = 4 };

struct pieces {
    uint8_t cuts[PIECES_CUTS];
    size_t turn;
    const char *bytes; /* what is left; within the input */
    size_t length;
    char *piece; /* owned */
};

void pieces_init(struct pieces *pieces, const uint8_t *data, size_t size);
void pieces_fini(struct pieces *pieces);
/* The next piece, in a block of exactly its size that lives until the next call: reading past a piece is reading past
 * a block. May be empty. NULL at the end. */
const char *pieces_next(struct pieces *pieces, size_t *ret_length);
/* The next bytes up to a newline, which is taken and not part of them; no piece. NULL at the end. */
const char *pieces_line(struct pieces *pieces, size_t *ret_length);
