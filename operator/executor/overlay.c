/* See overlay.h: what may not be said of a pod. The rule for each place is a line in a table. Types are not looked at:
 * pod_check() has said what is wrong with them. Labels are, since they are no part of executor_pod_shape(). Pure. */

#include "executor/overlay.h"

#include <string.h>

#include "pipeline/names.h"
#include "pipeline/pod_fields.h"

struct forbidden {
    const char *member;
    const char *why;
};

static const struct forbidden in_spec[] = {
    {"ephemeralContainers", "cannot be set when a pod is created"},
    {"shareProcessNamespace", "cannot be set: the launcher must be process 1 of its container"},
    {"hostPID", "cannot be set: the launcher must be process 1 of its container"},
};

static const struct forbidden in_main[] = {
    {"command", "is weir's: the task's kind block says what runs"},
    {"args", "is weir's: the task's kind block says what runs"},
    {"terminationMessagePath", "is weir's: the result of the task is there"},
    {"terminationMessagePolicy", "is weir's: the result of the task is there"},
    {"restartPolicy", "cannot be set: weir makes a new pod for each attempt (use retry)"},
    {"restartPolicyRules", "cannot be set: weir makes a new pod for each attempt (use retry)"},
};

static const struct forbidden in_lifecycle[] = {
    {"preStop", "cannot be set: it would run before the launcher hears of the stop, in the time in which the launcher "
                "ends the remote application"},
};

static void check_forbidden(yyjson_mut_val *object, const struct forbidden *rules, size_t count,
                            const struct place *place, struct problems *problems) {
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *value = yyjson_mut_obj_get(object, rules[i].member);
        if (value != NULL && !yyjson_mut_is_false(value))
            problems_add_at(problems, &(struct place){.up = place, .name = rules[i].member}, "%s", rules[i].why);
    }
}
#define CHECK_FORBIDDEN(object, rules, place, problems) \
    check_forbidden((object), (rules), sizeof(rules) / sizeof *(rules), (place), (problems))

static bool is_our_env(const char *name) {
    return text_starts_with(name, OWN_ENV_PREFIX);
}

static bool is_our_volume(const char *name) {
    static const char *const volumes[] = {LAUNCHER_VOLUME, TOKEN_VOLUME, KERBEROS_VOLUME, CONF_VOLUME};
    for (size_t i = 0; i < sizeof volumes / sizeof *volumes; i++)
        if (text_equal(name, volumes[i]))
            return true;
    return false;
}

static bool is_our_container(const char *name) {
    return text_equal(name, LAUNCHER_CONTAINER);
}

/* The same directory, one inside, or one around: "/" and "/var" would hide ours. */
static bool is_our_mount(const char *name) {
    static const char *const mounts[] = {LAUNCHER_MOUNT, TOKEN_MOUNT, CONF_MOUNT};
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '/')
        length--;
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        size_t other = strlen(mounts[i]);
        size_t shared = length < other ? length : other;
        bool edge = length == other || (length < other ? mounts[i][shared] : name[shared]) == '/';
        if (edge && strncmp(name, mounts[i], shared) == 0)
            return true;
    }
    return false;
}

static const struct own {
    const char *list, *key;
    bool (*ours)(const char *name);
} own_env = {"env", "name", is_our_env}, own_volumes = {"volumes", "name", is_our_volume},
  own_mounts = {"volumeMounts", "mountPath", is_our_mount},
  own_containers = {"initContainers", "name", is_our_container};

/* Entries of a list of `object` that are called what weir calls its own. */
static void check_own(yyjson_mut_val *object, const struct own *own, const struct place *place,
                      struct problems *problems) {
    const struct place list = {.up = place, .name = own->list};
    size_t i, count;
    yyjson_mut_val *item;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(object, own->list), i, count, item) {
        const struct place at = {.up = &list, .index = i};
        const char *name = yyjson_mut_get_str(yyjson_mut_obj_get(item, own->key));
        if (name != NULL && own->ours(name))
            problems_add_at(problems, &(struct place){.up = &at, .name = own->key},
                            "\"%s\" is weir's own: choose another", name);
    }
}

