/* See executor.h: executor_pod(). Three layers, in this order: what the task says and what is sensible (the base), the
 * user's overlay merged into it, and what weir cannot do without put on top. Pure. */

#include <string.h>

#include "base/text.h"
#include "executor/overlay.h"
#include "executor/pod_private.h"
#include "pipeline/merge.h"

/* An attempt that is moved to another node begins anew, so nobody moves it without being asked to. */
static const struct pair annotations[] = {
    {"kubectl.kubernetes.io/default-container", MAIN_CONTAINER},
    {"cluster-autoscaler.kubernetes.io/safe-to-evict", "false"},
    {"karpenter.sh/do-not-disrupt", "true"},
};

static yyjson_mut_val *base_container(const struct pod_build *build) {
    const struct task *task = build->task;
    const struct executor *executor = executor_of(task->kind);
    yyjson_mut_val *container = yyjson_mut_obj(build->doc);
    pod_put_text(build, container, "name", MAIN_CONTAINER);
    pod_put_text(build, container, "image", !text_empty(task->image) ? task->image : executor->default_image);
    pod_put_text(build, container, "imagePullPolicy", task->image_pull_policy);
    if (executor->working_dir != NULL)
        pod_put_text(build, container, "workingDir", executor->working_dir(task));
    pod_put_copy(build, container, "env", task->env);
    pod_put_copy(build, container, "envFrom", task->env_from);
    pod_put_copy(build, container, "resources", task->resources);
    pod_put_copy(build, container, "volumeMounts", task->volume_mounts);
    pod_add_security(build, container);
    return container;
}

static yyjson_mut_val *base_pod(const struct pod_build *build) {
    const struct task *task = build->task;
    yyjson_mut_val *pod = yyjson_mut_obj(build->doc);
    pod_put_text(build, pod, "apiVersion", "v1");
    pod_put_text(build, pod, "kind", "Pod");
    yyjson_mut_val *metadata = pod_object(build, pod, "metadata");
    pod_put_text(build, metadata, "name",
                 names_pod(build->run->name, build->run->uid, task->name, build->attempt, build->arena));
    pod_put_text(build, metadata, "namespace", build->run->namespace);
    for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++)
        pod_put_text(build, pod_object(build, metadata, "annotations"), annotations[i].name, annotations[i].value);

    yyjson_mut_val *spec = pod_object(build, pod, "spec");
    pod_put_text(build, spec, "serviceAccountName", task->service_account_name);
    pod_put_bool(build, spec, "enableServiceLinks", false);
    yyjson_mut_val *security = pod_object(build, spec, "securityContext");
    pod_put_bool(build, security, "runAsNonRoot", true);
    pod_put_text(build, pod_object(build, security, "seccompProfile"), "type", "RuntimeDefault");
    pod_put_copy(build, spec, "imagePullSecrets", task->image_pull_secrets);
    pod_put_copy(build, spec, "nodeSelector", task->node_selector);
    pod_put_copy(build, spec, "tolerations", task->tolerations);
    pod_put_copy(build, spec, "affinity", task->affinity);
    pod_put_copy(build, spec, "volumes", task->volumes);
    yyjson_mut_arr_append(pod_list(build, spec, "containers"), base_container(build));
    return pod;
}

/* The token is for those who name an account, in the task or in its overlay. */
static void put_account(const struct pod_build *build, yyjson_mut_val *spec) {
    bool named = yyjson_mut_is_str(yyjson_mut_obj_get(spec, "serviceAccountName"));
    if (!named)
        pod_put_text(build, spec, "serviceAccountName", "default");
    if (yyjson_mut_obj_get(spec, "automountServiceAccountToken") == NULL)
        pod_put_bool(build, spec, "automountServiceAccountToken", named);
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

int executor_pod(const struct run *run, const struct task *task, int64_t attempt, const struct task_status *known,
                 const struct launch_config *config, yyjson_mut_doc *doc, yyjson_mut_val **ret_pod, struct error *err) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct pod_build build = {.run = run,
                                    .task = task,
                                    .attempt = attempt,
                                    .known = known,
                                    .remote = task_remote(task),
                                    .config = config,
                                    .doc = doc,
                                    .arena = &arena};
    yyjson_mut_val *pod = base_pod(&build);
    if (task->pod != NULL)
        merge_object(doc, &pod_types[POD_TYPE_TEMPLATE], pod, yyjson_val_mut_copy(doc, task->pod));
    put_account(&build, yyjson_mut_obj_get(pod, "spec"));
    merge_finish(pod);
    yyjson_mut_val *container = find_main(pod);
    if (container == NULL)
        return error_set(err, ERROR_INVALID, "task %s: its pod has no container " MAIN_CONTAINER, task->name);
    pod_pin(&build, pod, container);
    *ret_pod = pod;
    return 0;
}
