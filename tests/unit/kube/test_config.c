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
#include "kube/config_private.h"
#include "kube/support_pem.h"

static char directory[] = "/tmp/weir-config-XXXXXX";
static struct arena arena;

static const char *at(const char *name) {
    return arena_printf(&arena, "%s/%s", directory, name);
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(at(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct kube_config *load(const char *paths, const char *context) {
    struct kube_config *config = NULL;
    struct error err = {0};
    if (kube_config_load(paths, context, &config, &err) < 0)
        fail_msg("%s", err.text);
    return config;
}

static void expect_refusal(const char *text, const char *wanted) {
    struct kube_config *config = NULL;
    struct error err = {0};
    write_file("refused", text);
    assert_int_equal(kube_config_load(at("refused"), NULL, &config, &err), -1);
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
    mkdir(at("other"), 0700);
    write_file("one", "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]\n");
    write_file("two", "current-context: ignored\ncontexts: [{name: c, context: {cluster: x}}, "
                      "{name: d, context: {cluster: k}}]\nusers: [{name: u, user: {tokenFile: other/token}}]\n");
    write_file("other/three",
               "clusters: [{name: k, cluster: {server: 'https://example:6443/prefix/', proxy-url: 'http://p:1',"
               "tls-server-name: name}}]\nusers: [{name: u, user: {token: ignored}}]\n");
    write_file("other/token", "\n secret \n");
    const char *paths = arena_printf(&arena, "%s:%s:%s:%s", at("one"), at("missing"), at("two"), at("other/three"));
    struct kube_config *config = load(paths, NULL);
    struct kube_tls tls;
    kube_config_tls(config, &tls);
    assert_string_equal(kube_config_server(config), "https://example:6443/prefix");
    assert_string_equal(kube_config_namespace(config), "ns");
    assert_string_equal(tls.proxy_url, "http://p:1");
    assert_string_equal(tls.server_name, "name");
    assert_string_equal(token_at(config, 1000), "secret"); /* relative to the file that names it */
    kube_config_free(config);
    config = load(paths, "d");
    assert_string_equal(kube_config_namespace(config), "default");
    assert_null(token_at(config, 1000));
    kube_config_free(config);
}

#define CONTEXT "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
#define CLUSTER "clusters: [{name: k, cluster: {server: 'https://a'}}]\n"

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
    assert_int_equal(kube_config_load(at("missing"), NULL, &config, &err), -1);
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
    write_file("ca.crt", cert);
    write_file("token", "first");
    write_file("namespace", "weir\n");
    assert_int_equal(kube_config_service_account(directory, "10.0.0.1", "443", &config, &err), 0);
    assert_string_equal(kube_config_server(config), "https://10.0.0.1:443");
    assert_string_equal(kube_config_namespace(config), "weir");
    kube_config_tls(config, &tls);
    assert_string_equal(tls.ca_pem, cert);
    kube_config_free(config);
    assert_int_equal(kube_config_service_account(directory, "fd00::1", "443", &config, &err), 0);
    assert_string_equal(kube_config_server(config), "https://[fd00::1]:443");
    kube_config_free(config);
    unlink(at("token"));
    assert_int_equal(kube_config_service_account(directory, "10.0.0.1", "443", &config, &err), -1);
    free(cert);
    free(key);
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_int_equal(kube_config_in_cluster(&config, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

static struct kube_config *with_token_file(void) {
    write_file("kubeconfig", CONTEXT CLUSTER "users: [{name: u, user: {tokenFile: token}}]\n");
    return load(at("kubeconfig"), NULL);
}

static void a_token_file_is_read_again(void **state) {
    (void)state;
    write_file("token", "one");
    struct kube_config *config = with_token_file();
    assert_string_equal(token_at(config, 1000), "one");
    write_file("token", "two");
    assert_string_equal(token_at(config, 50999), "one");
    assert_string_equal(token_at(config, 51000), "two");
    write_file("token", "three");
    kube_config_unauthorized(config, 51000); /* that request had the token of 51000 */
    assert_string_equal(token_at(config, 51001), "two");
    kube_config_unauthorized(config, 51001);
    assert_string_equal(token_at(config, 51002), "three");
    unlink(at("token"));
    assert_string_equal(token_at(config, 200000), "three"); /* better an old one than none */
    write_file("token", "bad\r\nHost: evil");
    assert_string_equal(token_at(config, 300000), "three");
    kube_config_free(config);

    config = with_token_file();
    const char *token = NULL;
    struct error err = {0};
    write_file("token", " \n");
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
    write_file("cert", cert[0]);
    write_file("key", key[0]);
    write_file("ca", cert[0]);
    write_file("kubeconfig",
               CONTEXT "clusters: [{name: k, cluster: {server: 'https://a', certificate-authority: ca}}]\n"
                       "users: [{name: u, user: {client-certificate: cert, client-key: key}}]\n");
    struct kube_config *config = load(at("kubeconfig"), NULL);
    enum { MINUTES = 60 * 1000 };
    assert_false(kube_config_refresh(config, 1));
    write_file("cert", cert[1]); /* its key is not there yet */
    write_file("ca", "garbage");
    assert_false(kube_config_refresh(config, 4 * MINUTES));
    assert_false(kube_config_refresh(config, 6 * MINUTES));
    kube_config_tls(config, &tls);
    assert_string_equal(tls.cert_pem, cert[0]);
    assert_string_equal(tls.ca_pem, cert[0]);
    write_file("key", key[1]);
    write_file("ca", cert[1]);
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

/* A plugin that counts its runs in a file, and prints what the test put into another. */
static struct kube_config *with_plugin(const char *more) {
    write_file("plugin",
               "#!/bin/sh\necho \"$KUBERNETES_EXEC_INFO $1 $EXTRA\" >>\"$2\"\ncat \"$3\"\nexit \"${4:-0}\"\n");
    chmod(at("plugin"), 0700);
    unlink(at("runs"));
    AUTO_STRBUF text = STRBUF_INIT;
    strbuf_printf(&text,
                  CONTEXT CLUSTER
                  "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                  "command: ./plugin, args: ['a b;$(x)', '%s', '%s'%s], "
                  "env: [{name: EXTRA, value: yes-it-is}], interactiveMode: Never, provideClusterInfo: true}}}]\n",
                  at("runs"), at("output"), more);
    write_file("kubeconfig", strbuf_text(&text));
    return load(at("kubeconfig"), NULL);
}

static size_t runs(void) {
    struct error err;
    char *text = config_read(at("runs"), &err);
    size_t count = 0;
    for (const char *c = text; c != NULL && *c != '\0'; c++)
        count += *c == '\n';
    free(text);
    return count;
}

#define CREDENTIAL(status) \
    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{" status "}}"

static void a_plugin_gives_a_token_until_it_expires(void **state) {
    (void)state;
    struct kube_config *config = with_plugin("");
    struct error err;
    write_file("output", CREDENTIAL("\"token\":\"first\",\"expirationTimestamp\":\"2100-01-01T00:00:00Z\""));
    assert_string_equal(token_at(config, 1000), "first");
    assert_string_equal(token_at(config, 999000), "first");
    assert_int_equal(runs(), 1);
    char *said = config_read(at("runs"), &err);
    assert_string_equal(said,
                        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":"
                        "{\"interactive\":false,\"cluster\":{\"server\":\"https://a\"}}} a b;$(x) yes-it-is\n");
    free(said);
    write_file("output", CREDENTIAL("\"token\":\"second\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\""));
    kube_config_unauthorized(config, 1001);
    assert_string_equal(token_at(config, 1002), "second");
    assert_string_equal(token_at(config, 1003), "second"); /* expired already: run each time */
    assert_int_equal(runs(), 3);
    kube_config_free(config);
}

static void a_plugin_can_give_a_certificate(void **state) {
    (void)state;
    char *cert = NULL;
    char *key = NULL;
    struct kube_tls tls;
    pem_make("client", &cert, &key);
    struct kube_config *config = with_plugin("");
    AUTO_STRBUF output = STRBUF_INIT;
    strbuf_puts(&output, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":"
                         "{\"clientCertificateData\":");
    json_quote(&output, cert, strlen(cert));
    strbuf_puts(&output, ",\"clientKeyData\":");
    json_quote(&output, key, strlen(key));
    strbuf_puts(&output, "}}");
    write_file("output", strbuf_text(&output));
    assert_null(token_at(config, 1000));
    kube_config_tls(config, &tls);
    assert_string_equal(tls.cert_pem, cert);
    assert_string_equal(tls.key_pem, key);
    kube_config_free(config);
    free(cert);
    free(key);
}

static void a_plugin_that_fails_is_named_and_its_output_is_not(void **state) {
    (void)state;
    static const struct {
        const char *output, *more, *wanted;
    } cases[] = {
        {"hunter2", "", "its output is no JSON"},
        {"{\"kind\":\"hunter2\"}", "", "its output is no ExecCredential"},
        {CREDENTIAL("\"user\":\"hunter2\""), "", "neither a token nor a certificate"},
        {CREDENTIAL("\"token\":\"hunter2\\r\\nX: y\""), "", "characters that no token has"},
        {CREDENTIAL("\"token\":\"hunter2\",\"expirationTimestamp\":\"soon\""), "", "status.expirationTimestamp"},
        {CREDENTIAL("\"token\":\"hunter2\""), ", '3'", "it failed (exit code 3)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kube_config *config = with_plugin(cases[i].more);
        struct error err = {0};
        const char *token = NULL;
        write_file("output", cases[i].output);
        assert_int_equal(kube_config_token(config, 1000, &token, &err), -1);
        assert_null(token);
        assert_null(strstr(err.text, "hunter2"));
        if (strstr(err.text, cases[i].wanted) == NULL || strstr(err.text, "plugin") == NULL)
            fail_msg("'%s' does not say '%s'", err.text, cases[i].wanted);
        kube_config_free(config);
    }
    struct kube_config *config = with_plugin("");
    struct error err = {0};
    const char *token = NULL;
    unlink(at("plugin"));
    assert_int_equal(kube_config_token(config, 1000, &token, &err), -1);
    assert_non_null(strstr(err.text, "No such file"));
    kube_config_free(config);
}

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state) {
    (void)state;
    static const char *const names[] = {"one",    "two",    "other/three", "other/token", "other", "refused",
                                        "ca.crt", "token",  "namespace",   "kubeconfig",  "cert",  "key",
                                        "ca",     "plugin", "runs",        "output",      "."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(at(names[i]));
    rmdir(directory);
    arena_fini(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_merged_and_the_first_wins),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_pod_knows_its_server),
        cmocka_unit_test(a_token_file_is_read_again),
        cmocka_unit_test(certificates_are_read_again_when_they_are_whole),
        cmocka_unit_test(a_plugin_gives_a_token_until_it_expires),
        cmocka_unit_test(a_plugin_can_give_a_certificate),
        cmocka_unit_test(a_plugin_that_fails_is_named_and_its_output_is_not),
    };
    return cmocka_run_group_tests_name("config", tests, make_directory, remove_directory);
}
