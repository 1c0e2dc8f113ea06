/* See pod_private.h: what weir needs of a task's pod: its labels and owner, the launcher, its volumes and the token to
 * report with. Whatever an overlay said of these, this is said last. Pure. */

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "executor/overlay.h"
#include "executor/pod_private.h"

#define TOKEN_SECONDS 3600

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

static yyjson_mut_val *add_volume(const struct pod_build *build, yyjson_mut_val *spec, const char *name) {
    yyjson_mut_val *volume = yyjson_mut_arr_add_obj(build->doc, pod_list(build, spec, "volumes"));
    pod_put_text(build, volume, "name", name);
    return volume;
}

static void pin_volumes(const struct pod_build *build, yyjson_mut_val *spec) {
    pod_object(build, add_volume(build, spec, LAUNCHER_VOLUME), "emptyDir");
    if (build->remote.tagged_conf)
        pod_object(build, add_volume(build, spec, CONF_VOLUME), "emptyDir");
    if (build->task->kerberos != NULL)
        pod_put_text(build, pod_object(build, add_volume(build, spec, KERBEROS_VOLUME), "secret"), "secretName",
                     build->task->kerberos->secret_name);
    yyjson_mut_val *token = add_volume(build, spec, TOKEN_VOLUME);
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

static void pin_main(const struct pod_build *build, yyjson_mut_val *spec, yyjson_mut_val *container, int64_t grace) {
    pod_add_command(build, spec, container, grace);
    yyjson_mut_val *env = pod_list(build, container, "env");
    yyjson_mut_val *ca = yyjson_mut_arr_add_obj(build->doc, env);
    pod_put_text(build, ca, "name", OWN_ENV_PREFIX "REPORT_CA");
    pod_put_text(build, ca, "value", build->config->report_ca);
    yyjson_mut_val *ip = yyjson_mut_arr_add_obj(build->doc, env);
    pod_put_text(build, ip, "name", OWN_ENV_PREFIX "POD_IP");
    pod_put_text(build, pod_object(build, pod_object(build, ip, "valueFrom"), "fieldRef"), "fieldPath", "status.podIP");
    add_mount(build, container, LAUNCHER_VOLUME, LAUNCHER_MOUNT, true);
    add_mount(build, container, TOKEN_VOLUME, TOKEN_MOUNT, true);
    if (build->remote.tagged_conf)
        add_mount(build, container, CONF_VOLUME, CONF_MOUNT, false);
    if (build->task->kerberos != NULL)
        add_mount(build, container, KERBEROS_VOLUME, KERBEROS_MOUNT, true);
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
    pin_main(build, spec, container, grace);
}
