/* See cleaner.h. What the attempt's launcher was told is read off its command line, so both ask the same cluster in the
 * same way. Relies on the pod having been made by pod.c; of one that was seen live, what the API server or a kubelet
 * put there stays behind. */

#include "executor/cleaner.h"

#include <inttypes.h>
#include <string.h>

#include "base/quantity.h"
#include "base/text.h"
#include "executor/launcher_option.h"
#include "executor/overlay.h"
#include "executor/pod_private.h"

#define STOP_TIMEOUT "4m" /* less than PLAN_CLEANER_RUN_MS, so that it says what is left */

enum { GRACE_S = 10 };

/* Of the pod's spec: what its container may need to start, and to reach the cluster as the attempt did. */
static const char *const kept_fields[] = {
    "serviceAccountName",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "securityContext",
    "imagePullSecrets",
    "nodeSelector",
    "tolerations",
    "affinity",
    "hostNetwork",
    "hostAliases",
    "hostUsers",
    "dnsPolicy",
    "dnsConfig",
    "runtimeClassName",
    "schedulerName",
    "priorityClassName",
    "os",
};
static const char *const kept_of_main[] = {"image", "imagePullPolicy", "workingDir", "envFrom", "securityContext"};

static void keep(const struct pod_build *build, yyjson_mut_val *to, yyjson_val *from, const char *const *names,
                 size_t count) {
    for (size_t i = 0; i < count; i++)
        pod_put_copy(build, to, names[i], yyjson_obj_get(from, names[i]));
}

static bool is_named(yyjson_val *item, const char *name) {
    return text_equal(json_text(item, "name", ""), name);
}

static bool is_own(yyjson_val *item, const char *prefix) {
    return text_starts_with(json_text(item, "name", ""), prefix);
}

/* Entries of a list of objects, but for those that `dropped` says. */
static void keep_list(const struct pod_build *build, yyjson_mut_val *to, yyjson_val *from, const char *list,
                      bool (*dropped)(yyjson_val *item, const char *name), const char *name) {
    size_t i, count;
    yyjson_val *item;
    yyjson_val *items = yyjson_obj_get(from, list);
    if (!yyjson_is_arr(items))
        return;
    yyjson_arr_foreach(items, i, count, item) {
        if (!dropped(item, name))
            yyjson_mut_arr_append(pod_list(build, to, list), yyjson_val_mut_copy(build->doc, item));
    }
}

static yyjson_val *container_of(yyjson_val *pod, const char *list, const char *name) {
    size_t i, count;
    yyjson_val *item;
    yyjson_val *items = json_at(pod, "spec", list, NULL);
    if (!yyjson_is_arr(items))
        return NULL;
    yyjson_arr_foreach(items, i, count, item) {
        if (text_equal(json_text(item, "name", NULL), name))
            return item;
    }
    return NULL;
}

/* Labels of the user's stay: policies of the network go by them. Annotations of a live pod are others' notes of it. */
static void add_metadata(const struct pod_build *build, yyjson_mut_val *pod, yyjson_val *attempt_pod,
                         const struct cleaner *cleaner, const char *name, bool live) {
    yyjson_mut_val *metadata = pod_object(build, pod, "metadata");
    yyjson_val *old = yyjson_obj_get(attempt_pod, "metadata");
    pod_put_text(build, metadata, "name", name);
    pod_put_text(build, metadata, "namespace", build->run->namespace);
    pod_put_copy(build, metadata, "labels", yyjson_obj_get(old, "labels"));
    yyjson_mut_val *labels = pod_object(build, metadata, "labels");
    yyjson_mut_obj_remove_key(labels, LABEL_DONE);
    pod_put_text(build, labels, LABEL_MANAGED_BY, MANAGER);
    pod_put_text(build, labels, LABEL_RUN, build->run->uid);
    pod_put_text(build, labels, LABEL_PIPELINE, names_label(build->run->name, build->arena));
    pod_put_text(build, labels, LABEL_TASK, cleaner->task);
    pod_put_text(build, labels, LABEL_ATTEMPT, arena_printf(build->arena, "%" PRId64, cleaner->attempt));
    pod_put_text(build, labels, LABEL_TURN, arena_printf(build->arena, "%" PRId64, cleaner->turn));
    pod_put_text(build, labels, LABEL_ROLE, ROLE_CLEANER);
    if (!live)
        pod_put_copy(build, metadata, "annotations", yyjson_obj_get(old, "annotations"));
    yyjson_mut_val *annotations = pod_object(build, metadata, "annotations");
    yyjson_mut_obj_remove_key(annotations, ANNOTATION_SPEC_HASH);
    pod_put_text(build, annotations, "kubectl.kubernetes.io/default-container", MAIN_CONTAINER);
    pod_append(build, pod_list(build, metadata, "finalizers"), FINALIZER_RESULT);
}

