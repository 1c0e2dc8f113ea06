/* See pod_private.h: how the launcher is called: what it needs to know of the task, of its remote side and of earlier
 * attempts, and the task's own command line behind that. Ids that pods told are no words of a command before they are
 * looked at. Pure. */

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "executor/kinds.h"
#include "executor/overlay.h"
#include "executor/pod_private.h"
#include "pipeline/reasons.h"

enum {
    GRACE_MARGIN_S = 5, /* the launcher is done this long before the kubelet kills */
    EARLIER_MAX = 16,
    POD_RECORDS_MAX = 12 * 1024, /* bytes of the records of all containers that the kubelet keeps, each the same */
    INJECTED = 2,                /* containers that a mesh or kubectl debug may add later */
};

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

static bool is_plain(const char *id) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return !text_empty(id) && id[0] != '-' && id[strspn(id, plain)] == '\0';
}

/* The newest first. An application that was adopted is one of several attempts. */
static void add_earlier(const struct pod_build *build, struct argv *argv) {
    const char *ids[EARLIER_MAX];
    struct strings added = {.items = ids};
    for (size_t i = build->known != NULL ? build->known->attempt_count : 0; i-- > 0;) {
        const struct attempt_status *attempt = &build->known->attempts[i];
        for (size_t j = attempt->application_count; j-- > 0 && added.count < EARLIER_MAX;) {
            const char *id = attempt->application_ids[j];
            if (!is_plain(id) || strings_contain(&added, id))
                continue;
            ids[added.count++] = id;
            argv_add_option(argv, "--earlier", id);
        }
    }
}

/* Its pod was taken back before it ran; but a node may have been faster. */
static bool ran_nothing(const struct attempt_status *attempt) {
    const struct reason *reason = reason_find(attempt->reason);
    return reason != NULL && attempt->started_at == 0 &&
           (reason->end == END_AGAIN || reason_is(reason->name, REASON_StartTimeout));
}

/* Is what is left of earlier attempts surely what this one would run? One that started an application of its own had
 * ended, or adopted, what was there before. */
static bool left_the_same(const struct task_status *known, const char *hash) {
    if (known == NULL || known->attempt_count == 0)
        return false;
    for (size_t i = known->attempt_count; i-- > 0;) {
        const struct attempt_status *attempt = &known->attempts[i];
        if (ran_nothing(attempt))
            continue;
        if (!attempt->infra || !text_equal(attempt->hash, hash))
            return false;
        if (attempt->application_count > 0)
            return true;
    }
    return known->attempts[0].attempt == 1;
}

static void add_leftover(const struct pod_build *build, struct argv *argv) {
    const struct task *task = build->task;
    bool adopt =
        build->remote.verdict && task->on_lost_launcher == LOST_ADOPT && left_the_same(build->known, task->hash);
    if (build->attempt <= 1)
        return;
    add_earlier(build, argv);
    argv_add_option(argv, "--leftover", adopt ? "adopt" : "kill");
}

static bool carries(const struct argv *argv, const char *tag) {
    for (size_t i = 0; i < argv->count; i++)
        if (strstr(argv->items[i], tag) != NULL)
            return true;
    return false;
}

static void add_remote_options(const struct pod_build *build, const struct argv *command, const char *tag,
                               struct argv *argv) {
    const struct remote *remote = &build->remote;
    argv_add_option(argv, "--remote", remote->manager);
    argv_add_option(argv, "--verdict", remote->verdict ? "remote" : "exit-code");
    if (remote->manager == NULL)
        return;
    argv_add_option(argv, "--tag", remote->tagged_conf || carries(command, tag) ? tag : NULL);
    add_leftover(build, argv);
    argv_add_option(argv, "--hadoop-conf", remote->hadoop_conf);
    argv_add_option(argv, "--tagged-conf", remote->tagged_conf ? CONF_MOUNT : NULL);
    argv_add_option(argv, "--kerberos", build->task->kerberos != NULL ? KERBEROS_MOUNT : NULL);
}

/* The kubelet cuts what is longer, and half a record is none. */
static int64_t record_max(yyjson_mut_val *spec) {
    size_t containers = yyjson_mut_arr_size(yyjson_mut_obj_get(spec, "containers")) +
                        yyjson_mut_arr_size(yyjson_mut_obj_get(spec, "initContainers")) + INJECTED;
    size_t share = POD_RECORDS_MAX / containers;
    return share > RECORD_MAX ? RECORD_MAX : share < RECORD_MIN ? RECORD_MIN : (int64_t)share;
}

static void add_launcher_options(const struct pod_build *build, yyjson_mut_val *spec, int64_t grace,
                                 struct argv *argv) {
    const struct launch_config *config = build->config;
    argv_add_int(argv, "--record-max", record_max(spec));
    if (build->task->timeout_ms > 0)
        argv_add_option(argv, "--timeout", duration_text(build->task->timeout_ms, argv->arena));
    argv_add_option(argv, "--grace", arena_printf(argv->arena, "%" PRId64 "s", grace - GRACE_MARGIN_S));
    argv_add_option(
        argv, "--report",
        arena_printf(argv->arena, "https://%s%s/v1/report", config->report_host, report_port(config->report_address)));
    argv_add_option(argv, "--report-address", config->report_address);
}

void pod_add_command(const struct pod_build *build, yyjson_mut_val *spec, yyjson_mut_val *container, int64_t grace) {
    const char *tag = names_tag(build->run->uid, build->task->name, build->arena);
    const struct executor *executor = executor_of(build->task->kind);
    struct argv command = {.arena = build->arena};
    struct argv argv = {.arena = build->arena};
    executor->command(build->task, tag, &command);
    argv_add(&argv, LAUNCHER_MOUNT "/weir-launcher");
    argv_add(&argv, "run");
    argv_add_option(&argv, "--kind", executor->kind);
    argv_add_int(&argv, "--attempt", build->attempt);
    add_remote_options(build, &command, tag, &argv);
    add_launcher_options(build, spec, grace, &argv);
    argv_add(&argv, "--");
    for (size_t i = 0; i < command.count; i++)
        argv_add(&argv, command.items[i]);

    yyjson_mut_val *list = yyjson_mut_arr(build->doc);
    for (size_t i = 0; i < argv.count; i++)
        pod_append(build, list, argv.items[i]);
    pod_put(build, container, "command", list);
}
