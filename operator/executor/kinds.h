#pragma once

/* The kinds of tasks: from the one list TASK_KINDS. Nobody outside of executor/ includes this. */

#include "executor/executor.h"

#define X(value, name) extern const struct executor executor_##name;
TASK_KINDS(X)
#undef X

/* `a,b` as one argument; no-op when the list is empty. */
void argv_add_joined(struct argv *argv, const char *option, const struct strings *list);
void argv_add_each(struct argv *argv, const char *option, const struct strings *list);
/* `option name=value` for each pair. With a tag, the value of the pair `tag_name` gets it at its end, after a comma;
 * the pair is added when there is none. */
void argv_add_pairs(struct argv *argv, const char *option, const struct pairs *pairs, const char *tag_name,
                    const char *tag);
void argv_add_all(struct argv *argv, const struct strings *list);
void argv_add_flag(struct argv *argv, const char *option, bool set);
void argv_add_int(struct argv *argv, const char *option, int64_t value); /* no-op when negative: absent */

/* Names that would be read as an option, or as something else than a name, are problems. */
void check_pair_names(const struct pairs *pairs, const struct place *block, const char *field,
                      struct problems *problems);

/* The container `main` as the task's overlay has it; NULL. */
yyjson_val *task_overlay_main(const struct task *task);

/* Warns of a value of `env` that refers to an entry further down. */
void env_warn_order(const struct task *task, const struct place *place, struct problems *warnings);

/* Warns when a driver with that memory, as Spark writes it, does not fit into the task's container. NULL: no-op. */
void spark_warn_memory(const struct task *task, const char *memory, const struct place *place,
                       struct problems *warnings);

const char *pairs_find(const struct pairs *pairs, const char *name); /* NULL */
