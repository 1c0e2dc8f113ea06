#pragma once

/* References in texts: $(params.date), $(pipeline.name), $(task.name). */

#include "base/problems.h"
#include "pipeline/model.h"
#include "pipeline/pod_fields.h"

/* What a text means depends on who reads it next.
 *
 * Anywhere, a reference of weir's is replaced by its value, and $$(params.x) is the text $(params.x). Nothing else
 * changes, $(VAR) and $$ included.
 *
 * Where the kubelet expands the text, $(VAR) is a variable of the container and $$( the text $(, as in any pod. All
 * else is to arrive as it is written, and values as they are, so that every other $ is doubled here: the kubelet takes
 * one away. What is put together of such texts may be expanded as a whole. */

struct references {
    struct pairs values;  /* "params.date" -> "2026-11-19": everything that may be referred to */
    struct strings later; /* names that will be known further down, for the message */
    size_t room;          /* bytes that values may still add to the whole */
    bool overflow;        /* set when there was not enough of it: from then on values are left out */
};

struct substitution {
    struct references *scope;
    yyjson_mut_doc *doc;
    struct arena *arena;
    struct problems *problems; /* NULL: what there is to say was said before */
};

/* Who reads the texts of a value. All zero: nobody who expands. */
struct text_reader {
    const struct pod_type *type;     /* Kubernetes' own object, which says where the kubelet expands */
    const struct kind_tables *kinds; /* a task: some of its members are blocks */
    const struct table *block;       /* of a kind: its texts become the container's command, but for FIELD_UNEXPANDED */
    bool expands;
};

/* The value with every reference in its texts (not in its member names) replaced, built in the substitution's document;
 * texts that stay are not copied. A reference into a known name space that is not in scope is a problem at its place,
 * with the nearest name. Values are never quoted in a problem. */
yyjson_mut_val *substitute_value(const struct substitution *substitution, yyjson_val *value, struct text_reader reader,
                                 const struct place *place);
