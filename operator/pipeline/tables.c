/* See tables.h. Data, and the few lines that put the kinds' tables in. The `doc` texts are what `kubectl explain` says.
 */

#include "pipeline/tables.h"

#include <string.h>

#define SECOND       INT64_C(1000)
#define KERBEROS_DIR "/var/run/secrets/weir.dev/kerberos"
#define DAY          (24 * 3600 * SECOND)

static const char *const pull_policies[] = {"Always", "IfNotPresent", "Never", NULL};
static const char *const failure_policies[] = {[FAIL_FAST] = "FailFast", [FAIL_CONTINUE] = "Continue", NULL};
static const char *const retentions[] = {
    [RETAIN_ALWAYS] = "Always", [RETAIN_ON_FAILURE] = "OnFailure", [RETAIN_NEVER] = "Never", NULL};
static const char *const lost_launchers[] = {[LOST_ADOPT] = "Adopt", [LOST_KILL] = "Kill", NULL};
static const char *const on_failures[] = {[ON_FAILURE_FAIL] = "Fail", [ON_FAILURE_IGNORE] = "Ignore", NULL};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TABLE(type, of, from) \
    { .size = sizeof(type), .fields = (of) + (from), .field_count = COUNT(of) - (from) }

static int check_pull_policy(const char *text, struct error *err) {
    for (size_t i = 0; pull_policies[i] != NULL; i++)
        if (strcmp(text, pull_policies[i]) == 0)
            return 0;
    return error_set(err, ERROR_INVALID, "must be Always, IfNotPresent or Never");
}

static int check_param_name(const char *text, struct error *err) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";
    if (strspn(text, letters) == 0 || text[strspn(text, others)] != '\0')
        return error_set(err, ERROR_INVALID, "must be letters, digits, '-' and '_', and begin with a letter or '_'");
    return 0;
}

static const struct field backoff_fields[] = {
    {"initial", "Wait before the second attempt (default 10s).", FIELD_DURATION,
     offsetof(struct retry_backoff, initial_ms), .flags = FIELD_NULLABLE, .max = DAY, .absent = 10 * SECOND},
    {"factor", "Each further wait is this many times the one before, 1 to 10 (default 2).", FIELD_NUMBER,
     offsetof(struct retry_backoff, factor), .flags = FIELD_NULLABLE, .min = 1, .max = 10},
    {"max", "No wait is longer than this (default 10m).", FIELD_DURATION, offsetof(struct retry_backoff, max_ms),
     .flags = FIELD_NULLABLE, .max = 7 * DAY, .absent = 600 * SECOND},
};
const struct table backoff_table = TABLE(struct retry_backoff, backoff_fields, 0);

static const struct field retry_fields[] = {
    {"limit", "Further attempts after a failure of the task's own (default 0).", FIELD_INT,
     offsetof(struct retry, limit), .flags = FIELD_NULLABLE, .max = 100},
    {"infraLimit",
     "Further attempts after a loss by the infrastructure: evicted, preempted, node lost, pod deleted by somebody. "
     "They do not count against limit (default 5).",
     FIELD_INT, offsetof(struct retry, infra_limit), .flags = FIELD_NULLABLE, .max = 100, .absent = 5},
    {"backoff", "How long to wait before the next attempt.", FIELD_OBJECT, offsetof(struct retry, backoff),
     .flags = FIELD_NULLABLE, .table = &backoff_table},
    {"onlyOn",
     "Retry only after these exit codes (\"3\") or reasons (\"OOMKilled\", as in status.tasks[].reason). "
     "Empty: after any failure.",
     FIELD_STRINGS, offsetof(struct retry, on), .flags = FIELD_NULLABLE, .max = 50},
};
const struct table retry_table = TABLE(struct retry, retry_fields, 0);

static const struct field kerberos_fields[] = {
    {"secretName",
     "Secret with the keys principal, keytab and, unless the image has one that fits, krb5.conf (required). weir's "
     "launcher gets a ticket with it by the image's kinit; the pod has it in " KERBEROS_DIR ".",
     FIELD_STRING, offsetof(struct kerberos, secret_name), .flags = FIELD_REQUIRED, .min = 1, .max = 253},
};
static const struct table kerberos_table = TABLE(struct kerberos, kerberos_fields, 0);

