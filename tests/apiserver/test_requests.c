/* Single requests against a real API server: who we are, and how each refusal is told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apiserver/support_api.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

static struct kube_config *load(const char *path) {
    struct kube_config *config = NULL;
    struct error err = {0};
    if (kube_config_load(path, NULL, &config, &err) < 0)
        fail_msg("%s", err.text);
    return config;
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char text[65536];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* The kubeconfig of the test with one text put in place of another, as a file of its own. */
static struct kube_config *load_changed(const char *from, const char *to) {
    const char *text = read_file(api_kubeconfig());
    const char *at = strstr(text, from);
    assert_non_null(at);
    char path[] = "/tmp/weir-kubeconfig-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(file);
    struct kube_config *config = load(path);
    remove(path);
    return config;
}

/* Asks for the namespace "default". */
static struct reply ask(struct kube_config *config) {
    static const struct kube_resource namespaces = {"", "v1", "namespaces", "Namespace", true};
    struct api_test test;
    struct reply reply = {0};
    api_open_with(&test, config);
    kube_get(test.api, (struct kube_ref){&namespaces, NULL, "default"}, api_reply, &reply);
    api_await(&test, &reply);
    json_free(&reply.doc);
    api_close(&test);
    return reply;
}

static void a_token_and_a_certificate_are_accepted(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct reply reply = ask(load(api_kubeconfig()));
    assert_string_equal(reply.name, "default");
    const char *cert = arena_printf(&arena, "%s-cert", api_kubeconfig());
    reply = ask(load(cert));
    assert_string_equal(reply.err.text, "");
    assert_string_equal(reply.name, "default");
}

static void a_wrong_token_is_told(void **state) {
    (void)state;
    struct reply reply = ask(load_changed("token: ", "token: wrong"));
    assert_int_equal(reply.status, 401);
    assert_int_equal(reply.err.code, ERROR_TRANSIENT);
    assert_non_null(strstr(reply.err.text, "Unauthorized"));
}

static void the_server_must_prove_who_it_is(void **state) {
    (void)state;
    struct reply reply = ask(load_changed("server: ", "tls-server-name: kubernetes.default.svc, server: "));
    assert_string_equal(reply.err.text, "");
    assert_string_equal(reply.name, "default");
    reply = ask(load_changed("server: ", "tls-server-name: elsewhere.example, server: "));
    assert_int_equal(reply.status, 0);
    assert_non_null(strstr(reply.err.text, "certificate"));
}

