#pragma once

/* Between pod.c and its parts, pod_*.c: nobody else includes this. */

#include "executor/executor.h"

struct pod_build {
    const struct run *run;
    const struct task *task;
    int64_t attempt;
    const struct task_status *known; /* NULL: nothing */
    struct remote remote;
    const struct launch_config *config;
    yyjson_mut_doc *doc;
    struct arena *arena;
};

/* Set or replace a member; no-ops for NULL and "". Texts are copied. */
void pod_put(const struct pod_build *build, yyjson_mut_val *object, const char *name, yyjson_mut_val *value);
void pod_put_text(const struct pod_build *build, yyjson_mut_val *object, const char *name, const char *text);
void pod_put_bool(const struct pod_build *build, yyjson_mut_val *object, const char *name, bool value);
void pod_put_int(const struct pod_build *build, yyjson_mut_val *object, const char *name, int64_t value);
void pod_put_copy(const struct pod_build *build, yyjson_mut_val *object, const char *name, yyjson_val *value);
/* The member of that name, made when it is not there or of another type. */
yyjson_mut_val *pod_object(const struct pod_build *build, yyjson_mut_val *parent, const char *name);
yyjson_mut_val *pod_list(const struct pod_build *build, yyjson_mut_val *parent, const char *name);
void pod_append(const struct pod_build *build, yyjson_mut_val *list, const char *text);

/* What any container of weir's making may not do. */
void pod_add_security(const struct pod_build *build, yyjson_mut_val *container);

/* The launcher's command in `container`, which has `grace` seconds to end when it is told to. */
void pod_add_command(const struct pod_build *build, yyjson_mut_val *spec, yyjson_mut_val *container, int64_t grace);

/* Puts what weir cannot do without on top of a pod whose container for the task is `container`. */
void pod_pin(const struct pod_build *build, yyjson_mut_val *pod, yyjson_mut_val *container);
