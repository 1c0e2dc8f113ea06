/* The report endpoint's two conversations with a real API server: real tokens are reviewed, and the certificate is kept
 * in a real Secret. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/support_api.h"
#include "base/clock.h"
#include "report/certificate.h"
#include "report/review.h"
#include "report/secret.h"

static const struct kube_resource accounts = {"", "v1", "serviceaccounts", "ServiceAccount", false};
static const struct kube_resource secrets = {"", "v1", "secrets", "Secret", false};

static struct api_test test;
static struct reply reply;

static int begin(void **state) {
    (void)state;
    api_open(&test);
    return 0;
}

static int end(void **state) {
    (void)state;
    json_free(&reply.doc);
    api_close(&test);
    return 0;
}

/* POSTs, awaits, and wants success. */
static void create(struct kube_ref ref, const char *subresource, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void create(struct kube_ref ref, const char *subresource, const char *format, ...) {
    AUTO_STRBUF path = STRBUF_INIT;
    AUTO_STRBUF body = STRBUF_INIT;
    va_list args;
    va_start(args, format);
    strbuf_vprintf(&body, format, args);
    va_end(args);
    kube_path(&path, ref, subresource);
    struct kube_request request = {.method = "POST",
                                   .path = strbuf_text(&path),
                                   .body = strbuf_text(&body),
                                   .length = body.length,
                                   .verb = "create",
                                   .resource = ref.resource};
    kube_send(test.api, &request, api_reply, &reply);
    api_await(&test, &reply);
    if (reply.err.code != ERROR_NONE)
        fail_msg("%s: %s", strbuf_text(&path), reply.err.text);
}

/* ---- tokens ---- */

struct heard {
    bool done;
    char text[512];
};

static void hear(void *arg, const struct review_answer *answer) {
    struct heard *heard = arg;
    const struct identity *identity = answer->identity;
    heard->done = true;
    if (identity != NULL)
        snprintf(heard->text, sizeof heard->text, "%s/%s %s %s", identity->namespace, identity->pod_name,
                 identity->pod_uid, identity->service_account);
    else
        snprintf(heard->text, sizeof heard->text, "%s", answer->text);
}

static bool is_heard(void *arg) {
    return ((struct heard *)arg)->done;
}

/* As if each spoke of a pod of its own, so that no refusal keeps another question waiting. */
static void ask(struct review *review, const char *token, struct heard *heard) {
    static int number;
    struct turn_asker asker = {0};
    snprintf(asker.pod_uid, sizeof asker.pod_uid, "%d", number++);
    review_start(review, token, &asker, clock_boot_ms(), hear, heard);
}

static void expect(struct review *review, const char *token, const char *text) {
    struct heard heard = {0};
    ask(review, token, &heard);
    api_until(&test, is_heard, &heard, "a review");
    assert_string_equal(heard.text, text);
}

struct refused {
    struct review *review;
    const char *uid, *token;
};

static bool is_refused(void *arg) {
    const struct refused *refused = arg;
    struct heard heard = {0};
    review_forget(refused->review, refused->uid);
    ask(refused->review, refused->token, &heard);
    api_until(&test, is_heard, &heard, "a review");
    return strcmp(heard.text, "the token is not valid (any more)") == 0 ||
           strcmp(heard.text, "the token was refused a moment ago") == 0;
}

/* A token as the kubelet projects it; `bound` is the JSON of boundObjectRef or "null". The caller frees. */
static char *new_token(const char *audience, const char *bound) {
    create((struct kube_ref){&accounts, test.namespace, "spark"}, "token",
           "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{\"audiences\":[\"%s\"],"
           "\"expirationSeconds\":600,\"boundObjectRef\":%s}}",
           audience, bound);
    const char *token = json_text(json_at(yyjson_doc_get_root(reply.doc), "status", NULL), "token", NULL);
    assert_non_null(token);
    return strdup(token);
}

static void a_token_speaks_for_its_pod_while_that_lives(void **state) {
    (void)state;
    create((struct kube_ref){&accounts, test.namespace, NULL}, NULL, "{\"metadata\":{\"name\":\"spark\"}}");
    create((struct kube_ref){&kube_pods, test.namespace, NULL}, NULL,
           "{\"metadata\":{\"name\":\"launcher\"},\"spec\":{\"serviceAccountName\":\"spark\",\"containers\":[{\"name\":"
           "\"main\",\"image\":\"none\"}]}}");
    char uid[64], bound[256], wanted[512];
    snprintf(uid, sizeof uid, "%s", reply.uid);
    snprintf(bound, sizeof bound, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"launcher\",\"uid\":\"%s\"}", uid);
    snprintf(wanted, sizeof wanted, "%s/launcher %s spark", test.namespace, uid);
    char *ours = new_token("weir-report", bound);
    char *foreign = new_token("https://kubernetes.default.svc", bound);
    char *unbound = new_token("weir-report", "null");
    char *forged = strdup(ours);
    forged[strlen(forged) - 10] = forged[strlen(forged) - 10] == 'A' ? 'B' : 'A';

    struct review *review =
        review_new(&(struct review_config){.loop = &test.loop, .kube = test.api, .audience = "weir-report"});
    expect(review, ours, wanted);
    expect(review, foreign, "the token is not valid (any more)"); /* the API server itself refuses its audience */
    expect(review, unbound, "the token is not bound to a pod");
    expect(review, forged, "the token is not valid (any more)");

    kube_delete(test.api, (struct kube_ref){&kube_pods, test.namespace, "launcher"},
                &(struct kube_delete){.grace_s = 0}, api_reply, &reply);
    assert_int_equal(api_await(&test, &reply)->err.code, ERROR_NONE);
    expect(review, ours, wanted); /* still remembered: the controller says when the pod is gone */
    struct refused refused = {.review = review, .uid = uid, .token = ours};
    api_until(&test, is_refused, &refused,
              "the token of a pod that is gone is refused"); /* it caches for 10 s itself */
    review_free(review);
    free(ours);
    free(foreign);
    free(unbound);
    free(forged);
}

/* ---- the certificate ---- */

static bool leading;

static bool leads(void *arg) {
    (void)arg;
    return leading;
}

static bool has_bundle(void *arg) {
    return certificate_bundle(arg) != NULL;
}

static struct certificate *keeper(struct web_server *server) {
    static const char *const names[] = {"weir.weir.svc", "10.0.0.1", NULL};
    return certificate_new(&(struct certificate_config){.kube = test.api,
                                                        .loop = &test.loop,
                                                        .server = server,
                                                        .namespace = test.namespace,
                                                        .secret = "weir-report",
                                                        .names = names,
                                                        .leads = leads});
}

static void wants_version(const char *version, bool same) {
    kube_get(test.api, (struct kube_ref){&secrets, test.namespace, "weir-report"}, api_reply, &reply);
    assert_int_equal(api_await(&test, &reply)->err.code, ERROR_NONE);
    assert_int_equal(strcmp(reply.version, version) == 0, same);
}

/* Makes the stored server certificate an old one, as time would. */
static void age_secret(void) {
    static const char *const names[] = {"weir.weir.svc", "10.0.0.1", NULL};
    struct pki pki = {0};
    struct error err;
    assert_int_equal(pki_renew(&pki, names, clock_wall_ms() - 70 * PKI_DAY_MS, &err), 0);
    AUTO_PEM body = secret_body(&pki, test.namespace, "weir-report", reply.version);
    pki_fini(&pki);
    kube_put(test.api, (struct kube_ref){&secrets, test.namespace, "weir-report"}, NULL, body, strlen(body), api_reply,
             &reply);
    if (api_await(&test, &reply)->err.code != ERROR_NONE)
        fail_msg("%s", reply.err.text);
}

static bool is_written(void *arg) {
    const char *version = arg;
    kube_get(test.api, (struct kube_ref){&secrets, test.namespace, "weir-report"}, api_reply, &reply);
    api_await(&test, &reply);
    return strcmp(reply.version, version) != 0;
}

static void the_certificate_is_kept_in_a_secret(void **state) {
    (void)state;
    struct web_server *server = NULL;
    struct error err;
    struct web_config config = {.loop = &test.loop, .address = "127.0.0.1", .ports = {-1, 0}};
    assert_int_equal(web_server_new(&config, &server, &err), 0);
    leading = true;
    struct certificate *first = keeper(server);
    struct certificate *second = keeper(server); /* both believe that they lead */
    api_until(&test, has_bundle, first, "the first has a bundle");
    api_until(&test, has_bundle, second, "the second has a bundle");
    assert_string_equal(certificate_bundle(first), certificate_bundle(second));

    wants_version("", false);
    char version[64];
    snprintf(version, sizeof version, "%s", reply.version);
    certificate_check(first);
    certificate_check(second);
    wants_version(version, true); /* nothing to do: nothing written */

    age_secret();
    snprintf(version, sizeof version, "%s", reply.version);
    certificate_check(first);
    api_until(&test, is_written, version, "the renewal");
    yyjson_val *type = json_at(yyjson_doc_get_root(reply.doc), "type", NULL);
    assert_string_equal(yyjson_get_str(type), "Opaque");
    certificate_stop(first);
    certificate_stop(second);
    web_server_stop(server);
    uv_run(&test.loop, UV_RUN_DEFAULT);
    web_server_free(server);
    certificate_free(first);
    certificate_free(second);
}

int main(void) {
    api_kubeconfig();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_speaks_for_its_pod_while_that_lives, begin, end),
        cmocka_unit_test_setup_teardown(the_certificate_is_kept_in_a_secret, begin, end),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
