/* See executor.h: executor_pod(). Three layers, in this order: what the task says and what is sensible (the base), the
 * user's overlay merged into it, and what weir cannot do without put on top. Pure. */

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "executor/executor.h"
#include "executor/overlay.h"
#include "pipeline/merge.h"

#define TOKEN_SECONDS  3600
#define GRACE_MARGIN_S 5 /* the launcher is done this long before the kubelet kills */

struct builder {
    const struct run *run;
    const struct task *task;
    int64_t attempt;
    const struct launch_config *config;
    yyjson_mut_doc *doc;
    struct arena *arena;
};

/* Sets or replaces; no-op for NULL. */
static void put(const struct builder *builder, yyjson_mut_val *object, const char *name, yyjson_mut_val *value) {
    if (value != NULL)
        yyjson_mut_obj_put(object, yyjson_mut_str(builder->doc, name), value);
}

/* The member of that name, made when it is not there or of another type. */
static yyjson_mut_val *object_in(const struct builder *builder, yyjson_mut_val *parent, const char *name) {
    if (!yyjson_mut_is_obj(yyjson_mut_obj_get(parent, name)))
        put(builder, parent, name, yyjson_mut_obj(builder->doc));
    return yyjson_mut_obj_get(parent, name);
}

static yyjson_mut_val *list_in(const struct builder *builder, yyjson_mut_val *parent, const char *name) {
    if (!yyjson_mut_is_arr(yyjson_mut_obj_get(parent, name)))
        put(builder, parent, name, yyjson_mut_arr(builder->doc));
    return yyjson_mut_obj_get(parent, name);
}

static void put_text(const struct builder *builder, yyjson_mut_val *object, const char *name, const char *text) {
    if (!text_empty(text))
        put(builder, object, name, yyjson_mut_strcpy(builder->doc, text));
}

static void put_bool(const struct builder *builder, yyjson_mut_val *object, const char *name, bool value) {
    put(builder, object, name, yyjson_mut_bool(builder->doc, value));
}

static void put_int(const struct builder *builder, yyjson_mut_val *object, const char *name, int64_t value) {
    put(builder, object, name, yyjson_mut_sint(builder->doc, value));
}

static void put_copy(const struct builder *builder, yyjson_mut_val *object, const char *name, yyjson_val *value) {
    if (value != NULL)
        put(builder, object, name, yyjson_val_mut_copy(builder->doc, value));
}

static void append_text(const struct builder *builder, yyjson_mut_val *list, const char *text) {
    yyjson_mut_arr_add_strcpy(builder->doc, list, text);
}

/* ---- the base ---- */

static void add_security(const struct builder *builder, yyjson_mut_val *container) {
    yyjson_mut_val *security = object_in(builder, container, "securityContext");
    put_bool(builder, security, "allowPrivilegeEscalation", false);
    append_text(builder, list_in(builder, object_in(builder, security, "capabilities"), "drop"), "ALL");
}

static yyjson_mut_val *base_container(const struct builder *builder) {
    const struct task *task = builder->task;
    const struct executor *executor = executor_of(task->kind);
    yyjson_mut_val *container = yyjson_mut_obj(builder->doc);
    put_text(builder, container, "name", MAIN_CONTAINER);
    put_text(builder, container, "image", !text_empty(task->image) ? task->image : executor->default_image);
    put_text(builder, container, "imagePullPolicy", task->image_pull_policy);
    if (executor->working_dir != NULL)
        put_text(builder, container, "workingDir", executor->working_dir(task));
    put_copy(builder, container, "env", task->env);
    put_copy(builder, container, "envFrom", task->env_from);
    put_copy(builder, container, "resources", task->resources);
    put_copy(builder, container, "volumeMounts", task->volume_mounts);
    add_security(builder, container);
    return container;
}

static yyjson_mut_val *base_pod(const struct builder *builder) {
    const struct task *task = builder->task;
    yyjson_mut_val *pod = yyjson_mut_obj(builder->doc);
    put_text(builder, pod, "apiVersion", "v1");
    put_text(builder, pod, "kind", "Pod");
    yyjson_mut_val *metadata = object_in(builder, pod, "metadata");
    put_text(builder, metadata, "name",
             names_pod(builder->run->name, builder->run->uid, task->name, builder->attempt, builder->arena));
    put_text(builder, metadata, "namespace", builder->run->namespace);
    put_text(builder, object_in(builder, metadata, "annotations"), "kubectl.kubernetes.io/default-container",
             MAIN_CONTAINER);

    yyjson_mut_val *spec = object_in(builder, pod, "spec");
    bool account = !text_empty(task->service_account_name);
    put_text(builder, spec, "serviceAccountName", account ? task->service_account_name : "default");
    put_bool(builder, spec, "automountServiceAccountToken", account);
    put_bool(builder, spec, "enableServiceLinks", false);
    yyjson_mut_val *security = object_in(builder, spec, "securityContext");
    put_bool(builder, security, "runAsNonRoot", true);
    put_text(builder, object_in(builder, security, "seccompProfile"), "type", "RuntimeDefault");
    put_copy(builder, spec, "imagePullSecrets", task->image_pull_secrets);
    put_copy(builder, spec, "nodeSelector", task->node_selector);
    put_copy(builder, spec, "tolerations", task->tolerations);
    put_copy(builder, spec, "affinity", task->affinity);
    put_copy(builder, spec, "volumes", task->volumes);
    yyjson_mut_arr_append(list_in(builder, spec, "containers"), base_container(builder));
    return pod;
}

