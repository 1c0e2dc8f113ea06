#pragma once

/* Decoded specs, kept by (UID, generation) with their order, so that a pass does not decode what has not changed. The
 * memory of all is bounded: the one used longest ago goes first, and is decoded again when it is wanted. */

#include "pipeline/model.h"

struct spec {
    int64_t generation;
    const struct pipeline *pipeline; /* NULL: it could not be decoded */
    struct problems problems, warnings;
    const size_t *order; /* graph_order(); NULL with problems */
    bool refused;        /* was usable until the API server did not take a pod of it */
    size_t bytes;        /* of the spec as JSON */
    struct arena arena;  /* private, as what follows */
    size_t room;         /* of the arena, when it was decoded */
    bool kept;           /* somebody's last valid one: it cannot be decoded again */
    struct spec **holder;
    struct spec *prev, *next;
};

struct specs {
    struct spec *oldest;
    size_t bytes;
};

/* The spec of this object (spec and metadata), put into *slot when it is not there in this generation. */
struct spec *specs_get(struct specs *specs, struct spec **slot, yyjson_val *object, int64_t generation);
void spec_refuse(struct spec *spec, const char *text);    /* a problem that a request told of; once */
bool spec_usable(const struct spec *spec);                /* has no problems; takes NULL */
bool spec_sound(const struct spec *spec);                 /* the same, or is only refused */
void specs_move(struct spec **from, struct spec **to);    /* what was in *to must have been dropped */
void specs_drop(struct specs *specs, struct spec **slot); /* takes an empty slot */
void specs_trim(struct specs *specs);                     /* makes room; never drops the one got last */
