/* Creating the pod that ends what an attempt left: after the attempt's pod, which is read for it, or after the task's
 * spec. Its name is a function of what it is for, so "exists already" and an answer that was lost are settled by
 * looking. What stands in the way is told to the plan, which knows how long to try. */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "controller/request.h"
#include "executor/cleaner.h"
#include "kube/verbs.h"
#include "pipeline/reasons.h"

/* A copy of the plan's order, for as long as it takes. */
struct order {
    struct arena arena;
    struct run run;
    struct cleaner cleaner;
    const char *name;
};

static struct order *order_new(const struct pass_scope *scope, const struct action *action) {
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL)
        abort();
    const struct cleaner *cleaner = action->cleaner;
    struct arena *arena = &order->arena;
    order->run = (struct run){.name = arena_strdup(arena, scope->pipeline),
                              .namespace = arena_strdup(arena, scope->namespace),
                              .uid = arena_strdup(arena, scope->run_uid)};
    order->name = arena_strdup(arena, action->pod);
    order->cleaner = *cleaner;
    order->cleaner.task = arena_strdup(arena, cleaner->task);
    order->cleaner.applications.items = ARENA_NEW_ARRAY(arena, cleaner->applications.count, const char *);
    for (size_t i = 0; i < cleaner->applications.count; i++)
        order->cleaner.applications.items[i] = arena_strdup(arena, cleaner->applications.items[i]);
    return order;
}

static void end(struct request *request) {
    struct run_state *run = request_run(request);
    if (run != NULL)
        run_answered(run, ASKED_CLEAN, request->task);
    arena_fini(&request->order->arena);
    free(request->order);
    request_end(request);
}

/* --- refusals --- */

static void note(const struct request *request, const struct refusal *refusal) {
    struct run_state *run = request_run(request);
    struct refusal complete = *refusal;
    complete.task = request->task;
    complete.attempt = request->attempt;
    if (run != NULL)
        run_cleaner_refused(run, &complete, clock_boot_ms());
    request_again(request);
}

static void refused(const struct request *request, const struct kube_answer *answer) {
    bool quota = strstr(answer->err.text, "exceeded quota") != NULL;
    bool leaving = strstr(answer->err.text, "being terminated") != NULL;
    bool too_small = strstr(answer->err.text, " usage per ") != NULL; /* LimitRanger's words */
    request_say(request, "cannot create a cleaner", answer);
    if (answer->err.code == ERROR_FORBIDDEN)
        controller_forbidden(request->controller, request->namespace);
    note(request, &(struct refusal){.reason = quota ? REASON(QuotaExceeded) : REASON(CreateFailed),
                                    .message = answer->err.text,
                                    .passing = answer->err.code == ERROR_TRANSIENT && !quota,
                                    .hopeless = answer->malformed || leaving,
                                    .too_small = too_small,
                                    .not_before_ms = answer->retry_after_ms});
}

static void refused_here(const struct request *request, const char *message) {
    note(request, &(struct refusal){.reason = REASON(CreateFailed), .message = message, .hopeless = true});
}

/* --- creating --- */

static bool ours(yyjson_val *root, const struct request *request) {
    struct pod_object *pod = pod_object_any(root);
    bool same = text_equal(pod_fact(pod->facts, FACT_ROLE), ROLE_CLEANER) &&
                text_equal(pod_fact(pod->facts, FACT_RUN), request->run_uid) &&
                text_equal(pod_fact(pod->facts, FACT_TASK), request->task) && pod->facts->attempt == request->attempt;
    pod_object_free(pod);
    return same;
}

static bool in_sight(const struct request *request) {
    const struct cache_entry *entry = cache_get(request_cache(request, &kube_pods), request->namespace, request->pod);
    const struct pod_object *pod = entry != NULL ? entry->object : NULL;
    return pod != NULL && text_equal(pod->key, request->key);
}

/* Out of sight it is no use: the plan would ask for it again and again. */
static void made(struct request *request, yyjson_val *pod) {
    struct run_state *run = request_run(request);
    cache_put(request_cache(request, &kube_pods), pod);
    if (!in_sight(request)) {
        note(request, &(struct refusal){.reason = REASON(CreateFailed),
                                        .message = "it is there, and its labels were changed: weir does not see it"});
        return;
    }
    if (run != NULL)
        run_cleaner_made(run, request->task);
    request_again(request);
}