/* Any signal that the launcher gets means a stop to it. */
static void check_lifecycle(yyjson_mut_val *lifecycle, const struct place *place, struct problems *problems) {
    static const char *const unheard[] = {"SIGKILL", "SIGSTOP"};
    yyjson_mut_val *signal = yyjson_mut_obj_get(lifecycle, "stopSignal");
    CHECK_FORBIDDEN(lifecycle, in_lifecycle, place, problems);
    for (size_t i = 0; i < sizeof unheard / sizeof *unheard; i++)
        if (yyjson_mut_equals_str(signal, unheard[i]))
            problems_add_at(problems, &(struct place){.up = place, .name = "stopSignal"},
                            "must be one that the launcher can hear: it ends the remote application then");
}

/* Letters, digits, '-', '_' and '.', the first two at the ends (apimachinery's validation of labels). */
static bool is_label_part(const char *text, size_t length) {
    enum { PART_MAX = 63 };
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (length == 0 || length > PART_MAX || strchr(letters, text[0]) == NULL ||
        strchr(letters, text[length - 1]) == NULL)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr(letters, text[i]) == NULL && strchr("-_.", text[i]) == NULL)
            return false;
    return true;
}

/* Parts of small letters, digits and '-', the first two at the ends, with a '.' between them. */
static bool is_dns_name(const char *text, size_t length, bool capitals) {
    enum { LENGTH_MAX = 253 };
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *end = text + length;
    if (length > LENGTH_MAX)
        return false;
    for (const char *at = text;; at++) {
        const char *part = at;
        while (at < end && strchr(characters, *at) != NULL && (capitals || *at < 'A' || *at > 'Z'))
            at++;
        if (at == part || *part == '-' || at[-1] == '-' || (at < end && *at != '.'))
            return false;
        if (at == end)
            return true;
    }
}

/* "name", or "prefix/name" where the prefix is a DNS name; that of an annotation may have capitals. */
static bool is_label_name(const char *text, bool annotation) {
    const char *slash = strchr(text, '/');
    const char *name = slash != NULL ? slash + 1 : text;
    return is_label_part(name, strlen(name)) &&
           (slash == NULL || is_dns_name(text, (size_t)(slash - text), annotation));
}

enum { ANNOTATIONS_MAX = 250 * 1024 }; /* Kubernetes takes 256 KiB; weir has one of its own */

/* Labels or annotations. */
static void check_map(yyjson_mut_val *metadata, const char *map, const struct place *place, struct problems *problems) {
    const struct place here = {.up = place, .name = map};
    bool annotation = strcmp(map, "annotations") == 0;
    size_t bytes = 0;
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(yyjson_mut_obj_get(metadata, map), i, count, name, value) {
        const char *text = yyjson_mut_get_str(name);
        const struct place at = {.up = &here, .entry = text};
        bytes += yyjson_mut_get_len(name) + yyjson_mut_get_len(value);
        const char *label = annotation ? NULL : yyjson_mut_get_str(value);
        if (text_starts_with(text, WEIR_GROUP "/") || (!annotation && strcmp(text, LABEL_MANAGED_BY) == 0))
            problems_add_at(problems, &at, "is weir's own: choose another");
        else if (!is_label_name(text, annotation))
            problems_add_at(problems, &at,
                            "is no name for it: at most 63 letters, digits, '-', '_' and '.', after a "
                            "DNS name and '/' if you like");
        else if (!text_empty(label) && !is_label_part(label, strlen(label)))
            problems_add_at(problems, &at,
                            "must be at most 63 letters, digits, '-', '_' and '.', with a letter or "
                            "digit at both ends");
    }
    if (annotation && bytes > ANNOTATIONS_MAX)
        problems_add_at(problems, &here, "must be at most %d bytes together", ANNOTATIONS_MAX);
}

