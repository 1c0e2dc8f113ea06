/* See overlay.h: what may not be overlaid. The rule for each place is a line in a table. Pure. */

#include <string.h>

#include "base/text.h"
#include "executor/executor.h"
#include "executor/overlay.h"

static const char *at(const char *path, const char *member, struct problems *problems) {
    return arena_printf(problems->arena, "%s.%s", path, member);
}

static const char *at_item(const char *path, const char *list, size_t index, struct problems *problems) {
    return arena_printf(problems->arena, "%s.%s[%zu]", path, list, index);
}

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
};

static void check_forbidden(yyjson_val *object, const struct forbidden *rules, size_t count, const char *path,
                            struct problems *problems) {
    for (size_t i = 0; i < count; i++)
        if (yyjson_obj_get(object, rules[i].member) != NULL)
            problems_add(problems, at(path, rules[i].member, problems), "%s", rules[i].why);
}
#define CHECK_FORBIDDEN(object, rules, path, problems) \
    check_forbidden((object), (rules), sizeof(rules) / sizeof *(rules), (path), (problems))

/* Entries of `list` whose `key` is weir's own. */
static void check_names(yyjson_val *list, const char *key, bool (*ours)(const char *), const char *path,
                        struct problems *problems) {
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr(list))
        return;
    yyjson_arr_foreach(list, i, count, item) {
        const char *name = json_text(item, key, NULL);
        if (name != NULL && ours(name))
            problems_add(problems, arena_printf(problems->arena, "%s[%zu].%s", path, i, key),
                         "\"%s\" is weir's own: choose another", name);
    }
}

static bool is_our_env(const char *name) {
    return text_starts_with(name, OWN_ENV_PREFIX);
}

static bool is_our_volume(const char *name) {
    return text_equal(name, LAUNCHER_VOLUME) || text_equal(name, TOKEN_VOLUME);
}

static bool is_our_container(const char *name) {
    return text_equal(name, LAUNCHER_CONTAINER);
}

