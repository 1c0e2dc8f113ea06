/* A run without a status that was not seen from its birth on: its status was lost, or we know nothing yet. What its
 * pods say is all there is, so they are listed by its UID, also those that were let go and that no watch shows, before
 * anything is planned. */

#include "base/clock.h"
#include "controller/request.h"
#include "kube/verbs.h"

enum { PAGE = 200 };

static void list_page(struct request *request, const char *token);

static void take_page(const struct request *request, struct run_state *run, yyjson_val *root) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_at(root, "items", NULL), i, count, item) {
        yyjson_val *metadata = json_at(item, "metadata", NULL);
        struct pod_object *pod = pod_object_any(item);
        if (pod->facts->done && text_equal(pod_object_run(pod), request->run_uid))
            run_stray(run, json_text(metadata, "name", ""), json_text(metadata, "uid", ""), pod);
        else
            pod_object_free(pod);
    }
}

static void listed(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    if (run != NULL && answer->err.code == ERROR_NONE) {
        yyjson_val *root = yyjson_doc_get_root(answer->doc);
        const char *token = json_text(json_at(root, "metadata", NULL), "continue", "");
        take_page(request, run, root);
        if (token[0] != '\0') {
            list_page(request, token);
            return;
        }
        run->survey = SURVEY_DONE;
        request_again(request);
    } else if (run != NULL) {
        run->survey = SURVEY_NEEDED;
        request_say(request, "cannot list the pods of a run", answer);
        request_failed(request, answer, &run->tidy);
    }
    request_end(request);
}

static void list_page(struct request *request, const char *token) {
    AUTO_STRBUF selector = STRBUF_INIT;
    strbuf_printf(&selector, LABEL_RUN "=%s", request->run_uid);
    kube_list(request->controller->config.api, (struct kube_ref){&kube_pods, request->namespace, NULL},
              strbuf_text(&selector), PAGE, token, listed, request);
}

bool survey_done(const struct pass_scope *scope, const struct observation *seen) {
    struct run_state *run = seen->state;
    bool lost = !seen->run.recorded.recorded && run->had_status;
    if (lost) { /* it had one: somebody wiped it */
        run->had_status = false;
        run->survey = SURVEY_NEEDED;
    }
    if (seen->run.recorded.recorded || run->survey == SURVEY_DONE)
        return true;
    int64_t now = clock_boot_ms();
    if (run->survey == SURVEY_NEEDED && run->tidy.until > now) {
        worker_add_after(scope->controller->worker, scope->key, run->tidy.until - now);
    } else if (run->survey == SURVEY_NEEDED) {
        run->survey = SURVEY_ASKED;
        list_page(request_new(scope, NULL, NULL, NULL), NULL);
    }
    return false;
}
