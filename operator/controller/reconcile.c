/* One pass over one Pipeline: observe, plan, apply. The pass ends when every request it made is answered; what the
 * answers changed in the caches has put the key into the queue again by then. */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "controller/internal.h"

static struct metric reconcile_seconds = {.name = "weir_reconcile_seconds",
                                          .help = "One pass over one Pipeline, with the answers to its requests.",
                                          .type = METRIC_HISTOGRAM,
                                          .buckets = metric_seconds,
                                          .bucket_count = sizeof metric_seconds / sizeof *metric_seconds};
static struct metric reconcile_total = {
    .name = "weir_reconcile_total", .help = "Passes by result.", .type = METRIC_COUNTER, .labels = {"result"}};

static struct pass *pass_new(struct controller *controller, const char *key, const struct observation *seen) {
    struct pass *pass = calloc(1, sizeof *pass);
    if (pass == NULL)
        abort();
    const char *slash = strchr(key, '/');
    *pass = (struct pass){
        .controller = controller,
        .key = strdup(key),
        .run_uid = strdup(seen->pipeline != NULL ? seen->run.uid : ""),
        .namespace = slash == NULL ? strdup("") : strndup(key, (size_t)(slash - key)),
        .pipeline = strdup(slash == NULL ? key : slash + 1),
        .generation = seen->run.generation,
        .began = clock_boot_ms(),
        .pending = 1,
        .wake_ms = -1,
    };
    if (pass->key == NULL || pass->run_uid == NULL || pass->namespace == NULL || pass->pipeline == NULL)
        abort();
    return pass;
}

void pass_failed(struct pass *pass, const struct kube_answer *answer) {
    pass->retry = true;
    if (answer->retry_after_ms > pass->not_before_ms)
        pass->not_before_ms = answer->retry_after_ms;
}

bool pass_leads(const struct pass *pass) {
    const struct controller_config *config = &pass->controller->config;
    return config->leads(config->arg);
}

void pass_end(struct pass *pass) {
    if (--pass->pending > 0)
        return;
    enum worker_result result = pass->retry ? WORKER_RETRY : pass->wake_ms >= 0 ? WORKER_AFTER : WORKER_DONE;
    metric_observe(&reconcile_seconds, (double)(clock_boot_ms() - pass->began) / 1000.0);
    metric_add(&reconcile_total, 1, pass->retry ? "retry" : "ok");
    worker_done(pass->controller->worker, pass->key, result, pass->retry ? pass->not_before_ms : pass->wake_ms);
    free(pass->key);
    free(pass->run_uid);
    free(pass->namespace);
    free(pass->pipeline);
    free(pass);
}

void reconcile(const char *key, void *arg) {
    struct controller *controller = arg;
    AUTO_ARENA arena = ARENA_INIT;
    int64_t now = clock_wall_ms();
    struct observation seen;
    observe(controller, key, now, &arena, &seen);

    struct pass *pass = pass_new(controller, key, &seen);
    if (pass_leads(pass)) {
        if (seen.pipeline != NULL) {
            struct plan plan;
            plan_run(&seen.run, now, &arena, &plan);
            apply_plan(pass, &seen, &plan, &arena);
        }
        release_orphans(pass, &seen);
    }
    pass_end(pass);
}
