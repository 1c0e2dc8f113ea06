/* See pod_private.h: members of a pod in the making. Pure. */

#include "base/text.h"
#include "executor/pod_private.h"

void pod_put(const struct pod_build *build, yyjson_mut_val *object, const char *name, yyjson_mut_val *value) {
    if (value != NULL)
        yyjson_mut_obj_put(object, yyjson_mut_str(build->doc, name), value);
}

yyjson_mut_val *pod_object(const struct pod_build *build, yyjson_mut_val *parent, const char *name) {
    if (!yyjson_mut_is_obj(yyjson_mut_obj_get(parent, name)))
        pod_put(build, parent, name, yyjson_mut_obj(build->doc));
    return yyjson_mut_obj_get(parent, name);
}

yyjson_mut_val *pod_list(const struct pod_build *build, yyjson_mut_val *parent, const char *name) {
    if (!yyjson_mut_is_arr(yyjson_mut_obj_get(parent, name)))
        pod_put(build, parent, name, yyjson_mut_arr(build->doc));
    return yyjson_mut_obj_get(parent, name);
}

void pod_put_text(const struct pod_build *build, yyjson_mut_val *object, const char *name, const char *text) {
    if (!text_empty(text))
        pod_put(build, object, name, yyjson_mut_strcpy(build->doc, text));
}

void pod_put_bool(const struct pod_build *build, yyjson_mut_val *object, const char *name, bool value) {
    pod_put(build, object, name, yyjson_mut_bool(build->doc, value));
}

void pod_put_int(const struct pod_build *build, yyjson_mut_val *object, const char *name, int64_t value) {
    pod_put(build, object, name, yyjson_mut_sint(build->doc, value));
}

void pod_put_copy(const struct pod_build *build, yyjson_mut_val *object, const char *name, yyjson_val *value) {
    if (value != NULL)
        pod_put(build, object, name, yyjson_val_mut_copy(build->doc, value));
}

void pod_append(const struct pod_build *build, yyjson_mut_val *list, const char *text) {
    yyjson_mut_arr_add_strcpy(build->doc, list, text);
}

void pod_add_security(const struct pod_build *build, yyjson_mut_val *container) {
    yyjson_mut_val *security = pod_object(build, container, "securityContext");
    pod_put_bool(build, security, "allowPrivilegeEscalation", false);
    pod_append(build, pod_list(build, pod_object(build, security, "capabilities"), "drop"), "ALL");
}