/* It needs little (where REST is refused, a JVM of 100 MB a question); what quotas and ranges want named is named. */
static void add_resources(const struct pod_build *build, yyjson_mut_val *container, yyjson_val *main, bool large) {
    static const char *const kinds[] = {"requests", "limits"};
    static const struct {
        const char *name, *most;
    } little[] = {{"cpu", "100m"}, {"memory", "256Mi"}, {"ephemeral-storage", "64Mi"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        yyjson_val *from = json_at(main, "resources", kinds[i], NULL);
        for (size_t j = 0; j < sizeof little / sizeof *little; j++) {
            yyjson_val *value = yyjson_obj_get(from, little[j].name);
            const char *text = yyjson_is_str(value) ? yyjson_get_str(value) : NULL;
            double has = 0;
            double most = 0;
            if (value == NULL)
                continue;
            bool less = text != NULL && quantity_parse(text, &has) && quantity_parse(little[j].most, &most) &&
                        (has < most || large);
            pod_put_text(build, pod_object(build, pod_object(build, container, "resources"), kinds[i]), little[j].name,
                         less ? text : little[j].most);
        }
    }
}

static void add_words(const struct pod_build *build, yyjson_mut_val *list, const char *option, const char *value) {
    if (text_empty(value))
        return;
    pod_append(build, list, option);
    pod_append(build, list, value);
}

/* Pods told them: they are no words of a command before they are looked at. */
static bool is_id(const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return !text_empty(text) && text[0] != '-' && text[strspn(text, plain)] == '\0';
}

static void add_applications(const struct pod_build *build, yyjson_mut_val *command, yyjson_val *told,
                             const struct strings *known) {
    size_t left = CLEANER_APPLICATIONS_MAX;
    size_t at = 0;
    for (size_t i = 0; i < known->count && left > 0; i++)
        if (is_id(known->items[i])) {
            add_words(build, command, "--application", known->items[i]);
            left--;
        }
    for (const char *id; left > 0 && (id = launcher_option(told, "--earlier", &at)) != NULL;)
        if (is_id(id) && !strings_contain(known, id)) {
            add_words(build, command, "--application", id);
            left--;
        }
}

static void add_command(const struct pod_build *build, yyjson_mut_val *container, yyjson_val *told,
                        const struct cleaner *cleaner) {
    static const char *const same[] = {"--remote",   "--tag",        "--hadoop-conf",
                                       "--kerberos", "--record-max", "--termination-log"};
    yyjson_mut_val *command = pod_list(build, container, "command");
    pod_append(build, command, LAUNCHER_MOUNT "/weir-launcher");
    pod_append(build, command, "stop");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        size_t at = 0;
        add_words(build, command, same[i], launcher_option(told, same[i], &at));
    }
    add_applications(build, command, told, &cleaner->applications);
    add_words(build, command, "--timeout", STOP_TIMEOUT);
}

static yyjson_mut_val *main_container(const struct pod_build *build, yyjson_val *main, const struct cleaner *cleaner) {
    yyjson_mut_val *container = yyjson_mut_obj(build->doc);
    pod_put_text(build, container, "name", MAIN_CONTAINER);
    keep(build, container, main, kept_of_main, sizeof kept_of_main / sizeof *kept_of_main);
    keep_list(build, container, main, "env", is_own, OWN_ENV_PREFIX);
    keep_list(build, container, main, "volumeMounts", is_named, TOKEN_VOLUME);
    add_command(build, container, yyjson_obj_get(main, "command"), cleaner);
    add_resources(build, container, main, cleaner->large);
    pod_put_text(build, container, "terminationMessagePolicy", "File");
    return container;
}

/* The launcher of today's image: an older one may not know how to stop. Others may prepare what the volumes hold. */
static void add_init_containers(const struct pod_build *build, yyjson_mut_val *spec, yyjson_val *attempt_pod,
                                yyjson_val *main, bool large) {
    yyjson_val *launcher = container_of(attempt_pod, "initContainers", LAUNCHER_CONTAINER);
    yyjson_mut_val *container =
        launcher != NULL ? yyjson_val_mut_copy(build->doc, launcher) : yyjson_mut_obj(build->doc);
    pod_put_text(build, container, "image", build->config->launcher_image);
    pod_put_text(build, container, "imagePullPolicy", build->config->pull_policy);
    yyjson_mut_obj_remove_key(container, "resources");
    add_resources(build, container, main, large);
    yyjson_mut_arr_append(pod_list(build, spec, "initContainers"), container);
    keep_list(build, spec, yyjson_obj_get(attempt_pod, "spec"), "initContainers", is_named, LAUNCHER_CONTAINER);
}

int executor_cleaner(const struct run *run, const struct cleaner *cleaner, const char *name, yyjson_val *attempt_pod,
                     bool live, const struct launch_config *config, yyjson_mut_doc *doc, yyjson_mut_val **ret_pod,
                     struct error *err) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct pod_build build = {.run = run, .config = config, .doc = doc, .arena = &arena};
    yyjson_val *main = container_of(attempt_pod, "containers", MAIN_CONTAINER);
    size_t at = 0;
    if (launcher_option(yyjson_obj_get(main, "command"), "--remote", &at) == NULL ||
        container_of(attempt_pod, "initContainers", LAUNCHER_CONTAINER) == NULL)
        return error_set(err, ERROR_INVALID, "task %s: its pod does not tell which cluster it used", cleaner->task);
    yyjson_mut_val *pod = yyjson_mut_obj(doc);
    pod_put_text(&build, pod, "apiVersion", "v1");
    pod_put_text(&build, pod, "kind", "Pod");
    add_metadata(&build, pod, attempt_pod, cleaner, name, live);
    yyjson_mut_val *spec = pod_object(&build, pod, "spec");
    yyjson_val *old = yyjson_obj_get(attempt_pod, "spec");
    keep(&build, spec, old, kept_fields, sizeof kept_fields / sizeof *kept_fields);
    keep_list(&build, spec, old, "volumes", is_named, TOKEN_VOLUME);
    pod_put_text(&build, spec, "restartPolicy", "Never"); /* another one is made instead, a few times */
    pod_put_int(&build, spec, "activeDeadlineSeconds", PLAN_CLEANER_RUN_MS / 1000);
    pod_put_int(&build, spec, "terminationGracePeriodSeconds", GRACE_S);
    add_init_containers(&build, spec, attempt_pod, main, cleaner->large);
    yyjson_mut_arr_append(pod_list(&build, spec, "containers"), main_container(&build, main, cleaner));
    *ret_pod = pod;
    return 0;
}