/* ---- what weir needs ---- */

static void pin_metadata(const struct builder *builder, yyjson_mut_val *metadata) {
    const struct run *run = builder->run;
    yyjson_mut_val *labels = object_in(builder, metadata, "labels");
    put_text(builder, labels, LABEL_MANAGED_BY, MANAGER);
    put_text(builder, labels, LABEL_RUN, run->uid);
    put_text(builder, labels, LABEL_PIPELINE, names_label(run->name, builder->arena));
    put_text(builder, labels, LABEL_TASK, builder->task->name);
    put_text(builder, labels, LABEL_ATTEMPT, arena_printf(builder->arena, "%" PRId64, builder->attempt));
    put_text(builder, labels, LABEL_ROLE, ROLE_LAUNCHER);
    append_text(builder, list_in(builder, metadata, "finalizers"), FINALIZER_RESULT);
    yyjson_mut_val *owner = yyjson_mut_arr_add_obj(builder->doc, list_in(builder, metadata, "ownerReferences"));
    put_text(builder, owner, "apiVersion", WEIR_API_VERSION);
    put_text(builder, owner, "kind", "Pipeline");
    put_text(builder, owner, "name", run->name);
    put_text(builder, owner, "uid", run->uid);
    put_bool(builder, owner, "controller", true);
    put_bool(builder, owner, "blockOwnerDeletion", true);
}

static void pin_volumes(const struct builder *builder, yyjson_mut_val *spec) {
    yyjson_mut_val *volumes = list_in(builder, spec, "volumes");
    yyjson_mut_val *launcher = yyjson_mut_arr_add_obj(builder->doc, volumes);
    put_text(builder, launcher, "name", LAUNCHER_VOLUME);
    object_in(builder, launcher, "emptyDir");
    yyjson_mut_val *token = yyjson_mut_arr_add_obj(builder->doc, volumes);
    put_text(builder, token, "name", TOKEN_VOLUME);
    yyjson_mut_val *sources = list_in(builder, object_in(builder, token, "projected"), "sources");
    yyjson_mut_val *source = yyjson_mut_arr_add_obj(builder->doc, sources);
    yyjson_mut_val *account = object_in(builder, source, "serviceAccountToken");
    put_text(builder, account, "audience", TOKEN_AUDIENCE);
    put_int(builder, account, "expirationSeconds", TOKEN_SECONDS);
    put_text(builder, account, "path", "token");
}

static void add_mount(const struct builder *builder, yyjson_mut_val *container, const char *volume, const char *path,
                      bool read_only) {
    yyjson_mut_val *mount = yyjson_mut_arr_add_obj(builder->doc, list_in(builder, container, "volumeMounts"));
    put_text(builder, mount, "name", volume);
    put_text(builder, mount, "mountPath", path);
    if (read_only)
        put_bool(builder, mount, "readOnly", true);
}

static void pin_launcher(const struct builder *builder, yyjson_mut_val *spec) {
    yyjson_mut_val *container = yyjson_mut_obj(builder->doc);
    put_text(builder, container, "name", LAUNCHER_CONTAINER);
    put_text(builder, container, "image", builder->config->launcher_image);
    put_text(builder, container, "imagePullPolicy", builder->config->pull_policy);
    yyjson_mut_val *command = list_in(builder, container, "command");
    append_text(builder, command, "/weir-launcher");
    append_text(builder, command, "copy");
    append_text(builder, command, LAUNCHER_MOUNT);
    yyjson_mut_val *requests = object_in(builder, object_in(builder, container, "resources"), "requests");
    put_text(builder, requests, "cpu", "10m");
    put_text(builder, requests, "memory", "16Mi");
    put_text(builder, container, "terminationMessagePolicy", "FallbackToLogsOnError");
    add_security(builder, container);
    put_bool(builder, object_in(builder, container, "securityContext"), "readOnlyRootFilesystem", true);
    add_mount(builder, container, LAUNCHER_VOLUME, LAUNCHER_MOUNT, false);
    yyjson_mut_arr_prepend(list_in(builder, spec, "initContainers"), container);
}

static const char *report_port(const char *address) {
    const char *colon = strrchr(address, ':');
    return colon != NULL ? colon : "";
}

/* As Go writes a duration, in its largest whole unit. */
static const char *duration_text(int64_t ms, struct arena *arena) {
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms != 0)
        i++;
    return arena_printf(arena, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
}

static bool carries(const struct argv *argv, const char *tag) {
    for (size_t i = 0; i < argv->count; i++)
        if (strstr(argv->items[i], tag) != NULL)
            return true;
    return false;
}

