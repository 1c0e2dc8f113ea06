/* weir-operator: wiring only. Order of life: HTTP first, then caches, then the lease, then work; and on SIGTERM work
 * ends first, the lease goes last, so that another replica may begin only when nothing of ours is on its way. */

#include "cmd/operator.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/log.h"
#include "base/text.h"
#include "cmd/release.h"
#include "kube/config.h"
#include "kube/event.h"
#include "kube/http.h"

/* Together with a renewal of the lease that is under way (5 s) less than the 30 s that a pod gets. */
enum { GRACE_MS = 10 * 1000, RELEASE_TIMEOUT_MS = 5000 };
enum { LARGE_BYTES = 128 * 1024 };

bool operator_leads(void *arg) {
    const struct wiring *self = arg;
    return self->leading && (self->leader == NULL || leader_held(self->leader));
}

static void pod_gone(const char *uid, void *arg) {
    const struct wiring *self = arg;
    review_forget(self->review, uid);
}

/* --- leading --- */

static void work_when_possible(struct wiring *self) {
    if (self->leading && self->launch.report_ca != NULL)
        controller_lead(self->controller);
}

static void certificate_changed(void *arg) {
    struct wiring *self = arg;
    self->launch.report_ca = certificate_bundle(self->certificate);
    work_when_possible(self);
}

static void address_changed(void *arg) {
    struct wiring *self = arg;
    self->launch.report_address = address_text(self->address);
}

static void won(void *arg) {
    struct wiring *self = arg;
    self->leading = true;
    log_info("operator", "leading", {"identity", self->identity});
    certificate_check(self->certificate);
    work_when_possible(self);
}

static void lost(const char *why, void *arg) {
    struct wiring *self = arg;
    self->leading = false;
    log_warn("operator", "leadership lost: standing by", {"reason", why});
    controller_follow(self->controller);
}

/* --- the end --- */

static void released(void *arg) {
    struct wiring *self = arg;
    leader_free(self->leader);
    controller_free(self->controller);
    recorder_free(self->recorder);
    certificate_stop(self->certificate);
    address_stop(self->address);
    web_server_stop(self->server);
    kube_http_free(self->api);
    uv_close((uv_handle_t *)&self->terminate, NULL);
    uv_close((uv_handle_t *)&self->interrupt, NULL);
}

static void drained(void *arg) {
    struct wiring *self = arg;
    if (self->leader != NULL)
        leader_release(self->leader, RELEASE_TIMEOUT_MS, released, self);
    else
        released(self);
}

static void stop(uv_signal_t *handle, int number) {
    struct wiring *self = handle->data;
    if (self->stopping)
        _exit(128 + number); /* asked twice: at once */
    self->stopping = true;
    log_info("operator", "stopping: letting work end", {"signal", strsignal(number)});
    kube_http_stop(self->api, GRACE_MS);
    controller_drain(self->controller, drained, self);
}

/* --- the beginning --- */

static void split(const char *text, struct strings *ret, struct arena *arena) {
    ret->items = ARENA_NEW_ARRAY(arena, text == NULL ? 1 : strlen(text) + 1, const char *);
    char *rest = text == NULL ? NULL : arena_strdup(arena, text);
    for (char *item = NULL; (item = strsep(&rest, ",")) != NULL;) {
        if (item[0] != '\0')
            ret->items[ret->count++] = item;
    }
}

static int connect_api(struct wiring *self, uint64_t seed, struct error *err) {
    struct kube_config *config = NULL;
    const struct operator_options *options = &self->options;
    if (kube_config_find(options->kubeconfig, options->context, &config, err) != 0)
        return -1;
    self->namespace =
        options->namespace != NULL ? options->namespace : arena_strdup(&self->arena, kube_config_namespace(config));
    log_info("operator", "starting", {"version", WEIR_VERSION}, {"server", kube_config_server(config)},
             {"namespace", self->namespace});
    const struct kube_http_options http = {.seed = seed, .may_write = operator_leads, .may_write_arg = self};
    return kube_http_new(&self->loop, config, &http, &self->api, err);
}

/* A pod's name and UID outlive its container: a restarted one finds itself in the Lease, and leads again at once. Two
 * that run all the same (a kubelet that was cut off) are told apart by `process`. */
