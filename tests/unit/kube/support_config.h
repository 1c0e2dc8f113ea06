#pragma once

/* Files of a test: a kubeconfig, and what it names. */

#include "base/arena.h"
#include "base/strbuf.h"
#include "kube/config.h"

#define CONTEXT "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
#define CLUSTER "clusters: [{name: k, cluster: {server: 'https://a'}}]\n"
#define CREDENTIAL(status) \
    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{" status "}}"

int files_open(void **state);  /* a group's set-up: an empty directory */
int files_close(void **state); /* its teardown */
const char *file_at(const char *name);
void file_write(const char *name, const char *text);
/* Lines in it; 0 when it is not there. */
size_t file_lines(const char *name);
struct kube_config *config_load(const char *paths, const char *context);
/* A config with a shell script for a plugin. `args`: more arguments, each after a comma. */
struct kube_config *config_with_plugin(const char *server, const char *script, const char *args);
