/* Requests on their way: what they are about, and what their answers mean for the caches. */

#include "controller/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

char *request_copy(const char *text) {
    char *copied = strdup(text == NULL ? "" : text);
    if (copied == NULL)
        abort();
    return copied;
}

struct request *request_new(struct pass *pass, const char *pod, const char *pod_uid, const char *task) {
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        abort();
    *request = (struct request){
        .pass = pass, .pod = request_copy(pod), .pod_uid = request_copy(pod_uid), .task = request_copy(task)};
    pass->pending++;
    return request;
}

void request_end(struct request *request) {
    pass_end(request->pass);
    free(request->pod);
    free(request->pod_uid);
    free(request->task);
    free(request->run_uid);
    free(request);
}

struct kube_ref request_pod(const struct request *request) {
    return (struct kube_ref){&kube_pods, request->pass->namespace, request->pod};
}

struct kube_ref pass_pipeline(const struct pass *pass) {
    return (struct kube_ref){&kube_pipelines, pass->namespace, pass->pipeline};
}

struct cache *pass_cache(const struct pass *pass, const struct kube_resource *resource) {
    const struct scope *scope = controller_scope(pass->controller, pass->namespace);
    return resource == &kube_pods ? scope->pods : scope->pipelines;
}

void request_again(const struct request *request) {
    worker_add(request->pass->controller->worker, request->pass->key);
}

void request_say(const struct request *request, const char *what, const struct kube_answer *answer) {
    log_warn("controller", what, {"pipeline", request->pass->key}, {"pod", request->pod}, {"err", answer->err.text});
}

void request_settle(struct request *request, struct kube_answer *answer, const struct kube_resource *resource,
                    const char *what) {
    struct cache *cache = pass_cache(request->pass, resource);
    switch (answer->err.code) {
    case ERROR_NONE:
        if (answer->doc != NULL)
            cache_put(cache, yyjson_doc_get_root(answer->doc));
        break;
    case ERROR_NOT_FOUND:
        if (resource == &kube_pods)
            cache_drop(cache, request->pass->namespace, request->pod, request->pod_uid, NULL);
        else /* with the UID: one of the same name may have come meanwhile */
            cache_drop(cache, request->pass->namespace, request->pass->pipeline, request->pass->run_uid, NULL);
        break;
    case ERROR_CONFLICT: pass_failed(request->pass, answer); break;
    case ERROR_TRANSIENT:
    case ERROR_GONE:
    case ERROR_EXISTS:
    case ERROR_FORBIDDEN:
    case ERROR_INVALID:
    default:
        request_say(request, what, answer);
        pass_failed(request->pass, answer);
        break;
    }
}
