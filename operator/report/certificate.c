/* See certificate.h. Look at the Secret; if something is due and we lead, write it; then serve what is stored.
 *
 * Relies on the API server's resource versions: of two leaders at once one gets a conflict and looks again. Never
 * serves a certificate that is not stored, never writes as a follower, never logs a key. */

#include "report/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "kube/verbs.h"
#include "report/secret.h"

enum {
    LOOK_EVERY_MS = 5 * 60 * 1000,
    ABSENT_MS = 3 * 1000, /* nothing to serve yet: the leader will make it */
    AGAIN_MS = 200,       /* somebody else wrote first */
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
};

struct certificate {
    struct certificate_config config;
    struct arena arena; /* texts of the config */
    uv_timer_t timer;
    struct kube_call *call;
    bool stopped;
    unsigned failures;

    char version[64]; /* of the Secret as last read; "" when there is none */
    struct pki next;  /* being looked at or written */
    const char *reason;
    X509 *served;
    char *bundle;
};

static const struct kube_resource secrets = {.group = "", .version = "v1", .plural = "secrets", .kind = "Secret"};

static void look(struct certificate *certificate);

/* ---- when to look ---- */

static void on_timer(uv_timer_t *timer) {
    certificate_check(timer->data);
}

static void look_in(struct certificate *certificate, uint64_t ms) {
    uv_timer_start(&certificate->timer, on_timer, ms, 0);
}

