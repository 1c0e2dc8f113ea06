/* See config.h: what a config holds, how its files are read again. Files and
 * PEM are in kube/config_text.c, kubeconfig files are in kube/kubeconfig.c and plugins in
 * kube/credentials.c. Never logs and never quotes a secret. */

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/metrics.h"
#include "base/text.h"
#include "kube/config_private.h"

enum { TOKEN_FRESH_MS = 50 * 1000, FILES_FRESH_MS = 5 * 60 * 1000, FILES_TRUSTED_MS = 10 * 1000 };

static struct metric stale_metric = {.name = "weir_api_credential_errors_total",
                                     .help = "Times a credential could not be got again, from its file or by its "
                                             "exec plugin; the old one stays in use.",
                                     .type = METRIC_COUNTER,
                                     .labels = {"source"}};

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

void config_count_failure(const char *source) {
    metric_add(&stale_metric, 1, source);
}

void config_set(char **at, const char *text) {
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL)
        abort();
    if (*at != NULL)
        OPENSSL_cleanse(*at, strlen(*at));
    free(*at);
    *at = copy;
}

struct kube_config *config_new(void) {
    struct kube_config *config = calloc(1, sizeof *config);
    if (config == NULL)
        abort();
    config->token_at = -1;
    return config;
}

void kube_config_free(struct kube_config *config) {
    if (config == NULL)
        return;
    char **const texts[] = {&config->server,   &config->namespace, &config->server_name, &config->proxy_url,
                            &config->ca.file,  &config->ca.pem,    &config->cert.file,   &config->cert.pem,
                            &config->key.file, &config->key.pem,   &config->token,       &config->token_file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        config_set(texts[i], NULL);
    exec_plugin_free(config->exec);
    free(config);
}

/* Files. */

static int read_pem(struct config_pem *pem, const char *field, struct error *err) {
    if (pem->file == NULL)
        return 0;
    char *text = config_read(pem->file, err);
    if (text == NULL)
        return error_wrap(err, "%s", field);
    free(pem->pem);
    pem->pem = text;
    return 0;
}

static int check_server(struct kube_config *config, struct error *err) {
    if (text_empty(config->server))
        return error_set(err, ERROR_INVALID, "server: is empty; name the API server's URL");
    struct config_host host = config_host_of(config->server);
    config->loopback = host.loopback;
    bool http = text_starts_with(config->server, "http://");
    if (!text_starts_with(config->server, "https://") && !(http && host.loopback))
        return error_set(err, ERROR_INVALID, "server: must begin with https:// (http:// is for loopback only)");
    if (!host.valid || host.user)
        return error_set(err, ERROR_INVALID, "server: must be a URL with a host and without a user");
    for (size_t length = strlen(config->server); length > 0 && config->server[length - 1] == '/'; length--)
        config->server[length - 1] = '\0';
    return 0;
}

static int check_token(struct kube_config *config, struct error *err) {
    if (config->token == NULL)
        return 0;
    config_trim(config->token);
    return config_is_token(config->token) ? 0 : error_set(err, ERROR_INVALID, "token: is empty or no token");
}

int config_finish(struct kube_config *config, struct error *err) {
    if (check_server(config, err) < 0 || check_token(config, err) < 0 ||
        read_pem(&config->ca, "certificate-authority", err) < 0 ||
        read_pem(&config->cert, "client-certificate", err) < 0 || read_pem(&config->key, "client-key", err) < 0)
        return -1;
    if (config->ca.pem != NULL && !config_is_certificate(config->ca.pem))
        return error_set(err, ERROR_INVALID, "certificate-authority: holds no PEM certificate");
    if ((config->cert.pem == NULL) != (config->key.pem == NULL))
        return error_set(err, ERROR_INVALID, "client-certificate and client-key: one is missing; set both or none");
    if (config->cert.pem != NULL && !config_pair_fits(config->cert.pem, config->key.pem))
        return error_set(err, ERROR_INVALID, "client-certificate and client-key: no PEM, or not of one pair");
    if (config->namespace == NULL)
        config_set(&config->namespace, "default");
    return 0;
}

/* What was read must be usable, else the old stays. True when it took the old one's place. */
static bool reload_ca(struct kube_config *config) {
    struct error ignored;
    if (config->ca.file == NULL)
        return false;
    char *fresh = config_read(config->ca.file, &ignored);
    bool usable = fresh != NULL && config_is_certificate(fresh);
    bool news = usable && strcmp(fresh, config->ca.pem) != 0;
    if (!usable)
        config_count_failure("certificate-authority");
    if (news)
        config_set(&config->ca.pem, fresh);
    free(fresh);
    return news;
}

/* The two files are not replaced at the same moment: they count only as a pair. */
static bool reload_cert(struct kube_config *config) {
    if (config->cert.file == NULL || config->key.file == NULL)
        return false;
    struct error ignored;
    char *cert = config_read(config->cert.file, &ignored);
    char *key = config_read(config->key.file, &ignored);
    bool usable = cert != NULL && key != NULL && config_pair_fits(cert, key);
    bool news = usable && strcmp(cert, config->cert.pem) != 0;
    if (!usable)
        config_count_failure("client-certificate");
    if (news) {
        config_set(&config->cert.pem, cert);
        config_set(&config->key.pem, key);
    }
    config_set(&cert, NULL);
    config_set(&key, NULL);
    return news;
}

bool kube_config_refresh(struct kube_config *config, int64_t now) {
    if (config->checked_at == 0)
        config->checked_at = now; /* read when it was made */
    if (!config->doubted && now - config->checked_at < FILES_FRESH_MS)
        return false;
    config->checked_at = now;
    config->doubted = false;
    bool ca = reload_ca(config);
    bool cert = reload_cert(config);
    return ca || cert;
}

void kube_config_doubt(struct kube_config *config, int64_t now) {
    if (now - config->checked_at >= FILES_TRUSTED_MS)
        config->doubted = true;
}

/* Token. */

static int read_token(struct kube_config *config, int64_t now, struct error *err) {
    char *fresh = config_read(config->token_file, err);
    if (fresh != NULL)
        config_trim(fresh);
    if (fresh != NULL && !config_is_token(fresh)) {
        error_set(err, ERROR_TRANSIENT, "%s: is empty or no token", config->token_file);
        config_set(&fresh, NULL);
    }
    if (fresh != NULL) {
        config_set(&config->token, fresh);
        config_set(&fresh, NULL);
    } else if (config->token == NULL) {
        return error_wrap(err, "token");
    } else {
        config_count_failure("token");
    }
    config->token_at = now; /* also when it failed: the old token is used until the next time */
    return 0;
}

int kube_config_token(struct kube_config *config, int64_t now, const char **ret_token, struct error *err) {
    int result = 0;
    if (config->token_file != NULL && (config->token_at < 0 || now - config->token_at >= TOKEN_FRESH_MS))
        result = read_token(config, now, err);
    *ret_token = config->token;
    return result;
}

void kube_config_unauthorized(struct kube_config *config, int64_t began) {
    if (config->token_at < began)
        config->token_at = -1;
}

/* What is asked of it. */

const char *kube_config_server(const struct kube_config *config) {
    return config->server;
}

const char *kube_config_namespace(const struct kube_config *config) {
    return config->namespace;
}

void kube_config_tls(const struct kube_config *config, struct kube_tls *ret_tls) {
    *ret_tls = (struct kube_tls){.ca_pem = config->ca.pem,
                                 .cert_pem = config->cert.pem,
                                 .key_pem = config->key.pem,
                                 .server_name = config->server_name,
                                 .proxy_url = config->proxy_url,
                                 .insecure = config->insecure,
                                 .loopback = config->loopback};
}

/* The two without a file. */

int kube_config_plain(const char *server, const char *token, struct kube_config **ret_config, struct error *err) {
    struct kube_config *config = config_new();
    config_set(&config->server, server);
    config_set(&config->token, token);
    if (config_finish(config, err) < 0) {
        kube_config_free(config);
        return -1;
    }
    *ret_config = config;
    return 0;
}

int kube_config_service_account(const char *directory, const char *host, const char *port,
                                struct kube_config **ret_config, struct error *err) {
    struct kube_config *config = config_new();
    AUTO_ARENA arena = ARENA_INIT;
    struct error ignored;
    bool ipv6 = strchr(host, ':') != NULL;
    const char *server =
        ipv6 ? arena_printf(&arena, "https://[%s]:%s", host, port) : arena_printf(&arena, "https://%s:%s", host, port);
    config_set(&config->server, server);
    config_set(&config->ca.file, arena_printf(&arena, "%s/ca.crt", directory));
    config_set(&config->token_file, arena_printf(&arena, "%s/token", directory));
    config->namespace = config_read(arena_printf(&arena, "%s/namespace", directory), &ignored);
    if (config->namespace != NULL)
        config_trim(config->namespace);
    const char *token = NULL;
    if (config_finish(config, err) < 0 || kube_config_token(config, 0, &token, err) < 0) {
        kube_config_free(config);
        return -1;
    }
    config->token_at = -1; /* read at no known time */
    *ret_config = config;
    return 0;
}

int kube_config_in_cluster(struct kube_config **ret_config, struct error *err) {
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    if (text_empty(host) || text_empty(port))
        return error_set(err, ERROR_NOT_FOUND, "not in a cluster: KUBERNETES_SERVICE_HOST and _PORT are not set");
    return kube_config_service_account(SERVICE_ACCOUNT, host, port, ret_config, err);
}
