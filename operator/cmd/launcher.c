/* weir-launcher: PID 1 of a task pod. Options and wiring only; what it does is in launcher/. */

#include <argp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "launcher/copy.h"
#include "launcher/launch.h"
#include "output/scan.h"

/* The C library looks for it by name. */
__attribute__((visibility("default"))) const char *argp_program_version = "weir-launcher " WEIR_VERSION;

enum {
    KIND = 1000,
    ATTEMPT,
    REMOTE,
    VERDICT,
    TAG,
    EARLIER,
    LEFTOVER,
    APPLICATION,
    HADOOP_CONF,
    TAGGED_CONF,
    KERBEROS,
    TIMEOUT,
    GRACE,
    LOOK,
    REPORT,
    REPORT_ADDRESS,
    TOKEN_FILE,
    TERMINATION_LOG,
    RECORD_SIZE,
};

/* Of both commands. */
#define REMOTE_OPTIONS                                                                                              \
    {"remote", REMOTE, "MANAGER", 0, "What manages the cluster that the task has jobs on: yarn (none)", 0},         \
        {"tag", TAG, "TAG", 0, "Tag of the task's jobs there, the same for every attempt", 0},                      \
        {"hadoop-conf", HADOOP_CONF, "DIR", 0, "Hadoop's configuration (HADOOP_CONF_DIR, YARN_CONF_DIR, …)", 0},    \
        {"kerberos", KERBEROS, "DIR", 0, "Where principal, keytab and perhaps krb5.conf are (no Kerberos)", 0},     \
        {"termination-log", TERMINATION_LOG, "FILE", 0, "Where the final record goes (/dev/termination-log)", 0}, { \
        "record-max", RECORD_SIZE, "BYTES", 0, "Size of the final record (4096)", 0                                 \
    }

static const struct argp_option run_options[] = {
    {"kind", KIND, "KIND", 0, "What is run: sparkSubmit, hadoopJar, hadoopStreaming or command (command)", 0},
    {"attempt", ATTEMPT, "NUMBER", 0, "Number of this attempt, from 1 (1)", 0},
    REMOTE_OPTIONS,
    {"verdict", VERDICT, "WHO", 0, "Who knows how it ended: exit-code or remote (exit-code)", 0},
    {"earlier", EARLIER, "ID", 0, "A job that an earlier attempt is known to have had; may be repeated", 0},
    {"leftover", LEFTOVER, "WHAT", 0, "What an earlier attempt left running: adopt (follow) it, or kill it (kill)", 0},
    {"look-timeout", LOOK, "DURATION", 0, "For a clear answer what an earlier attempt has left (2m)", 0},
    {"tagged-conf", TAGGED_CONF, "DIR", 0, "Give the command a copy of the configuration that has the tag, in DIR", 0},
    {"timeout", TIMEOUT, "DURATION", 0, "Longest run of this attempt, such as 90s or 4h (no limit)", 0},
    {"grace", GRACE, "DURATION", 0, "From SIGTERM to our end: time to kill remote side and processes (50s)", 0},
    {"report", REPORT, "URL", 0, "Where to report: https://HOST:PORT/v1/report (no reports)", 0},
    {"report-address", REPORT_ADDRESS, "IP:PORT", 0, "Connect here first; the certificate must still name HOST", 0},
    {"token-file", TOKEN_FILE, "FILE", 0, "Bearer token for reports (/var/run/secrets/weir.dev/token)", 0},
    {0},
};

static const struct argp_option stop_options[] = {
    REMOTE_OPTIONS,
    {"application", APPLICATION, "ID", 0, "A job that the task is known to have had; may be repeated", 0},
    {"timeout", GRACE, "DURATION", 0, "For all of it to end (4m)", 0},
    {0},
};

static void parse_duration_option(const char *name, const char *text, int64_t *ret, struct argp_state *state) {
    struct error err;
    if (duration_parse(text, ret, &err) < 0)
        argp_error(state, "--%s: %s", name, err.text);
}

static int64_t parse_number(const char *name, const char *text, int64_t low, int64_t high, struct argp_state *state) {
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (*end || end == text || value < low || value > high)
        argp_error(state, "--%s: a number from %lld to %lld", name, (long long)low, (long long)high);
    return value;
}

static void add_earlier(struct launch_options *options, const char *id) {
    if (options->remote.earlier_count < EARLIER_MAX)
        options->earlier[options->remote.earlier_count++] = id;
    options->remote.earlier = options->earlier;
}

/* One of two words. */
static bool parse_choice(const char *name, const char *text, const char *yes, const char *no,
                         struct argp_state *state) {
    if (strcmp(text, yes) != 0 && strcmp(text, no) != 0)
        argp_error(state, "--%s: \"%s\" is neither %s nor %s", name, text, yes, no);
    return strcmp(text, yes) == 0;
}