/* The same directory, one inside, or one around: "/" and "/var" would hide ours. */
static bool is_our_mount(const char *name) {
    static const char *const mounts[] = {LAUNCHER_MOUNT, TOKEN_MOUNT};
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

void overlay_check_env(yyjson_val *list, const char *path, struct problems *problems) {
    check_names(list, "name", is_our_env, path, problems);
}

void overlay_check_volumes(yyjson_val *list, const char *path, struct problems *problems) {
    check_names(list, "name", is_our_volume, path, problems);
}

void overlay_check_mounts(yyjson_val *list, const char *path, struct problems *problems) {
    check_names(list, "mountPath", is_our_mount, path, problems);
}

/* Patch directives ($patch, $setElementOrder/...) would be sent on as unknown members. */
static void check_directives(yyjson_val *value, const char *path, struct problems *problems) {
    size_t i, count;
    yyjson_val *name, *item;
    if (yyjson_is_arr(value))
        yyjson_arr_foreach(value, i, count, item) {
            if (yyjson_is_ctn(item))
                check_directives(item, arena_printf(problems->arena, "%s[%zu]", path, i), problems);
        }
    if (!yyjson_is_obj(value))
        return;
    yyjson_obj_foreach(value, i, count, name, item) {
        const char *member = yyjson_get_str(name);
        if (member[0] == '$')
            problems_add(problems, at(path, member, problems), "patch directives are not supported");
        else if (yyjson_is_ctn(item))
            check_directives(item, at(path, member, problems), problems);
    }
}

static void check_metadata(yyjson_val *metadata, const char *path, struct problems *problems) {
    size_t i, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach(metadata, i, count, name, value) {
        const char *member = yyjson_get_str(name);
        if (strcmp(member, "labels") != 0 && strcmp(member, "annotations") != 0)
            problems_add(problems, at(path, member, problems), "cannot be set: only labels and annotations can");
        else if (!yyjson_is_obj(value))
            problems_add(problems, at(path, member, problems), "must be an object");
    }
    yyjson_obj_foreach(json_at(metadata, "labels", NULL), i, count, name, value) {
        const char *label = yyjson_get_str(name);
        if (text_starts_with(label, WEIR_GROUP "/") || strcmp(label, LABEL_MANAGED_BY) == 0)
            problems_add(problems, arena_printf(problems->arena, "%s.labels[%s]", path, label),
                         "is weir's own: choose another");
    }
}

static void check_container(yyjson_val *container, const char *path, struct problems *problems) {
    const char *name = json_text(container, "name", NULL);
    if (text_empty(name)) {
        problems_add(problems, at(path, "name", problems), "is required (\"" MAIN_CONTAINER "\" is the task's own)");
        return;
    }
    if (strcmp(name, MAIN_CONTAINER) != 0)
        return;
    CHECK_FORBIDDEN(container, in_main, path, problems);
    overlay_check_env(json_at(container, "env", NULL), at(path, "env", problems), problems);
    overlay_check_mounts(json_at(container, "volumeMounts", NULL), at(path, "volumeMounts", problems), problems);
}

static void check_lists(yyjson_val *spec, const char *path, struct problems *problems) {
    static const char *const names[] = {"containers", "initContainers", "volumes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        yyjson_val *list = yyjson_obj_get(spec, names[i]);
        if (list != NULL && !yyjson_is_arr(list))
            problems_add(problems, at(path, names[i], problems), "must be a list");
    }
}

static void check_spec(yyjson_val *spec, const char *path, struct problems *problems) {
    const char *policy = json_text(spec, "restartPolicy", "Never");
    yyjson_val *seconds = yyjson_obj_get(spec, "terminationGracePeriodSeconds");
    bool said = seconds != NULL && !yyjson_is_null(seconds);
    int64_t grace = json_int(spec, "terminationGracePeriodSeconds", said ? 0 : GRACE_DEFAULT_S);
    if (strcmp(policy, "Never") != 0)
        problems_add(problems, at(path, "restartPolicy", problems),
                     "must be Never: weir makes a new pod for each attempt (use retry)");
    if (grace < GRACE_MIN_S || grace > INT32_MAX)
        problems_add(problems, at(path, "terminationGracePeriodSeconds", problems),
                     "must be at least %d: the launcher kills the remote application in this time", GRACE_MIN_S);
    CHECK_FORBIDDEN(spec, in_spec, path, problems);
    check_lists(spec, path, problems);
    size_t i, count;
    yyjson_val *container;
    yyjson_val *containers = json_at(spec, "containers", NULL);
    if (yyjson_is_arr(containers))
        yyjson_arr_foreach(containers, i, count, container) {
            check_container(container, at_item(path, "containers", i, problems), problems);
        }
    check_names(json_at(spec, "initContainers", NULL), "name", is_our_container, at(path, "initContainers", problems),
                problems);
    overlay_check_volumes(json_at(spec, "volumes", NULL), at(path, "volumes", problems), problems);
}

void overlay_check(yyjson_val *overlay, const char *path, struct problems *problems) {
    size_t i, count;
    yyjson_val *name, *value;
    if (overlay == NULL)
        return;
    check_directives(overlay, path, problems);
    yyjson_obj_foreach(overlay, i, count, name, value) {
        const char *member = yyjson_get_str(name);
        bool is_metadata = strcmp(member, "metadata") == 0;
        if (!is_metadata && strcmp(member, "spec") != 0)
            problems_add(problems, at(path, member, problems),
                         "unknown field: a PodTemplateSpec has metadata and spec");
        else if (!yyjson_is_obj(value))
            problems_add(problems, at(path, member, problems), "must be an object");
        else if (is_metadata)
            check_metadata(value, at(path, member, problems), problems);
        else
            check_spec(value, at(path, member, problems), problems);
    }
}