/* The first ones are a task's alone, the others may also stand in `defaults`, and null in a task takes that away. */
enum { TASK_ONLY_FIELDS = 3 };
static const struct field task_fields[] = {
    {"name", "Name of the task, unique in its pipeline: a DNS label of at most 63 characters.", FIELD_STRING,
     offsetof(struct task, name), .flags = FIELD_REQUIRED | FIELD_DNS_LABEL, .max = 63},
    {"dependsOn", "Names of the tasks that must have ended well before this one starts.", FIELD_STRINGS,
     offsetof(struct task, depends_on), .max = TASKS_MAX},
    {"depends", "Condition on other tasks as an expression. This version refuses it: name the tasks in dependsOn.",
     FIELD_STRING, offsetof(struct task, depends), .max = 4096},

    {"image",
     "Container image of the task's pod. It must hold what the task runs (spark-submit, hadoop, ...) and may be of any "
     "distribution: weir's launcher is static and is copied in.",
     FIELD_STRING, offsetof(struct task, image), .flags = FIELD_NULLABLE, .max = 1024},
    {"imagePullPolicy",
     "When the image is pulled: Always, IfNotPresent or Never (default: Always for the tag latest, else IfNotPresent).",
     FIELD_STRING, offsetof(struct task, image_pull_policy), .flags = FIELD_NULLABLE, .max = 20,
     .pattern = "^(Always|IfNotPresent|Never)$", .check = check_pull_policy},
    {"imagePullSecrets", "Secrets with the credentials to pull the image: [{name: ...}].", FIELD_ANY,
     offsetof(struct task, image_pull_secrets), .flags = FIELD_ANY_LIST | FIELD_NULLABLE, .max = 50,
     .list_map_key = "name"},
    {"serviceAccountName",
     "Service account of the pod. Its token is mounted only when this is set (default: the namespace's default "
     "account, without a token).",
     FIELD_STRING, offsetof(struct task, service_account_name), .flags = FIELD_NULLABLE, .max = 253},
    {"env",
     "Environment of the task, as in a container. Secrets belong here (valueFrom.secretKeyRef) or in a volume, never "
     "in arguments. Names that begin with WEIR_ are weir's own.",
     FIELD_ANY, offsetof(struct task, env), .flags = FIELD_ANY_LIST | FIELD_NULLABLE, .max = 500,
     .list_map_key = "name"},
    {"envFrom", "ConfigMaps and Secrets whose entries become the task's environment, as in a container.", FIELD_ANY,
     offsetof(struct task, env_from), .flags = FIELD_ANY_LIST | FIELD_NULLABLE, .max = 100},
    {"resources",
     "Requests and limits of the task's container, as in a container. In client modes the driver runs here: leave room "
     "for it.",
     FIELD_ANY, .offset = offsetof(struct task, resources), .flags = FIELD_NULLABLE},
    {"volumes",
     "Volumes of the pod, as in a pod. The names weir, weir-token, weir-conf and weir-kerberos are weir's own.",
     FIELD_ANY, offsetof(struct task, volumes), .flags = FIELD_ANY_LIST | FIELD_NULLABLE, .max = 100,
     .list_map_key = "name"},
    {"volumeMounts", "Where volumes appear in the task's container, as in a container.", FIELD_ANY,
     offsetof(struct task, volume_mounts), .flags = FIELD_ANY_LIST | FIELD_NULLABLE, .max = 100,
     .list_map_key = "mountPath"},
    {"nodeSelector", "Labels that the node must have.", FIELD_ANY, .offset = offsetof(struct task, node_selector),
     .flags = FIELD_NULLABLE},
    {"tolerations", "Taints that the pod tolerates, as in a pod.", FIELD_ANY, offsetof(struct task, tolerations),
     .flags = FIELD_ANY_LIST | FIELD_NULLABLE, .max = 100},
    {"affinity", "Where the pod is scheduled, as in a pod.", FIELD_ANY, .offset = offsetof(struct task, affinity),
     .flags = FIELD_NULLABLE},
    {"pod",
     "Overlay of the pod as a PodTemplateSpec (metadata and spec), merged into the pod that weir makes of the other "
     "fields, by the rules of defaults; the task's container is named main. What weir needs cannot be changed: command "
     "and args of main, restartPolicy, weir's labels, volumes and environment; main has no preStop hook.",
     FIELD_ANY, .offset = offsetof(struct task, pod), .flags = FIELD_NULLABLE},
    {"retry", "Whether and when a failed attempt is repeated.", FIELD_OBJECT, offsetof(struct task, retry),
     .flags = FIELD_NULLABLE, .table = &retry_table},
    {"timeout",
     "Longest time of one attempt from its start; then the task and its remote application are killed (default: none).",
     FIELD_DURATION, offsetof(struct task, timeout_ms), .flags = FIELD_NULLABLE, .min = SECOND, .max = 365 * DAY},
    {"startTimeout",
     "Longest time that a pod may be pending (unschedulable, image not pulled); then the attempt fails (default: "
     "none).",
     FIELD_DURATION, offsetof(struct task, start_timeout_ms), .flags = FIELD_NULLABLE, .min = SECOND, .max = 365 * DAY},
    {"onFailure",
     "What the task's final failure means: Fail the run, or Ignore it and let its dependants run (default Fail).",
     FIELD_ENUM, offsetof(struct task, on_failure), .flags = FIELD_NULLABLE, .values = on_failures},
    {"onLostLauncher",
     "What a new attempt does with what a lost one left running on the cluster: Adopt it, when YARN has the verdict "
     "and "
     "the task is still the same, or Kill it first (default: what spec.onLostLauncher says).",
     FIELD_ENUM, offsetof(struct task, on_lost_launcher), .flags = FIELD_NULLABLE, .values = lost_launchers,
     .absent = LOST_ABSENT},
    {"kerberos",
     "Who weir is for a cluster that asks: on one with Kerberos, what YARN says of a job, and its end on request, need "
     "this. The task's own program gets the ticket too, by KRB5CCNAME, in place of any other that is named there.",
     FIELD_OBJECT, offsetof(struct task, kerberos), .flags = FIELD_NULLABLE, .table = &kerberos_table},
};
const struct table defaults_table = TABLE(struct task, task_fields, TASK_ONLY_FIELDS);