static error_t parse_remote(int key, char *text, struct argp_state *state) {
    struct launch_options *options = state->input;
    switch (key) {
    case REMOTE:
        if (!remote_manager_known(text))
            argp_error(state, "--remote: \"%s\" is none of yarn", text);
        options->remote.manager = text;
        break;
    case TAG:
        if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(text) || strlen(text) > 100 || !*text)
            argp_error(state, "--tag: 1 to 100 of a-z 0-9 - _ .");
        options->remote.tag = text;
        break;
    case EARLIER:
    case APPLICATION: add_earlier(options, text); break;
    case HADOOP_CONF: options->remote.hadoop_conf = text; break;
    case KERBEROS: options->kerberos = text; break;
    case TERMINATION_LOG: options->termination_log = text; break;
    case RECORD_SIZE:
        options->record_max = (size_t)parse_number("record-max", text, RECORD_MIN, RECORD_MAX, state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse_run(int key, char *text, struct argp_state *state) {
    struct launch_options *options = state->input;
    switch (key) {
    case KIND:
        if (!scanner_of(text))
            argp_error(state, "--kind: \"%s\" is none of sparkSubmit, hadoopJar, hadoopStreaming, command", text);
        options->remote.kind = text;
        break;
    case ATTEMPT: options->attempt = parse_number("attempt", text, 1, INT32_MAX, state); break;
    case VERDICT: options->by_remote = parse_choice("verdict", text, "remote", "exit-code", state); break;
    case LEFTOVER: options->adopt = parse_choice("leftover", text, "adopt", "kill", state); break;
    case TAGGED_CONF: options->tagged_conf = text; break;
    case TIMEOUT: parse_duration_option("timeout", text, &options->timeout_ms, state); break;
    case GRACE: parse_duration_option("grace", text, &options->grace_ms, state); break;
    case LOOK: parse_duration_option("look-timeout", text, &options->look_ms, state); break;
    case REPORT: options->report_url = text; break;
    case REPORT_ADDRESS: options->report_address = text; break;
    case TOKEN_FILE: options->token_file = text; break;
    case ARGP_KEY_ARGS: options->command = state->argv + state->next; break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "no COMMAND given (write it behind --)"); break;
    case ARGP_KEY_END:
        if (options->by_remote && !options->remote.manager)
            argp_error(state, "--verdict remote needs --remote: who is to be asked?");
        break;
    default: return parse_remote(key, text, state);
    }
    return 0;
}

static error_t parse_stop(int key, char *text, struct argp_state *state) {
    struct launch_options *options = state->input;
    if (key == GRACE) {
        parse_duration_option("timeout", text, &options->grace_ms, state);
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "unexpected argument \"%s\"", text);
    if (key == ARGP_KEY_END && !options->remote.manager)
        argp_error(state, "--remote is required: who is to be asked?");
    return parse_remote(key, text, state);
}

static int launch(const struct argp *parser, struct launch_options *options, int argc, char **argv) {
    struct error err;
    argp_parse(parser, argc, argv, ARGP_IN_ORDER, NULL, options);
    int code = launch_run(options, &err);
    if (code >= 0)
        return code;
    fprintf(stderr, "weir-launcher: %s\n", err.text);
    return EX_USAGE;
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
        .remote = {.kind = "command", .pod_ip = getenv("WEIR_POD_IP")},
        .attempt = 1,
        .grace_ms = 50 * 1000,
        .look_ms = 2 * 60 * 1000,
        .token_file = "/var/run/secrets/weir.dev/token",
        .termination_log = "/dev/termination-log",
        .record_max = RECORD_MAX,
    };
    argv[0] = name;
    return launch(&parser, &options, argc, argv);
}

static int stop(int argc, char **argv) {
    static const struct argp parser = {
        stop_options, parse_stop,
        "",           "Ends all that a task has left on its cluster, and says what could not be ended.",
        NULL,         NULL,
        NULL};
    static char name[] = "weir-launcher stop";
    struct launch_options options = {
        .remote = {.kind = "command"},
        .grace_ms = 4 * 60 * 1000,
        .termination_log = "/dev/termination-log",
        .record_max = RECORD_MAX,
    };
    argv[0] = name;
    return launch(&parser, &options, argc, argv);
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
} commands[] = {{"run", run}, {"stop", stop}, {"copy", copy}};

/* One that is closed would be the next file or socket that is opened, and the task's output would go there. */
static void open_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) < 0)
            return;
}

int main(int argc, char **argv) {
    static const struct argp parser = {NULL,
                                       NULL,
                                       "run [OPTION...] -- COMMAND [ARG]...\nstop [OPTION...]\ncopy DIRECTORY",
                                       "Runs one attempt of a weir task (run), ends what one has left (stop), or puts\n"
                                       "itself into a volume (copy)."
                                       "\v`weir-launcher run --help` and `weir-launcher stop --help` tell the options.",
                                       NULL,
                                       NULL,
                                       NULL};
    open_standard_streams();
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, NULL);
    argp_help(&parser, stderr, ARGP_HELP_STD_USAGE, argv[0]);
    return EX_USAGE;
}
