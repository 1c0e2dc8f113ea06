/* See scope.h. Wires two caches and two watches; what their changes cause is a key to work on. Decides nothing about
 * runs. */

#include "controller/scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "controller/internal.h"
#include "controller/leaving.h"

enum { RELIST_MS = 45 * 60 * 1000, FAILING_MS = 30 * 1000 };

static const char *const kind_names[] = {[SCOPE_PIPELINES] = "pipelines", [SCOPE_PODS] = "pods"};

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
    return ((const struct pod_object *)object)->key;
}

static void wake_pod(struct controller *controller, const struct pod_object *pod) {
    if (pod != NULL && pod->key != NULL)
        controller_wake(controller, pod->key);
}

/* One that changed hands is news for both. */
static void pod_changed(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    struct scope *scope = ((struct scope_kind *)arg)->scope;
    struct controller *controller = scope->controller;
    struct pod_object *before = old == NULL ? NULL : old->object;
    struct pod_object *after = new == NULL ? NULL : new->object;
    controller->running -= before != NULL && !pod_facts_ended(before->facts);
    controller->running += after != NULL && !pod_facts_ended(after->facts);
    if (before != NULL && after != NULL)
        pod_object_inherit(after, before, clock_boot_ms());
    if (after == NULL)
        controller->config.pod_gone(old->uid, controller->config.arg);
    wake_pod(controller, after);
    if (after == NULL || (before != NULL && !text_equal(before->key, after->key)))
        wake_pod(controller, before);
}

static void *project_pipeline(yyjson_val *object, void *arg) {
    struct controller *controller = ((struct scope_kind *)arg)->scope->controller;
    yyjson_val *metadata = yyjson_obj_get(object, "metadata");
    int64_t generation = json_int(metadata, "generation", 0);
    const char *uid = json_text(metadata, "uid", "");
    if (guard_holds(controller->guard, uid, generation))
        return pipeline_object_bare(generation);
    guard_enter(controller->guard, uid, generation);
    struct pipeline_object *pipeline = pipeline_object_new(object);
    guard_leave(controller->guard);
    return pipeline;
}

static void free_pipeline(void *object, void *arg) {
    (void)arg;
    pipeline_object_free(object);
}

/* What a run that has ended needs to be known of is in its object. One that goes from the cache is gone, by the word of
 * the API server, which may not be there to ask later: the resource itself can be deleted. */
static void pipeline_changed(const struct cache_entry *old, const struct cache_entry *new, void *arg) {
    const struct scope *scope = ((struct scope_kind *)arg)->scope;
    struct controller *controller = scope->controller;
    const struct cache_entry *entry = new != NULL ? new : old;
    char key[KEY_MAX];
    object_key(entry->namespace, entry->name, key);
    if (new == NULL) {
        orphans_say_left(scope, key, old);
        runs_forget(&controller->runs, old->uid);
        if (cache_group_first(scope->kinds[SCOPE_PODS].cache, key) != NULL)
            orphans_expect(controller, old->uid);
    } else if (old == NULL && !new->listed) {
        runs_want(&controller->runs, new->uid)->survey = SURVEY_DONE; /* newborn: no pod can be older */
    }
    controller_wake(controller, key);
}

/* --- life --- */

static void work_when_possible(struct scope *scope) {
    if (!scope_works(scope))
        return;
    log_info("controller", "caches are synced: reconciling", {"namespace", scope->namespace});
    for (int kind = 0; kind < SCOPE_KINDS; kind++) {
        const struct cache *cache = scope->kinds[kind].cache;
        for (const struct cache_entry *entry = cache_first(cache); entry != NULL; entry = cache_next(cache, entry)) {
            char key[KEY_MAX];
            object_key(entry->namespace, entry->name, key);
            if (kind == SCOPE_PODS)
                wake_pod(scope->controller, entry->object);
            else
                controller_wake(scope->controller, key);
        }
    }
}

