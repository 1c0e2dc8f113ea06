/* Requests on their way: what they are about, and what their answers mean for the caches. */

#include "controller/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static char *copy(const char *text) {
    char *copied = strdup(text == NULL ? "" : text);
    if (copied == NULL)
        abort();
    return copied;
}

struct call *call_new(struct pass *pass, const char *pod, const char *pod_uid, const char *task) {
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        abort();
    *call = (struct call){.pass = pass, .pod = copy(pod), .pod_uid = copy(pod_uid), .task = copy(task)};
    pass->pending++;
    return call;
}

void call_end(struct call *call) {
    pass_end(call->pass);
    free(call->pod);
    free(call->pod_uid);
    free(call->task);
    free(call);
}

struct kube_ref call_pod(const struct call *call) {
    return (struct kube_ref){&kube_pods, call->pass->namespace, call->pod};
}

struct kube_ref pass_pipeline(const struct pass *pass) {
    return (struct kube_ref){&kube_pipelines, pass->namespace, pass->pipeline};
}

struct cache *pass_cache(const struct pass *pass, const struct kube_resource *resource) {
    const struct scope *scope = controller_scope(pass->controller, pass->namespace);
    return resource == &kube_pods ? scope->pods : scope->pipelines;
}

void call_again(const struct call *call) {
    worker_add(call->pass->controller->worker, call->pass->key);
}

void call_say(const struct call *call, const char *what, const struct kube_answer *answer) {
    log_warn("controller", what, {"pipeline", call->pass->key}, {"pod", call->pod}, {"err", answer->err.text});
}

void call_settle(struct call *call, struct kube_answer *answer, const struct kube_resource *resource,
                 const char *what) {
    struct cache *cache = pass_cache(call->pass, resource);
    switch (answer->err.code) {
    case ERROR_NONE:
        if (answer->doc != NULL)
            cache_put(cache, yyjson_doc_get_root(answer->doc));
        break;
    case ERROR_NOT_FOUND:
        cache_drop(cache, call->pass->namespace, resource == &kube_pods ? call->pod : call->pass->pipeline,
                   call->pod_uid[0] == '\0' ? NULL : call->pod_uid);
        break;
    case ERROR_CONFLICT: pass_failed(call->pass, answer); break;
    case ERROR_TRANSIENT:
    case ERROR_GONE:
    case ERROR_EXISTS:
    case ERROR_FORBIDDEN:
    case ERROR_INVALID:
    default:
        call_say(call, what, answer);
        pass_failed(call->pass, answer);
        break;
    }
}
