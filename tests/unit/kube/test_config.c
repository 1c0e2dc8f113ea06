/* Configuration: files in a directory of the test, times as arguments. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "kube/config.h"
#include "kube/support_config.h"
#include "kube/support_pem.h"

static void expect_refusal(const char *text, const char *wanted) {
    struct kube_config *config = NULL;
    struct error err = {0};
    file_write("refused", text);
    assert_int_equal(kube_config_load(file_at("refused"), NULL, &config, &err), -1);
    if (strstr(err.text, wanted) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, wanted);
}

static const char *token_at(struct kube_config *config, int64_t now) {
    struct error err = {0};
    const char *token = NULL;
    if (kube_config_token(config, now, &token, &err) < 0)
        fail_msg("%s", err.text);
    return token;
}

static void files_are_merged_and_the_first_wins(void **state) {
    (void)state;
    mkdir(file_at("other"), 0700);
    file_write("one", "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]\n");
    file_write("two", "current-context: ignored\ncontexts: [{name: c, context: {cluster: x}}, "
                      "{name: d, context: {cluster: k}}]\nusers: [{name: u, user: {tokenFile: other/token}}]\n");
    file_write("other/three",
               "clusters: [{name: k, cluster: {server: 'https://example:6443/prefix/', proxy-url: 'http://p:1',"
               "tls-server-name: name}}]\nusers: [{name: u, user: {token: ignored}}]\n");
    file_write("other/token", "\n secret \n");
    AUTO_ARENA arena = ARENA_INIT;
    const char *paths =
        arena_printf(&arena, "%s:%s:%s:%s", file_at("one"), file_at("missing"), file_at("two"), file_at("other/three"));
    struct kube_config *config = config_load(paths, NULL);
    struct kube_tls tls;
    kube_config_tls(config, &tls);
    assert_string_equal(kube_config_server(config), "https://example:6443/prefix");
    assert_string_equal(kube_config_namespace(config), "ns");
    assert_string_equal(tls.proxy_url, "http://p:1");
    assert_string_equal(tls.server_name, "name");
    assert_string_equal(token_at(config, 1000), "secret"); /* relative to the file that names it */
    kube_config_free(config);
    config = config_load(paths, "d");
    assert_string_equal(kube_config_namespace(config), "default");
    assert_null(token_at(config, 1000));
    kube_config_free(config);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    expect_refusal("contexts: []\n", "current-context: is not set");
    expect_refusal("current-context: x\n", "contexts: no context is named \"x\"");
    expect_refusal(CONTEXT, "clusters: no cluster is named \"k\"");
    expect_refusal(CONTEXT CLUSTER, "users: no user is named \"u\"");
    expect_refusal(CONTEXT "clusters: [{name: k, cluster: {}}]\nusers: [{name: u, user: {}}]\n", "server: is empty");
    expect_refusal(CONTEXT "clusters: [{name: k, cluster: {server: 'http://example'}}]\nusers: [{name: u, user: {}}]\n",
                   "must begin with https://");
    expect_refusal(
        CONTEXT "clusters: [{name: k, cluster: {server: 'http://127.0.0.1.example'}}]\nusers: [{name: u, user: {}}]\n",
        "must begin with https://");
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {as: admin}}]\n", "as: is not supported");
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {client-certificate-data: '%%'}}]\n",
                   "client-certificate-data: is no base64");
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {client-certificate-data: YWJj}}]\n", "one is missing");
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {client-certificate-data: YWJj, client-key-data: YWJj}}]\n",
                   "no PEM, or not of one pair");
    expect_refusal(CONTEXT "clusters: [{name: k, cluster: {server: 'https://a', certificate-authority: nowhere}}]\n"
                           "users: [{name: u, user: {}}]\n",
                   "certificate-authority: ");
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {exec: {command: x, apiVersion: v0}}}]\n",
                   "exec.apiVersion");
    expect_refusal("a: [\n", "refused"); /* the file is named */
    struct kube_config *config = NULL;
    struct error err;
    assert_int_equal(kube_config_load(file_at("missing"), NULL, &config, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

static void a_pod_knows_its_server(void **state) {
    (void)state;
    char *cert = NULL;
    char *key = NULL;
    struct kube_config *config = NULL;
    struct error err = {0};
    struct kube_tls tls;
    pem_make("ca", &cert, &key);
    file_write("ca.crt", cert);
    file_write("token", "first");
    file_write("namespace", "weir\n");
    assert_int_equal(kube_config_service_account(file_at("."), "10.0.0.1", "443", &config, &err), 0);
    assert_string_equal(kube_config_server(config), "https://10.0.0.1:443");
    assert_string_equal(kube_config_namespace(config), "weir");
    kube_config_tls(config, &tls);
    assert_string_equal(tls.ca_pem, cert);
    kube_config_free(config);
    assert_int_equal(kube_config_service_account(file_at("."), "fd00::1", "443", &config, &err), 0);
    assert_string_equal(kube_config_server(config), "https://[fd00::1]:443");
    kube_config_free(config);
    unlink(file_at("token"));
    assert_int_equal(kube_config_service_account(file_at("."), "10.0.0.1", "443", &config, &err), -1);
    free(cert);
    free(key);
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_int_equal(kube_config_in_cluster(&config, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

static void expect_server(const char *server, bool taken, bool loopback) {
    struct kube_config *config = NULL;
    struct kube_tls tls;
    struct error err = {0};
    if ((kube_config_plain(server, "secret", &config, &err) == 0) != taken)
        fail_msg("%s: %s", server, taken ? err.text : "taken");
    if (!taken)
        return;
    kube_config_tls(config, &tls);
    assert_int_equal(tls.loopback, loopback);
    kube_config_free(config);
}

static void plain_http_is_for_this_machine_only(void **state) {
    (void)state;
    static const char *const here[] = {"http://127.0.0.1",      "http://127.0.0.1:80/", "http://localhost:1/x",
                                       "https://127.0.0.9:443", "http://[::1]:8080",    "https://localhost"};
    static const char *const elsewhere[] = {"https://10.0.0.1", "https://[fd00::1]:6443", "https://127.example.org",
                                            "https://localhost.example.org"};
    static const char *const refused[] = {"http://10.0.0.1",
                                          "http://127.0.0.1:80@evil.example.org",
                                          "http://127.0.0.1@evil.example.org",
                                          "http://localhost.example",
                                          "https://someone:secret@10.0.0.1",
                                          "https://127.0.0.1:80@evil.example.org",
                                          "https://",
                                          "http://127.0.0.1\\@evil.example.org/",
                                          "ftp://127.0.0.1",
                                          "127.0.0.1",
                                          "http://127.0.0.1.evil.example.org"};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        expect_server(here[i], true, true);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        expect_server(elsewhere[i], true, false);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        expect_server(refused[i], false, false);
}

/* YAML's `token: |` ends with a line break. */
static void a_token_of_a_kubeconfig_stays_in_its_line(void **state) {
    (void)state;
    file_write("kubeconfig", CONTEXT CLUSTER "users:\n- name: u\n  user:\n    token: |\n      abc\n");
    struct kube_config *config = config_load(file_at("kubeconfig"), NULL);
    assert_string_equal(token_at(config, 1), "abc");
    kube_config_free(config);
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {token: \"abc\\r\\nX-Evil: 1\"}}]\n",
                   "token: is empty or no token");
    expect_refusal(CONTEXT CLUSTER "users: [{name: u, user: {token: ' '}}]\n", "token: is empty or no token");
}

static struct kube_config *with_token_file(void) {
    file_write("kubeconfig", CONTEXT CLUSTER "users: [{name: u, user: {tokenFile: token}}]\n");
    return config_load(file_at("kubeconfig"), NULL);
}

static void a_token_file_is_read_again(void **state) {
    (void)state;
    file_write("token", "one");
    struct kube_config *config = with_token_file();
    assert_string_equal(token_at(config, 1000), "one");
    file_write("token", "two");
    assert_string_equal(token_at(config, 50999), "one");
    assert_string_equal(token_at(config, 51000), "two");
    file_write("token", "three");
    kube_config_unauthorized(config, 51000); /* that request had the token of 51000 */
    assert_string_equal(token_at(config, 51001), "two");
    kube_config_unauthorized(config, 51001);
    assert_string_equal(token_at(config, 51002), "three");
    unlink(file_at("token"));
    assert_string_equal(token_at(config, 200000), "three"); /* better an old one than none */
    file_write("token", "bad\r\nHost: evil");
    assert_string_equal(token_at(config, 300000), "three");
    kube_config_free(config);

    config = with_token_file();
    const char *token = NULL;
    struct error err = {0};
    file_write("token", " \n");
    assert_int_equal(kube_config_token(config, 1000, &token, &err), -1);
    assert_non_null(strstr(err.text, "is empty or no token"));
    kube_config_free(config);
}

static void certificates_are_read_again_when_they_are_whole(void **state) {
    (void)state;
    char *cert[2];
    char *key[2];
    struct kube_tls tls;
    for (int i = 0; i < 2; i++)
        pem_make("client", &cert[i], &key[i]);
    file_write("cert", cert[0]);
    file_write("key", key[0]);
    file_write("ca", cert[0]);
    file_write("kubeconfig",
               CONTEXT "clusters: [{name: k, cluster: {server: 'https://a', certificate-authority: ca}}]\n"
                       "users: [{name: u, user: {client-certificate: cert, client-key: key}}]\n");
    struct kube_config *config = config_load(file_at("kubeconfig"), NULL);
    enum { MINUTES = 60 * 1000 };
    assert_false(kube_config_refresh(config, 1));
    file_write("cert", cert[1]); /* its key is not there yet */
    file_write("ca", "garbage");
    assert_false(kube_config_refresh(config, 4 * MINUTES));
    assert_false(kube_config_refresh(config, 6 * MINUTES));
    kube_config_tls(config, &tls);
    assert_string_equal(tls.cert_pem, cert[0]);
    assert_string_equal(tls.ca_pem, cert[0]);
    file_write("key", key[1]);
    file_write("ca", cert[1]);
    assert_true(kube_config_refresh(config, 12 * MINUTES));
    kube_config_tls(config, &tls);
    assert_string_equal(tls.cert_pem, cert[1]);
    assert_string_equal(tls.key_pem, key[1]);
    assert_string_equal(tls.ca_pem, cert[1]);
    kube_config_free(config);
    for (int i = 0; i < 2; i++) {
        free(cert[i]);
        free(key[i]);
    }
}

static void certificates_are_read_again_when_they_are_in_doubt(void **state) {
    (void)state;
    char *cert[2];
    char *key[2];
    struct kube_tls tls;
    for (int i = 0; i < 2; i++)
        pem_make("ca", &cert[i], &key[i]);
    file_write("ca", cert[0]);
    file_write("kubeconfig",
               CONTEXT "clusters: [{name: k, cluster: {server: 'https://a', certificate-authority: ca}}]\n"
                       "users: [{name: u, user: {token: t}}]\n");
    struct kube_config *config = config_load(file_at("kubeconfig"), NULL);
    assert_false(kube_config_refresh(config, 1));
    file_write("ca", cert[1]);
    kube_config_doubt(config, 9000); /* read just now */
    assert_false(kube_config_refresh(config, 9001));
    kube_config_doubt(config, 10001);
    assert_true(kube_config_refresh(config, 10002));
    kube_config_tls(config, &tls);
    assert_string_equal(tls.ca_pem, cert[1]);
    file_write("ca", cert[0]);
    kube_config_doubt(config, 20000);
    assert_false(kube_config_refresh(config, 20001));
    kube_config_free(config);
    for (int i = 0; i < 2; i++) {
        free(cert[i]);
        free(key[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_merged_and_the_first_wins),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_pod_knows_its_server),
        cmocka_unit_test(plain_http_is_for_this_machine_only),
        cmocka_unit_test(a_token_of_a_kubeconfig_stays_in_its_line),
        cmocka_unit_test(a_token_file_is_read_again),
        cmocka_unit_test(certificates_are_read_again_when_they_are_whole),
        cmocka_unit_test(certificates_are_read_again_when_they_are_in_doubt),
    };
    return cmocka_run_group_tests_name("config", tests, files_open, files_close);
}
