/* weir-launcher: PID 1 of a task pod. Options and wiring only; what it does is in launcher/. */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "launcher/copy.h"
#include "launcher/launch.h"

/* The C library looks for it by name. */
__attribute__((visibility("default"))) const char *argp_program_version = "weir-launcher " WEIR_VERSION;

enum { KIND = 1000, VERDICT, YARN_TAG, TIMEOUT, GRACE, REPORT, REPORT_ADDRESS, TOKEN_FILE, TERMINATION_LOG };

static const struct argp_option run_options[] = {
    {"kind", KIND, "KIND", 0, "What is run: sparkSubmit, hadoopJar, hadoopStreaming or command (command)", 0},
    {"verdict", VERDICT, "WHO", 0, "Who knows how it ended: exit-code or yarn (exit-code)", 0},
    {"yarn-tag", YARN_TAG, "TAG", 0, "Tag of the task's YARN applications, the same for every attempt", 0},
    {"timeout", TIMEOUT, "DURATION", 0, "Longest run of this attempt, such as 90s or 4h (no limit)", 0},
    {"grace", GRACE, "DURATION", 0, "From SIGTERM to our end: time to kill remote side and processes (50s)", 0},
    {"report", REPORT, "URL", 0, "Where to report: https://HOST:PORT/v1/report (no reports)", 0},
    {"report-address", REPORT_ADDRESS, "IP:PORT", 0, "Connect here; the certificate must still name HOST", 0},
    {"token-file", TOKEN_FILE, "FILE", 0, "Bearer token for reports (/var/run/secrets/weir.dev/token)", 0},
    {"termination-log", TERMINATION_LOG, "FILE", 0, "Where the final record goes (/dev/termination-log)", 0},
    {0},
};

static void parse_duration_option(const char *name, const char *text, int64_t *ret, struct argp_state *state) {
    struct error err;
    if (duration_parse(text, ret, &err) < 0)
        argp_error(state, "--%s: %s", name, err.text);
}

static error_t parse_run(int key, char *text, struct argp_state *state) {
    struct launch_options *options = state->input;
    switch (key) {
    case KIND:
        if (scan_kind_parse(text, &options->kind) < 0)
            argp_error(state, "--kind: \"%s\" is none of sparkSubmit, hadoopJar, hadoopStreaming, command", text);
        break;
    case VERDICT:
        options->by_yarn = strcmp(text, "yarn") == 0;
        if (!options->by_yarn && strcmp(text, "exit-code") != 0)
            argp_error(state, "--verdict: \"%s\" is neither exit-code nor yarn", text);
        break;
    case YARN_TAG:
        if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(text) || strlen(text) > 100)
            argp_error(state, "--yarn-tag: at most 100 of a-z 0-9 - _ .");
        options->yarn_tag = text;
        break;
    case TIMEOUT: parse_duration_option("timeout", text, &options->timeout_ms, state); break;
    case GRACE: parse_duration_option("grace", text, &options->grace_ms, state); break;
    case REPORT: options->report_url = text; break;
    case REPORT_ADDRESS: options->report_address = text; break;
    case TOKEN_FILE: options->token_file = text; break;
    case TERMINATION_LOG: options->termination_log = text; break;
    case ARGP_KEY_ARGS: options->command = state->argv + state->next; break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "no COMMAND given (write it behind --)"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int run(int argc, char **argv) {
    static const struct argp parser = {run_options,
                                       parse_run,
                                       "-- COMMAND [ARG]...",
                                       "Runs COMMAND as PID 1 of a task pod and tells weir how it goes.",
                                       NULL,
                                       NULL,
                                       NULL};
    static char name[] = "weir-launcher run";
    struct launch_options options = {
        .kind = SCAN_COMMAND,
        .grace_ms = 50 * 1000,
        .token_file = "/var/run/secrets/weir.dev/token",
        .termination_log = "/dev/termination-log",
    };
    struct error err;
    argv[0] = name;
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &options);
    int code = launch_run(&options, &err);
    if (code < 0) {
        fprintf(stderr, "weir-launcher: %s\n", err.text);
        return EX_USAGE;
    }
    return code;
}

static int copy(int argc, char **argv) {
    struct error err;
    if (argc != 2) {
        fprintf(stderr, "Usage: weir-launcher copy DIRECTORY\n");
        return EX_USAGE;
    }
    if (copy_self(argv[1], &err) < 0) {
        fprintf(stderr, "weir-launcher: %s\n", err.text);
        return 1;
    }
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"run", run}, {"copy", copy}};

int main(int argc, char **argv) {
    static const struct argp parser = {NULL,
                                       NULL,
                                       "run [OPTION...] -- COMMAND [ARG]...\ncopy DIRECTORY",
                                       "Runs one attempt of a weir task (run), or puts itself into a volume (copy)."
                                       "\vSee `weir-launcher run --help` for the options of run.",
                                       NULL,
                                       NULL,
                                       NULL};
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, NULL);
    argp_help(&parser, stderr, ARGP_HELP_STD_USAGE, argv[0]);
    return EX_USAGE;
}
