/* See view.h: why a pod has not started. None of this fails by itself, so each reason says whether waiting can mend it:
 * a name that is wrong stays wrong, a registry or a Secret may come late. Pure. */

#include <string.h>

#include "base/text.h"
#include "executor/view.h"

enum patience { FOR_EVER, A_WHILE, NONE };

static const struct waiting {
    const char *reason;
    enum patience patience;
    const char *hint; /* what to look at */
} waitings[] = {
    {"ErrImagePull", A_WHILE, "check the image's name, its registry and imagePullSecrets"},
    {"ImagePullBackOff", A_WHILE, "check the image's name, its registry and imagePullSecrets"},
    {"ErrImageNeverPull", NONE, "the image is not on the node and imagePullPolicy is Never"},
    {"InvalidImageName", NONE, "correct the image's name"},
    {"ImageInspectError", A_WHILE, "the image on the node is damaged"},
    {"RegistryUnavailable", A_WHILE, "the registry does not answer"},
    {"SignatureValidationFailed", A_WHILE, "the image's signature is not accepted"},
    {"CreateContainerConfigError", A_WHILE, "a Secret or ConfigMap that env refers to may be missing"},
    {"CreateContainerError", A_WHILE, "check volumeMounts, devices and securityContext"},
    {"RunContainerError", A_WHILE, "check securityContext and the image"},
    {"PostStartHookError", A_WHILE, "the overlay's lifecycle.postStart fails"},
};

static const char run_as_root_hint[] =
    "the image runs as root: set pod.spec.securityContext.runAsUser to another user, or runAsNonRoot to false";

static const struct waiting *find_waiting(const char *reason) {
    for (size_t i = 0; i < sizeof waitings / sizeof *waitings; i++)
        if (strcmp(waitings[i].reason, reason) == 0)
            return &waitings[i];
    return NULL;
}

static bool out_of_patience(const struct evidence *evidence, const struct pod_view *view, enum patience patience) {
    if (patience == NONE)
        return true;
    return patience == A_WHILE && view->created_at > 0 && evidence->now - view->created_at >= PLAN_IMAGE_PATIENCE_MS;
}

/* True when this container is what holds the pod back. */
static bool see_waiting(const struct evidence *evidence, yyjson_val *container, struct pod_view *view) {
    yyjson_val *state = json_at(container, "state", "waiting", NULL);
    const char *reason = json_text(state, "reason", "");
    const struct waiting *known = find_waiting(reason);
    if (known == NULL)
        return false; /* ContainerCreating, PodInitializing: on its way */
    const char *detail = view_text(state, "message", evidence->arena);
    const char *hint = strstr(detail, "runAsNonRoot") != NULL ? run_as_root_hint : known->hint;
    view->reason = known->reason;
    view->message = arena_printf(evidence->arena, "container %s: %s%s(%s)", json_text(container, "name", ""), detail,
                                 text_empty(detail) ? "" : " ", hint);
    view->hopeless = out_of_patience(evidence, view, known->patience);
    return true;
}

static void see_unscheduled(const struct evidence *evidence, struct pod_view *view) {
    yyjson_val *list = json_at(evidence->status, "conditions", NULL);
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return;
    yyjson_arr_foreach(list, i, count, item) {
        if (!text_equal(json_text(item, "type", NULL), "PodScheduled") ||
            !text_equal(json_text(item, "status", NULL), "False"))
            continue;
        view->reason = view_text(item, "reason", evidence->arena);
        view->message = view_text(item, "message", evidence->arena);
    }
}

void view_pending(const struct evidence *evidence, struct pod_view *view) {
    yyjson_val *inits = json_at(evidence->status, "initContainerStatuses", NULL);
    size_t i, count;
    yyjson_val *container;
    if (yyjson_is_arr(inits))
        yyjson_arr_foreach(inits, i, count, container) {
            if (see_waiting(evidence, container, view))
                return;
        }
    if (!see_waiting(evidence, evidence->main, view))
        see_unscheduled(evidence, view);
}
