/* What is left of weir's pods after `weir-operator --release-pods`. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/support_api.h"
#include "base/arena.h"
#include "base/text.h"
#include "cmd/release.h"

enum { MANY = 230 }; /* more than a page */

static const struct kube_resource namespaces = {"", "v1", "namespaces", "Namespace", true};

static void create(struct api_test *test, struct kube_ref ref, const char *body) {
    struct reply reply = {0};
    kube_create(test->api, ref, NULL, body, strlen(body), api_reply, &reply);
    api_await(test, &reply);
    if (reply.err.code != ERROR_NONE)
        fail_msg("%s", reply.err.text);
    json_free(&reply.doc);
}

static void create_pod(struct api_test *test, const char *namespace, const char *name, const char *manager,
                       const char *finalizers) {
    AUTO_ARENA arena = ARENA_INIT;
    create(test, (struct kube_ref){&kube_pods, namespace, NULL},
           arena_printf(&arena,
                        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"app.kubernetes.io/managed-by\":\"%s\"},"
                        "\"finalizers\":[%s]},\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"none\"}]}}",
                        name, manager, finalizers));
}

static void expect_finalizers(struct api_test *test, const char *namespace, const char *name, const char *expected) {
    AUTO_ARENA arena = ARENA_INIT;
    struct reply reply = {0};
    kube_get(test->api, (struct kube_ref){&kube_pods, namespace, name}, api_reply, &reply);
    api_await(test, &reply);
    yyjson_val *metadata = json_at(reply.doc != NULL ? yyjson_doc_get_root(reply.doc) : NULL, "metadata", NULL);
    yyjson_val *list = yyjson_obj_get(metadata, "finalizers");
    assert_non_null(metadata);
    assert_string_equal(list == NULL ? "[]" : json_write_value(list, &arena, NULL), expected);
    assert_null(yyjson_obj_get(metadata, "deletionTimestamp"));
    json_free(&reply.doc);
}

static const char *other_namespace(struct api_test *test, struct arena *arena) {
    const char *name = arena_printf(arena, "%s-other", test->namespace);
    create(test, (struct kube_ref){&namespaces, NULL, NULL},
           arena_printf(arena, "{\"metadata\":{\"name\":\"%s\"}}", name));
    return name;
}

static int release(const char *list) {
    return release_pods(&(struct operator_options){.kubeconfig = api_kubeconfig(), .namespaces = list});
}

static void takes_its_own_finalizer_and_nothing_else(void **state) {
    struct api_test *test = *state;
    AUTO_ARENA arena = ARENA_INIT;
    const char *other = other_namespace(test, &arena);
    for (int i = 0; i < MANY; i++)
        create_pod(test, test->namespace, arena_printf(&arena, "task-%d", i), "weir", "\"weir.dev/result\"");
    create_pod(test, test->namespace, "both", "weir", "\"example.com/keep\",\"weir.dev/result\"");
    create_pod(test, test->namespace, "none", "weir", "");
    create_pod(test, test->namespace, "foreign", "somebody", "\"weir.dev/result\"");
    create_pod(test, other, "elsewhere", "weir", "\"weir.dev/result\"");

    assert_int_equal(release(test->namespace), 0);
    for (int i = 0; i < MANY; i++)
        expect_finalizers(test, test->namespace, arena_printf(&arena, "task-%d", i), "[]");
    expect_finalizers(test, test->namespace, "both", "[\"example.com/keep\"]");
    expect_finalizers(test, test->namespace, "none", "[]");
    expect_finalizers(test, test->namespace, "foreign", "[\"weir.dev/result\"]");
    expect_finalizers(test, other, "elsewhere", "[\"weir.dev/result\"]");

    create_pod(test, test->namespace, "late", "weir", "\"weir.dev/result\"");
    assert_int_equal(release(arena_printf(&arena, "%s,%s-gone,%s", test->namespace, test->namespace, other)), 0);
    expect_finalizers(test, test->namespace, "late", "[]");
    expect_finalizers(test, other, "elsewhere", "[]");

    create_pod(test, other, "anywhere", "weir", "\"weir.dev/result\"");
    assert_int_equal(release(NULL), 0);
    expect_finalizers(test, other, "anywhere", "[]");
    assert_int_equal(release(NULL), 0);
}

static void says_so_when_it_cannot(void **state) {
    (void)state;
    assert_int_equal(release_pods(&(struct operator_options){.kubeconfig = "/nowhere/kubeconfig"}), 1);
    char path[] = "/tmp/weir-kubeconfig-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    fputs("clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n"
          "contexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a\n",
          file);
    fclose(file);
    assert_int_equal(release_pods(&(struct operator_options){.kubeconfig = path}), 1); /* after some tries */
    remove(path);
}

int main(void) {
    static struct api_test test;
    api_kubeconfig();
    api_open(&test);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(takes_its_own_finalizer_and_nothing_else, &test),
        cmocka_unit_test(says_so_when_it_cannot),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    api_close(&test);
    return failed;
}
