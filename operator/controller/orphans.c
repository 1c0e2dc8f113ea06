/* Launcher pods whose run is gone: the Pipeline was deleted with its finalizer forced off, or another one has its name
 * now. "Not in the cache" is not "gone": the API server is asked first. Then the pod is let go and deleted, which lets
 * its launcher end the remote side. */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controller/internal.h"
#include "kube/apply.h"

struct orphan {
    struct pass *pass;
    char *pod, *pod_uid, *run_uid;
};

static void orphan_end(struct orphan *orphan) {
    pass_end(orphan->pass);
    free(orphan->pod);
    free(orphan->pod_uid);
    free(orphan->run_uid);
    free(orphan);
}

static struct kube_ref orphan_ref(const struct orphan *orphan) {
    return (struct kube_ref){&kube_pods, orphan->pass->namespace, orphan->pod};
}

static struct cache *pods_of(const struct orphan *orphan) {
    return controller_scope(orphan->pass->controller, orphan->pass->namespace)->pods;
}

static void took(struct orphan *orphan, struct kube_answer *answer) {
    if (answer->err.code == ERROR_NONE && answer->doc != NULL)
        cache_put(pods_of(orphan), yyjson_doc_get_root(answer->doc));
    else if (answer->err.code == ERROR_NOT_FOUND)
        cache_drop(pods_of(orphan), orphan->pass->namespace, orphan->pod, orphan->pod_uid, NULL);
    else if (answer->err.code != ERROR_NONE)
        pass_failed(orphan->pass, answer);
}

static void deleted(struct kube_answer *answer, void *arg) {
    struct orphan *orphan = arg;
    took(orphan, answer);
    orphan_end(orphan);
}

static void released(struct kube_answer *answer, void *arg) {
    struct orphan *orphan = arg;
    took(orphan, answer);
    if (!pass_leads(orphan->pass)) {
        orphan_end(orphan);
        return;
    }
    struct kube_delete options = {.uid = orphan->pod_uid, .grace_s = -1};
    kube_delete(orphan->pass->controller->config.api, orphan_ref(orphan), &options, deleted, orphan);
}

/* The cache refuses what it holds for dead: then it is asked for again, but not at once. */
static void take_run(const struct orphan *orphan, struct kube_answer *answer) {
    struct pass *pass = orphan->pass;
    struct cache *pipelines = controller_scope(pass->controller, pass->namespace)->pipelines;
    cache_put(pipelines, yyjson_doc_get_root(answer->doc));
    if (cache_get(pipelines, pass->namespace, pass->pipeline) != NULL)
        worker_add(pass->controller->worker, pass->key);
    else
        pass_failed(pass, answer);
}

static void asked_for_run(struct kube_answer *answer, void *arg) {
    struct orphan *orphan = arg;
    struct pass *pass = orphan->pass;
    const char *uid = "";
    if (answer->err.code == ERROR_NONE)
        uid = json_text(json_at(yyjson_doc_get_root(answer->doc), "metadata", NULL), "uid", "");
    else if (answer->err.code != ERROR_NOT_FOUND) {
        pass_failed(pass, answer);
        orphan_end(orphan);
        return;
    }
    if (text_equal(uid, orphan->run_uid)) { /* it is there after all */
        take_run(orphan, answer);
        orphan_end(orphan);
        return;
    }
    if (!pass_leads(pass)) { /* not any more: another one may have judged otherwise */
        orphan_end(orphan);
        return;
    }
    log_info("controller", "letting an orphan pod go", {"pipeline", pass->key}, {"pod", orphan->pod});
    kube_finalizer_drop(pass->controller->config.api, orphan_ref(orphan), orphan->pod_uid, FINALIZER_RESULT, released,
                        orphan);
}

static bool held(const struct pod_object *pod) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_at(yyjson_doc_get_root(pod->doc), "metadata", "finalizers", NULL), i, count, item) {
        if (yyjson_equals_str(item, FINALIZER_RESULT))
            return true;
    }
    return false;
}

void release_orphans(struct pass *pass, const struct observation *seen) {
    for (size_t i = 0; i < seen->orphan_count; i++) {
        const struct cache_entry *entry = seen->orphans[i];
        const struct pod_object *pod = entry->object;
        yyjson_val *metadata = json_at(yyjson_doc_get_root(pod->doc), "metadata", NULL);
        if (!held(pod) && yyjson_obj_get(metadata, "deletionTimestamp") != NULL)
            continue; /* on its way */
        struct orphan *orphan = calloc(1, sizeof *orphan);
        if (orphan == NULL)
            abort();
        *orphan = (struct orphan){
            .pass = pass, .pod = strdup(entry->name), .pod_uid = strdup(entry->uid), .run_uid = strdup(pod->run_uid)};
        if (orphan->pod == NULL || orphan->pod_uid == NULL || orphan->run_uid == NULL)
            abort();
        pass->pending++;
        kube_get(pass->controller->config.api, (struct kube_ref){&kube_pipelines, pass->namespace, pass->pipeline},
                 asked_for_run, orphan);
    }
}