static const struct field param_fields[] = {
    {"name", "Name, as used in $(params.name): letters, digits, - and _.", FIELD_STRING, offsetof(struct param, name),
     .flags = FIELD_REQUIRED, .max = 63, .pattern = "^[A-Za-z_][A-Za-z0-9_-]*$", .check = check_param_name},
    {"value", "Value, put in wherever a text of a task says $(params.name). Not for secrets.", FIELD_STRING,
     offsetof(struct param, value), .flags = FIELD_REQUIRED | FIELD_SECRET, .max = PARAM_VALUE_MAX},
};
static const struct table param_table = TABLE(struct param, param_fields, 0);

#define IN_PIPELINE(member) (offsetof(struct spec_decoded, pipeline) + offsetof(struct pipeline, member))

/* The table of a task is not static: `tasks` must be the last, see tables_spec(). */
static const struct field spec_fields[] = {
    {"suspend", "Start nothing new; what runs goes on (default false).", FIELD_BOOL, .offset = IN_PIPELINE(suspend)},
    {"params",
     "Values that texts of tasks and of defaults, names of properties in conf and cmdenv, and params below them may "
     "use as $(params.name). Also known: $(pipeline.name), $(pipeline.namespace), $(pipeline.uid) and $(task.name). A "
     "value arrives as it is, whatever is in it, and $$(params.name) is the text $(params.name). In commands and in "
     "values of env, $(VAR) and $$(VAR) mean what they mean in a container, and every other $ arrives as it is "
     "written.",
     FIELD_LIST, offsetof(struct spec_decoded, params), .max = PARAMS_MAX, .table = &param_table,
     .list_map_key = "name"},
    {"defaults",
     "Merged under every task, field by field, and objects member by member. Lists that have a key in Kubernetes are "
     "merged by it (env, volumes, imagePullSecrets and containers by name, volumeMounts by mountPath, ports by "
     "containerPort and protocol): an entry of the task replaces its namesake as a whole and in its place (containers "
     "are merged in turn), one without a namesake comes last. Any other list (args, envFrom, tolerations) or value of "
     "the task replaces the one given here, and null takes it away (kubectl apply sends nulls only with "
     "--server-side).",
     FIELD_OBJECT, offsetof(struct spec_decoded, defaults), .table = &defaults_table},
    {"failurePolicy",
     "After a task's final failure: FailFast starts no other task, and those that run end by themselves; Continue goes "
     "on with all that does not depend on it (default FailFast).",
     FIELD_ENUM, IN_PIPELINE(failure_policy), .values = failure_policies},
    {"parallelism", "Tasks of this run at once (default 0: no limit).", FIELD_INT, IN_PIPELINE(parallelism),
     .max = TASKS_MAX},
    {"timeout", "Longest time of the run from its start; then what runs is stopped and the run fails (default: none).",
     FIELD_DURATION, IN_PIPELINE(timeout_ms), .min = SECOND, .max = 365 * DAY},
    {"ttlSecondsAfterFinished",
     "The Pipeline and its pods are removed this many seconds after it ended (default: never).", FIELD_INT,
     IN_PIPELINE(ttl_seconds_after_finished), .max = 10 * 365 * DAY / SECOND, .absent = -1},
    {"podRetention",
     "Which finished pods stay, for their logs, as long as the Pipeline does: all (Always), those that failed "
     "(OnFailure) or none (Never) (default Always). A kept pod costs nothing but its object.",
     FIELD_ENUM, IN_PIPELINE(pod_retention), .values = retentions},
    {"onLostLauncher",
     "What a task's new attempt does with what a lost one left running on the cluster: Adopt it, when YARN has the "
     "verdict and the task is still the same, or Kill it first (default Adopt).",
     FIELD_ENUM, IN_PIPELINE(on_lost_launcher), .values = lost_launchers},
    {"tasks", "The tasks, 1 to 1000. Each names exactly one kind.", FIELD_LIST, offsetof(struct spec_decoded, tasks),
     .flags = FIELD_REQUIRED, .min = 1, .max = TASKS_MAX, .list_map_key = "name"},
};