static void write_file(const char *directory, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void get_namespace(struct api_test *test, struct reply *reply) {
    static const struct kube_resource namespaces = {"", "v1", "namespaces", "Namespace", true};
    kube_get(test->api, (struct kube_ref){&namespaces, NULL, "default"}, api_reply, reply);
    api_await(test, reply);
    json_free(&reply->doc);
}

/* As a pod does it, from files. When the CA there is another one, a connection that was made with the old one does not
 * count any more, and when the right one is back the next request works again. */
static void a_changed_ca_counts_for_the_next_request(void **state) {
    (void)state;
    char directory[] = "/tmp/weir-account-XXXXXX";
    assert_non_null(mkdtemp(directory));
    AUTO_ARENA arena = ARENA_INIT;
    struct kube_config *source = load(api_kubeconfig());
    struct kube_config *other = load(arena_printf(&arena, "%s-cert", api_kubeconfig()));
    struct kube_config *config = NULL;
    struct kube_tls right;
    struct kube_tls wrong;
    struct error err = {0};
    const char *token = NULL;
    char host[64] = "";
    char port[16] = "";
    kube_config_tls(source, &right);
    kube_config_tls(other, &wrong);
    assert_int_equal(kube_config_token(source, 1, &token, &err), 0);
    assert_int_equal(sscanf(kube_config_server(source), "https://%63[^:]:%15[0-9]", host, port), 2);
    write_file(directory, "token", token);
    write_file(directory, "ca.crt", right.ca_pem);
    assert_int_equal(kube_config_service_account(directory, host, port, &config, &err), 0);

    struct api_test test;
    struct reply reply = {0};
    int64_t later = clock_boot_ms();
    api_open_with(&test, config);
    get_namespace(&test, &reply);
    assert_string_equal(reply.err.text, "");
    write_file(directory, "ca.crt", wrong.cert_pem);
    assert_true(kube_config_refresh(config, later += 6 * 60 * 1000));
    get_namespace(&test, &reply);
    assert_non_null(strstr(reply.err.text, "certificate"));
    write_file(directory, "ca.crt", right.ca_pem);
    assert_true(kube_config_refresh(config, later += 6 * 60 * 1000));
    get_namespace(&test, &reply);
    assert_string_equal(reply.err.text, "");
    api_close(&test);
    kube_config_free(source);
    kube_config_free(other);
    static const char *const names[] = {"token", "ca.crt", "."};
    for (size_t i = 0; i < 3; i++)
        remove(arena_printf(&arena, "%s/%s", directory, names[i]));
    rmdir(directory);
}

static void the_two_409s_are_told_apart(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    api_create_map(test, "twice", "1", &reply);
    assert_int_equal(api_await(test, &reply)->status, 201);
    char version[64];
    snprintf(version, sizeof version, "%s", reply.version);
    api_create_map(test, "twice", "2", &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_EXISTS);
    AUTO_STRBUF body = STRBUF_INIT;
    strbuf_printf(&body, "{\"metadata\":{\"name\":\"twice\",\"resourceVersion\":\"%s\"},\"data\":{\"value\":\"3\"}}",
                  version);
    for (int i = 0; i < 2; i++) {
        kube_put(test->api, api_map(test, "twice"), NULL, strbuf_text(&body), body.length, api_reply, &reply);
        api_await(test, &reply);
    }
    assert_int_equal(reply.err.code, ERROR_CONFLICT);
    assert_string_equal(reply.reason, "Conflict");
    json_free(&reply.doc);
}

static void deletion_asks_for_the_uid(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    api_create_map(test, "mine", "1", &reply);
    api_await(test, &reply);
    char uid[64];
    snprintf(uid, sizeof uid, "%s", reply.uid);
    struct kube_delete other = {.uid = "00000000-0000-0000-0000-000000000000", .grace_s = -1};
    kube_delete(test->api, api_map(test, "mine"), &other, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_CONFLICT);
    struct kube_delete own = {.uid = uid, .propagation = "Background", .grace_s = 0};
    kube_delete(test->api, api_map(test, "mine"), &own, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NONE);
    kube_get(test->api, api_map(test, "mine"), api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NOT_FOUND);
    json_free(&reply.doc);
}

/* Asks in each way for an object that is not there. */
static void expect_missing(struct api_test *test, const struct kube_resource *resource, const char *subresource) {
    struct kube_ref ref = {resource, test->namespace, "missing"};
    struct kube_delete options = {.uid = "00000000-0000-0000-0000-000000000000", .grace_s = -1};
    struct reply replies[4] = {0};
    AUTO_STRBUF body = STRBUF_INIT;
    AUTO_STRBUF version = STRBUF_INIT;
    kube_api_version(&version, resource);
    strbuf_printf(
        &body,
        "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"name\":\"missing\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
        strbuf_text(&version), resource->kind);
    kube_get(test->api, ref, api_reply, &replies[0]);
    kube_delete(test->api, ref, &options, api_reply, &replies[1]);
    kube_patch(test->api, ref, subresource, PATCH_MERGE, "{}", 2, api_reply, &replies[2]);
    if (resource == &kube_leases || resource == &kube_events) /* a PUT would create it */
        kube_get(test->api, ref, api_reply, &replies[3]);
    else
        kube_put(test->api, ref, subresource, strbuf_text(&body), body.length, api_reply, &replies[3]);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        api_await(test, &replies[i]);
        if (replies[i].err.code != ERROR_NOT_FOUND)
            fail_msg("%s, request %zu: %d %s", resource->plural, i, replies[i].status, replies[i].err.text);
        json_free(&replies[i].doc);
    }
}