static void name_self(struct wiring *self, uint64_t seed) {
    const char *pod = getenv("POD_NAME");
    const char *uid = getenv("POD_UID");
    char host[65] = "weir";
    gethostname(host, sizeof host - 1);
    if (!text_empty(pod) && !text_empty(uid))
        self->pod = (struct event_object){&kube_pods, self->namespace, pod, uid};
    if (self->pod.resource != NULL)
        snprintf(self->identity, sizeof self->identity, "%.80s_%.40s", pod, uid);
    else
        snprintf(self->identity, sizeof self->identity, "%.80s_%08x", text_empty(pod) ? host : pod, (unsigned)seed);
    snprintf(self->process, sizeof self->process, "%016llx", (unsigned long long)seed);
    snprintf(self->report_host, sizeof self->report_host, "%s.%s.svc", self->options.service_name, self->namespace);
    snprintf(self->secret, sizeof self->secret, "%s-report", self->options.lease_name);
}

static void start(struct wiring *self, uint64_t seed) {
    const char *full = arena_printf(&self->arena, "%s.cluster.local", self->report_host);
    const char *const names[] = {self->report_host, full, NULL};
    self->launch = (struct launch_config){.launcher_image = self->options.launcher_image,
                                          .pull_policy = self->options.launcher_pull_policy,
                                          .report_host = self->report_host};
    self->recorder = recorder_new(&self->loop, self->api, WEIR_GROUP "/operator", self->identity);
    struct controller_config config = {.loop = &self->loop,
                                       .api = self->api,
                                       .recorder = self->recorder,
                                       .launch = &self->launch,
                                       .self = self->pod,
                                       .guard_file = self->options.guard_file,
                                       .ttl_seconds_after_finished = self->options.ttl_seconds_after_finished,
                                       .pod_gone = pod_gone,
                                       .arg = self,
                                       .seed = seed};
    split(self->options.namespaces, &config.namespaces, &self->arena);
    self->controller = controller_new(&config);
    self->address = address_new(&self->loop, self->report_host, self->options.report_port, self->options.report_address,
                                address_changed, self);
    self->launch.report_address = address_text(self->address);
    self->certificate = certificate_new(&(struct certificate_config){.kube = self->api,
                                                                     .loop = &self->loop,
                                                                     .server = self->server,
                                                                     .namespace = self->namespace,
                                                                     .secret = self->secret,
                                                                     .names = names,
                                                                     .leads = operator_leads,
                                                                     .changed = certificate_changed,
                                                                     .arg = self});
    if (self->options.leader_elect)
        self->leader = leader_new(&self->loop, self->api,
                                  &(struct leader_options){.namespace = self->namespace,
                                                           .name = self->options.lease_name,
                                                           .identity = self->identity,
                                                           .process = self->process,
                                                           .won = won,
                                                           .lost = lost,
                                                           .arg = self});
    else
        won(self);
}

static void watch_signal(struct wiring *self, uv_signal_t *handle, int number) {
    uv_signal_init(&self->loop, handle);
    handle->data = self;
    uv_signal_start(handle, stop, number);
}

int main(int argc, char **argv) {
    static struct wiring self;
    uint64_t seed = 0;
    struct error err;
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES); /* or glibc raises it, and pages of lists stay in the heap */
    operator_options_parse(argc, argv, &self.options);
    log_set_level(self.options.log_level);
    signal(SIGPIPE, SIG_IGN);
    if (self.options.release_pods)
        return release_pods(&self.options);
    RAND_bytes((unsigned char *)&seed, sizeof seed);
    uv_loop_init(&self.loop);
    if (connect_api(&self, seed, &err) != 0) {
        log_error("operator", "cannot connect to the API server", {"err", err.text});
        return 1;
    }
    name_self(&self, seed);
    if (operator_listen(&self, &err) != 0) {
        log_error("operator", "cannot listen", {"err", err.text});
        return 1;
    }
    watch_signal(&self, &self.terminate, SIGTERM);
    watch_signal(&self, &self.interrupt, SIGINT);
    start(&self, seed);

    uv_run(&self.loop, UV_RUN_DEFAULT);
    certificate_free(self.certificate);
    endpoint_free(self.endpoint);
    review_free(self.review);
    web_server_free(self.server);
    uv_run(&self.loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&self.loop);
    log_info("operator", "stopped", {"handles", left == 0 ? NULL : "left open"});
    arena_fini(&self.arena);
    return 0;
}
