/* See support_cluster.h. The controller is the real one; only the API server behind it is a model. */

#include "controller/support_cluster.h"
#include "controller/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"

enum { TICK_MS = 5, QUIET_TICKS = 6, TICKS_MAX = 1000 };

static const struct launch_config launch = {.launcher_image = "registry.example/weir:1",
                                            .pull_policy = "IfNotPresent",
                                            .report_host = "weir-operator.weir.svc",
                                            .report_address = "10.96.0.7:8443",
                                            .report_ca = "-----BEGIN CERTIFICATE-----\n"};

/* --- the transcript --- */

void status_text(yyjson_val *status, struct strbuf *out) {
    strbuf_puts(out, json_text(status, "phase", "-"));
    size_t i, count;
    yyjson_val *task;
    yyjson_arr_foreach(yyjson_obj_get(status, "tasks"), i, count, task) {
        const char *reason = json_text(task, "reason", "");
        strbuf_printf(out, "%s %s %s%s%s", i == 0 ? ":" : ",", json_text(task, "name", "?"),
                      json_text(task, "phase", "?"), reason[0] == '\0' ? "" : " ", reason);
    }
}

static void say_name(struct strbuf *out, const struct target *target) {
    yyjson_val *root = target->object != NULL ? object_root(target->object) : target->body;
    yyjson_val *labels = json_at(root, "metadata", "labels", NULL);
    const char *task = json_text(labels, LABEL_TASK, NULL);
    if (text_equal(target->plural, "namespaces"))
        strbuf_printf(out, "namespace %s", target->name);
    else if (!text_equal(target->plural, "pods"))
        strbuf_puts(out, "pipeline");
    else if (text_equal(json_text(labels, LABEL_ROLE, NULL), ROLE_CLEANER))
        strbuf_printf(out, "cleaner %s/%s.%s", task, json_text(labels, LABEL_ATTEMPT, "?"),
                      json_text(labels, LABEL_TURN, "?"));
    else if (task != NULL)
        strbuf_printf(out, "pod %s/%s", task, json_text(labels, LABEL_ATTEMPT, "?"));
    else
        strbuf_printf(out, "pod %s", target->object != NULL ? target->name : "that is not there");
}

static bool outcome_recorded(yyjson_val *status, const char *task, const char *pod_uid) {
    size_t i, count, k, attempts;
    yyjson_val *item, *attempt;
    yyjson_arr_foreach(yyjson_obj_get(status, "tasks"), i, count, item) {
        const char *phase = json_text(item, "phase", "");
        if (!text_equal(json_text(item, "name", ""), task))
            continue;
        if (text_equal(phase, "Succeeded") || text_equal(phase, "Failed") || text_equal(phase, "Cancelled"))
            return true;
        yyjson_arr_foreach(yyjson_obj_get(item, "attempts"), k, attempts, attempt) {
            if (text_equal(json_text(attempt, "podUID", ""), pod_uid))
                return true;
        }
    }
    return false;
}

/* Holds in every test: a pod of a run that goes on is released only when its outcome stands in the status. */
static void check_release(const struct cluster *cluster, const struct object *pod) {
    yyjson_val *metadata = yyjson_obj_get(object_root(pod), "metadata");
    yyjson_val *owner = yyjson_arr_get_first(yyjson_obj_get(metadata, "ownerReferences"));
    const struct object *run =
        store_find(&cluster->api.store, "pipelines", pod->namespace, json_text(owner, "name", ""));
    yyjson_val *root = run == NULL ? NULL : object_root(run);
    bool goes_on = root != NULL && json_at(root, "metadata", "deletionTimestamp", NULL) == NULL &&
                   text_equal(json_text(yyjson_obj_get(root, "metadata"), "uid", ""), json_text(owner, "uid", ""));
    const char *task = json_text(yyjson_obj_get(metadata, "labels"), LABEL_TASK, "");
    bool attempt = text_equal(json_text(yyjson_obj_get(metadata, "labels"), LABEL_ROLE, ""), ROLE_LAUNCHER);
    if (goes_on && attempt && !outcome_recorded(yyjson_obj_get(root, "status"), task, json_text(metadata, "uid", "")))
        fail_msg("pod %s was released before its outcome was recorded", pod->name);
}