static void looked(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    yyjson_val *pod = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    if (pod != NULL && ours(pod, request))
        made(request, pod);
    else if (pod != NULL)
        refused_here(request, "a pod that is not weir's has its name");
    else
        refused(request, answer);
    end(request);
}

static void created(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    if (answer->err.code == ERROR_EXISTS || answer->unsure) {
        kube_get(request->controller->config.api, request_pod(request), looked, request);
        return;
    }
    if (answer->fenced)
        request_failed(request, answer, NULL);
    else if (answer->err.code == ERROR_NONE)
        made(request, yyjson_doc_get_root(answer->doc));
    else
        refused(request, answer);
    end(request);
}

static void create(struct request *request, yyjson_val *attempt_pod, bool live) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct order *order = request->order;
    const struct controller_config *config = &request->controller->config;
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *pod = NULL;
    struct error err;
    size_t length = 0;
    if (executor_cleaner(&order->run, &order->cleaner, order->name, attempt_pod, live, config->launch, doc, &pod,
                         &err) != 0) {
        refused_here(request, err.text);
        end(request);
        return;
    }
    const char *body = json_write(pod, &arena, &length);
    kube_create(config->api, request_pod(request), &(struct kube_create){.urgency = URGENCY_URGENT}, body, length,
                created, request);
}

/* --- what it is made after --- */

/* Once read, the pod is the cleaner's: `pod` of the request changes its meaning. */
static void rename_to_cleaner(struct request *request) {
    free(request->pod);
    request->pod = strdup(request->order->name);
    if (request->pod == NULL)
        abort();
}

static void attempt_read(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    yyjson_val *root = answer->err.code == ERROR_NONE ? yyjson_doc_get_root(answer->doc) : NULL;
    const char *uid = json_text(json_at(root, "metadata", NULL), "uid", "");
    if (root != NULL && text_equal(uid, request->pod_uid)) {
        rename_to_cleaner(request);
        create(request, root, true);
        return;
    }
    if (root != NULL || answer->err.code == ERROR_NOT_FOUND) { /* the plan finds another way, or says so */
        struct run_state *run = request_run(request);
        cache_drop(request_cache(request, &kube_pods), request->namespace, request->pod, request->pod_uid, NULL);
        if (run != NULL)
            run_drop_stray(run, request->pod_uid);
        request_again(request);
    } else {
        refused(request, answer);
    }
    end(request);
}

static void create_by_spec(struct request *request, const struct observation *seen) {
    AUTO_ARENA arena = ARENA_INIT;
    const struct pipeline *spec = seen->run.spec;
    const struct task *task = NULL;
    for (size_t i = 0; i < spec->task_count; i++)
        if (text_equal(spec->tasks[i].name, request->task))
            task = &spec->tasks[i];
    yyjson_mut_doc *doc = json_new(&arena);
    yyjson_mut_val *pod = NULL;
    struct error err;
    if (task == NULL || executor_pod(&seen->run, task, request->attempt, NULL, request->controller->config.launch, doc,
                                     &pod, &err) != 0) {
        refused_here(request, task != NULL ? err.text : "the spec does not name its task");
        end(request);
        return;
    }
    create(request, json_copy(pod, &arena), false);
}

void pods_clean(const struct pass_scope *scope, const struct observation *seen, const struct action *action) {
    const struct cleaner *cleaner = action->cleaner;
    struct run_state *run = runs_want(&scope->controller->runs, scope->run_uid);
    if (!run_ask(run, ASKED_CLEAN, cleaner->task, cleaner->attempt))
        return;
    const char *pod = cleaner->from != NULL ? cleaner->from : action->pod;
    struct request *request = request_new(scope, pod, cleaner->from_uid, cleaner->task);
    request->attempt = cleaner->attempt;
    request->order = order_new(scope, action);
    if (cleaner->from != NULL)
        kube_get(scope->controller->config.api, request_pod(request), attempt_read, request);
    else
        create_by_spec(request, seen);
}
