/* Would the API server take the pods of this spec? Each shape of pod is asked for once, by a dry run, before the first
 * pod is created: a mistake in the last task is said at once, not hours later. Only what the API server says of the pod
 * itself counts; quotas, accounts, policies and webhooks are the real creation's matter, and so is a server that does
 * not answer. */

#include "base/clock.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

enum { ANSWER_SOON_MS = 20 };

struct shape {
    uint64_t hash;
    const struct task *task; /* the first of that shape */
    yyjson_mut_val *pod;
};

static bool is_among(const struct shape *shapes, size_t count, uint64_t hash) {
    for (size_t i = 0; i < count; i++)
        if (shapes[i].hash == hash)
            return true;
    return false;
}

static void finish_check(struct run_state *run, int64_t generation) {
    if (--run->checks == 0)
        run->checked_generation = generation;
}

static void held_back(struct request *request, const struct kube_answer *answer) {
    struct run_state *run = request_run(request);
    if (run != NULL)
        run->checks--;
    request_failed(request, answer, NULL);
    request_end(request);
}

static void checked(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    bool wrong = create_refused_for_good(answer);
    hashes_drop(&request->controller->asking, request->shape);
    if (answer->fenced) {
        held_back(request, answer);
        return;
    }
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

static void ask(const struct pass_scope *scope, const struct observation *seen, const struct shape *shape) {
    size_t length = 0;
    const char *body = json_write(shape->pod, scope->arena, &length);
    struct request *request = request_new(scope, NULL, NULL, shape->task->name);
    request->generation = seen->run.generation;
    request->shape = shape->hash;
    seen->state->checks++;
    hashes_add(&scope->controller->asking, shape->hash);
    kube_create(scope->controller->config.api, request_pod(request), &(struct kube_create){.dry_run = true}, body,
                length, checked, request);
}

/* A pod for each shape that is not known; refused tasks have none. */
static size_t new_shapes(const struct pass_scope *scope, const struct observation *seen, struct shape *shapes) {
    const struct controller *controller = scope->controller;
    const struct pipeline *spec = seen->run.spec;
    size_t count = 0;
    for (size_t i = 0; i < spec->task_count; i++) {
        yyjson_mut_doc *doc = json_new(scope->arena);
        struct shape *new = &shapes[count];
        struct error err;
        new->task = &spec->tasks[i];
        if (executor_pod(&seen->run, new->task, 1, controller->config.launch, doc, &new->pod, &err) != 0) {
            run_refuse(seen->state, seen->run.generation, err.text);
            continue;
        }
        new->hash = executor_pod_shape(new->pod);
        count += !hashes_have(&controller->shapes, new->hash) && !is_among(shapes, count, new->hash);
    }
    return count;
}

/* Many runs of one shape at once need one answer. */
static bool others_ask(const struct controller *controller, const struct shape *shapes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (hashes_have(&controller->asking, shapes[i].hash))
            return true;
    return false;
}

void check_pods(const struct pass_scope *scope, const struct observation *seen) {
    struct run_state *run = seen->state;
    if (run->checks > 0)
        return;
    struct shape *shapes = ARENA_NEW_ARRAY(scope->arena, seen->run.spec->task_count, struct shape);
    size_t count = new_shapes(scope, seen, shapes);
    if (others_ask(scope->controller, shapes, count)) {
        worker_add_after(scope->controller->worker, scope->key, ANSWER_SOON_MS);
        return;
    }
    run->checks = 1; /* until all are asked for */
    for (size_t i = 0; i < count; i++)
        ask(scope, seen, &shapes[i]);
    finish_check(run, seen->run.generation);
    controller_wake(scope->controller, scope->key);
}