static void add_launcher_options(const struct builder *builder, int64_t grace, const struct argv *command,
                                 const char *tag, struct argv *argv) {
    const struct task *task = builder->task;
    const struct executor *executor = executor_of(task->kind);
    const struct launch_config *config = builder->config;
    bool yarn = executor->verdict != NULL && executor->verdict(task) == VERDICT_YARN;
    argv_add_option(argv, "--kind", executor->kind);
    argv_add_option(argv, "--verdict", yarn ? "yarn" : "exit-code");
    argv_add_option(argv, "--yarn-tag", carries(command, tag) ? tag : NULL);
    if (task->timeout_ms > 0)
        argv_add_option(argv, "--timeout", duration_text(task->timeout_ms, argv->arena));
    argv_add_option(argv, "--grace", arena_printf(argv->arena, "%" PRId64 "s", grace - GRACE_MARGIN_S));
    argv_add_option(
        argv, "--report",
        arena_printf(argv->arena, "https://%s%s/v1/report", config->report_host, report_port(config->report_address)));
    argv_add_option(argv, "--report-address", config->report_address);
}

static void pin_command(const struct builder *builder, yyjson_mut_val *container, int64_t grace) {
    const char *tag = names_tag(builder->run->uid, builder->task->name, builder->arena);
    struct argv command = {.arena = builder->arena};
    executor_of(builder->task->kind)->command(builder->task, tag, &command);
    struct argv argv = {.arena = builder->arena};
    argv_add(&argv, LAUNCHER_MOUNT "/weir-launcher");
    argv_add(&argv, "run");
    add_launcher_options(builder, grace, &command, tag, &argv);
    argv_add(&argv, "--");
    for (size_t i = 0; i < command.count; i++)
        argv_add(&argv, command.items[i]);

    yyjson_mut_val *list = yyjson_mut_arr(builder->doc);
    for (size_t i = 0; i < argv.count; i++)
        append_text(builder, list, argv.items[i]);
    put(builder, container, "command", list);
}

static void pin_main(const struct builder *builder, yyjson_mut_val *container, int64_t grace) {
    pin_command(builder, container, grace);
    yyjson_mut_val *env = list_in(builder, container, "env");
    yyjson_mut_val *ca = yyjson_mut_arr_add_obj(builder->doc, env);
    put_text(builder, ca, "name", OWN_ENV_PREFIX "REPORT_CA");
    put_text(builder, ca, "value", builder->config->report_ca);
    yyjson_mut_val *ip = yyjson_mut_arr_add_obj(builder->doc, env);
    put_text(builder, ip, "name", OWN_ENV_PREFIX "POD_IP");
    put_text(builder, object_in(builder, object_in(builder, ip, "valueFrom"), "fieldRef"), "fieldPath", "status.podIP");
    add_mount(builder, container, LAUNCHER_VOLUME, LAUNCHER_MOUNT, true);
    add_mount(builder, container, TOKEN_VOLUME, TOKEN_MOUNT, true);
    put_text(builder, container, "terminationMessagePolicy", "File");
}

/* NULL when an overlay that nobody validated has taken it away. */
static yyjson_mut_val *find_main(yyjson_mut_val *pod) {
    size_t i, count;
    yyjson_mut_val *container;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(yyjson_mut_obj_get(pod, "spec"), "containers"), i, count, container) {
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(container, "name"), MAIN_CONTAINER))
            return container;
    }
    return NULL;
}

static void pin(const struct builder *builder, yyjson_mut_val *pod, yyjson_mut_val *container) {
    pin_metadata(builder, yyjson_mut_obj_get(pod, "metadata"));
    yyjson_mut_val *spec = yyjson_mut_obj_get(pod, "spec");
    put_text(builder, spec, "restartPolicy", "Never");
    if (yyjson_mut_obj_get(spec, "terminationGracePeriodSeconds") == NULL)
        put_int(builder, spec, "terminationGracePeriodSeconds", GRACE_DEFAULT_S);
    int64_t grace = yyjson_mut_get_sint(yyjson_mut_obj_get(spec, "terminationGracePeriodSeconds"));
    pin_volumes(builder, spec);
    pin_launcher(builder, spec);
    pin_main(builder, container, grace);
}

int executor_pod(const struct run *run, const struct task *task, int64_t attempt, const struct launch_config *config,
                 yyjson_mut_doc *doc, yyjson_mut_val **ret_pod, struct error *err) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct builder builder = {
        .run = run, .task = task, .attempt = attempt, .config = config, .doc = doc, .arena = &arena};
    yyjson_mut_val *pod = base_pod(&builder);
    if (task->pod != NULL)
        merge_object(&pod_types[POD_TYPE_TEMPLATE], pod, yyjson_val_mut_copy(doc, task->pod));
    merge_drop_nulls(pod);
    yyjson_mut_val *container = find_main(pod);
    if (container == NULL)
        return error_set(err, ERROR_INVALID, "task %s: its pod has no container " MAIN_CONTAINER, task->name);
    pin(&builder, pod, container);
    *ret_pod = pod;
    return 0;
}
