/* See pod_private.h: what weir needs of a task's pod: its labels and owner, the launcher and how it is called, the
 * token to report with. Whatever an overlay said of these, this is said last. Pure. */

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "executor/overlay.h"
#include "executor/pod_private.h"

#define TOKEN_SECONDS  3600
#define GRACE_MARGIN_S 5 /* the launcher is done this long before the kubelet kills */

static void pin_metadata(const struct pod_build *build, yyjson_mut_val *metadata) {
    const struct run *run = build->run;
    yyjson_mut_val *labels = pod_object(build, metadata, "labels");
    pod_put_text(build, labels, LABEL_MANAGED_BY, MANAGER);
    pod_put_text(build, labels, LABEL_RUN, run->uid);
    pod_put_text(build, labels, LABEL_PIPELINE, names_label(run->name, build->arena));
    pod_put_text(build, labels, LABEL_TASK, build->task->name);
    pod_put_text(build, labels, LABEL_ATTEMPT, arena_printf(build->arena, "%" PRId64, build->attempt));
    pod_put_text(build, labels, LABEL_ROLE, ROLE_LAUNCHER);
    pod_put_text(build, pod_object(build, metadata, "annotations"), ANNOTATION_SPEC_HASH, build->task->hash);
    pod_append(build, pod_list(build, metadata, "finalizers"), FINALIZER_RESULT);
    yyjson_mut_val *owner = yyjson_mut_arr_add_obj(build->doc, pod_list(build, metadata, "ownerReferences"));
    pod_put_text(build, owner, "apiVersion", WEIR_API_VERSION);
    pod_put_text(build, owner, "kind", "Pipeline");
    pod_put_text(build, owner, "name", run->name);
    pod_put_text(build, owner, "uid", run->uid);
    pod_put_bool(build, owner, "controller", true);
    pod_put_bool(build, owner, "blockOwnerDeletion", true);
}

static void pin_volumes(const struct pod_build *build, yyjson_mut_val *spec) {
    yyjson_mut_val *volumes = pod_list(build, spec, "volumes");
    yyjson_mut_val *launcher = yyjson_mut_arr_add_obj(build->doc, volumes);
    pod_put_text(build, launcher, "name", LAUNCHER_VOLUME);
    pod_object(build, launcher, "emptyDir");
    yyjson_mut_val *token = yyjson_mut_arr_add_obj(build->doc, volumes);
    pod_put_text(build, token, "name", TOKEN_VOLUME);
    yyjson_mut_val *sources = pod_list(build, pod_object(build, token, "projected"), "sources");
    yyjson_mut_val *source = yyjson_mut_arr_add_obj(build->doc, sources);
    yyjson_mut_val *account = pod_object(build, source, "serviceAccountToken");
    pod_put_text(build, account, "audience", TOKEN_AUDIENCE);
    pod_put_int(build, account, "expirationSeconds", TOKEN_SECONDS);
    pod_put_text(build, account, "path", "token");
}

static void add_mount(const struct pod_build *build, yyjson_mut_val *container, const char *volume, const char *path,
                      bool read_only) {
    yyjson_mut_val *mount = yyjson_mut_arr_add_obj(build->doc, pod_list(build, container, "volumeMounts"));
    pod_put_text(build, mount, "name", volume);
    pod_put_text(build, mount, "mountPath", path);
    if (read_only)
        pod_put_bool(build, mount, "readOnly", true);
}

/* Those of the task's own container, so that weir's never changes what the pod costs, which class of service it has, or
 * whether a quota or a range of limits takes it: it runs before the others, and copies a few megabytes. */
static void add_resources(const struct pod_build *build, yyjson_mut_val *container, yyjson_mut_val *main) {
    static const char *const kinds[] = {"requests", "limits"};
    static const char *const names[] = {"cpu", "memory", "ephemeral-storage"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        yyjson_mut_val *from = yyjson_mut_obj_get(yyjson_mut_obj_get(main, "resources"), kinds[i]);
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            yyjson_mut_val *value = yyjson_mut_obj_get(from, names[j]);
            if (value != NULL)
                pod_put(build, pod_object(build, pod_object(build, container, "resources"), kinds[i]), names[j],
                        yyjson_mut_val_mut_copy(build->doc, value));
        }
    }
}

