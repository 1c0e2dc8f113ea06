/* See credentials.h. When the plugin is run, and what is taken of what it prints. Its process is in
 * kube/exec_plugin.c. */

#include "kube/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "kube/config_private.h"

enum {
    RETRY_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
    RETRY_RESET_MS = 5 * 60 * 1000, /* longer than two failures can be apart */
    AHEAD_MAX_MS = 5 * 60 * 1000,
    LIFE_MIN_MS = 10 * 1000, /* what lives shorter is as good as a failure: clocks may differ */
};

struct credentials {
    uv_timer_t timer; /* the next run */
    struct kube_config *config;
    int64_t limit_ms;
    struct exec_run *run; /* under way; NULL: none */
    struct backoff backoff;
    int64_t run_at;      /* not before; INT64_MAX: no need */
    int64_t got_at;      /* when what is used was got; -1: the plugin gave nothing yet */
    bool refused;        /* by a 401 */
    struct error failed; /* why the last run gave nothing; ERROR_NONE: it did */
    void (*ready)(void *arg);
    void *arg;
};

static void on_timer(uv_timer_t *timer);

static void run_at(struct credentials *credentials, int64_t at, int64_t now) {
    credentials->run_at = at;
    uv_update_time(credentials->timer.loop);
    if (at == INT64_MAX)
        uv_timer_stop(&credentials->timer);
    else
        uv_timer_start(&credentials->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

/* What it printed. */

static int take_certificate(struct kube_config *config, yyjson_val *status, struct error *err) {
    const char *cert = json_text(status, "clientCertificateData", NULL);
    const char *key = json_text(status, "clientKeyData", NULL);
    bool none = text_empty(cert) && text_empty(key);
    if (none && !config->plugin_certificate)
        return 0;
    if (!none && (text_empty(cert) || text_empty(key) || !config_pair_fits(cert, key)))
        return error_set(err, ERROR_INVALID, "clientCertificateData and clientKeyData are no pair");
    config_set(&config->cert.pem, none ? NULL : cert);
    config_set(&config->key.pem, none ? NULL : key);
    config->plugin_certificate = !none;
    return 0;
}

static int take_status(struct kube_config *config, yyjson_val *status, int64_t *ret_expires, struct error *err) {
    const char *token = json_text(status, "token", NULL);
    const char *expires = json_text(status, "expirationTimestamp", NULL);
    if (text_empty(token) && json_at(status, "clientCertificateData", NULL) == NULL)
        return error_set(err, ERROR_INVALID, "it gave neither a token nor a certificate");
    if (!text_empty(token) && !config_is_token(token))
        return error_set(err, ERROR_INVALID, "status.token: holds characters that no token has");
    if (!text_empty(expires) && clock_parse(expires, ret_expires, err) < 0)
        return error_wrap(err, "status.expirationTimestamp");
    if (take_certificate(config, status, err) < 0)
        return -1;
    config_set(&config->token, text_empty(token) ? NULL : token);
    return 0;
}

/* *ret_expires: wall ms; left alone when it says none. */
static int take_credential(struct kube_config *config, const char *output, size_t length, int64_t *ret_expires,
                           struct error *err) {
    AUTO_JSON *doc = NULL;
    struct error unsaid; /* a parser's message could quote the secret */
    if (json_parse(output, length, &doc, &unsaid) < 0)
        return error_set(err, ERROR_INVALID, "its output is no JSON");
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (strcmp(json_text(root, "kind", ""), "ExecCredential") != 0 ||
        strcmp(json_text(root, "apiVersion", ""), config->exec->api_version) != 0)
        return error_set(err, ERROR_INVALID, "its output is no ExecCredential of %s", config->exec->api_version);
    return take_status(config, json_at(root, "status", NULL), ret_expires, err);
}

/* Runs. */

static void taken(struct credentials *credentials, int64_t expires, int64_t now) {
    int64_t life = expires == INT64_MAX ? INT64_MAX : expires - clock_wall_ms();
    int64_t ahead = life / 10 < AHEAD_MAX_MS ? life / 10 : AHEAD_MAX_MS;
    credentials->got_at = now;
    credentials->refused = false;
    credentials->failed.code = ERROR_NONE;
    if (life == INT64_MAX)
        run_at(credentials, INT64_MAX, now);
    else
        run_at(credentials, now + (life < LIFE_MIN_MS ? backoff_next(&credentials->backoff, now) : life - ahead), now);
    credentials->ready(credentials->arg);
}

static void failed(struct credentials *credentials, int64_t now) {
    config_count_failure("exec");
    log_warn("kube", "no credential from the plugin: will try again", {"error", credentials->failed.text});
    run_at(credentials, now + backoff_next(&credentials->backoff, now), now);
}

static void on_output(const char *output, size_t length, const struct error *err, void *arg) {
    struct credentials *credentials = arg;
    struct kube_config *config = credentials->config;
    int64_t now = clock_boot_ms();
    int64_t expires = INT64_MAX;
    credentials->run = NULL;
    if (output == NULL)
        credentials->failed = *err;
    else if (take_credential(config, output, length, &expires, &credentials->failed) < 0)
        error_wrap(&credentials->failed, "exec %s", config->exec->argv[0]);
    else {
        taken(credentials, expires, now);
        return;
    }
    failed(credentials, now);
}

static void run_if_due(struct credentials *credentials, int64_t now) {
    if (credentials->run != NULL || now < credentials->run_at)
        return;
    uv_timer_stop(&credentials->timer);
    credentials->run = exec_plugin_start(credentials->timer.loop, credentials->config, credentials->limit_ms, on_output,
                                         credentials, &credentials->failed);
    if (credentials->run == NULL)
        failed(credentials, now);
}

static void on_timer(uv_timer_t *timer) {
    run_if_due(timer->data, clock_boot_ms());
}

int credentials_token(struct credentials *credentials, int64_t now, const char **ret_token, struct error *err) {
    struct kube_config *config = credentials->config;
    if (config->exec == NULL)
        return kube_config_token(config, now, ret_token, err);
    run_if_due(credentials, now);
    *ret_token = config->token;
    if (config->token != NULL || config->cert.pem != NULL)
        return 0;
    if (credentials->failed.code != ERROR_NONE)
        *err = credentials->failed;
    else
        error_set(err, ERROR_TRANSIENT, "exec %s: its credential has not come yet", config->exec->argv[0]);
    err->code = ERROR_TRANSIENT;
    return 1;
}

void credentials_refused(struct credentials *credentials, int64_t began, int64_t now) {
    if (credentials->config->exec == NULL) {
        kube_config_unauthorized(credentials->config, began);
        return;
    }
    bool coming = credentials->run != NULL || credentials->refused || credentials->failed.code != ERROR_NONE;
    if (coming || credentials->got_at >= began)
        return;
    credentials->refused = true;
    int64_t again = credentials->got_at + backoff_next(&credentials->backoff, now);
    if (again < credentials->run_at)
        run_at(credentials, again, now);
}

/* Lifecycle. */

struct credentials *credentials_new(uv_loop_t *loop, struct kube_config *config, uint64_t seed, int64_t limit_ms,
                                    void (*ready)(void *arg), void *arg) {
    struct credentials *credentials = calloc(1, sizeof *credentials);
    if (credentials == NULL)
        abort();
    *credentials = (struct credentials){
        .config = config,
        .limit_ms = limit_ms,
        .backoff = {.min_ms = RETRY_MS, .max_ms = RETRY_MAX_MS, .reset_ms = RETRY_RESET_MS, .random = seed},
        .got_at = -1,
        .ready = ready,
        .arg = arg};
    uv_timer_init(loop, &credentials->timer);
    credentials->timer.data = credentials;
    return credentials;
}

static void timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

void credentials_free(struct credentials *credentials) {
    if (credentials == NULL)
        return;
    exec_plugin_cancel(credentials->run);
    uv_close((uv_handle_t *)&credentials->timer, timer_closed);
}
