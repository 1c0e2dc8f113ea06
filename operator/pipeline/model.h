#pragma once

/* What a pipeline is, after decoding: defaults merged, params put in, every text checked. Arena-owned and immutable. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/table.h"
#include "base/text.h"

/* X(value, name): the whole list of kinds. Each is one file in executor/, which defines executor_<name>. */
#define TASK_KINDS(X)                    \
    X(SPARK_SUBMIT, sparkSubmit)         \
    X(HADOOP_JAR, hadoopJar)             \
    X(HADOOP_STREAMING, hadoopStreaming) \
    X(COMMAND, command)

enum task_kind {
#define X(value, name) KIND_##value,
    TASK_KINDS(X)
#undef X
        KIND_COUNT
};

enum failure_policy { FAIL_FAST, FAIL_CONTINUE };
enum pod_retention { RETAIN_ALWAYS, RETAIN_ON_FAILURE, RETAIN_NEVER };
enum on_failure { ON_FAILURE_FAIL, ON_FAILURE_IGNORE };
enum on_lost_launcher { LOST_ADOPT, LOST_KILL, LOST_ABSENT = -1 };

struct retry_backoff {
    int64_t initial_ms; /* 10 s */
    double factor;      /* 2 */
    int64_t max_ms;     /* 10 min */
};

struct retry {
    int64_t limit;                 /* more attempts after a failure of the task's own (0) */
    int64_t infra_limit;           /* more attempts after a loss by the infrastructure (5) */
    struct retry_backoff *backoff; /* never NULL after decoding */
    struct strings on;             /* `onlyOn` ("on" is a truth in YAML 1.1): exit codes ("3") or reasons; empty: any */
};

struct kerberos {
    const char *secret_name;
};

struct task {
    const char *name;
    struct strings depends_on;
    const char *depends; /* not evaluated yet: refused by validation */
    enum task_kind kind;
    void *block; /* struct of executor/<kind>; decoded by that kind's table */

    const char *image;
    const char *image_pull_policy;
    const char *service_account_name;
    yyjson_val *image_pull_secrets, *env, *env_from, *resources, *volumes, *volume_mounts;
    yyjson_val *node_selector, *tolerations, *affinity, *pod;

    struct retry *retry;       /* never NULL after decoding */
    int64_t timeout_ms;        /* of one attempt, from its start; 0: none */
    int64_t start_timeout_ms;  /* pending only; 0: none */
    int on_failure;            /* enum on_failure */
    int on_lost_launcher;      /* enum on_lost_launcher, never LOST_ABSENT after decoding */
    struct kerberos *kerberos; /* NULL: none */

    /* 16 characters, made of what runs: all that the task says after defaults and params, but for its name,
     * dependencies, retry, time limits, onFailure and onLostLauncher. The same in every version, and for members in any
     * order. */
    const char *hash;
    /* A part of it or of the defaults was refused and left out: what seems to be missing may be there. */
    bool unsound;

    size_t *upstream; /* indexes into the pipeline's tasks */
    size_t upstream_count;
};

struct pipeline {
    bool suspend;
    struct task *tasks;
    size_t task_count;
    int failure_policy;                 /* enum failure_policy */
    int64_t parallelism;                /* 0: no limit */
    int64_t timeout_ms;                 /* 0: none */
    int64_t ttl_seconds_after_finished; /* -1: keep */
    int pod_retention;                  /* enum pod_retention */
    int on_lost_launcher;               /* enum on_lost_launcher: of tasks that do not say */
};

/* The kinds, as executor/ knows them, handed down so that pipeline/ need not look up: by enum task_kind. */
struct kind_tables {
    const char *names[KIND_COUNT];
    const char *docs[KIND_COUNT]; /* the description of each block */
    const struct table *tables[KIND_COUNT];
    /* The executor's rules for the Kubernetes fields of a task, or of spec.defaults, as they are written; may be NULL.
     */
    void (*check_fields)(yyjson_mut_val *fields, const struct place *place, struct problems *problems);
};

/* A Pipeline object's `spec` (and name, for $(pipeline.name)) -> model. All problems are added, none stops the others;
 * with any problem the result must not be run. The document must outlive the arena's content. */
struct pipeline *pipeline_decode(yyjson_val *object, const struct kind_tables *kinds, struct arena *arena,
                                 struct problems *problems);
