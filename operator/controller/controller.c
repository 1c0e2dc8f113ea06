/* See controller.h: its scopes, its life, and what it is asked from outside. Holds no decision of its own. */

#include "controller/controller.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/metrics.h"
#include "controller/internal.h"
#include "controller/leaving.h"
#include "controller/pace.h"

static struct metric pipelines_gauge = {
    .name = "weir_pipelines", .help = "Pipelines by phase.", .type = METRIC_GAUGE, .labels = {"phase"}};
static struct metric tasks_gauge = {.name = "weir_tasks",
                                    .help = "Tasks that have an entry in status, by phase.",
                                    .type = METRIC_GAUGE,
                                    .labels = {"phase"}};
static struct metric blind_gauge = {.name = "weir_namespace_unreadable",
                                    .help = "1 for each namespace that cannot be read, so that nothing runs there.",
                                    .type = METRIC_GAUGE,
                                    .labels = {"namespace"}};

const struct scope *controller_scope(const struct controller *controller, const char *namespace) {
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct scope *scope = &controller->scopes[i];
        if (scope->namespace == NULL || text_equal(scope->namespace, namespace))
            return scope;
    }
    return NULL;
}

void controller_wake(struct controller *controller, const char *key) {
    worker_add(controller->worker, key);
}

/* --- life --- */

struct controller *controller_new(const struct controller_config *config) {
    struct controller *controller = calloc(1, sizeof *controller);
    if (controller == NULL)
        abort();
    controller->config = *config;
    if (controller->config.leaving_ms == 0)
        controller->config.leaving_ms = LEAVING_MS;
    controller->runs.window_ms = config->window_ms > 0 ? config->window_ms : PACE_MIN_MS;
    controller->guard = guard_open(config->guard_file);
    controller->worker = worker_new(config->loop, "pipelines", reconcile, controller);
    controller->scope_count = config->namespaces.count == 0 ? 1 : config->namespaces.count;
    controller->scopes = calloc(controller->scope_count, sizeof *controller->scopes);
    if (controller->scopes == NULL)
        abort();
    for (size_t i = 0; i < controller->scope_count; i++) {
        const char *namespace = config->namespaces.count == 0 ? NULL : config->namespaces.items[i];
        uint64_t seed =
            hash_text(hash_add(HASH_INIT, &config->seed, sizeof config->seed), namespace != NULL ? namespace : "");
        scope_start(&controller->scopes[i], controller, namespace, seed);
    }
    return controller;
}

static void scope_closed(struct scope *scope) {
    struct controller *controller = scope->controller;
    if (--controller->scope_count > 0)
        return;
    free(controller->scopes);
    free(controller);
}

void controller_free(struct controller *controller) {
    if (controller == NULL)
        return;
    size_t count = controller->scope_count;
    for (size_t i = 0; i < count; i++)
        scope_stop(&controller->scopes[i], scope_closed);
    worker_free(controller->worker);
    runs_clear(&controller->runs);
    hashes_clear(&controller->shapes);
    asking_clear(&controller->asking);
    hashes_clear(&controller->untold);
    hashes_clear(&controller->gone);
    guard_close(controller->guard);
}

void controller_lead(struct controller *controller) {
    if (controller->leading)
        return;
    controller->leading = true;
    for (size_t i = 0; i < controller->scope_count; i++)
        scope_lead(&controller->scopes[i]);
}

void controller_follow(struct controller *controller) {
    controller->leading = false;
}

static void drained_now(struct controller *controller) {
    void (*drained)(void *) = controller->drained;
    if (drained == NULL || controller->pending > 0)
        return;
    controller->drained = NULL;
    drained(controller->drained_arg);
}

void controller_asks(struct controller *controller) {
    controller->pending++;
}

void controller_answered(struct controller *controller) {
    controller->pending--;
    drained_now(controller);
}

void controller_drain(struct controller *controller, void (*drained)(void *arg), void *arg) {
    controller->drained = drained;
    controller->drained_arg = arg;
    worker_stop(controller->worker);
    drained_now(controller);
}

void controller_forbidden(struct controller *controller, const char *namespace) {
    for (size_t i = 0; i < controller->scope_count; i++)
        if (text_equal(controller->scopes[i].namespace, namespace))
            leaving_look(&controller->scopes[i]);
}

/* --- questions from outside --- */

bool controller_ready(const struct controller *controller, struct strbuf *reasons) {
    bool waiting = false;
    size_t readable = 0;
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct scope *scope = &controller->scopes[i];
        bool blind = scope_blind(scope);
        readable += !blind;
        waiting = waiting || (!blind && !scope_synced(scope));
        if (reasons != NULL && (blind || !scope_synced(scope)))
            strbuf_printf(reasons, "%s: %s%s%s\n", scope_name(scope), blind ? "cannot be read" : "not listed yet",
                          scope_trouble(scope)[0] != '\0' ? ": " : "", scope_trouble(scope));
    }
    return !waiting && readable > 0;
}

/* Labels alone make no launcher. */
static bool may_report(const struct pod_object *pod) {
    return pod->key != NULL && pod_fact(pod->facts, FACT_OWNER)[0] != '\0';
}

int controller_report(struct controller *controller, const char *namespace, const char *pod, const char *uid,
                      const struct record *record, const char *body, size_t length) {
    const struct scope *scope = controller_scope(controller, namespace);
    if (scope == NULL)
        return 403;
    const struct cache *pods = scope->kinds[SCOPE_PODS].cache;
    const struct cache_entry *entry = cache_get(pods, namespace, pod);
    if (entry == NULL)
        return cache_synced(pods) ? 403 : 503;
    if (!text_equal(entry->uid, uid))
        return 409;
    struct pod_object *object = entry->object;
    if (!may_report(object))
        return 403;
    if (pod_object_report(object, record, body, length))
        controller_wake(controller, object->key);
    return 200;
}

bool controller_knows_pod(const struct controller *controller, const char *namespace, const char *pod,
                          const char *uid) {
    const struct scope *scope = controller_scope(controller, namespace);
    const struct cache *pods = scope != NULL ? scope->kinds[SCOPE_PODS].cache : NULL;
    const struct cache_entry *entry = pods != NULL ? cache_get(pods, namespace, pod) : NULL;
    if (entry == NULL)
        return pods != NULL && !cache_synced(pods); /* may be there, and not be listed yet */
    const struct pod_object *object = entry->object;
    return text_equal(entry->uid, uid) && may_report(object) && !pod_facts_ended(object->facts);
}

size_t controller_running(const struct controller *controller) {
    return controller->running;
}

static void measure_tasks(const struct pipeline_object *pipeline) {
    for (int phase = TASK_None + 1; phase < TASK_PHASE_COUNT; phase++)
        if (pipeline->counts[phase] > 0)
            metric_add(&tasks_gauge, pipeline->counts[phase], task_phase_name((enum task_phase)phase));
}

void controller_measure(const struct controller *controller) {
    metric_clear(&pipelines_gauge);
    metric_clear(&tasks_gauge);
    metric_clear(&blind_gauge);
    for (size_t i = 0; i < controller->scope_count; i++) {
        const struct scope *scope = &controller->scopes[i];
        const struct cache *cache = scope->kinds[SCOPE_PIPELINES].cache;
        if (scope_unreadable(scope))
            metric_set(&blind_gauge, 1, scope_name(scope));
        for (const struct cache_entry *entry = cache_first(cache); entry != NULL; entry = cache_next(cache, entry)) {
            const struct pipeline_object *object = entry->object;
            metric_add(&pipelines_gauge, 1, run_phase_name(object->phase));
            measure_tasks(object);
        }
    }
}
