/* Launcher pods whose run is gone: the Pipeline was deleted with its finalizer forced off, or another one has its name
 * now. "Not in the cache" is not "gone": the API server is asked first. Then the pod is let go and deleted, which lets
 * its launcher end the remote side. */

#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

static void deleted(struct kube_answer *answer, void *arg) {
    struct request *orphan = arg;
    request_settle(orphan, answer, &kube_pods, "cannot delete an orphan pod");
    request_end(orphan);
}

static void released(struct kube_answer *answer, void *arg) {
    struct request *orphan = arg;
    request_settle(orphan, answer, &kube_pods, "cannot drop an orphan pod's finalizer");
    if (!pass_leads(orphan->pass)) {
        request_end(orphan);
        return;
    }
    struct kube_delete options = {.uid = orphan->pod_uid, .grace_s = -1};
    kube_delete(orphan->pass->controller->config.api, request_pod(orphan), &options, deleted, orphan);
}

/* The cache refuses what it holds for dead: then it is asked for again, but not at once. */
static void take_run(const struct request *orphan, struct kube_answer *answer) {
    struct pass *pass = orphan->pass;
    struct cache *pipelines = pass_cache(pass, &kube_pipelines);
    cache_put(pipelines, yyjson_doc_get_root(answer->doc));
    if (cache_get(pipelines, pass->namespace, pass->pipeline) != NULL)
        request_again(orphan);
    else
        pass_failed(pass, answer);
}

static void asked_for_run(struct kube_answer *answer, void *arg) {
    struct request *orphan = arg;
    struct pass *pass = orphan->pass;
    const char *uid = "";
    if (answer->err.code == ERROR_NONE)
        uid = json_text(json_at(yyjson_doc_get_root(answer->doc), "metadata", NULL), "uid", "");
    else if (answer->err.code != ERROR_NOT_FOUND) {
        pass_failed(pass, answer);
        request_end(orphan);
        return;
    }
    if (text_equal(uid, orphan->run_uid)) { /* it is there after all */
        take_run(orphan, answer);
        request_end(orphan);
        return;
    }
    if (!pass_leads(pass)) { /* not any more: another one may have judged otherwise */
        request_end(orphan);
        return;
    }
    log_info("controller", "letting an orphan pod go", {"pipeline", pass->key}, {"pod", orphan->pod});
    kube_finalizer_drop(pass->controller->config.api, request_pod(orphan), orphan->pod_uid, FINALIZER_RESULT, NULL,
                        released, orphan);
}

void release_orphans(struct pass *pass, const struct observation *seen) {
    for (size_t i = 0; i < seen->orphan_count; i++) {
        const struct cache_entry *entry = seen->orphans[i];
        const struct pod_object *pod = entry->object;
        yyjson_val *root = yyjson_doc_get_root(pod->doc);
        if (!object_has_finalizer(root, FINALIZER_RESULT) &&
            json_at(root, "metadata", "deletionTimestamp", NULL) != NULL)
            continue; /* on its way */
        struct request *orphan = request_new(pass, entry->name, entry->uid, NULL);
        orphan->run_uid = request_copy(pod->run_uid);
        kube_get(pass->controller->config.api, pass_pipeline(pass), asked_for_run, orphan);
    }
}