static void seen(const struct target *target, int status, void *arg) {
    struct strbuf *out = &((struct cluster *)arg)->transcript;
    yyjson_val *finalizers = json_at(target->body, "metadata", "finalizers", NULL);
    if (text_equal(target->plural, "events"))
        return;
    if (text_equal(target->verb, "update")) {
        strbuf_puts(out, "status ");
        status_text(yyjson_obj_get(target->body, "status"), out);
    } else if (text_equal(target->verb, "patch") && text_equal(target->plural, "pods")) {
        if (status == 200)
            check_release(arg, target->object);
        bool done = json_at(target->body, "metadata", "labels", LABEL_DONE, NULL) != NULL;
        strbuf_puts(out, done ? "done " : "release ");
        say_name(out, target);
    } else if (text_equal(target->verb, "patch")) {
        strbuf_printf(out, "finalizers %zu", yyjson_arr_size(finalizers));
    } else {
        strbuf_printf(out, "%s ", target->verb);
        say_name(out, target);
    }
    if (status >= 300)
        strbuf_printf(out, " -> %d", status);
    strbuf_putc(out, '\n');
}

void cluster_expect(struct cluster *cluster, const char *const *lines) {
    AUTO_STRBUF wanted = STRBUF_INIT;
    for (; *lines != NULL; lines++)
        strbuf_printf(&wanted, "%s\n", *lines);
    assert_string_equal(strbuf_text(&cluster->transcript), strbuf_text(&wanted));
    strbuf_reset(&cluster->transcript);
}

void expect_status(const struct object *pipeline, const char *wanted) {
    AUTO_STRBUF text = STRBUF_INIT;
    status_text(yyjson_obj_get(object_root(pipeline), "status"), &text);
    assert_string_equal(strbuf_text(&text), wanted);
}

/* --- life --- */

static void pod_gone(const char *uid, void *arg) {
    strbuf_printf(&((struct cluster *)arg)->gone, "%s\n", uid);
}

static void drained(void *arg) {
    ((struct cluster *)arg)->drained = true;
}

void cluster_start(struct cluster *cluster) {
    *cluster = (struct cluster){.leads = true};
    uv_loop_init(&cluster->loop);
    uv_loop_configure(&cluster->loop, UV_METRICS_IDLE_TIME);
    api_init(&cluster->api, &cluster->loop);
    cluster->api.seen = seen;
    cluster->api.arg = cluster;
}

void controller_begin(struct cluster *cluster) {
    cluster->recorder = recorder_new(&cluster->loop, &cluster->api.kube, WEIR_GROUP "/operator", "operator-0");
    struct controller_config config = {.loop = &cluster->loop,
                                       .api = &cluster->api.kube,
                                       .recorder = cluster->recorder,
                                       .namespaces = cluster->namespaces,
                                       .launch = &launch,
                                       .pod_gone = pod_gone,
                                       .arg = cluster,
                                       .self = {&kube_pods, "weir-system", "operator-0", "uid-operator"},
                                       .ttl_seconds_after_finished = -1,
                                       .guard_file = cluster->guard_file,
                                       .window_ms = 5,
                                       .leaving_ms = cluster->leaving_ms,
                                       .seed = 7};
    cluster->controller = controller_new(&config);
    if (cluster->leads)
        controller_lead(cluster->controller);
}

static void on_tick(uv_timer_t *tick) {
    (*(int *)tick->data)++;
}

static void start_ticking(struct cluster *cluster, uv_timer_t *tick, int *ticks) {
    uv_timer_init(&cluster->loop, tick);
    tick->data = ticks;
    uv_timer_start(tick, on_tick, TICK_MS, TICK_MS);
}

static void stop_ticking(struct cluster *cluster, uv_timer_t *tick) {
    uv_close((uv_handle_t *)tick, NULL);
    uv_run(&cluster->loop, UV_RUN_NOWAIT);
}

