/* Would the API server take the pods of this spec? Each shape of pod is asked for once, by a dry run, before the first
 * pod is created: a mistake in the last task is said at once, not hours later. Only what the API server says of the pod
 * itself counts; quotas, accounts, policies and webhooks are the real creation's matter, and so is a server that does
 * not answer. */

#include "base/clock.h"
#include "base/log.h"
#include "controller/request.h"
#include "kube/verbs.h"

enum { UNTOLD_MS = 60 * 1000 };

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
    if (run->checks > 0 && --run->checks == 0)
        run->checked_generation = generation;
}

static void wake(const char *key, void *arg) {
    controller_wake(arg, key);
}

static void wake_later(const char *key, void *arg) {
    const struct controller *controller = arg;
    worker_add_after(controller->worker, key, FENCED_MS);
}

/* Asked again in a while: a webhook may know no dry run, a quota may be full. Until then it counts as taken. */
static void leave_untold(struct controller *controller, uint64_t shape) {
    int64_t now = clock_boot_ms();
    if (now >= controller->untold_until) {
        hashes_clear(&controller->untold);
        controller->untold_until = now + UNTOLD_MS;
    }
    hashes_add(&controller->untold, shape);
}

static bool known(const struct controller *controller, uint64_t shape) {
    return hashes_have(&controller->shapes, shape) ||
           (hashes_have(&controller->untold, shape) && clock_boot_ms() < controller->untold_until);
}

static void held_back(struct request *request, const struct kube_answer *answer) {
    struct run_state *run = request_run(request);
    if (run != NULL && run->checks > 0)
        run->checks--;
    request_failed(request, answer, NULL);
    request_end(request);
}

static void checked(struct kube_answer *answer, void *arg) {
    struct request *request = arg;
    struct run_state *run = request_run(request);
    asking_end(&request->controller->asking, request->shape, answer->fenced ? wake_later : wake, request->controller);
    if (answer->fenced) {
        held_back(request, answer);
        return;
    }
    if (answer->err.code == ERROR_NONE)
        hashes_add(&request->controller->shapes, request->shape);
    else if (answer->malformed)
        request_refuse(request, answer);
    else
        leave_untold(request->controller, request->shape);
    if (run != NULL)
        finish_check(run, request->generation);
    request_again(request);
    request_end(request);
}

static void ask(const struct pass_scope *scope, const struct observation *seen, const struct shape *shape) {
    size_t length = 0;
    const char *body = json_write(shape->pod, scope->arena, &length);
    struct request *request = request_new(scope, NULL, NULL, shape->task->name);
    request->index = (size_t)(shape->task - seen->run.spec->tasks);
    request->generation = seen->run.generation;
    request->shape = shape->hash;
    seen->state->checks++;
    asking_begin(&scope->controller->asking, shape->hash);
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
        if (executor_pod(&seen->run, new->task, 1, NULL, controller->config.launch, doc, &new->pod, &err) != 0) {
            run_refuse(seen->state, seen->run.generation, err.text);
            continue;
        }
        new->hash = executor_pod_shape(new->pod);
        count += !known(controller, new->hash) && !is_among(shapes, count, new->hash);
    }
    return count;
}

/* Many runs of one shape at once need one answer: the others wait for it. */
static bool others_ask(const struct pass_scope *scope, struct run_state *run, const struct shape *shapes,
                       size_t count) {
    struct asking *asking = &scope->controller->asking;
    for (size_t i = 0; i < count; i++) {
        if (!asking_has(asking, shapes[i].hash))
            continue;
        run->waits_for = shapes[i].hash;
        asking_wait(asking, run->waits_for, scope->key);
        return true;
    }
    return false;
}

void check_pods(const struct pass_scope *scope, const struct observation *seen) {
    struct run_state *run = seen->state;
    if (run->checks > 0 || (run->waits_for != 0 && asking_has(&scope->controller->asking, run->waits_for)))
        return;
    struct shape *shapes = ARENA_NEW_ARRAY(scope->arena, seen->run.spec->task_count, struct shape);
    size_t count = new_shapes(scope, seen, shapes);
    if (others_ask(scope, run, shapes, count))
        return;
    run->checks = 1; /* until all are asked for */
    for (size_t i = 0; i < count; i++)
        ask(scope, seen, &shapes[i]);
    finish_check(run, seen->run.generation);
    controller_wake(scope->controller, scope->key);
}
