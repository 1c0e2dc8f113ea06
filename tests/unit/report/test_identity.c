/* What a TokenReview must say before somebody is believed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/identity.h"

#define USER(name) "\"user\":{\"username\":\"" name "\",\"extra\":{" POD "}}"
#define POD                                                \
    "\"authentication.kubernetes.io/pod-name\":[\"p-1\"]," \
    "\"authentication.kubernetes.io/pod-uid\":[\"u-1\"]"
#define OURS "\"audiences\":[\"other\",\"weir-report\"]"

static void only_the_whole_truth_is_believed(void **state) {
    (void)state;
    static const struct {
        const char *status, *refused;
    } cases[] = {
        {"\"authenticated\":true," OURS "," USER("system:serviceaccount:flows:spark"), NULL},
        {"\"authenticated\":false," OURS "," USER("system:serviceaccount:flows:spark"),
         "the token is not valid (any more)"},
        {OURS "," USER("system:serviceaccount:flows:spark"), "the token is not valid (any more)"},
        {"\"authenticated\":\"true\"," OURS, "the token is not valid (any more)"},
        {"\"authenticated\":true," USER("system:serviceaccount:flows:spark"),
         "the token is not for audience \"weir-report\""},
        {"\"authenticated\":true,\"audiences\":[\"https://kubernetes.default.svc\"]," USER("x"),
         "the token is not for audience \"weir-report\""},
        {"\"authenticated\":true," OURS "," USER("system:admin"), "the token is not a service account's"},
        {"\"authenticated\":true," OURS "," USER("system:serviceaccount:flows"),
         "the token is not a service account's"},
        {"\"authenticated\":true," OURS "," USER("system:serviceaccount::spark"),
         "the token is not a service account's"},
        {"\"authenticated\":true," OURS "," USER("system:serviceaccount:a:b:c"),
         "the token is not a service account's"},
        {"\"authenticated\":true," OURS ",\"user\":{\"username\":\"system:serviceaccount:flows:spark\"}",
         "the token is not bound to a pod"},
        {"\"authenticated\":true," OURS ",\"user\":{\"username\":\"system:serviceaccount:flows:spark\",\"extra\":{"
         "\"authentication.kubernetes.io/pod-name\":[\"p-1\"],\"authentication.kubernetes.io/pod-uid\":[]}}",
         "the token is not bound to a pod"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        AUTO_JSON *doc = NULL;
        struct error err = {0};
        const char *text = arena_printf(&arena, "{\"status\":{%s}}", cases[i].status);
        assert_int_equal(json_parse(text, strlen(text), &doc, &err), 0);
        struct identity identity = {0};
        int result = identity_judge(yyjson_doc_get_root(doc), "weir-report", &arena, &identity, &err);
        assert_int_equal(result, cases[i].refused != NULL ? -1 : 0);
        if (cases[i].refused != NULL) {
            assert_string_equal(err.text, cases[i].refused);
            assert_int_equal(err.code, ERROR_FORBIDDEN);
            assert_null(identity.pod_name);
            continue;
        }
        assert_string_equal(identity.namespace, "flows");
        assert_string_equal(identity.service_account, "spark");
        assert_string_equal(identity.pod_name, "p-1");
        assert_string_equal(identity.pod_uid, "u-1");
    }
    struct error err;
    AUTO_ARENA arena = ARENA_INIT;
    struct identity identity;
    assert_int_equal(identity_judge(NULL, "weir-report", &arena, &identity, &err), -1);
}

static void what_cannot_be_a_token_is_not_asked_about(void **state) {
    (void)state;
    assert_true(identity_token_plausible("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ3ZWlyIn0.c2lnbmF0dXJl-_="));
    assert_false(identity_token_plausible(""));
    assert_false(identity_token_plausible("short"));
    assert_false(identity_token_plausible("with a blank in it"));
    assert_false(identity_token_plausible("quote\"},{\"x\":\"y\"}"));
    assert_false(identity_token_plausible("control\ncharacter"));
    char *large = calloc(1, 7000);
    memset(large, 'a', 6144);
    assert_true(identity_token_plausible(large));
    large[6144] = 'a';
    assert_false(identity_token_plausible(large));
    free(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_whole_truth_is_believed),
        cmocka_unit_test(what_cannot_be_a_token_is_not_asked_about),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
