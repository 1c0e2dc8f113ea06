#pragma once

/* Everything that weir calls something in a cluster: API group, labels, finalizers, names of pods, tags of remote jobs.
 * Names are a function of what they name: made twice, they are the same. */

#include <stdint.h>

#include "base/arena.h"

#define WEIR_GROUP       "weir.dev"
#define WEIR_API_VERSION WEIR_GROUP "/v1alpha1"

#define LABEL_MANAGED_BY "app.kubernetes.io/managed-by" /* = MANAGER */
#define MANAGER          "weir"
#define LABEL_RUN        WEIR_GROUP "/pipeline-uid" /* the run's UID */
#define LABEL_PIPELINE   WEIR_GROUP "/pipeline"     /* names_label() of its name */
#define LABEL_TASK       WEIR_GROUP "/task"
#define LABEL_ATTEMPT    WEIR_GROUP "/attempt"
#define LABEL_ROLE       WEIR_GROUP "/role" /* ROLE_… */
#define LABEL_DONE       WEIR_GROUP "/done" /* recorded and let go: nobody watches it any more */
#define LABEL_TURN       WEIR_GROUP "/turn" /* of a cleaner: the first for its attempt, the second, … */

#define ANNOTATION_SPEC_HASH WEIR_GROUP "/spec-hash" /* on pods: struct task's hash, of what runs in them */

#define ROLE_LAUNCHER "launcher" /* runs an attempt */
#define ROLE_CLEANER  "cleaner"  /* ends what an attempt left on a cluster */

#define FINALIZER_RESULT  WEIR_GROUP "/result"  /* on pods: until what came of them is recorded */
#define FINALIZER_CLEANUP WEIR_GROUP "/cleanup" /* on Pipelines, by former versions: dropped on sight */

#define TOKEN_AUDIENCE "weir-report"

/* <pipeline>-<task>-<attempt>-<hash of all three and the run>: one DNS label of at most 63 characters. Where there is
 * no room, the pipeline's part is cut first, so that one can read which task it is. */
const char *names_pod(const char *pipeline, const char *run_uid, const char *task, int64_t attempt,
                      struct arena *arena);
/* <pipeline>-<task>-<attempt>-clean-<hash>, likewise: the pod that ends what the attempt left, in its `turn`, from 1.
 * The pipeline may be the value of its label. */
const char *names_cleaner(const char *pipeline, const char *run_uid, const char *task, int64_t attempt, int64_t turn,
                          struct arena *arena);
/* A label's value of at most 63 characters; the name of a Pipeline may have 253: a longer one ends in its hash. */
const char *names_label(const char *name, struct arena *arena);
/* The task at the remote side, the same for every attempt: weir-<run uid>-<task>, lower case (YARN folds case), at most
 * 100 bytes (YARN's limit): a longer one ends in a hash of the task's name. */
const char *names_tag(const char *run_uid, const char *task, struct arena *arena);
