/* See operator_options.h. The argp table is the help text. */

#include "cmd/operator_options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum key {
    KEY_KUBECONFIG = 0x100,
    KEY_CONTEXT,
    KEY_NAMESPACES,
    KEY_LEADER_ELECT,
    KEY_LEASE_NAME,
    KEY_SERVICE_NAME,
    KEY_NAMESPACE,
    KEY_REPORT_ADDRESS,
    KEY_REPORT_PORT,
    KEY_HTTP_PORT,
    KEY_LAUNCHER_IMAGE,
    KEY_LAUNCHER_PULL_POLICY,
    KEY_LOG_LEVEL,
    KEY_GUARD_FILE,
    KEY_TTL,
    KEY_RELEASE_PODS,
};

static const struct argp_option table[] = {
    {"kubeconfig", KEY_KUBECONFIG, "FILE", 0, "connect as this kubeconfig says (default: the pod's service account)",
     0},
    {"context", KEY_CONTEXT, "NAME", 0, "context of the kubeconfig (default: its current-context)", 0},
    {"namespaces", KEY_NAMESPACES, "A,B", 0, "namespaces to watch (default: all)", 0},
    {"leader-elect", KEY_LEADER_ELECT, "true|false", OPTION_ARG_OPTIONAL, "work only while holding the Lease (true)",
     0},
    {"lease-name", KEY_LEASE_NAME, "NAME", 0, "of the Lease, and of the Secret NAME-report (weir)", 0},
    {"service-name", KEY_SERVICE_NAME, "NAME", 0, "Service that launchers report to (weir)", 0},
    {"namespace", KEY_NAMESPACE, "NS", 0, "of Lease, Secret and Service (default: the pod's)", 0},
    {"report-address", KEY_REPORT_ADDRESS, "IP:PORT", 0, "where launchers connect to (default: the Service's address)",
     0},
    {"report-port", KEY_REPORT_PORT, "PORT", 0, "HTTPS port for launchers (8443)", 0},
    {"http-port", KEY_HTTP_PORT, "PORT", 0, "HTTP port for /healthz, /readyz and /metrics (8080)", 0},
    {"launcher-image", KEY_LAUNCHER_IMAGE, "IMAGE", 0, "image that holds /weir-launcher (required)", 0},
    {"launcher-pull-policy", KEY_LAUNCHER_PULL_POLICY, "POLICY", 0, "its imagePullPolicy (IfNotPresent)", 0},
    {"guard-file", KEY_GUARD_FILE, "FILE", 0,
     "where the Pipeline in work is noted, so that one that crashes the operator is left alone (default: nowhere)", 0},
    {"ttl-seconds-after-finished", KEY_TTL, "N", 0, "of Pipelines that name none; -1: they stay (-1)", 0},
    {"log-level", KEY_LOG_LEVEL, "LEVEL", 0, "debug, info, warn or error (info)", 0},
    {"release-pods", KEY_RELEASE_PODS, NULL, 0, "only take our finalizer off all pods, as when weir is uninstalled", 0},
    {0}};

static int parse_port(const char *text, const char *option, struct argp_state *state) {
    char *end = NULL;
    long port = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || port < 0 || port > 65535)
        argp_error(state, "--%s: \"%s\" is no port number", option, text);
    return (int)port;
}

static int64_t parse_ttl(const char *text, struct argp_state *state) {
    char *end = NULL;
    long seconds = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || seconds < -1 || seconds > INT32_MAX)
        argp_error(state, "--ttl-seconds-after-finished: \"%s\" is no number of seconds, nor -1", text);
    return seconds;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct operator_options *options = state->input;
    switch (key) {
    case KEY_KUBECONFIG: options->kubeconfig = arg; return 0;
    case KEY_CONTEXT: options->context = arg; return 0;
    case KEY_NAMESPACES: options->namespaces = arg; return 0;
    case KEY_LEASE_NAME: options->lease_name = arg; return 0;
    case KEY_SERVICE_NAME: options->service_name = arg; return 0;
    case KEY_NAMESPACE: options->namespace = arg; return 0;
    case KEY_REPORT_ADDRESS: options->report_address = arg; return 0;
    case KEY_GUARD_FILE: options->guard_file = arg; return 0;
    case KEY_TTL: options->ttl_seconds_after_finished = parse_ttl(arg, state); return 0;
    case KEY_REPORT_PORT: options->report_port = parse_port(arg, "report-port", state); return 0;
    case KEY_HTTP_PORT: options->http_port = parse_port(arg, "http-port", state); return 0;
    case KEY_LAUNCHER_IMAGE: options->launcher_image = arg; return 0;
    case KEY_LAUNCHER_PULL_POLICY: options->launcher_pull_policy = arg; return 0;
    case KEY_LEADER_ELECT:
        options->leader_elect = arg == NULL || strcmp(arg, "true") == 0;
        if (arg != NULL && strcmp(arg, "true") != 0 && strcmp(arg, "false") != 0)
            argp_error(state, "--leader-elect: \"%s\" is neither true nor false", arg);
        return 0;
    case KEY_RELEASE_PODS: options->release_pods = true; return 0;
    case KEY_LOG_LEVEL:
        if (log_level_parse(arg, &options->log_level) != 0)
            argp_error(state, "--log-level: \"%s\" is none of debug, info, warn, error", arg);
        return 0;
    case ARGP_KEY_END:
        if (options->launcher_image == NULL && !options->release_pods)
            argp_error(state, "--launcher-image is required");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

void operator_options_parse(int argc, char **argv, struct operator_options *ret_options) {
    argp_program_version = "weir-operator " WEIR_VERSION;
    *ret_options = (struct operator_options){
        .leader_elect = true,
        .lease_name = "weir",
        .service_name = "weir",
        .namespace = getenv("POD_NAMESPACE"),
        .report_port = 8443,
        .http_port = 8080,
        .launcher_pull_policy = "IfNotPresent",
        .ttl_seconds_after_finished = -1,
        .log_level = LOG_INFO,
    };
    const struct argp argp = {.options = table,
                              .parser = parse,
                              .doc = "Watches Pipelines and runs their Spark and Hadoop jobs in launcher pods."};
    argp_parse(&argp, argc, argv, 0, NULL, ret_options);
}