static void failed(struct certificate *certificate, const char *what, const char *why) {
    unsigned shift = certificate->failures < 6 ? certificate->failures : 6;
    uint64_t wait = (uint64_t)RETRY_MIN_MS << shift;
    certificate->failures++;
    pki_fini(&certificate->next);
    log_warn("report", what, {"secret", certificate->config.secret}, {"err", why});
    look_in(certificate, wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
}

void certificate_check(struct certificate *certificate) {
    if (certificate->call == NULL && !certificate->stopped)
        look(certificate);
}

/* ---- serving ---- */

static void keep_bundle(struct certificate *certificate) {
    char *bundle = pki_ca_certificates(&certificate->next);
    bool same = bundle == NULL || text_equal(bundle, certificate->bundle);
    if (!same) {
        char *old = certificate->bundle;
        certificate->bundle = bundle;
        bundle = old;
        if (certificate->config.changed != NULL)
            certificate->config.changed(certificate->config.arg);
    }
    free(bundle);
}

/* What is stored is what is served. */
static void serve(struct certificate *certificate) {
    X509 *leaf = certificate->next.leaf.certificate;
    struct error err;
    certificate->failures = 0;
    if (leaf != NULL && (certificate->served == NULL || X509_cmp(leaf, certificate->served) != 0)) {
        if (web_server_use_certificate(certificate->config.server, leaf, certificate->next.leaf.key, &err) != 0) {
            failed(certificate, "cannot serve the stored certificate", err.text);
            return;
        }
        X509_free(certificate->served);
        X509_up_ref(leaf);
        certificate->served = leaf;
        log_info("report", "serving the stored certificate", {"secret", certificate->config.secret});
    }
    if (certificate->next.ca_count > 0)
        keep_bundle(certificate);
    pki_fini(&certificate->next);
    look_in(certificate, leaf != NULL ? LOOK_EVERY_MS : ABSENT_MS);
}

/* ---- writing ---- */

static void on_written(struct kube_answer *answer, void *arg) {
    struct certificate *certificate = arg;
    certificate->call = NULL;
    switch ((int)answer->err.code) {
    case ERROR_NONE:
        log_info("report", "wrote a new certificate", {"secret", certificate->config.secret},
                 {"reason", certificate->reason});
        serve(certificate);
        return;
    case ERROR_EXISTS:
    case ERROR_CONFLICT:
        pki_fini(&certificate->next);
        look_in(certificate, AGAIN_MS);
        return;
    default: failed(certificate, "cannot write the certificate", answer->err.text);
    }
}

static struct kube_ref secret_ref(const struct certificate *certificate) {
    return (struct kube_ref){&secrets, certificate->config.namespace, certificate->config.secret};
}

static void store(struct certificate *certificate) {
    const struct certificate_config *config = &certificate->config;
    struct error err;
    if (pki_renew(&certificate->next, config->names, clock_wall_ms(), &err) != 0) {
        failed(certificate, "cannot make a certificate", err.text);
        return;
    }
    AUTO_PEM body = secret_body(&certificate->next, config->namespace, config->secret, certificate->version);
    if (body == NULL)
        failed(certificate, "cannot make a certificate", "out of memory");
    else if (certificate->version[0] == '\0')
        certificate->call =
            kube_create(config->kube, secret_ref(certificate), NULL, body, strlen(body), on_written, certificate);
    else
        certificate->call =
            kube_put(config->kube, secret_ref(certificate), NULL, body, strlen(body), on_written, certificate);
}

/* ---- looking ---- */

static void read_secret(struct certificate *certificate, yyjson_val *object) {
    struct secret_texts texts;
    struct error problem;
    secret_read(object, &texts);
    pki_load(&certificate->next, &(struct pki_texts){texts.ca_crt, texts.ca_key, texts.tls_crt, texts.tls_key},
             &problem);
    secret_fini(&texts);
    if (problem.code != ERROR_NONE)
        log_warn("report", "the stored certificate is not usable as it is", {"secret", certificate->config.secret},
                 {"err", problem.text});
    snprintf(certificate->version, sizeof certificate->version, "%s",
             json_text(json_at(object, "metadata", NULL), "resourceVersion", ""));
}

static void on_read(struct kube_answer *answer, void *arg) {
    struct certificate *certificate = arg;
    const struct certificate_config *config = &certificate->config;
    certificate->call = NULL;
    certificate->version[0] = '\0';
    if (answer->err.code == ERROR_NONE && answer->doc != NULL) {
        read_secret(certificate, yyjson_doc_get_root(answer->doc));
    } else if (answer->err.code != ERROR_NOT_FOUND) {
        failed(certificate, "cannot read the certificate", answer->err.text);
        return;
    }
    certificate->reason = pki_due(&certificate->next, config->names, clock_wall_ms()).reason;
    if (certificate->reason != NULL && config->leads(config->arg))
        store(certificate);
    else
        serve(certificate);
}

static void look(struct certificate *certificate) {
    uv_timer_stop(&certificate->timer);
    certificate->call = kube_get(certificate->config.kube, secret_ref(certificate), on_read, certificate);
}

/* ---- life ---- */

static const char *const *copy_names(struct arena *arena, const char *const *names) {
    size_t count = 0;
    while (names[count] != NULL)
        count++;
    const char **copy = ARENA_NEW_ARRAY(arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_strdup(arena, names[i]);
    return copy;
}

struct certificate *certificate_new(const struct certificate_config *config) {
    struct certificate *certificate = calloc(1, sizeof *certificate);
    if (certificate == NULL)
        abort();
    certificate->config = *config;
    certificate->config.namespace = arena_strdup(&certificate->arena, config->namespace);
    certificate->config.secret = arena_strdup(&certificate->arena, config->secret);
    certificate->config.names = copy_names(&certificate->arena, config->names);
    uv_timer_init(config->loop, &certificate->timer);
    certificate->timer.data = certificate;
    look(certificate);
    return certificate;
}

void certificate_stop(struct certificate *certificate) {
    if (certificate == NULL || certificate->stopped)
        return;
    certificate->stopped = true;
    kube_cancel(certificate->config.kube, certificate->call);
    certificate->call = NULL;
    uv_close((uv_handle_t *)&certificate->timer, NULL);
}

void certificate_free(struct certificate *certificate) {
    if (certificate == NULL)
        return;
    pki_fini(&certificate->next);
    X509_free(certificate->served);
    free(certificate->bundle);
    arena_fini(&certificate->arena);
    free(certificate);
}

const char *certificate_bundle(const struct certificate *certificate) {
    return certificate->bundle;
}
