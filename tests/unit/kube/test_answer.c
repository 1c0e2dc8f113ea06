/* What answers mean: the bodies are those of a real API server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/api.h"

static void each_refusal_has_its_code(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } cases[] = {
        {200, "{}", ERROR_NONE},
        {201, NULL, ERROR_NONE},
        {409, "{\"reason\":\"AlreadyExists\",\"message\":\"m\"}", ERROR_EXISTS},
        {409, "{\"reason\":\"Conflict\",\"message\":\"m\"}", ERROR_CONFLICT},
        {409, NULL, ERROR_CONFLICT},
        {410, "{\"reason\":\"Expired\",\"message\":\"m\"}", ERROR_GONE},
        {410, "{\"reason\":\"Gone\",\"message\":\"m\"}", ERROR_GONE},
        {403, "{\"reason\":\"Forbidden\",\"message\":\"m\"}", ERROR_FORBIDDEN},
        {403,
         "{\"reason\":\"Forbidden\",\"message\":\"pods \\\"a\\\" is forbidden: exceeded quota: q, requested: "
         "pods=1, used: pods=5, limited: pods=5\"}",
         ERROR_TRANSIENT},
        {401, "{\"reason\":\"Unauthorized\",\"message\":\"m\"}", ERROR_TRANSIENT},
        {400, "{\"reason\":\"BadRequest\",\"message\":\"m\"}", ERROR_INVALID},
        {413, "{\"reason\":\"RequestEntityTooLarge\",\"message\":\"m\"}", ERROR_INVALID},
        {422, "{\"reason\":\"Invalid\",\"message\":\"m\"}", ERROR_INVALID},
        {422, "{\"reason\":\"Invalid\",\"details\":{\"causes\":[{\"field\":\"metadata.uid\"}]}}", ERROR_CONFLICT},
        {422, "{\"reason\":\"Invalid\",\"details\":{\"causes\":[{\"field\":\"spec\"},7]}}", ERROR_INVALID},
        {500, "{\"message\":\"etcdserver: request is too large\"}", ERROR_INVALID},
        {500, "{\"message\":\"rpc error: code = ResourceExhausted desc = trying to send\"}", ERROR_INVALID},
        {500, "{\"reason\":\"InternalError\",\"message\":\"m\"}", ERROR_TRANSIENT},
        {429, "{\"reason\":\"TooManyRequests\",\"message\":\"m\"}", ERROR_TRANSIENT},
        {504, "{\"reason\":\"Timeout\",\"message\":\"Too large resource version\"}", ERROR_TRANSIENT},
        {302, NULL, ERROR_TRANSIENT},
        {409, "{\"reason\":7,\"message\":[]}", ERROR_CONFLICT},
        {409, "[]", ERROR_CONFLICT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *body = cases[i].body;
        yyjson_doc *doc = body == NULL ? NULL : yyjson_read(body, strlen(body), 0);
        struct kube_answer answer = {0};
        kube_answer_judge(&answer, cases[i].status, doc == NULL ? NULL : yyjson_doc_get_root(doc), NULL);
        if (answer.err.code != cases[i].code)
            fail_msg("%d %s gave %d", cases[i].status, body, (int)answer.err.code);
        yyjson_doc_free(doc);
    }
}

#define NOT_FOUND(details) "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"m\",\"details\":{" details "}}"
#define POD                NOT_FOUND("\"name\":\"a\",\"kind\":\"pods\"")
#define LEASE              NOT_FOUND("\"name\":\"a\",\"group\":\"coordination.k8s.io\",\"kind\":\"leases\"")

static void only_a_status_that_names_the_object_means_gone(void **state) {
    (void)state;
    static const struct kube_ref pod = {&kube_pods, "n", "a"};
    static const struct kube_ref lease = {&kube_leases, "n", "a"};
    static const struct kube_ref new_pod = {&kube_pods, "n", NULL};
    static const struct {
        const struct kube_ref *about;
        const char *body;
        enum error_code code;
        const char *said;
    } cases[] = {
        {&pod, POD, ERROR_NOT_FOUND, "m"},
        {&lease, LEASE, ERROR_NOT_FOUND, "m"},
        {&pod, NULL, ERROR_TRANSIENT, "without a Status"},
        {&pod, "404 page not found", ERROR_TRANSIENT, "without a Status"},
        {&pod, "{\"reason\":\"NotFound\",\"details\":{\"name\":\"a\",\"kind\":\"pods\"}}", ERROR_TRANSIENT, "404"},
        {&pod, "{\"kind\":\"Status\",\"details\":{\"name\":\"a\",\"kind\":\"pods\"}}", ERROR_TRANSIENT, "404"},
        {&pod, NOT_FOUND(""), ERROR_TRANSIENT, "something else: m"}, /* no such kind or subresource */
        {&pod, NOT_FOUND("\"name\":\"b\",\"kind\":\"pods\""), ERROR_TRANSIENT, "something else"},
        {&pod, NOT_FOUND("\"name\":\"a\",\"kind\":\"nodes\""), ERROR_TRANSIENT, "something else"},
        {&pod, NOT_FOUND("\"name\":\"a\",\"group\":\"g\",\"kind\":\"pods\""), ERROR_TRANSIENT, "something else"},
        {&new_pod, NOT_FOUND("\"name\":\"n\",\"kind\":\"namespaces\""), ERROR_TRANSIENT, "something else"},
        {&lease, POD, ERROR_TRANSIENT, "something else"},
        {NULL, POD, ERROR_TRANSIENT, "something else"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *body = cases[i].body;
        yyjson_doc *doc = body == NULL ? NULL : yyjson_read(body, strlen(body), 0);
        struct kube_answer answer = {0};
        kube_answer_judge(&answer, 404, doc == NULL ? NULL : yyjson_doc_get_root(doc), cases[i].about);
        if (answer.err.code != cases[i].code || strstr(answer.err.text, cases[i].said) == NULL)
            fail_msg("%s gave %d: %s", body, (int)answer.err.code, answer.err.text);
        yyjson_doc_free(doc);
    }
}

static void retry_after_is_bounded(void **state) {
    (void)state;
    int64_t now = 784111777LL * 1000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {"1", 1000},
        {" 5 ", 5000},
        {"86400", 60000},
        {"99999999999999999999999", 60000},
        {"-5", 0},
        {"0", 0},
        {"", 0},
        {"soon", 0},
        {"12abc", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        {"Sun, 06 Nov 1994 08:49:27 GMT", 0},
        {"Mon, 07 Nov 2094 08:49:27 GMT", 60000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (kube_retry_after(cases[i].value, now) != cases[i].ms)
            fail_msg("'%s' gave %lld", cases[i].value, (long long)kube_retry_after(cases[i].value, now));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(only_a_status_that_names_the_object_means_gone),
        cmocka_unit_test(retry_after_is_bounded),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
