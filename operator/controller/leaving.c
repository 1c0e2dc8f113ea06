/* See leaving.h. Only what the cache knows can be let go: reading is not allowed any more. */

#include "controller/leaving.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "controller/internal.h"
#include "kube/verbs.h"

enum { GRACE_MS = 90 * 1000, AT_ONCE = 32 };

struct leaving {
    struct kube_call *call; /* a look at the namespace */
    int64_t since;          /* boot ms; when it was first seen to be on its way out; 0: it is not */
};

static void let_go(struct kube_answer *answer, void *arg) {
    struct controller *controller = arg;
    if (answer->err.code != ERROR_NONE && answer->err.code != ERROR_NOT_FOUND)
        log_warn("controller", "cannot let a pod of a namespace go that is being deleted", {"err", answer->err.text});
    controller_answered(controller);
}

static void let_pods_go(const struct scope *scope) {
    struct controller *controller = scope->controller;
    const struct cache *pods = scope->kinds[SCOPE_PODS].cache;
    size_t count = 0;
    for (const struct cache_entry *entry = cache_first(pods); entry != NULL && count < AT_ONCE;
         entry = cache_next(pods, entry)) {
        const struct pod_object *pod = entry->object;
        if (!pod->facts->held)
            continue;
        log_info("controller", "letting a pod go: its namespace is being deleted", {"namespace", entry->namespace},
                 {"pod", entry->name});
        controller_asks(controller);
        kube_finalizer_drop(controller->config.api, (struct kube_ref){&kube_pods, entry->namespace, entry->name},
                            entry->uid, FINALIZER_RESULT, NULL, let_go, controller);
        count++;
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
    if (going && now - leaving->since >= GRACE_MS && scope->controller->leading)
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
