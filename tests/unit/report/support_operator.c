/* See support_operator.h. */

#include "report/support_operator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/certificate.h"
#include "report/endpoint.h"
#include "report/secret.h"
#include "report/support_kube.h"
#include "web/health.h"

static struct script script;
static struct secret_model secret;
static struct certificate *certificate;
static struct review *review;
static struct endpoint *endpoint;
static const char *const names[] = {OPERATOR_NAME, "127.0.0.1", NULL};
static const char *away;
static char last[512]; /* what accept() saw last */
static int reviewed;

static struct script_answer reply(struct script *self, const struct kube_request *request) {
    (void)self;
    if (strstr(request->path, "/secrets") != NULL)
        return secret_answer(&secret, request);
    reviewed++;
    if (strstr(request->body, ".down-") != NULL)
        return (struct script_answer){.status = 500};
    char *slow = strstr(request->body, ".slow-");
    char *never = strstr(request->body, ".never-");
    struct kube_request asked = *request;
    char *body = strdup(request->body);
    if (slow != NULL)
        memcpy(body + (slow - request->body) + 1, "good", 4);
    asked.body = body;
    struct script_answer answer = script_review(&asked);
    free(body);
    answer.delay_ms = slow != NULL ? OPERATOR_SLOW_MS : never != NULL ? 3600 * 1000 : 0;
    return answer;
}

static const char *refusal(void *arg) {
    (void)arg;
    return away;
}

static bool stands_by(void *arg) {
    (void)arg;
    return away != NULL;
}

static int accept_report(void *arg, const struct identity *pod, const struct record *record, const char *body,
                         size_t length) {
    (void)arg;
    assert_int_equal(strlen(body), length);
    snprintf(last, sizeof last, "%s/%s %s %s seq %d", pod->namespace, pod->pod_name, pod->pod_uid, pod->service_account,
             (int)record->seq);
    return strcmp(pod->pod_name, "stranger") == 0 ? 403 : strcmp(pod->pod_name, "early") == 0 ? 503 : 200;
}

static bool knows_pod(void *arg, const char *namespace, const char *pod, const char *uid) {
    (void)arg;
    AUTO_ARENA arena = ARENA_INIT;
    assert_string_equal(namespace, "flows");
    assert_string_equal(uid, arena_printf(&arena, "uid-of-%s", pod));
    return strcmp(pod, "nobody") != 0;
}

static const char *decide(void *arg, const struct identity *pod) {
    (void)arg;
    return strcmp(pod->pod_name, "deleted") == 0 ? "stop" : strcmp(pod->pod_name, "drained") == 0 ? "leave" : NULL;
}

static size_t running(void *arg) {
    (void)arg;
    return OPERATOR_RUNNING;
}

/* What the test asks the child over the plain port. */
static void handle_state(void *arg, struct web_request *request) {
    (void)arg;
    web_answer_text(request, 200, "%s; waiting %d, cancelled %d, written %d, reviewed %d", last, script.waiting,
                    script.cancelled, secret.writes, reviewed);
}

static void handle_bundle(void *arg, struct web_request *request) {
    (void)arg;
    const char *bundle = certificate_bundle(certificate);
    if (bundle == NULL)
        web_answer_text(request, 503, "not yet\n");
    else
        web_answer(request, &(struct web_answer){.status = 200, .body = bundle, .length = strlen(bundle)});
}

/* Another replica has renewed the server certificate. */
static void handle_rotate(void *arg, struct web_request *request) {
    (void)arg;
    AUTO_JSON *doc = NULL;
    struct error err;
    struct secret_texts texts;
    struct pki pki = {0};
    assert_int_equal(json_parse(secret.object, strlen(secret.object), &doc, &err), 0);
    secret_read(yyjson_doc_get_root(doc), &texts);
    pki_load(&pki, &(struct pki_texts){texts.ca_crt, texts.ca_key, NULL, NULL}, &err);
    assert_int_equal(pki_renew(&pki, names, clock_wall_ms(), &err), 0);
    free(secret.object);
    char version[16];
    snprintf(version, sizeof version, "%d", ++secret.version);
    secret.object = secret_body(&pki, "weir", "weir-tls", version);
    pki_fini(&pki);
    secret_fini(&texts);
    certificate_check(certificate);
    web_answer_text(request, 200, "rotated\n");
}

static void handle_away(void *arg, struct web_request *request) {
    (void)arg;
    away = away == NULL ? "weir-operator-7d4f leads" : NULL;
    web_answer_text(request, 200, "ok\n");
}

static struct web_route routes[] = {
    {WEB_TLS, WEB_POST, REPORT_PATH, REPORT_BODY_MAX, OPERATOR_DEADLINE_MS, endpoint_handle, NULL},
    {WEB_PLAIN, WEB_GET, "/metrics", .handle = health_metrics},
    {WEB_PLAIN, WEB_GET, "/state", .handle = handle_state},
    {WEB_PLAIN, WEB_GET, "/bundle", .handle = handle_bundle},
    {WEB_PLAIN, WEB_GET, "/rotate", .handle = handle_rotate},
    {WEB_PLAIN, WEB_GET, "/away", .handle = handle_away},
};

static bool leads(void *arg) {
    (void)arg;
    return true;
}

static int begin(uv_loop_t *loop, struct web_server **ret_server) {
    script_init(&script, loop, reply, NULL);
    review = review_new(&(struct review_config){.loop = loop, .kube = &script.api, .audience = "weir-report"});
    endpoint = endpoint_new(&(struct endpoint_config){.review = review,
                                                      .refusal = refusal,
                                                      .stands_by = stands_by,
                                                      .knows_pod = knows_pod,
                                                      .accept = accept_report,
                                                      .decide = decide,
                                                      .running = running});
    routes[0].arg = endpoint;
    struct web_config config = {
        .loop = loop, .routes = routes, .route_count = sizeof routes / sizeof *routes, .address = "127.0.0.1"};
    struct error err;
    if (web_server_new(&config, ret_server, &err) != 0)
        return -1;
    certificate = certificate_new(&(struct certificate_config){.kube = &script.api,
                                                               .loop = loop,
                                                               .server = *ret_server,
                                                               .namespace = "weir",
                                                               .secret = "weir-tls",
                                                               .names = names,
                                                               .leads = leads});
    return 0;
}

static void stop_all(void) {
    certificate_stop(certificate);
}

static void end_all(void) {
    certificate_free(certificate);
    endpoint_free(endpoint);
    review_free(review);
    secret_model_fini(&secret);
}

const struct child_parts operator_parts = {.begin = begin, .stop = stop_all, .end = end_all};