/* Quiet is when the loop has turned a number of times, some of them later than a first retry, and nobody asked or was
 * answered; and later than a run rests after its longest pass (pace_rest_ms()), which a busy machine stretches. */
void cluster_settle(struct cluster *cluster) {
    uv_timer_t tick;
    int ticks = 0;
    int quiet_since = 0;
    int quiet = QUIET_TICKS;
    int64_t seen = -1;
    start_ticking(cluster, &tick, &ticks);
    while (ticks - quiet_since < quiet && ticks < TICKS_MAX) {
        uint64_t begun = uv_hrtime() - uv_metrics_idle_time(&cluster->loop);
        uv_run(&cluster->loop, UV_RUN_ONCE);
        uint64_t busy = uv_hrtime() - uv_metrics_idle_time(&cluster->loop) - begun;
        int rest = (int)(pace_rest_ms((int64_t)busy / 1000) / TICK_MS);
        quiet = quiet < QUIET_TICKS + rest ? QUIET_TICKS + rest : quiet;
        if (seen != cluster->api.requests + cluster->api.delivered)
            quiet_since = ticks;
        seen = cluster->api.requests + cluster->api.delivered;
    }
    stop_ticking(cluster, &tick);
    if (ticks >= TICKS_MAX)
        fail_msg("never quiet:\n%s", strbuf_text(&cluster->transcript));
}

static void on_over(uv_timer_t *tick) {
    *(bool *)tick->data = true;
}

void cluster_run_for(struct cluster *cluster, uint64_t ms) {
    uv_timer_t tick;
    bool over = false;
    uv_timer_init(&cluster->loop, &tick);
    tick.data = &over;
    uv_timer_start(&tick, on_over, ms, 0);
    while (!over)
        uv_run(&cluster->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&cluster->loop, UV_RUN_NOWAIT);
}

void pod_deleted_long_ago(struct cluster *cluster, struct object *pod, int64_t ago_ms, int grace_s) {
    char at[CLOCK_TEXT_MAX];
    clock_format(clock_wall_ms() - ago_ms + grace_s * INT64_C(1000), at);
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json, "{\"metadata\":{\"deletionTimestamp\":\"%s\",\"deletionGracePeriodSeconds\":%d}}", at,
                  grace_s);
    store_edit(&cluster->api.store, pod, strbuf_text(&json));
}

struct object *cluster_submit_json(struct cluster *cluster, const char *spec) {
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json,
                  "{\"apiVersion\":\"" WEIR_API_VERSION "\",\"kind\":\"Pipeline\",\"metadata\":{\"name\":\"chain\"},"
                  "\"spec\":%s}",
                  spec);
    return store_add(&cluster->api.store, "pipelines", "lab", strbuf_text(&json));
}

void controller_end(struct cluster *cluster) {
    if (cluster->controller == NULL)
        return;
    cluster->drained = false;
    uv_timer_t tick; /* a turn must not wait for the relist timer */
    int ticks = 0;
    start_ticking(cluster, &tick, &ticks);
    controller_drain(cluster->controller, drained, cluster);
    while (!cluster->drained && ticks < TICKS_MAX)
        uv_run(&cluster->loop, UV_RUN_ONCE);
    stop_ticking(cluster, &tick);
    assert_true(cluster->drained);
    controller_free(cluster->controller);
    recorder_free(cluster->recorder);
    cluster->controller = NULL;
    cluster->recorder = NULL;
}

void cluster_finish(struct cluster *cluster) {
    controller_end(cluster);
    uv_run(&cluster->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&cluster->loop), 0);
    api_fini(&cluster->api);
    strbuf_fini(&cluster->transcript);
    strbuf_fini(&cluster->gone);
}

/* --- objects --- */

struct object *cluster_submit(struct cluster *cluster, const char *name, const char *tasks, const char *more_spec) {
    return cluster_submit_in(cluster, "lab", name, tasks, more_spec);
}