static const struct rule *task_rules(const struct kind_tables *kinds, struct arena *arena, size_t *ret_count) {
    struct strings terms = {.items = ARENA_NEW_ARRAY(arena, KIND_COUNT, const char *), .count = KIND_COUNT};
    struct strings names = {.items = ARENA_NEW_ARRAY(arena, KIND_COUNT, const char *), .count = KIND_COUNT};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        terms.items[i] = arena_printf(arena, "(has(self.%s) ? 1 : 0)", kinds->names[i]);
        names.items[i] = kinds->names[i];
    }
    const struct rule rules[] = {
        {arena_printf(arena, "%s == 1", strings_join(&terms, " + ", arena)),
         arena_printf(arena, "exactly one of %s must be set", strings_join(&names, ", ", arena)), NULL},
        {"!(has(self.depends) && has(self.dependsOn))", "depends and dependsOn exclude each other", NULL},
    };
    struct rule *result = arena_alloc(arena, sizeof rules);
    memcpy(result, rules, sizeof rules);
    *ret_count = COUNT(rules);
    return result;
}

static const struct table *task_table(const struct kind_tables *kinds, struct arena *arena) {
    struct field *fields = ARENA_NEW_ARRAY(arena, COUNT(task_fields) + KIND_COUNT, struct field);
    memcpy(fields, task_fields, sizeof task_fields);
    for (size_t i = 0; i < KIND_COUNT; i++)
        fields[COUNT(task_fields) + i] = (struct field){
            .name = kinds->names[i],
            .doc = kinds->docs[i],
            .type = FIELD_OBJECT,
            .offset = offsetof(struct task_decoded, blocks) + i * sizeof(void *),
            .table = kinds->tables[i],
        };
    struct table *table = ARENA_NEW(arena, struct table);
    *table = (struct table){
        .size = sizeof(struct task_decoded), .fields = fields, .field_count = COUNT(task_fields) + KIND_COUNT};
    table->rules = task_rules(kinds, arena, &table->rule_count);
    return table;
}

const struct table *tables_spec(const struct kind_tables *kinds, struct arena *arena) {
    struct field *fields = arena_alloc(arena, sizeof spec_fields);
    memcpy(fields, spec_fields, sizeof spec_fields);
    fields[COUNT(spec_fields) - 1].table = task_table(kinds, arena);
    struct table *table = ARENA_NEW(arena, struct table);
    *table = (struct table){.size = sizeof(struct spec_decoded), .fields = fields, .field_count = COUNT(spec_fields)};
    return table;
}

int tables_retention(const char *text) {
    for (int i = 0; retentions[i] != NULL; i++)
        if (text_equal(retentions[i], text))
            return i;
    return RETAIN_ALWAYS;
}
