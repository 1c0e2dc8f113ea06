/* See controller.h. Wires caches, watches and the worker; holds no decision of its own. */

#include "controller/controller.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/internal.h"

enum { PARALLEL_PASSES = 32, RELIST_MS = 45 * 60 * 1000 };

static struct metric pipelines_gauge = {
    .name = "weir_pipelines", .help = "Pipelines by phase.", .type = METRIC_GAUGE, .labels = {"phase"}};
static struct metric tasks_gauge = {.name = "weir_tasks",
                                    .help = "Tasks that have an entry in status, by phase.",
                                    .type = METRIC_GAUGE,
                                    .labels = {"phase"}};

const struct scope *controller_scope(const struct controller *controller, const char *namespace) {
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct scope *scope = &controller->scopes[i];
        if (scope->namespace == NULL || text_equal(scope->namespace, namespace))
            return scope;
    }
    return NULL;
}

/* --- what the caches keep, and what their changes cause --- */

static void *project_pod(yyjson_val *object, void *arg) {
    (void)arg;
    return pod_object_new(object);
}

static void free_pod(void *object, void *arg) {
    (void)arg;
    pod_object_free(object);
}

static const char *group_pod(const void *object, void *arg) {
    (void)arg;
    return ((const struct pod_object *)object)->run_key;
}

static void pod_changed(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    struct scope *scope = arg;
    struct controller *controller = scope->controller;
    struct pod_object *before = old == NULL ? NULL : old->object;
    struct pod_object *after = new == NULL ? NULL : new->object;
    if (before != NULL && !before->ended)
        controller->running--;
    if (after != NULL && !after->ended)
        controller->running++;
    if (before != NULL && after != NULL)
        pod_object_inherit(after, before, clock_boot_ms());
    if (after == NULL)
        controller->config.pod_gone(old->uid, controller->config.arg);
    worker_add(controller->worker, after != NULL ? after->run_key : before->run_key);
}

static void *project_pipeline(yyjson_val *object, void *arg) {
    (void)arg;
    struct pipeline_object *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL)
        abort();
    pipeline->doc = cache_copy_object(object);
    return pipeline;
}

static void free_pipeline(void *object, void *arg) {
    (void)arg;
    struct pipeline_object *pipeline = object;
    yyjson_doc_free(pipeline->doc);
    free(pipeline);
}

static void pipeline_changed(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    struct scope *scope = arg;
    const struct cache_entry *entry = new != NULL ? new : old;
    if (new == NULL)
        memory_forget(scope->controller->memory, old->uid);
    AUTO_STRBUF key = STRBUF_INIT;
    strbuf_printf(&key, "%s/%s", entry->namespace, entry->name);
    worker_add(scope->controller->worker, strbuf_text(&key));
}

/* --- life --- */

static void begin_when_synced(struct controller *controller) {
    if (!controller->led || controller->working || !controller_synced(controller, NULL))
        return;
    controller->working = true;
    log_info("controller", "caches are synced: reconciling");
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct scope *scope = &controller->scopes[i];
        const struct cache_entry *entry;
        for (entry = cache_first(scope->pipelines); entry != NULL; entry = cache_next(scope->pipelines, entry))
            pipeline_changed(NULL, entry, controller->scopes + i);
        for (entry = cache_first(scope->pods); entry != NULL; entry = cache_next(scope->pods, entry))
            worker_add(controller->worker, ((const struct pod_object *)entry->object)->run_key);
    }
}

static void scope_synced(void *arg) {
    const struct scope *scope = arg;
    begin_when_synced(scope->controller);
}

static void scope_failed(const struct error *err, void *arg) {
    const struct scope *scope = arg;
    log_warn("controller", "cannot watch; trying again", {"namespace", scope->namespace}, {"err", err->text});
}

static void scope_start(struct scope *scope, struct controller *controller, const char *namespace) {
    const struct controller_config *config = &controller->config;
    scope->controller = controller;
    scope->namespace = namespace == NULL ? NULL : strdup(namespace);
    scope->pipelines = cache_new(&(struct cache_type){
        .project = project_pipeline, .free = free_pipeline, .changed = pipeline_changed, .arg = scope});
    scope->pods = cache_new(&(struct cache_type){
        .project = project_pod, .free = free_pod, .group = group_pod, .changed = pod_changed, .arg = scope});
    struct watch_options options = {.resource = &kube_pipelines,
                                    .namespace = scope->namespace,
                                    .stream_lists = true,
                                    .seed = config->seed,
                                    .synced = scope_synced,
                                    .failed = scope_failed,
                                    .arg = scope};
    scope->pipeline_watch = watch_new(config->loop, config->api, scope->pipelines, &options);
    options.resource = &kube_pods;
    options.label_selector = LABEL_MANAGED_BY "=weir";
    options.seed = config->seed + 1;
    scope->pod_watch = watch_new(config->loop, config->api, scope->pods, &options);
}

