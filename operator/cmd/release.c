/* See release.h. Rounds of listing: page by page, and of each page what carries the finalizer is let go. Another round
 * follows until one finds nothing, since an operator that is ending may have made a pod meanwhile, and a request may
 * have failed. Relies on the right to list and patch pods and on nothing else. */

#include "cmd/release.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/log.h"
#include "base/text.h"
#include "kube/http.h"
#include "kube/verbs.h"
#include "pipeline/names.h"

enum { PAGE = 200, ROUNDS_MAX = 5, PAUSE_MS = 500 };

struct release {
    uv_loop_t loop;
    uv_timer_t timer;
    struct kube_api *api;
    struct arena arena;
    const char **namespaces; /* one NULL: all of them as one */
    size_t count, at;        /* the one that is listed */
    struct strbuf token;     /* of its next page; empty: there is none */
    size_t pending;          /* requests that are not answered */
    size_t held, failed;     /* in this round: pods that carried it; requests that went wrong */
    size_t released;         /* in all */
    int round, result;
};

struct pod {
    struct release *release;
    char *name; /* namespace/name */
};

static void list_page(struct release *self);

/* --- the end of a round --- */

static void finish(struct release *self, int result) {
    self->result = result;
    uv_close((uv_handle_t *)&self->timer, NULL);
    kube_http_free(self->api);
}

static void begin_round(uv_timer_t *timer) {
    struct release *self = timer->data;
    self->round++;
    self->held = self->failed = self->at = 0;
    list_page(self);
}

static void end_round(struct release *self) {
    if (self->held == 0 && self->failed == 0) {
        log_write(LOG_INFO, "release", NULL, "pods let go: %zu; none is left", self->released);
        finish(self, 0);
    } else if (self->round == ROUNDS_MAX) {
        log_write(LOG_ERROR, "release", NULL, "pods let go: %zu; others may be left with %s", self->released,
                  FINALIZER_RESULT);
        finish(self, 1);
    } else {
        uv_timer_start(&self->timer, begin_round, self->failed > 0 ? (uint64_t)self->round * PAUSE_MS : 0, 0);
    }
}

static void answered(struct release *self) {
    if (--self->pending > 0)
        return;
    bool more = self->token.length > 0;
    if (!more)
        self->at++;
    if (more || self->at < self->count)
        list_page(self);
    else
        end_round(self);
}

/* --- a page --- */

static void let_go(struct kube_answer *answer, void *arg) {
    struct pod *pod = arg;
    struct release *self = pod->release;
    if (answer->err.code == ERROR_NONE) {
        self->released++;
        log_write(LOG_INFO, "release", NULL, "let go: %s", pod->name);
    } else if (answer->err.code != ERROR_NOT_FOUND && answer->err.code != ERROR_CONFLICT) {
        self->failed++;
        log_warn("release", "cannot let a pod go", {"pod", pod->name}, {"err", answer->err.text});
    }
    free(pod->name);
    free(pod);
    answered(self);
}

static void drop(struct release *self, yyjson_val *metadata) {
    const struct kube_ref ref = {&kube_pods, json_text(metadata, "namespace", ""), json_text(metadata, "name", "")};
    struct pod *pod = calloc(1, sizeof *pod);
    AUTO_STRBUF name = STRBUF_INIT;
    strbuf_printf(&name, "%s/%s", ref.namespace, ref.name);
    if (pod == NULL)
        abort();
    *pod = (struct pod){self, strbuf_steal(&name)};
    self->pending++;
    kube_finalizer_drop(self->api, ref, json_text(metadata, "uid", ""), FINALIZER_RESULT, NULL, let_go, pod);
}

static void listed(struct kube_answer *answer, void *arg) {
    struct release *self = arg;
    yyjson_val *root = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    yyjson_val *items = json_at(root, "items", NULL);
    size_t i, count;
    yyjson_val *item;
    strbuf_reset(&self->token);
    strbuf_puts(&self->token, json_text(json_at(root, "metadata", NULL), "continue", ""));
    if (root == NULL) {
        self->failed++;
        log_warn("release", "cannot list pods", {"namespace", self->namespaces[self->at]}, {"err", answer->err.text});
    }
    if (yyjson_is_arr(items))
        yyjson_arr_foreach(items, i, count, item) {
            yyjson_val *metadata = yyjson_obj_get(item, "metadata");
            if (json_lists(metadata, "finalizers", FINALIZER_RESULT)) {
                self->held++;
                drop(self, metadata);
            }
        }
    answered(self);
}

static void list_page(struct release *self) {
    const struct kube_ref ref = {&kube_pods, self->namespaces[self->at], NULL};
    self->pending++;
    kube_list(self->api, ref, LABEL_MANAGED_BY "=" MANAGER, PAGE,
              self->token.length > 0 ? strbuf_text(&self->token) : NULL, listed, self);
}

/* --- the whole --- */

static void name_namespaces(struct release *self, const char *list) {
    char *rest = arena_strdup(&self->arena, list != NULL ? list : "");
    self->namespaces = ARENA_NEW_ARRAY(&self->arena, strlen(rest) + 1, const char *);
    for (char *item = NULL; (item = strsep(&rest, ",")) != NULL;) {
        if (item[0] != '\0')
            self->namespaces[self->count++] = item;
    }
    if (self->count == 0)
        self->count = 1;
}

int release_pods(const struct operator_options *options) {
    struct release self = {.result = 1};
    struct kube_config *config = NULL;
    struct error err;
    uv_loop_init(&self.loop);
    if (kube_config_find(options->kubeconfig, options->context, &config, &err) != 0 ||
        kube_http_new(&self.loop, config, NULL, &self.api, &err) != 0) {
        log_error("release", "cannot connect to the API server", {"err", err.text});
    } else {
        name_namespaces(&self, options->namespaces);
        uv_timer_init(&self.loop, &self.timer);
        self.timer.data = &self;
        begin_round(&self.timer);
        uv_run(&self.loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(&self.loop);
    strbuf_fini(&self.token);
    arena_fini(&self.arena);
    return self.result;
}