static const struct kube_resource definitions = {"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                                 "CustomResourceDefinition", true};

/* The server takes a moment from the definition to serving the kind: until then its 404s are about the kind. */
static void define(struct api_test *test, const struct kube_resource *things) {
    struct reply reply = {0};
    struct kube_ref missing = {things, test->namespace, "missing"};
    AUTO_STRBUF body = STRBUF_INIT;
    strbuf_printf(
        &body,
        "{\"metadata\":{\"name\":\"things.%s\"},\"spec\":{\"group\":\"%s\",\"scope\":\"Namespaced\",\"names\":"
        "{\"plural\":\"things\",\"kind\":\"Thing\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
        "\"subresources\":{\"status\":{}},\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\","
        "\"x-kubernetes-preserve-unknown-fields\":true}}}]}}",
        things->group, things->group);
    kube_get(test->api, missing, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->status, 404);
    assert_int_equal(reply.err.code, ERROR_TRANSIENT);
    kube_create(test->api, (struct kube_ref){&definitions, NULL, NULL}, NULL, strbuf_text(&body), body.length,
                api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    for (int i = 0; i < 2000 && reply.err.code != ERROR_NOT_FOUND; i++) {
        kube_get(test->api, missing, api_reply, &reply);
        api_await(test, &reply);
    }
    json_free(&reply.doc);
}

static void undefine(struct api_test *test, const struct kube_resource *things) {
    struct reply reply = {0};
    struct kube_delete options = {.grace_s = -1};
    AUTO_STRBUF name = STRBUF_INIT;
    strbuf_printf(&name, "things.%s", things->group);
    kube_delete(test->api, (struct kube_ref){&definitions, NULL, strbuf_text(&name)}, &options, api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    json_free(&reply.doc);
}

static void what_is_missing_is_told_from_stray_404s(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    AUTO_STRBUF group = STRBUF_INIT;
    strbuf_printf(&group, "%s.dev", test->namespace);
    const struct kube_resource things = {strbuf_text(&group), "v1", "things", "Thing", false};
    expect_missing(test, &kube_pods, NULL);
    expect_missing(test, &kube_pods, "status");
    expect_missing(test, &kube_leases, NULL);
    expect_missing(test, &kube_events, NULL);
    define(test, &things);
    expect_missing(test, &things, NULL);
    expect_missing(test, &things, "status");
    undefine(test, &things);
    kube_patch(test->api, (struct kube_ref){&kube_pods, test->namespace, "missing"}, "no-such-subresource", PATCH_MERGE,
               "{}", 2, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->status, 404);
    assert_int_equal(reply.err.code, ERROR_TRANSIENT);
    kube_create(test->api, (struct kube_ref){&kube_configmaps, "no-such-namespace", "m"}, NULL,
                "{\"metadata\":{\"name\":\"m\"}}", 25, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->status, 404);
    assert_int_equal(reply.err.code, ERROR_TRANSIENT);
    assert_non_null(strstr(reply.err.text, "namespaces \"no-such-namespace\" not found"));
    json_free(&reply.doc);
}

static void a_pod_is_held_by_its_finalizer(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    struct kube_ref pod = {&kube_pods, test->namespace, "held"};
    static const char body[] = "{\"metadata\":{\"name\":\"held\",\"finalizers\":[\"weir.dev/result\",\"other.dev/x\"]},"
                               "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";
    kube_create(test->api, pod, NULL, body, strlen(body), api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    char uid[64];
    snprintf(uid, sizeof uid, "%s", reply.uid);
    struct kube_delete options = {.uid = uid, .grace_s = 0};
    kube_delete(test->api, pod, &options, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NONE);
    kube_finalizer_drop(test->api, pod, "00000000-0000-0000-0000-000000000000", "weir.dev/result", NULL, api_reply,
                        &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_CONFLICT);
    kube_finalizer_drop(test->api, pod, uid, "weir.dev/result", NULL, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NONE);
    yyjson_val *left = json_at(yyjson_doc_get_root(reply.doc), "metadata", "finalizers", NULL);
    assert_int_equal(yyjson_arr_size(left), 1); /* the other one stays */
    kube_finalizer_drop(test->api, pod, uid, "other.dev/x", "weir.dev/done", api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NONE);
    yyjson_val *labels = json_at(yyjson_doc_get_root(reply.doc), "metadata", "labels", NULL);
    assert_string_equal(json_text(labels, "weir.dev/done", ""), "true");
    kube_get(test->api, pod, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NOT_FOUND);
    json_free(&reply.doc);
}

static void finalizers_are_set_on_the_version_they_come_from(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    static const char *const list[] = {"weir.dev/cleanup"};
    api_create_map(test, "finalizers", "1", &reply);
    api_await(test, &reply);
    char uid[64];
    char version[64];
    snprintf(uid, sizeof uid, "%s", reply.uid);
    snprintf(version, sizeof version, "%s", reply.version);
    struct kube_ref map = api_map(test, "finalizers");
    kube_finalizers_set(test->api, map, uid, version, list, 1, api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    char newer[64];
    snprintf(newer, sizeof newer, "%s", reply.version);
    kube_finalizers_set(test->api, map, uid, version, NULL, 0, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_CONFLICT);
    kube_finalizers_set(test->api, map, "00000000-0000-0000-0000-000000000000", newer, NULL, 0, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_CONFLICT);
    kube_finalizers_set(test->api, map, uid, newer, NULL, 0, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NONE);
    json_free(&reply.doc);
}

static void a_dry_run_is_judged_and_not_kept(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    struct kube_ref pod = {&kube_pods, test->namespace, "dry"};
    static const struct kube_create dry = {.urgency = URGENCY_URGENT, .dry_run = true};
    static const char good[] =
        "{\"metadata\":{\"name\":\"dry\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";
    static const char bad[] =
        "{\"metadata\":{\"name\":\"dry\"},\"spec\":{\"containers\":[{\"name\":\"C\",\"image\":\"i\"}]}}";
    kube_create(test->api, pod, &dry, good, strlen(good), api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    assert_string_equal(reply.name, "dry");
    kube_create(test->api, pod, &dry, bad, strlen(bad), api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_INVALID);
    kube_get(test->api, pod, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_NOT_FOUND);
    json_free(&reply.doc);
}

/* Else the server drops it without a word. */
static void a_field_that_does_not_exist_is_refused(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    struct kube_ref pod = {&kube_pods, test->namespace, "strict"};
    static const char body[] =
        "{\"metadata\":{\"name\":\"strict\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
        "\"i\",\"imagePulPolicy\":\"Never\"}]}}";
    kube_create(test->api, pod, NULL, body, strlen(body), api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_INVALID);
    assert_non_null(strstr(reply.err.text, "unknown field \"spec.containers[0].imagePulPolicy\""));
    json_free(&reply.doc);
}

static void bad_objects_are_invalid(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    api_create_map(test, "UPPER", "1", &reply);
    assert_int_equal(api_await(test, &reply)->status, 422);
    assert_int_equal(reply.err.code, ERROR_INVALID);
    kube_create(test->api, api_map(test, NULL), NULL, "{nonsense", 9, api_reply, &reply);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_INVALID);
    char *value = calloc(1, 1024 * 1024);
    memset(value, 'x', 1024 * 1024 - 1);
    api_create_map(test, "large", value, &reply);
    free(value);
    assert_int_equal(api_await(test, &reply)->err.code, ERROR_INVALID);
    assert_int_equal(reply.status, 0); /* refused here */
    json_free(&reply.doc);
}

static int open_test(void **state) {
    static struct api_test test;
    api_open(&test);
    *state = &test;
    return 0;
}

static int close_test(void **state) {
    api_close(*state);
    return 0;
}

int main(void) {
    api_kubeconfig();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_and_a_certificate_are_accepted),
        cmocka_unit_test(a_wrong_token_is_told),
        cmocka_unit_test(the_server_must_prove_who_it_is),
        cmocka_unit_test(a_changed_ca_counts_for_the_next_request),
        cmocka_unit_test(the_two_409s_are_told_apart),
        cmocka_unit_test(deletion_asks_for_the_uid),
        cmocka_unit_test(what_is_missing_is_told_from_stray_404s),
        cmocka_unit_test(a_pod_is_held_by_its_finalizer),
        cmocka_unit_test(finalizers_are_set_on_the_version_they_come_from),
        cmocka_unit_test(a_dry_run_is_judged_and_not_kept),
        cmocka_unit_test(a_field_that_does_not_exist_is_refused),
        cmocka_unit_test(bad_objects_are_invalid),
    };
    return cmocka_run_group_tests_name("requests", tests, open_test, close_test);
}