static void relist(uv_timer_t *timer) {
    struct controller *controller = timer->data;
    for (size_t i = 0; i < controller->scope_count; i++) {
        watch_relist(controller->scopes[i].pipeline_watch);
        watch_relist(controller->scopes[i].pod_watch);
    }
}

/* Passes are made only once everything is known; until then keys are dropped: all are added when work begins. */
static void work(const char *key, void *arg) {
    struct controller *controller = arg;
    if (controller->working)
        reconcile(key, arg);
    else
        worker_done(controller->worker, key, WORKER_DONE, 0);
}

struct controller *controller_new(const struct controller_config *config) {
    struct controller *controller = calloc(1, sizeof *controller);
    if (controller == NULL)
        abort();
    controller->config = *config;
    controller->memory = memory_new();
    controller->worker =
        worker_new(config->loop, &(struct queue_options){.name = "pipelines"}, PARALLEL_PASSES, work, controller);
    controller->scope_count = config->namespaces.count == 0 ? 1 : config->namespaces.count;
    controller->scopes = calloc(controller->scope_count, sizeof *controller->scopes);
    if (controller->scopes == NULL)
        abort();
    for (size_t i = 0; i < controller->scope_count; i++)
        scope_start(&controller->scopes[i], controller,
                    config->namespaces.count == 0 ? NULL : config->namespaces.items[i]);
    uv_timer_init(config->loop, &controller->relist_timer);
    controller->relist_timer.data = controller;
    uv_timer_start(&controller->relist_timer, relist, RELIST_MS, RELIST_MS);
    return controller;
}

static void controller_closed(uv_handle_t *handle) {
    struct controller *controller = handle->data;
    free(controller->scopes);
    free(controller);
}

void controller_free(struct controller *controller) {
    if (controller == NULL)
        return;
    for (size_t i = 0; i < controller->scope_count; i++) {
        struct scope *scope = &controller->scopes[i];
        watch_free(scope->pipeline_watch);
        watch_free(scope->pod_watch);
        cache_free(scope->pipelines);
        cache_free(scope->pods);
        free(scope->namespace);
    }
    worker_free(controller->worker);
    memory_free(controller->memory);
    uv_close((uv_handle_t *)&controller->relist_timer, controller_closed);
}

void controller_lead(struct controller *controller) {
    controller->led = true;
    begin_when_synced(controller);
}

void controller_follow(struct controller *controller) {
    controller->led = controller->working = false;
}

void controller_drain(struct controller *controller, void (*drained)(void *arg), void *arg) {
    worker_drain(controller->worker, drained, arg);
}

/* --- questions from outside --- */

bool controller_synced(const struct controller *controller, struct strbuf *reasons) {
    bool synced = true;
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct scope *scope = &controller->scopes[i];
        if (cache_synced(scope->pipelines) && cache_synced(scope->pods))
            continue;
        synced = false;
        if (reasons != NULL)
            strbuf_printf(reasons, "%s not listed yet in %s\n", cache_synced(scope->pipelines) ? "pods" : "pipelines",
                          scope->namespace == NULL ? "any namespace" : scope->namespace);
    }
    return synced;
}

int controller_report(struct controller *controller, const char *namespace, const char *pod, const char *uid,
                      const struct record *record, const char *body, size_t length) {
    const struct scope *scope = controller_scope(controller, namespace);
    if (scope == NULL)
        return 403;
    const struct cache_entry *entry = cache_get(scope->pods, namespace, pod);
    if (entry == NULL)
        return cache_synced(scope->pods) ? 403 : 503;
    if (!text_equal(entry->uid, uid))
        return 409;
    struct pod_object *object = entry->object;
    if (pod_object_report(object, record, body, length))
        worker_add(controller->worker, object->run_key);
    return 200;
}

size_t controller_running(const struct controller *controller) {
    return controller->running;
}

void controller_measure(const struct controller *controller) {
    metric_clear(&pipelines_gauge);
    metric_clear(&tasks_gauge);
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct cache *cache = controller->scopes[i].pipelines;
        for (const struct cache_entry *entry = cache_first(cache); entry != NULL; entry = cache_next(cache, entry)) {
            const struct pipeline_object *object = entry->object;
            yyjson_val *status = json_at(yyjson_doc_get_root(object->doc), "status", NULL);
            metric_add(&pipelines_gauge, 1, json_text(status, "phase", "Pending"));
            size_t at, count;
            yyjson_val *task;
            yyjson_arr_foreach(yyjson_obj_get(status, "tasks"), at, count, task) {
                metric_add(&tasks_gauge, 1, json_text(task, "phase", ""));
            }
        }
    }
}
