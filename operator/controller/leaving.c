/* See leaving.h. Only what the cache knows can be let go: reading is not allowed any more. */

#include "controller/leaving.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

enum { AT_ONCE = 32 };

struct leaving {
    struct kube_call *call; /* a look at the namespace */
    size_t under_way;       /* pods that are being let go */
    bool failed;            /* one of those could not be */
    int64_t since;          /* boot ms; when it was first seen to be on its way out; 0: it is not */
};

static void let_pods_go(const struct scope *scope);

/* What could be watched is not: the answer is all that is seen of the pod. */
static void let_go(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    const struct scope *scope = controller_scope(request->controller, request->namespace);
    struct leaving *leaving = scope->leaving;
    bool well = answer->err.code == ERROR_NONE || answer->err.code == ERROR_NOT_FOUND;
    if (well)
        cache_drop(scope->kinds[SCOPE_PODS].cache, request->namespace, request->pod, request->pod_uid, NULL);
    else
        request_say(request, "cannot let a pod of a namespace go that is being deleted", answer);
    if (leaving != NULL) {
        leaving->failed = leaving->failed || !well;
        if (--leaving->under_way == 0 && !leaving->failed)
            let_pods_go(scope);
    }
    request_end(request);
}

/* Nothing can be created there any more, no cleaner either. */
static void say_left(const char *name, const struct pod_object *pod) {
    AUTO_ARENA arena = ARENA_INIT;
    struct pod_view view;
    executor_view(pod->facts, NULL, clock_wall_ms(), &arena, &view);
    if (!text_empty(view.remote) && plan_waits_for(&view))
        left_behind(pod->key, name,
                    arena_printf(&arena, "what the pod started on %s may still run: its namespace is being deleted",
                                 view.remote));
}

static void let_pods_go(const struct scope *scope) {
    const struct pass_scope about = {
        .controller = scope->controller, .key = "", .namespace = scope->namespace, .pipeline = "", .run_uid = ""};
    struct leaving *leaving = scope->leaving;
    const struct cache *pods = scope->kinds[SCOPE_PODS].cache;
    leaving->failed = false;
    for (const struct cache_entry *entry = cache_first(pods); entry != NULL && leaving->under_way < AT_ONCE;
         entry = cache_next(pods, entry)) {
        const struct pod_object *pod = entry->object;
        if (!pod->facts->held)
            continue;
        log_info("controller", "letting a pod go: its namespace is being deleted", {"namespace", entry->namespace},
                 {"pod", entry->name});
        say_left(entry->name, pod);
        struct request *request = request_new(&about, entry->name, entry->uid, NULL);
        leaving->under_way++;
        kube_finalizer_drop(scope->controller->config.api, request_pod(request), request->pod_uid, FINALIZER_RESULT,
                            NULL, let_go, request);
    }
}

static void looked(struct kube_answer *answer, void *arg) {
    struct scope *scope = arg;
    struct leaving *leaving = scope->leaving;
    int64_t now = clock_boot_ms();
    leaving->call = NULL;
    yyjson_val *root = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    bool going = answer->err.code == ERROR_NOT_FOUND || json_at(root, "metadata", "deletionTimestamp", NULL) != NULL;
    if (!going)
        leaving->since = 0;
    else if (leaving->since == 0)
        leaving->since = now;
    if (going && now - leaving->since >= scope->controller->config.leaving_ms && scope->controller->leading &&
        leaving->under_way == 0)
        let_pods_go(scope);
}

void leaving_look(struct scope *scope) {
    if (scope->namespace == NULL || !scope->controller->leading)
        return;
    if (scope->leaving == NULL)
        scope->leaving = calloc(1, sizeof *scope->leaving);
    if (scope->leaving == NULL)
        abort();
    if (scope->leaving->call == NULL)
        scope->leaving->call = kube_get(scope->controller->config.api,
                                        (struct kube_ref){&kube_namespaces, NULL, scope->namespace}, looked, scope);
}

void leaving_stop(struct scope *scope) {
    if (scope->leaving != NULL)
        kube_cancel(scope->controller->config.api, scope->leaving->call);
    free(scope->leaving);
    scope->leaving = NULL;
}
