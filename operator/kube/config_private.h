#pragma once

/* The inside of a struct kube_config: private to kube/config.c, kubeconfig.c and exec_plugin.c. All texts are owned. */

#include "base/json.h"
#include "kube/config.h"

enum { CONFIG_FILE_MAX = 1024 * 1024 };

struct config_pem {
    char *file; /* re-read from here; NULL: given as data */
    char *pem;
};

/* A command that prints a credential (client.authentication.k8s.io). */
struct exec_plugin {
    char *api_version;
    char **argv; /* NULL-terminated */
    char **env;  /* "NAME=value", NULL-terminated, added to ours */
    char *install_hint;
    bool interactive;  /* it may talk to the terminal */
    bool cluster_info; /* it wants to know the server */
};

struct kube_config {
    char *server, *namespace;
    char *server_name, *proxy_url;
    bool insecure;
    struct config_pem ca, cert, key;
    int64_t checked_at; /* boot ms; of the files above */

    char *token;
    char *token_file;
    struct exec_plugin *exec;
    int64_t token_at;      /* boot ms; when token was got from file or plugin; -1: must be got */
    int64_t token_expires; /* wall ms, plugin only; 0: never */
};

struct kube_config *config_new(void);
/* Frees *at and puts a copy of `text` (or NULL) there. */
void config_set(char **at, const char *text);
/* Whole file as text; NULL with err when unreadable or larger than CONFIG_FILE_MAX. The caller frees. */
char *config_read(const char *path, struct error *err);
/* Base64, line breaks allowed. NULL when it is none. The caller frees. */
char *config_base64(const char *text);
char *config_to_base64(const char *text);
/* A token becomes a header line: nothing in it may end that line. */
bool config_is_token(const char *text);
void config_trim(char *text); /* white space at both ends */
/* Reads the files named in ca, cert and key and checks what is set: https or loopback, PEM, key and certificate fit. */
int config_finish(struct kube_config *config, struct error *err);
bool config_is_certificate(const char *pem);
/* Certificate and key of one pair? */
bool config_pair_fits(const char *cert_pem, const char *key_pem);

/* Runs the plugin: sets token, token_expires and, when it brings one, the client certificate. Blocks, at most 60 s. */
int exec_plugin_run(struct kube_config *config, struct error *err);
bool exec_plugin_expired(const struct kube_config *config);
void exec_plugin_free(struct exec_plugin *plugin); /* takes NULL */
