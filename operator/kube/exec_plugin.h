#pragma once

/* Credential plugins of a kubeconfig (client.authentication.k8s.io): a command run by argv, never by a shell, in the
 * background. Private to kube/, as config_private.h. */

#include <uv.h>

#include "kube/config.h"

struct exec_plugin {
    char *api_version;
    char **argv; /* NULL-terminated */
    char **env;  /* "NAME=value", NULL-terminated, added to ours or in their place */
    char *install_hint;
    bool interactive;  /* it may talk to the terminal */
    bool cluster_info; /* it wants to know the server */
};
void exec_plugin_free(struct exec_plugin *plugin); /* takes NULL */

/* What it printed, or NULL and why there is nothing; wiped after the call. No text of an error quotes it. */
typedef void (*exec_plugin_cb)(const char *output, size_t length, const struct error *err, void *arg);

struct exec_run;
/* Runs the plugin of the config; `done` is called once, later, also when what it left running holds its output. What
 * takes longer than `limit_ms` or prints more than CONFIG_FILE_MAX is killed. NULL with err when it cannot be started.
 * The config is not looked at later. */
struct exec_run *exec_plugin_start(uv_loop_t *loop, const struct kube_config *config, int64_t limit_ms,
                                   exec_plugin_cb done, void *arg, struct error *err);
/* Kills it without a callback; memory goes as the loop turns. Not from inside `done`; takes NULL. */
void exec_plugin_cancel(struct exec_run *run);
