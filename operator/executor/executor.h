#pragma once

/* How one task kind becomes a launcher pod, and how that pod is read back. Pure: the controller does the I/O. */

#include "base/json.h"
#include "base/strbuf.h"
#include "executor/facts.h"
#include "pipeline/model.h"
#include "pipeline/names.h"
#include "plan/plan.h"
#include "record/record.h"

struct argv {
    const char **items;
    size_t count;
    struct arena *arena;
};
void argv_add(struct argv *argv, const char *text);
void argv_add_option(struct argv *argv, const char *option, const char *value); /* no-op when value is NULL or "" */

/* What runs of a task elsewhere than in its pod: what the launcher asks, and what may be left behind. */
struct remote {
    const char *manager;     /* the cluster manager to ask, "yarn"; NULL: it has no remote side */
    bool verdict;            /* the cluster manager knows how the task ended, its exit code does not */
    bool tagged_conf;        /* no option can carry the tag: a copy of Hadoop's configuration does */
    const char *hadoop_conf; /* directory of Hadoop's configuration, when the task names one; NULL: the environment's */
};

/* One way of running a task: one file and one line in TASK_KINDS. */
struct executor {
    const char *kind;          /* spec.tasks[].<kind> */
    const char *doc;           /* its description in the CRD */
    const struct table *table; /* of its block */
    /* What the schema cannot say; may be NULL. `place` is the block's. */
    void (*validate)(const struct task *task, const struct place *place, struct problems *problems,
                     struct problems *warnings);
    /* The command line of the task. `tag` names the run and task at the remote side, the same for every attempt; NULL:
     * without it. */
    void (*command)(const struct task *task, const char *tag, struct argv *argv);
    struct remote (*remote)(const struct task *task);    /* NULL: it has no remote side */
    const char *(*working_dir)(const struct task *task); /* NULL: the image's */
    const char *default_image;                           /* NULL: the task must name one */
};

const struct executor *executor_of(enum task_kind kind);
const struct kind_tables *executor_tables(void); /* for pipeline_decode() */
struct remote task_remote(const struct task *task);

/* Adds what is wrong with each task beyond its decoding: the rules of its kind. `warnings`, which may be NULL, gets
 * what is probably not meant but does not stop the run. */
void executor_validate(const struct pipeline *pipeline, struct problems *problems, struct problems *warnings);

/* The same for every task of an operator. */
struct launch_config {
    const char *launcher_image; /* holds /weir-launcher; the init container copies it */
    const char *pull_policy;    /* of that image */
    const char *report_host;    /* the name in the operator's certificate */
    const char *report_address; /* IP:port or host:port to connect to */
    const char *report_ca;      /* PEM bundle, one or more certificates */
};

/* The pod of one attempt of a task that has no problems: its fields, its overlay merged into them, and what weir needs
 * put on top. `known`: what the status says of the task, its earlier attempts among it; NULL: nothing. ERROR_INVALID
 * when there is no container for it, since nobody validated the overlay. */
int executor_pod(const struct run *run, const struct task *task, int64_t attempt, const struct task_status *known,
                 const struct launch_config *config, yyjson_mut_doc *doc, yyjson_mut_val **ret_pod, struct error *err);

/* The same for pods that the API server's validation takes or refuses alike: a hash of the spec without the command
 * lines and the values (not the names) of environment variables. */
uint64_t executor_pod_shape(yyjson_mut_val *pod);

/* What is kept of a pod, and the newest report of its launcher or NULL, as the plan sees it; but for name and UID,
 * which are the caller's. Texts live in the arena or with the facts; reason and message are clean and as long as a
 * status keeps them. */
void executor_view(const struct pod_facts *facts, const struct record *report, int64_t now, struct arena *arena,
                   struct pod_view *ret_view);
