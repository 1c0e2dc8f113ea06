#pragma once

/* A Pipeline written as YAML, decoded with kinds that hold nothing but words: the real kinds are executor/'s. */

#include "pipeline/model.h"

struct decoded {
    struct arena arena;
    yyjson_doc *doc;
    struct problems problems;
    struct pipeline *pipeline;
};

struct words { /* the block of every kind here: {words: [...], note: ...} */
    struct strings words;
    const char *note;
};

void decoded_init(struct decoded *decoded, const char *object_yaml); /* fatal when it is no YAML */
void decoded_fini(struct decoded *decoded);

/* The same for JSON as the API server sends it, whose depth nobody has bounded. */
void decoded_json(struct decoded *decoded, const char *object_json, size_t length);
/* Decodes a Pipeline named "demo" with this `spec` (YAML, indented by two blanks). */
void decoded_spec(struct decoded *decoded, const char *spec_yaml);

/* Exactly these problems, in this order; NULL ends. Prints both on a difference. */
void expect_problems(const char *spec_yaml, const char *const *wanted);
#define EXPECT_PROBLEMS(yaml, ...) expect_problems((yaml), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
