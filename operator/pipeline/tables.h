#pragma once

/* The decode tables of a Pipeline: from them come the decoder, the CRD schema and the messages. The kinds' own tables
 * live with their executors and are handed down, so tables that hold them are built, not static. */

#include "pipeline/model.h"

enum {
    TASKS_MAX = 1000,
    PARAMS_MAX = 100,
    PARAM_VALUE_MAX = 4096,
    TEXT_MAX = 32 * 1024, /* of one text of a spec */
};

struct param {
    const char *name;
    const char *value;
};

/* A task as it is decoded: the common fields, and a block for each kind, of which exactly one is there. */
struct task_decoded {
    struct task task;
    void *blocks[KIND_COUNT];
};

struct spec_decoded {
    struct pipeline pipeline; /* without tasks */
    struct list params;       /* struct param */
    void *defaults;           /* struct task */
    struct list tasks;        /* struct task_decoded */
};

extern const struct table retry_table;
extern const struct table backoff_table;
extern const struct table defaults_table; /* struct task: what `spec.defaults` may say */
extern const struct table status_table;   /* for the schema alone: status.c decodes by hand */

/* The whole `spec`, its tasks with one block field for each of the kinds. */
const struct table *tables_spec(const struct kind_tables *kinds, struct arena *arena);
int tables_retention(const char *text); /* enum pod_retention of spec.podRetention; the default for what it is not */
