/* What the operator's two ports serve, and the questions that they ask of the other parts. */

#include "cmd/operator.h"

#include <stdio.h>
#include <unistd.h>

#include "base/metrics.h"

static struct metric memory_gauge = {
    .name = "process_resident_memory_bytes", .help = "Resident memory.", .type = METRIC_GAUGE};
static struct metric build_gauge = {
    .name = "weir_build_info", .help = "1, with the version.", .type = METRIC_GAUGE, .labels = {"version"}};
static struct metric leader_gauge = {
    .name = "weir_leader", .help = "1 while this replica leads.", .type = METRIC_GAUGE};

static bool ready(void *arg, struct strbuf *reasons) {
    const struct wiring *self = arg;
    if (self->stopping)
        strbuf_puts(reasons, "stopping\n");
    if (self->launch.report_ca == NULL)
        strbuf_puts(reasons, "no certificate for launchers' reports yet\n");
    bool listed = controller_ready(self->controller, reasons);
    return listed && !self->stopping && self->launch.report_ca != NULL;
}

static void measure(void *arg, struct web_request *request) {
    const struct wiring *self = arg;
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm != NULL) {
        if (fscanf(statm, "%*d %ld", &pages) == 1)
            metric_set(&memory_gauge, (double)pages * (double)sysconf(_SC_PAGESIZE));
        fclose(statm);
    }
    metric_set(&build_gauge, 1, WEIR_VERSION);
    metric_set(&leader_gauge, operator_leads(arg) ? 1 : 0);
    controller_measure(self->controller);
    health_metrics(NULL, request);
}

static const char *refusal(void *arg) {
    struct wiring *self = arg;
    if (self->stopping)
        return "stopping";
    if (operator_leads(self))
        return controller_ready(self->controller, NULL) ? NULL : "caches are not synced yet";
    snprintf(self->refusal, sizeof self->refusal, "%.150s leads",
             self->leader == NULL ? "nobody" : leader_holder(self->leader));
    return self->refusal;
}

static bool stands_by(void *arg) {
    const struct wiring *self = arg;
    return !self->stopping && !operator_leads(arg);
}

static int accept_report(void *arg, const struct identity *pod, const struct record *record, const char *body,
                         size_t length) {
    const struct wiring *self = arg;
    return controller_report(self->controller, pod->namespace, pod->pod_name, pod->pod_uid, record, body, length);
}

static const char *decide(void *arg, const struct identity *pod) {
    static const char *const words[] = {[DECISION_STOP] = "stop", [DECISION_LEAVE] = "leave"};
    const struct wiring *self = arg;
    return words[controller_decide(self->controller, pod->namespace, pod->pod_name, pod->pod_uid)];
}

static bool knows_pod(void *arg, const char *namespace, const char *pod, const char *uid) {
    const struct wiring *self = arg;
    return controller_knows_pod(self->controller, namespace, pod, uid);
}

static size_t running(void *arg) {
    const struct wiring *self = arg;
    return controller_running(self->controller);
}

int operator_listen(struct wiring *self, struct error *err) {
    static struct web_route routes[4];
    self->health = (struct health){.ready = ready, .arg = self};
    self->review =
        review_new(&(struct review_config){.loop = &self->loop, .kube = self->api, .audience = TOKEN_AUDIENCE});
    self->endpoint = endpoint_new(&(struct endpoint_config){.review = self->review,
                                                            .refusal = refusal,
                                                            .stands_by = stands_by,
                                                            .knows_pod = knows_pod,
                                                            .accept = accept_report,
                                                            .decide = decide,
                                                            .running = running,
                                                            .arg = self});
    routes[0] = (struct web_route){.port = WEB_PLAIN, .method = WEB_GET, .path = "/healthz", .handle = health_live};
    routes[1] = (struct web_route){
        .port = WEB_PLAIN, .method = WEB_GET, .path = "/readyz", .handle = health_ready, .arg = &self->health};
    routes[2] =
        (struct web_route){.port = WEB_PLAIN, .method = WEB_GET, .path = "/metrics", .handle = measure, .arg = self};
    routes[3] = (struct web_route){.port = WEB_TLS,
                                   .method = WEB_POST,
                                   .path = REPORT_PATH,
                                   .body_max = REPORT_BODY_MAX,
                                   .deadline_ms = REPORT_DEADLINE_MS,
                                   .handle = endpoint_handle,
                                   .arg = self->endpoint};
    return web_server_new(
        &(struct web_config){.loop = &self->loop,
                             .routes = routes,
                             .route_count = sizeof routes / sizeof *routes,
                             .ports = {[WEB_PLAIN] = self->options.http_port, [WEB_TLS] = self->options.report_port}},
        &self->server, err);
}
