#pragma once

/* A Pipeline written as YAML, decoded and validated with the real kinds. */

#include "executor/executor.h"

struct manifest {
    struct arena arena;
    yyjson_doc *doc;
    struct problems problems, warnings;
    struct pipeline *pipeline;
    struct run run; /* name, namespace and uid of the object */
};

void manifest_init(struct manifest *manifest, const char *yaml, size_t length); /* fatal when it is no YAML */
void manifest_fini(struct manifest *manifest);

/* The one task `- name: t` with these lines (YAML, indented by four blanks), of a Pipeline demo in lab with UID 0a1b.
 */
void manifest_task(struct manifest *manifest, const char *task_yaml);

/* Its command line, words joined by a blank; the tag is TAG. */
const char *manifest_command(struct manifest *manifest, size_t task);

/* The pod of its first task's first attempt. */
yyjson_mut_val *manifest_pod(struct manifest *manifest);

/* Exactly these problems of such a task. */
void expect_task_problems(const char *task_yaml, const char *const *wanted);
#define EXPECT_TASK_PROBLEMS(yaml, ...) \
    expect_task_problems((yaml), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

extern const struct launch_config test_config;