static void kind_synced(void *arg) {
    struct scope_kind *kind = arg;
    bool worked = scope_works(kind->scope);
    kind->listed = true;
    if (!worked)
        work_when_possible(kind->scope);
}

static void say_unreadable(struct scope_kind *kind, const struct error *err) {
    const struct scope *scope = kind->scope;
    const struct controller_config *config = &scope->controller->config;
    const char *what = kind_names[kind - scope->kinds];
    if (kind->told)
        return;
    kind->told = true;
    log_error("controller",
              kind->blind ? "cannot read this namespace: its Pipelines are not run"
                          : "cannot read this namespace for long: its Pipelines are not followed",
              {"namespace", scope_name(scope)}, {"resource", what}, {"err", err->text});
    if (config->self.resource == NULL)
        return;
    AUTO_ARENA arena = ARENA_INIT;
    const char *note = arena_printf(&arena, "cannot read %s of %s, so no Pipeline goes on there: %s", what,
                                    scope_name(scope), err->text);
    recorder_emit(config->recorder, &(struct event){.regarding = config->self,
                                                    .warning = true,
                                                    .reason = "NamespaceUnreadable",
                                                    .action = "Watch",
                                                    .note = note});
}

/* A server that is down or busy makes nobody blind: what is known of it stays true enough. */
static void kind_failed(const struct error *err, void *arg) {
    struct scope_kind *kind = arg;
    int64_t now = clock_boot_ms();
    kind->err = *err;
    if (kind->failing_since == 0)
        kind->failing_since = now;
    log_debug("controller", "cannot watch; trying again", {"namespace", kind->scope->namespace}, {"err", err->text});
    if (err->code == ERROR_FORBIDDEN) {
        kind->blind = true;
        leaving_look(kind->scope);
    }
    if (kind->blind || now - kind->failing_since >= FAILING_MS)
        say_unreadable(kind, err);
}

static void kind_recovered(void *arg) {
    struct scope_kind *kind = arg;
    bool blind = kind->blind;
    if (kind->told)
        log_info("controller", "can read this namespace again", {"namespace", scope_name(kind->scope)},
                 {"resource", kind_names[kind - kind->scope->kinds]});
    kind->blind = kind->told = false;
    kind->failing_since = 0;
    if (blind)
        work_when_possible(kind->scope);
}

static void start_kind(struct scope *scope, int which, const struct kube_resource *resource, const char *selector,
                       uint64_t seed) {
    struct scope_kind *kind = &scope->kinds[which];
    const struct controller_config *config = &scope->controller->config;
    struct watch_options options = {.resource = resource,
                                    .namespace = scope->namespace,
                                    .label_selector = selector,
                                    .stream_lists = true,
                                    .seed = seed,
                                    .synced = kind_synced,
                                    .failed = kind_failed,
                                    .recovered = kind_recovered,
                                    .arg = kind};
    kind->scope = scope;
    kind->watch = watch_new(config->loop, config->api, kind->cache, &options);
}

static void relist(uv_timer_t *timer) {
    const struct scope *scope = timer->data;
    for (int kind = 0; kind < SCOPE_KINDS; kind++)
        watch_relist(scope->kinds[kind].watch);
}

