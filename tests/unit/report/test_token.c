/* What a token must say of itself before the API server is asked about it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/support_kube.h"
#include "report/token.h"

static const int64_t now = 1763640000000; /* 1763640000 s */

#define POD  "\"kubernetes.io\":{\"namespace\":\"flows\",\"pod\":{\"name\":\"p-1\",\"uid\":\"u-1\"}}"
#define OURS "\"aud\":[\"other\",\"weir-report\"]"
#define LIVE "\"exp\":1763643600"

static int read_token(const char *token, struct arena *arena, struct token_claims *claims, struct error *err) {
    *err = (struct error){0};
    return token_read(token, "weir-report", now, arena, claims, err);
}

static void only_what_could_be_a_pods_token_is_asked_about(void **state) {
    (void)state;
    static const struct {
        const char *payload, *refused;
    } cases[] = {
        {"{" OURS "," LIVE "," POD "}", NULL},
        {"{\"aud\":\"weir-report\"," LIVE "," POD "}", NULL},
        {"{" OURS ",\"exp\":1763636401," POD "}", NULL}, /* our clock may be fast */
        {"{" OURS ",\"exp\":1763636400," POD "}", "the token has expired"},
        {"{" OURS ",\"exp\":-1," POD "}", "the token has expired"},
        {"{" OURS ",\"exp\":\"never\"," POD "}", "the token has expired"},
        {"{" OURS "," POD "}", "the token has expired"},
        {"{" LIVE "," POD "}", "the token is not for audience \"weir-report\""},
        {"{\"aud\":[\"https://kubernetes.default.svc\"]," LIVE "," POD "}",
         "the token is not for audience \"weir-report\""},
        {"{" OURS "," LIVE "}", "the token is not bound to a pod"},
        {"{" OURS "," LIVE ",\"kubernetes.io\":{\"namespace\":\"flows\"}}", "the token is not bound to a pod"},
        {"{" OURS "," LIVE ",\"kubernetes.io\":{\"namespace\":\"flows\",\"pod\":{\"name\":\"p\",\"uid\":\"\"}}}",
         "the token is not bound to a pod"},
        {"{" OURS "," LIVE ",\"kubernetes.io\":{\"namespace\":7,\"pod\":{\"name\":\"p\",\"uid\":\"u\"}}}",
         "the token is not bound to a pod"},
        {"[]", "the token is not for audience \"weir-report\""},
        {"{\"aud\":", "not a service account token"},
        {"", "not a service account token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        struct token_claims claims = {0};
        struct error err;
        char *token = script_token(cases[i].payload, "signature");
        int result = read_token(token, &arena, &claims, &err);
        free(token);
        assert_string_equal(err.text, cases[i].refused != NULL ? cases[i].refused : "");
        assert_int_equal(result, cases[i].refused != NULL ? -1 : 0);
        if (cases[i].refused != NULL) {
            assert_int_equal(err.code, ERROR_FORBIDDEN);
            continue;
        }
        assert_string_equal(claims.namespace, "flows");
        assert_string_equal(claims.pod_name, "p-1");
        assert_string_equal(claims.pod_uid, "u-1");
    }
}

static void what_is_no_web_token_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "junk1-17-aaaaaaaa",
        "eyJhbGciOiJub25lIn0.e30",
        "eyJhbGciOiJub25lIn0.e30.",
        ".e30.signature",
        "eyJhbGciOiJub25lIn0.e30.signature.more",
        "eyJhbGciOiJub25lIn0.e3.signature",
        "eyJhbGciOiJub25lIn0.=.signature",
        "eyJhbGciOiJub25lIn0.e 30.signature",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        struct token_claims claims;
        struct error err;
        assert_int_equal(read_token(cases[i], &arena, &claims, &err), -1);
        assert_string_equal(err.text, "not a service account token");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_could_be_a_pods_token_is_asked_about),
        cmocka_unit_test(what_is_no_web_token_is_refused),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
