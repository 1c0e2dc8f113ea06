/* Would the API server take the pods of this spec? Each shape of pod is asked for once, by a dry run, before the first
 * pod is created: a mistake in the last task is said at once, not hours later. Only what the API server says of the pod
 * itself counts; quotas, accounts, policies and webhooks are the real creation's matter, and so is a server that does
 * not answer. */

#include "base/clock.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

static void finish_check(struct run_state *run, int64_t generation) {
    if (--run->checks == 0)
        run->checked_generation = generation;
}

static void checked(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    bool wrong = create_refused_for_good(answer);
    if (answer->err.code == ERROR_NONE)
        hashes_add(&request->controller->shapes, request->shape);
    if (wrong)
        request_say(request, "the API server does not take this pod", answer);
    if (run != NULL) {
        if (wrong) {
            AUTO_ARENA arena = ARENA_INIT;
            run_refuse(
                run, request->generation,
                arena_printf(&arena, "spec.tasks[%s]: its pod is not valid: %s", request->task, answer->err.text));
        }
        finish_check(run, request->generation);
    }
    request_again(request);
    request_end(request);
}

static void ask(const struct pass_scope *scope, const struct observation *seen, const struct task *task,
                yyjson_mut_val *pod, uint64_t shape) {
    size_t length = 0;
    const char *body = json_write(pod, scope->arena, &length);
    struct request *request = request_new(scope, NULL, NULL, task->name);
    request->generation = seen->run.generation;
    request->shape = shape;
    seen->state->checks++;
    kube_create(scope->controller->config.api, request_pod(request),
                &(struct kube_create){.urgency = URGENCY_URGENT, .dry_run = true}, body, length, checked, request);
}

/* Shapes that this pass asks for already, beside those that are known. */
static bool is_new(const struct controller *controller, uint64_t *asked, size_t *count, uint64_t shape) {
    if (hashes_have(&controller->shapes, shape))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (asked[i] == shape)
            return false;
    asked[(*count)++] = shape;
    return true;
}

void check_pods(const struct pass_scope *scope, const struct observation *seen) {
    const struct pipeline *spec = seen->run.spec;
    struct run_state *run = seen->state;
    if (run->checks > 0)
        return;
    uint64_t *asked = ARENA_NEW_ARRAY(scope->arena, spec->task_count, uint64_t);
    size_t count = 0;
    run->checks = 1; /* until all are asked for */
    for (size_t i = 0; i < spec->task_count; i++) {
        yyjson_mut_doc *doc = json_new(scope->arena);
        yyjson_mut_val *pod = NULL;
        struct error err;
        if (executor_pod(&seen->run, &spec->tasks[i], 1, scope->controller->config.launch, doc, &pod, &err) != 0) {
            run_refuse(run, seen->run.generation, err.text);
            continue;
        }
        uint64_t shape = executor_pod_shape(pod);
        if (is_new(scope->controller, asked, &count, shape))
            ask(scope, seen, &spec->tasks[i], pod, shape);
    }
    finish_check(run, seen->run.generation);
    controller_wake(scope->controller, scope->key);
}
