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

#include "base/clock.h"
#include "base/log.h"
#include "kube/support_client.h"
#include "kube/support_config.h"

/* A kubeconfig of one context. */
static struct kube_config *with(const char *cluster, const char *user) {
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_printf(&text,
                  CONTEXT "clusters: [{name: k, cluster: {%s}}]\n"
                          "users: [{name: u, user: {%s}}]\n",
                  cluster, user);
    file_write("kubeconfig", strbuf_text(&text));
    return config_load(file_at("kubeconfig"), NULL);
}

/* The client of another config. */
static void reopen(struct fixture *f, struct kube_config *config, const struct kube_http_options *options) {
    kube_http_free(f->api);
    client_open(f, config, options);
}

static void a_proxy_is_used_when_it_is_named(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{\"n\":6}"}, {.status = 407, .body = "{}"}, {.body = "{\"n\":7}"});
    AUTO_STRBUF cluster = STRBUF_INIT;
    strbuf_printf(&cluster, "server: 'http://127.0.0.1:1', proxy-url: '%s'", f.server.url);
    struct kube_api *direct = f.api;
    client_open(&f, with(strbuf_text(&cluster), "token: t"), NULL);
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
    file_write("token", " first\n");
    AUTO_STRBUF cluster = STRBUF_INIT;
    strbuf_printf(&cluster, "server: '%s'", f.server.url);
    reopen(&f, with(strbuf_text(&cluster), "tokenFile: token"), NULL);
    client_get(&f, 0);
    client_await(&f, 0);
    file_write("token", "second\n");
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
    client_finish(&f);
}

#define SLOW "#!/bin/sh\nsleep 0.2\necho >>\"$1/runs\"\ncat \"$1/output\"\n"

static void requests_wait_for_their_first_credential(void **state) {
    (void)state;
    struct fixture f;
    OPEN(&f, NULL, {.body = "{\"n\":1}"}, {.body = "{\"n\":2}"}, {.body = "{\"n\":3}"});
    file_write("output", CREDENTIAL("\"token\":\"from-plugin\""));
    reopen(&f, config_with_plugin(f.server.url, SLOW, ""), NULL);
    client_get(&f, 0);
    struct kube_call *dropped = kube_get(f.api, config_map, client_done, &f.outcomes[3]);
    struct kube_request request = {.method = "GET", .path = "/x", .pool = POOL_LEASE, .verb = "get"};
    kube_send(f.api, &request, client_done, &f.outcomes[1]);
    kube_cancel(f.api, dropped);
    client_await(&f, 0);
    client_await(&f, 1);
    assert_int_equal(f.outcomes[0].err.code, ERROR_NONE);
    assert_int_equal(f.outcomes[1].err.code, ERROR_NONE);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(f.server.seen[i].authorization, "Bearer from-plugin");
    assert_int_equal(file_lines("runs"), 1);
    client_finish(&f);
    assert_int_equal(f.outcomes[3].calls, 0);
}

static void they_do_not_wait_longer_than_they_may_take(void **state) {
    (void)state;
    struct fixture f;
    static const struct kube_http_options options = {.request_ms = 1500};
    OPEN(&f, NULL, {.body = "{}"});
    reopen(&f, config_with_plugin(f.server.url, "#!/bin/sh\nexit 7\n", ""), &options);
    int64_t began = clock_boot_ms();
    struct kube_request request = {.method = "GET", .path = "/x", .timeout_ms = 300, .verb = "get"};
    client_create(&f, 0);
    kube_send(f.api, &request, client_done, &f.outcomes[1]);
    client_await(&f, 1);
    assert_in_range(clock_boot_ms() - began, 299, 1400);
    client_await(&f, 0);
    assert_in_range(clock_boot_ms() - began, 1499, 8000);
    assert_int_equal(f.outcomes[0].err.code, ERROR_TRANSIENT);
    assert_false(f.outcomes[0].unsure);
    assert_non_null(strstr(f.outcomes[0].err.text, "plugin: it failed (exit code 7)"));
    assert_int_equal(f.server.seen_count, 0);
    client_finish(&f);
}

static void a_401_runs_the_plugin_again(void **state) {
    (void)state;
    struct fixture f;
    static struct reply replies[200];
    for (size_t i = 0; i < 200; i++)
        replies[i] = (struct reply){.status = 401, .body = "{}"};
    client_start(&f, replies, 200, NULL);
    unlink(file_at("runs"));
    file_write("output", CREDENTIAL("\"token\":\"first\""));
    reopen(&f, config_with_plugin(f.server.url, SLOW, ""), NULL);
    client_get(&f, 0);
    client_await(&f, 0);
    assert_int_equal(f.outcomes[0].status, 401);
    file_write("output", CREDENTIAL("\"token\":\"second\""));
    int64_t began = clock_boot_ms();
    do {
        f.outcomes[1].calls = 0;
        client_get(&f, 1);
        client_await(&f, 1);
        usleep(50000);
    } while (strcmp(f.server.seen[f.server.seen_count - 1].authorization, "Bearer first") == 0);
    assert_string_equal(f.server.seen[f.server.seen_count - 1].authorization, "Bearer second");
    assert_in_range(clock_boot_ms() - began, 900, 8000);
    assert_int_equal(file_lines("runs"), 2);
    client_finish(&f);
}

int main(void) {
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_is_used_when_it_is_named),
        cmocka_unit_test(a_rotated_token_is_read_again_after_401),
        cmocka_unit_test(requests_wait_for_their_first_credential),
        cmocka_unit_test(they_do_not_wait_longer_than_they_may_take),
        cmocka_unit_test(a_401_runs_the_plugin_again),
    };
    return cmocka_run_group_tests_name("http identity", tests, files_open, files_close);
}