struct object *cluster_submit_in(struct cluster *cluster, const char *namespace, const char *name, const char *tasks,
                                 const char *more_spec) {
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_printf(&json,
                  "{\"apiVersion\":\"" WEIR_API_VERSION "\",\"kind\":\"Pipeline\",\"metadata\":{\"name\":\"%s\"},"
                  "\"spec\":{%s\"defaults\":{\"image\":\"busybox\"},\"tasks\":[",
                  name, more_spec);
    for (const char *at = tasks; *at != '\0'; at += 2) {
        strbuf_printf(&json, "%s{\"name\":\"%c\",\"command\":{\"command\":[\"true\"]}", at == tasks ? "" : ",", at[0]);
        if (at[1] != ' ')
            strbuf_printf(&json, ",\"dependsOn\":[\"%c\"]", at[1]);
        strbuf_putc(&json, '}');
    }
    strbuf_puts(&json, "]}}");
    return store_add(&cluster->api.store, "pipelines", namespace, strbuf_text(&json));
}

static bool is_attempt(const struct object *object, const char *role, const char *task, int attempt) {
    yyjson_val *labels = json_at(object_root(object), "metadata", "labels", NULL);
    char number[16];
    snprintf(number, sizeof number, "%d", attempt);
    return text_equal(object->plural, "pods") && text_equal(json_text(labels, LABEL_TASK, ""), task) &&
           text_equal(json_text(labels, LABEL_ATTEMPT, ""), number) &&
           text_equal(json_text(labels, LABEL_ROLE, ROLE_LAUNCHER), role);
}

static struct object *find_pod(const struct cluster *cluster, const char *role, const char *task, int attempt) {
    struct object *found = NULL;
    struct object *object;
    LL_FOREACH(cluster->api.store.objects, object) {
        if (!object->gone && is_attempt(object, role, task, attempt))
            found = object;
    }
    return found;
}

struct object *cluster_pod(const struct cluster *cluster, const char *task, int attempt) {
    return find_pod(cluster, ROLE_LAUNCHER, task, attempt);
}

struct object *cluster_cleaner(const struct cluster *cluster, const char *task, int attempt) {
    return find_pod(cluster, ROLE_CLEANER, task, attempt);
}

size_t cluster_cleaners_made(const struct cluster *cluster, const char *task, int attempt) {
    const struct object *object;
    size_t made = 0;
    LL_FOREACH(cluster->api.store.objects, object) {
        made += is_attempt(object, ROLE_CLEANER, task, attempt);
    }
    return made;
}

size_t cluster_pods_made(const struct cluster *cluster, const char *task, int attempt) {
    const struct object *object;
    size_t made = 0;
    LL_FOREACH(cluster->api.store.objects, object) {
        made += is_attempt(object, ROLE_LAUNCHER, task, attempt);
    }
    return made;
}

size_t cluster_events(const struct cluster *cluster, const char *kind, const char *reason) {
    const struct object *object;
    size_t count = 0;
    LL_FOREACH(cluster->api.store.objects, object) {
        yyjson_val *root = object_root(object);
        count += text_equal(object->plural, "events") && text_equal(json_text(root, "reason", ""), reason) &&
                 text_equal(json_text(json_at(root, "regarding", NULL), "kind", ""), kind);
    }
    return count;
}

int left_count(void) {
    static const char name[] = "\nweir_remote_left_total ";
    AUTO_STRBUF text = STRBUF_INIT;
    metrics_render(&text);
    const char *line = strstr(strbuf_text(&text), name);
    return line != NULL ? (int)strtol(line + strlen(name), NULL, 10) : 0;
}

bool held(const struct object *pod) {
    return yyjson_arr_size(json_at(object_root(pod), "metadata", "finalizers", NULL)) > 0;
}

/* --- the kubelet --- */

void pod_starts(struct cluster *cluster, struct object *pod) {
    assert_non_null(pod);
    store_edit(&cluster->api.store, pod,
               "{\"spec\":{\"nodeName\":\"node-1\"},\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":"
               "\"main\",\"state\":{\"running\":{\"startedAt\":\"2026-11-20T10:00:00Z\"}}}]}}");
}