void scope_start(struct scope *scope, struct controller *controller, const char *namespace, uint64_t seed) {
    *scope = (struct scope){.controller = controller};
    scope->namespace = namespace == NULL ? NULL : strdup(namespace);
    scope->kinds[SCOPE_PIPELINES].cache = cache_new(&(struct cache_type){.project = project_pipeline,
                                                                         .free = free_pipeline,
                                                                         .changed = pipeline_changed,
                                                                         .arg = &scope->kinds[SCOPE_PIPELINES]});
    scope->kinds[SCOPE_PODS].cache = cache_new(&(struct cache_type){.project = project_pod,
                                                                    .free = free_pod,
                                                                    .group = group_pod,
                                                                    .changed = pod_changed,
                                                                    .arg = &scope->kinds[SCOPE_PODS]});
    start_kind(scope, SCOPE_PIPELINES, &kube_pipelines, NULL, seed);
    start_kind(scope, SCOPE_PODS, &kube_pods, LABEL_MANAGED_BY "=" MANAGER ",!" LABEL_DONE, seed + 1);
    /* many scopes must not list at the same moment */
    scope->relist_ms = RELIST_MS + (int64_t)(seed % (RELIST_MS / 4));
    uv_timer_init(controller->config.loop, &scope->timer);
    scope->timer.data = scope;
    uv_timer_start(&scope->timer, relist, (uint64_t)scope->relist_ms, (uint64_t)scope->relist_ms);
}

static void (*when_closed)(struct scope *scope);

static void timer_closed(uv_handle_t *handle) {
    struct scope *scope = handle->data;
    free(scope->namespace);
    when_closed(scope);
}

void scope_stop(struct scope *scope, void (*closed)(struct scope *scope)) {
    when_closed = closed;
    leaving_stop(scope);
    for (int kind = 0; kind < SCOPE_KINDS; kind++) {
        watch_free(scope->kinds[kind].watch);
        cache_free(scope->kinds[kind].cache);
    }
    uv_close((uv_handle_t *)&scope->timer, timer_closed);
}

void scope_lead(struct scope *scope) {
    for (int i = 0; i < SCOPE_KINDS; i++) {
        struct scope_kind *kind = &scope->kinds[i];
        kind->listed = false;
        watch_relist(kind->watch); /* also one that is under way: it may have begun before */
    }
}

/* --- questions --- */

struct cache *scope_cache(const struct scope *scope, const struct kube_resource *resource) {
    return scope->kinds[resource == &kube_pods ? SCOPE_PODS : SCOPE_PIPELINES].cache;
}

bool scope_blind(const struct scope *scope) {
    return scope->kinds[SCOPE_PIPELINES].blind || scope->kinds[SCOPE_PODS].blind;
}

bool scope_unreadable(const struct scope *scope) {
    return scope->kinds[SCOPE_PIPELINES].told || scope->kinds[SCOPE_PODS].told;
}

const char *scope_trouble(const struct scope *scope) {
    for (int i = 0; i < SCOPE_KINDS; i++)
        if (scope->kinds[i].failing_since != 0)
            return scope->kinds[i].err.text;
    return "";
}

bool scope_works(const struct scope *scope) {
    return scope->controller->leading && scope->kinds[SCOPE_PIPELINES].listed && scope->kinds[SCOPE_PODS].listed &&
           !scope_blind(scope);
}

bool scope_synced(const struct scope *scope) {
    return cache_synced(scope->kinds[SCOPE_PIPELINES].cache) && cache_synced(scope->kinds[SCOPE_PODS].cache);
}

/* Long names are shortened in the key, so they must be looked for. */
const struct cache_entry *scope_pipeline(const struct scope *scope, const char *key) {
    const struct cache *cache = scope->kinds[SCOPE_PIPELINES].cache;
    const char *slash = strchr(key, '/');
    if (slash == NULL)
        return NULL;
    char namespace[KEY_MAX];
    object_key_namespace(key, namespace);
    const struct cache_entry *entry = cache_get(cache, namespace, slash + 1);
    if (entry != NULL || strlen(slash + 1) < KEY_LABEL_MAX)
        return entry;
    for (entry = cache_first(cache); entry != NULL; entry = cache_next(cache, entry)) {
        char other[KEY_MAX];
        object_key(entry->namespace, entry->name, other);
        if (strcmp(other, key) == 0)
            return entry;
    }
    return NULL;
}

const char *scope_name(const struct scope *scope) {
    return scope->namespace == NULL ? "all namespaces" : scope->namespace;
}
