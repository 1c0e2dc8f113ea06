#pragma once

/* Where the API server is and who we are: from the pod's service account, or from a kubeconfig. Secrets read here stay
 * here: no error text or log line quotes them. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct kube_config;

/* Service account of the pod: KUBERNETES_SERVICE_HOST and _PORT, token and CA below /var/run/secrets/kubernetes.io/
 * serviceaccount. ERROR_NOT_FOUND when not in a cluster. */
int kube_config_in_cluster(struct kube_config **ret_config, struct error *err);

/* The same with everything named: `directory` holds token, ca.crt and namespace. */
int kube_config_service_account(const char *directory, const char *host, const char *port,
                                struct kube_config **ret_config, struct error *err);

/* `paths`: a ':' list, merged, the first to name a thing wins; NULL: $KUBECONFIG, else ~/.kube/config. `context` NULL:
 * current-context. ERROR_NOT_FOUND when no file exists; ERROR_INVALID names file and field. */
int kube_config_load(const char *paths, const char *context, struct kube_config **ret_config, struct error *err);

/* The kubeconfig when `paths` or $KUBECONFIG is set, else in-cluster, else ~/.kube/config. */
int kube_config_find(const char *paths, const char *context, struct kube_config **ret_config, struct error *err);

/* Plain: a server and a bearer token (may be NULL). http:// is taken for loopback addresses only. */
int kube_config_plain(const char *server, const char *token, struct kube_config **ret_config, struct error *err);

void kube_config_free(struct kube_config *config); /* takes NULL */

const char *kube_config_server(const struct kube_config *config);    /* https://host:port[/path], no trailing slash */
const char *kube_config_namespace(const struct kube_config *config); /* of the context or the pod; "default" */

/* What a connection needs; texts live until the next kube_config_refresh() or free. NULL: not set. PEM as text. */
struct kube_tls {
    const char *ca_pem;
    const char *cert_pem, *key_pem;
    const char *server_name; /* expected in the certificate, when not the host */
    const char *proxy_url;   /* NULL: the environment's */
    bool insecure;
    bool loopback; /* the server is on this machine */
};
void kube_config_tls(const struct kube_config *config, struct kube_tls *ret_tls);

/* Re-reads CA and client certificate files when they were last read 5 minutes ago. What is unreadable or no PEM is left
 * as it was. True when something changed. `now`: boot ms. */
bool kube_config_refresh(struct kube_config *config, int64_t now);

/* The bearer token for a request, NULL when none is used, or when an exec plugin must be run first (kube/credentials.h
 * does). A token file is read again after 50 s and an unreadable one leaves the old token in use. The text lives until
 * the next call. */
int kube_config_token(struct kube_config *config, int64_t now, const char **ret_token, struct error *err);

/* What was read of these files may be old: a server was not trusted, or did not trust us. The next refresh reads them
 * again, unless they were read within the last 10 s. */
void kube_config_doubt(struct kube_config *config, int64_t now);

/* A request that began at `began` was answered 401: what was read before that is forgotten. */
void kube_config_unauthorized(struct kube_config *config, int64_t began);
