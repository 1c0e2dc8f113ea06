#pragma once

/* References in texts: $(params.date), $(pipeline.name), $(task.name). */

#include "base/problems.h"

struct references {
    struct pairs values; /* "params.date" -> "2026-11-19": everything that may be referred to */
    size_t room;         /* bytes that values may still add to the whole */
    bool overflow;       /* set when there was not enough of it: from then on texts stay as they are */
};

/* The value with every reference in its texts (not in its member names) replaced, built in `doc`; texts without one are
 * not copied. A reference into a known name space that is not in scope is a problem at its place, with the nearest
 * name;
 * $(VAR) without a dot is Kubernetes' own and stays, and $$(params.x) gives $(params.x). Values are never quoted in a
 * problem. `problems` may be NULL: then they were reported before. */
yyjson_mut_val *substitute_value(struct references *scope, yyjson_val *value, const struct place *place,
                                 yyjson_mut_doc *doc, struct arena *arena, struct problems *problems);

/* Length of the reference that begins at `text` ("$(a.b)" or "$$(a.b)", words joined by dots), or 0. */
size_t substitute_reference_length(const char *text);