static void pin_launcher(const struct pod_build *build, yyjson_mut_val *spec, yyjson_mut_val *main) {
    yyjson_mut_val *container = yyjson_mut_obj(build->doc);
    pod_put_text(build, container, "name", LAUNCHER_CONTAINER);
    pod_put_text(build, container, "image", build->config->launcher_image);
    pod_put_text(build, container, "imagePullPolicy", build->config->pull_policy);
    yyjson_mut_val *command = pod_list(build, container, "command");
    pod_append(build, command, "/weir-launcher");
    pod_append(build, command, "copy");
    pod_append(build, command, LAUNCHER_MOUNT);
    add_resources(build, container, main);
    pod_put_text(build, container, "terminationMessagePolicy", "FallbackToLogsOnError");
    pod_add_security(build, container);
    pod_put_bool(build, pod_object(build, container, "securityContext"), "readOnlyRootFilesystem", true);
    add_mount(build, container, LAUNCHER_VOLUME, LAUNCHER_MOUNT, false);
    yyjson_mut_arr_prepend(pod_list(build, spec, "initContainers"), container);
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

static void add_launcher_options(const struct pod_build *build, int64_t grace, const struct argv *command,
                                 const char *tag, struct argv *argv) {
    const struct task *task = build->task;
    const struct executor *executor = executor_of(task->kind);
    const struct launch_config *config = build->config;
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

static void pin_command(const struct pod_build *build, yyjson_mut_val *container, int64_t grace) {
    const char *tag = names_tag(build->run->uid, build->task->name, build->arena);
    struct argv command = {.arena = build->arena};
    executor_of(build->task->kind)->command(build->task, tag, &command);
    struct argv argv = {.arena = build->arena};
    argv_add(&argv, LAUNCHER_MOUNT "/weir-launcher");
    argv_add(&argv, "run");
    add_launcher_options(build, grace, &command, tag, &argv);
    argv_add(&argv, "--");
    for (size_t i = 0; i < command.count; i++)
        argv_add(&argv, command.items[i]);

    yyjson_mut_val *list = yyjson_mut_arr(build->doc);
    for (size_t i = 0; i < argv.count; i++)
        pod_append(build, list, argv.items[i]);
    pod_put(build, container, "command", list);
}

static void pin_main(const struct pod_build *build, yyjson_mut_val *container, int64_t grace) {
    pin_command(build, container, grace);
    yyjson_mut_val *env = pod_list(build, container, "env");
    yyjson_mut_val *ca = yyjson_mut_arr_add_obj(build->doc, env);
    pod_put_text(build, ca, "name", OWN_ENV_PREFIX "REPORT_CA");
    pod_put_text(build, ca, "value", build->config->report_ca);
    yyjson_mut_val *ip = yyjson_mut_arr_add_obj(build->doc, env);
    pod_put_text(build, ip, "name", OWN_ENV_PREFIX "POD_IP");
    pod_put_text(build, pod_object(build, pod_object(build, ip, "valueFrom"), "fieldRef"), "fieldPath", "status.podIP");
    add_mount(build, container, LAUNCHER_VOLUME, LAUNCHER_MOUNT, true);
    add_mount(build, container, TOKEN_VOLUME, TOKEN_MOUNT, true);
    pod_put_text(build, container, "terminationMessagePolicy", "File");
}

void pod_pin(const struct pod_build *build, yyjson_mut_val *pod, yyjson_mut_val *container) {
    pin_metadata(build, yyjson_mut_obj_get(pod, "metadata"));
    yyjson_mut_val *spec = yyjson_mut_obj_get(pod, "spec");
    pod_put_text(build, spec, "restartPolicy", "Never");
    if (yyjson_mut_obj_get(spec, "terminationGracePeriodSeconds") == NULL)
        pod_put_int(build, spec, "terminationGracePeriodSeconds", GRACE_DEFAULT_S);
    int64_t grace = yyjson_mut_get_sint(yyjson_mut_obj_get(spec, "terminationGracePeriodSeconds"));
    pin_volumes(build, spec);
    pin_launcher(build, spec, container);
    pin_main(build, container, grace);
}