static void check_metadata(yyjson_mut_val *metadata, const struct place *place, struct problems *problems) {
    const struct pod_field *field = pod_field_find(&pod_types[POD_TYPE_TEMPLATE], "metadata");
    size_t i, count;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach(metadata, i, count, name, value) {
        const char *member = yyjson_mut_get_str(name);
        if (strcmp(member, "labels") != 0 && strcmp(member, "annotations") != 0 &&
            pod_field_find(pod_field_type(field), member) != NULL)
            problems_add_at(problems, &(struct place){.up = place, .name = member},
                            "cannot be set: only labels and annotations can");
    }
    check_map(metadata, "labels", place, problems);
    check_map(metadata, "annotations", place, problems);
}

static void check_containers(yyjson_mut_val *containers, const struct place *place, struct problems *problems) {
    size_t i, count;
    yyjson_mut_val *container;
    if (yyjson_mut_is_null(containers))
        problems_add_at(problems, place, "cannot be taken away: the task runs in one of them");
    yyjson_mut_arr_foreach(containers, i, count, container) {
        const struct place at = {.up = place, .index = i};
        if (!yyjson_mut_equals_str(yyjson_mut_obj_get(container, "name"), MAIN_CONTAINER))
            continue;
        CHECK_FORBIDDEN(container, in_main, &at, problems);
        check_lifecycle(yyjson_mut_obj_get(container, "lifecycle"), &(struct place){.up = &at, .name = "lifecycle"},
                        problems);
        check_own(container, &own_env, &at, problems);
        check_own(container, &own_mounts, &at, problems);
    }
}

static void check_spec(yyjson_mut_val *spec, const struct place *place, struct problems *problems) {
    const struct place containers = {.up = place, .name = "containers"};
    yyjson_mut_val *policy = yyjson_mut_obj_get(spec, "restartPolicy");
    yyjson_mut_val *grace = yyjson_mut_obj_get(spec, "terminationGracePeriodSeconds");
    if (yyjson_mut_is_str(policy) && !yyjson_mut_equals_str(policy, "Never"))
        problems_add_at(problems, &(struct place){.up = place, .name = "restartPolicy"},
                        "must be Never: weir makes a new pod for each attempt (use retry)");
    if (yyjson_mut_is_int(grace) && yyjson_mut_get_sint(grace) < GRACE_MIN_S)
        problems_add_at(problems, &(struct place){.up = place, .name = "terminationGracePeriodSeconds"},
                        "must be at least %d: the launcher kills the remote application in this time", GRACE_MIN_S);
    else if (yyjson_mut_is_int(grace) && yyjson_mut_get_sint(grace) > INT32_MAX)
        problems_add_at(problems, &(struct place){.up = place, .name = "terminationGracePeriodSeconds"},
                        "must be at most %d", INT32_MAX);
    CHECK_FORBIDDEN(spec, in_spec, place, problems);
    check_containers(yyjson_mut_obj_get(spec, "containers"), &containers, problems);
    check_own(spec, &own_containers, place, problems);
    check_own(spec, &own_volumes, place, problems);
}

static void check_pod(yyjson_mut_val *pod, const struct place *place, struct problems *problems) {
    static const char *const members[] = {"metadata", "spec"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct place at = {.up = place, .name = members[i]};
        yyjson_mut_val *value = yyjson_mut_obj_get(pod, members[i]);
        if (yyjson_mut_is_null(value))
            problems_add_at(problems, &at, "must be an object: it cannot be taken away");
        else if (i == 0)
            check_metadata(value, &at, problems);
        else
            check_spec(value, &at, problems);
    }
}

void overlay_check(yyjson_mut_val *fields, const struct place *place, struct problems *problems) {
    const struct place pod = {.up = place, .name = "pod"};
    check_own(fields, &own_env, place, problems);
    check_own(fields, &own_volumes, place, problems);
    check_own(fields, &own_mounts, place, problems);
    check_pod(yyjson_mut_obj_get(fields, "pod"), &pod, problems);
}
