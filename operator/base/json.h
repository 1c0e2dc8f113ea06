#pragma once

/* JSON by yyjson: this is the only place that includes it. Parsed documents are immutable; what is built is mutable and
 * lives in an arena. Texts returned point into the document. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yyjson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

enum { JSON_DEPTH_MAX = 64 }; /* deeper documents are refused */

/* Parses one document (strict JSON). Free with json_free(). ERROR_INVALID with position otherwise. */
int json_parse(const char *text, size_t length, yyjson_doc **ret_doc, struct error *err);
void json_free(yyjson_doc **doc); /* takes NULL; sets NULL: fits the cleanup attribute */
#define AUTO_JSON __attribute__((cleanup(json_free))) yyjson_doc
/* Too deep to be walked by recursion: for documents that json_parse() has not read, as those of the API server, where
 * one deep object must not make a whole list unreadable. */
bool json_too_deep(yyjson_val *value);

/* Walks object members by name: json_at(pod, "metadata", "name", NULL). NULL when anything is missing. */
yyjson_val *json_at(yyjson_val *value, ...) __attribute__((sentinel));
/* Member of an object as text / integer / truth; the fallback when missing or of another type. */
const char *json_text(yyjson_val *object, const char *name, const char *fallback);
int64_t json_int(yyjson_val *object, const char *name, int64_t fallback);
bool json_bool(yyjson_val *object, const char *name, bool fallback);
/* Member as a time (clock_parse()), wall ms; 0 when missing or none. */
int64_t json_time(yyjson_val *object, const char *name);
/* Whether the member is a list that has this text. */
bool json_lists(yyjson_val *object, const char *name, const char *text);
/* Member as text from outside: cleaned and cut to `max` bytes as text_clean() does; "" when missing. */
const char *json_clean(yyjson_val *object, const char *name, size_t max, struct arena *arena);

/* A mutable document in the arena (nothing to free). Strings are NOT copied unless the yyjson call says "cpy". */
yyjson_mut_doc *json_new(struct arena *arena);
yyjson_val *json_copy(yyjson_mut_val *value, struct arena *arena); /* to read only; compact */
/* Serialised into the arena, compact, terminated; length in ret_length when not NULL. */
const char *json_write(yyjson_mut_val *value, struct arena *arena, size_t *ret_length);
const char *json_write_value(yyjson_val *value, struct arena *arena, size_t *ret_length);
/* Same value: members in any order, numbers by value. */
bool json_same(yyjson_mut_val *a, yyjson_mut_val *b);
/* The same for the same value, in the sense of json_same(), on every machine and in every version. */
uint64_t json_hash(yyjson_mut_val *value);

/* Text as a quoted JSON string; bytes that are not UTF-8 become U+FFFD. */
void json_quote(struct strbuf *out, const char *text, size_t length);