void pod_ends(struct cluster *cluster, struct object *pod, const char *reason) {
    assert_non_null(pod);
    bool well = reason[0] == '\0';
    struct record record = RECORD_INIT;
    record.seq = 9;
    record.phase = "Finished";
    record.final = true;
    record.reason = reason;
    record.exit_code = well ? 0 : 3;
    record.finished_at = clock_wall_ms();
    AUTO_STRBUF body = STRBUF_INIT;
    AUTO_STRBUF message = STRBUF_INIT;
    AUTO_STRBUF json = STRBUF_INIT;
    record_encode(&record, RECORD_MAX, &body);
    json_quote(&message, body.data, body.length);
    strbuf_printf(&json,
                  "{\"status\":{\"phase\":\"%s\",\"containerStatuses\":[{\"name\":\"main\",\"state\":{\"terminated\":"
                  "{\"exitCode\":%d,\"startedAt\":\"2026-11-20T10:00:00Z\",\"finishedAt\":\"2026-11-20T10:00:09Z\","
                  "\"message\":%s}}}]}}",
                  well ? "Succeeded" : "Failed", record.exit_code, strbuf_text(&message));
    store_edit(&cluster->api.store, pod, strbuf_text(&json));
}

void pod_turns_remote(struct cluster *cluster, struct object *pod) {
    assert_non_null(pod);
    store_edit(&cluster->api.store, pod,
               "{\"metadata\":{\"annotations\":{\"" ANNOTATION_SPEC_HASH
               "\":\"another\"}},\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"spark\",\"command\":"
               "[\"/weir/weir-launcher\",\"run\",\"--remote\",\"yarn\",\"--tag\",\"weir-x\",\"--\",\"x\"]}]}}");
}

void pod_is_killed(struct cluster *cluster, struct object *pod) {
    assert_non_null(pod);
    store_edit(&cluster->api.store, pod,
               "{\"status\":{\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"main\",\"state\":{\"terminated\":"
               "{\"exitCode\":137,\"reason\":\"OOMKilled\",\"startedAt\":\"2026-11-20T10:00:00Z\",\"finishedAt\":"
               "\"2026-11-20T10:00:09Z\"}}}]}}");
}

static bool step(struct cluster *cluster, struct object *pod) {
    yyjson_val *root = object_root(pod);
    yyjson_val *metadata = yyjson_obj_get(root, "metadata");
    const char *phase = json_text(yyjson_obj_get(root, "status"), "phase", "");
    bool deleting = yyjson_obj_get(metadata, "deletionTimestamp") != NULL;
    bool ended = text_equal(phase, "Succeeded") || text_equal(phase, "Failed");
    if (!ended && deleting)
        pod_ends(cluster, pod, "Stopped");
    else if (text_equal(phase, "Pending"))
        pod_starts(cluster, pod);
    else if (!ended)
        pod_ends(cluster, pod, "");
    else if (deleting && json_int(metadata, "deletionGracePeriodSeconds", 0) > 0)
        store_edit(&cluster->api.store, pod, "{\"metadata\":{\"deletionGracePeriodSeconds\":0}}");
    else
        return false;
    return true;
}

bool kubelet_step(struct cluster *cluster) {
    bool moved = false;
    struct object *object;
    LL_FOREACH(cluster->api.store.objects, object) {
        if (!object->gone && text_equal(object->plural, "pods"))
            moved = step(cluster, object) || moved;
    }
    return moved;
}

void kubelet_run(struct cluster *cluster) {
    while (kubelet_step(cluster))
        cluster_settle(cluster);
}

struct object *cluster_begin(struct cluster *cluster) {
    cluster_start(cluster);
    controller_begin(cluster);
    struct object *pipeline = cluster_submit(cluster, "chain", "a ba", "");
    cluster_settle(cluster);
    pod_starts(cluster, cluster_pod(cluster, "a", 1));
    cluster_settle(cluster);
    strbuf_reset(&cluster->transcript);
    return pipeline;
}
