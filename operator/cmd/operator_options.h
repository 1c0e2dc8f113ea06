#pragma once

/* The command line of weir-operator. */

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct operator_options {
    const char *kubeconfig, *context; /* NULL: as kube_config_find() says */
    const char *namespaces;           /* to watch, by comma; NULL: all */
    bool leader_elect;
    const char *lease_name, *service_name;
    const char *namespace;      /* of the operator itself; NULL: that of the service account */
    const char *report_address; /* IP:PORT; NULL: the Service's */
    int report_port, http_port;
    const char *launcher_image, *launcher_pull_policy;
    const char *guard_file;             /* NULL: none */
    int64_t ttl_seconds_after_finished; /* of Pipelines that name none; -1: they stay */
    enum log_level log_level;
    bool release_pods; /* only what cmd/release.h says */
};

/* Exits with a message and 64 (EX_USAGE) when the command line is wrong. Texts point into argv and the environment. */
void operator_options_parse(int argc, char **argv, struct operator_options *ret_options);
