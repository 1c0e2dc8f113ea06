/* Who the client is and which way it goes: tokens and proxies, against a scripted server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kube/support_client.h"

static void write_token(const char *path, const char *token) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(token, file);
    fclose(file);
}

/* A kubeconfig of one context; the caller unlinks it. */
static struct kube_config *load_config(const char *cluster, const char *user, char *path) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_printf(&text,
                  "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                  "clusters: [{name: k, cluster: {%s}}]\nusers: [{name: u, user: {%s}}]\n",
                  cluster, user);
    close(mkstemp(path));
    write_token(path, strbuf_text(&text));
    struct kube_config *config = NULL;
    struct error err = {0};
    if (kube_config_load(path, NULL, &config, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    return config;
}

static void a_proxy_is_used_when_it_is_named(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{\"n\":6}"}, {.status = 407, .body = "{}"}, {.body = "{\"n\":7}"});
    AUTO_STRBUF cluster = STRBUF_INIT;
    strbuf_printf(&cluster, "server: 'http://127.0.0.1:1', proxy-url: '%s'", f.server.url);
    char path[] = "/tmp/weir-kubeconfig-XXXXXX";
    struct kube_api *direct = f.api;
    client_open(&f, load_config(strbuf_text(&cluster), "token: t", path), NULL);
    client_get(&f, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].value, 6);
    assert_string_equal(f.server.seen[0].path, "http://127.0.0.1:1/api/v1/namespaces/weir/configmaps/a");
    client_get(&f, 1);
    client_await(&f, 1);
    assert_string_equal(f.outcomes[1].err.text, "get configmaps: the server answered 407");
    kube_http_free(f.api);
    f.api = direct;
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* not for this machine's own addresses */
    client_get(&f, 2);
    client_await(&f, 2);
    unsetenv("http_proxy");
    assert_int_equal(f.outcomes[2].value, 7);
    client_finish(&f);
}

static void a_rotated_token_is_read_again_after_401(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{}"}, {.status = 401, .body = "{\"reason\":\"Unauthorized\"}"}, {.body = "{\"n\":2}"});
    char path[] = "/tmp/weir-token-XXXXXX";
    close(mkstemp(path));
    write_token(path, " first\n");
    AUTO_STRBUF cluster = STRBUF_INIT;
    AUTO_STRBUF user = STRBUF_INIT;
    strbuf_printf(&cluster, "server: '%s'", f.server.url);
    strbuf_printf(&user, "tokenFile: %s", path);
    char kubeconfig[] = "/tmp/weir-kubeconfig-XXXXXX";
    kube_http_free(f.api);
    client_open(&f, load_config(strbuf_text(&cluster), strbuf_text(&user), kubeconfig), NULL);
    client_get(&f, 0);
    client_await(&f, 0);
    write_token(path, "second\n");
    usleep(2000); /* the clock must show another millisecond than that of the first read */
    for (size_t i = 1; i < 3; i++) {
        client_get(&f, i);
        client_await(&f, i);
    }
    assert_string_equal(f.server.seen[0].authorization, "Bearer first");
    assert_string_equal(f.server.seen[1].authorization, "Bearer first");
    assert_string_equal(f.server.seen[2].authorization, "Bearer second");
    assert_int_equal(f.outcomes[1].err.code, ERROR_TRANSIENT);
    assert_int_equal(f.outcomes[2].value, 2);
    unlink(path);
    client_finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_is_used_when_it_is_named),
        cmocka_unit_test(a_rotated_token_is_read_again_after_401),
    };
    return cmocka_run_group_tests_name("http identity", tests, NULL, NULL);
}
