#pragma once

/* The inside of a struct kube_config: private to kube/config.c, config_text.c, kubeconfig.c, exec_plugin.c and
 * credentials.c. All texts are owned. */

#include "base/json.h"
#include "kube/config.h"
#include "kube/exec_plugin.h"

enum { CONFIG_FILE_MAX = 1024 * 1024 };

struct config_pem {
    char *file; /* re-read from here; NULL: given as data */
    char *pem;
};

struct kube_config {
    char *server, *namespace;
    char *server_name, *proxy_url;
    bool insecure, loopback;
    struct config_pem ca, cert, key;
    int64_t checked_at; /* boot ms; of the files above */
    bool doubted;       /* they are due */

    char *token;
    char *token_file;
    struct exec_plugin *exec;
    bool plugin_certificate; /* `cert` and `key` are what the plugin gave last */
    int64_t token_at;        /* boot ms; when the token file was read; -1: must be */
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
struct config_host {
    bool valid;    /* the text is a URL with a host */
    bool user;     /* it has a user or a password */
    bool loopback; /* the host is this machine: localhost, or an address of it */
};
/* As libcurl will read it. */
struct config_host config_host_of(const char *url);
/* Reads the files named in ca, cert and key and checks what is set: https or loopback, the token, PEM, key and
 * certificate fit. */
int config_finish(struct kube_config *config, struct error *err);
bool config_is_certificate(const char *pem);
/* Certificate and key of one pair? */
bool config_pair_fits(const char *cert_pem, const char *key_pem);
/* Into the metric: `source` (a file's field, or exec) could not be got again. */
void config_count_failure(const char *source);
