/* Paths and queries: nothing of a name leaves its segment. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/path.h"

static const struct kube_resource pipelines = {"weir.dev", "v1alpha1", "pipelines", "Pipeline", false};

static void expect(struct kube_ref ref, const char *subresource, const char *wanted) {
    AUTO_STRBUF path = STRBUF_INIT;
    kube_path(&path, ref, subresource);
    assert_string_equal(strbuf_text(&path), wanted);
}

static void paths_follow_the_group(void **state) {
    (void)state;
    expect((struct kube_ref){&kube_pods, "weir", "a"}, NULL, "/api/v1/namespaces/weir/pods/a");
    expect((struct kube_ref){&kube_pods, NULL, NULL}, NULL, "/api/v1/pods");
    expect((struct kube_ref){&pipelines, "weir", "a"}, "status",
           "/apis/weir.dev/v1alpha1/namespaces/weir/pipelines/a/status");
    expect((struct kube_ref){&kube_token_reviews, "ignored", NULL}, NULL,
           "/apis/authentication.k8s.io/v1/tokenreviews");
}

static void names_stay_in_their_segment(void **state) {
    (void)state;
    expect((struct kube_ref){&kube_pods, "..", "a/../b?x#%\xc3\xa9"}, NULL,
           "/api/v1/namespaces/%2E%2E/pods/a%2F..%2Fb%3Fx%23%25%C3%A9");
}

static void queries_are_encoded(void **state) {
    (void)state;
    AUTO_STRBUF path = STRBUF_INIT;
    strbuf_puts(&path, "/api/v1/pods");
    kube_query(&path, "labelSelector", "a in (b, c),!d");
    kube_query(&path, "left", NULL);
    kube_query_int(&path, "limit", 500);
    kube_query(&path, "resourceVersion", "");
    assert_string_equal(strbuf_text(&path),
                        "/api/v1/pods?labelSelector=a%20in%20%28b%2C%20c%29%2C%21d&limit=500&resourceVersion=");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_follow_the_group),
        cmocka_unit_test(names_stay_in_their_segment),
        cmocka_unit_test(queries_are_encoded),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
