/* See outcome.h. One function a cause; each fills reason, exit code and one line. No I/O, no clock. */

#include "launcher/outcome.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/text.h"

enum { EXIT_STOPPED = 143, EXIT_TIMEOUT = 124 };

static void say(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct outcome *outcome, const char *format, ...) {
    size_t length = strlen(outcome->message);
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->message + length, sizeof outcome->message - length, format, args);
    va_end(args);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int exit_code_of(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ": what it said (Task failed task_…)", as far as there is something to say. */
static void say_why(struct outcome *outcome, const struct ending *ending) {
    const char *line = ending->telling ? telling_best(ending->telling) : "";
    const char *job = ending->telling ? ending->telling->job.text : "";
    char diagnostics[TELLING_TEXT_MAX] = "";
    if (ending->app)
        yarn_app_explain(ending->app, diagnostics, sizeof diagnostics);
    if (text_empty(job))
        job = diagnostics;
    bool specific = ending->telling && ending->telling->best.rank >= TELLING_COMPLAINT;
    if (!specific && !text_empty(job))
        line = job;
    if (!text_empty(line))
        say(outcome, ": %s", line);
    if (line != job && !text_empty(job) && !strstr(line, job))
        say(outcome, " (%s)", job);
}

static void decide_exit(const struct ending *ending, struct outcome *outcome) {
    int status = ending->wait_status;
    const char *name = base_name(ending->command);
    outcome->exit_code = exit_code_of(status);
    outcome->launcher_exit_code = outcome->exit_code;
    if (outcome->exit_code == 0)
        return;
    bool killed = outcome->exit_code == 128 + SIGKILL;
    outcome->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcome->reason = killed && ending->oom ? "OOMKilled" : outcome->signal ? "Signal" : "ExitCode";
    if (killed && ending->oom)
        say(outcome, "%s was killed: out of memory (raise resources.limits.memory or lower the job's own)", name);
    else if (outcome->signal)
        say(outcome, "%s was killed by SIG%s%s", name,
            sigabbrev_np(outcome->signal) ? sigabbrev_np(outcome->signal) : "?", killed ? " (out of memory?)" : "");
    else
        say(outcome, "%s exited with %d", name, outcome->exit_code);
    say_why(outcome, ending);
    if (ending->oom && !killed)
        say(outcome, " (a process of this pod was killed: out of memory)");
}

static void decide_start(const struct ending *ending, struct outcome *outcome) {
    outcome->exit_code = outcome->launcher_exit_code = ending->start_exit_code;
    outcome->reason = "StartFailed";
    say(outcome, "%s", ending->start_error);
}

static void say_remote(struct outcome *outcome, const struct ending *ending) {
    if (!text_empty(ending->left_behind))
        say(outcome, "; %s may still run: %s", ending->left_behind,
            text_empty(ending->yarn_trouble) ? "YARN did not end it in time" : ending->yarn_trouble);
    else if (!text_empty(ending->killed))
        say(outcome, "; %s was killed", ending->killed);
    else if (ending->app)
        say(outcome, "; %s is %s", ending->app->id, ending->app->state);
}

static void decide_stop(const struct ending *ending, struct outcome *outcome) {
    outcome->exit_code = outcome->launcher_exit_code = EXIT_STOPPED;
    outcome->signal = SIGTERM;
    outcome->reason = "Stopped";
    say(outcome, "stopped by a signal");
    say_remote(outcome, ending);
}

static void decide_timeout(const struct ending *ending, struct outcome *outcome) {
    char text[CLOCK_TEXT_MAX];
    duration_format(ending->timeout_ms, text);
    outcome->exit_code = outcome->launcher_exit_code = EXIT_TIMEOUT;
    outcome->reason = "Timeout";
    say(outcome, "timed out after %s", text);
    say_remote(outcome, ending);
}

/* YARN says how it ended; the client's exit code is only shown. */
static void decide_yarn(const struct ending *ending, struct outcome *outcome) {
    char why[TELLING_TEXT_MAX];
    const struct yarn_app *app = ending->app;
    int client = exit_code_of(ending->wait_status);
    bool killed = strcmp(app->final_status, "KILLED") == 0 || strcmp(app->state, "KILLED") == 0;
    if (!killed && strcmp(app->final_status, "SUCCEEDED") == 0) {
        if (client)
            say(outcome, "%s exited with %d, but YARN says that %s SUCCEEDED", base_name(ending->command), client,
                app->id);
        return;
    }
    yarn_app_explain(app, why, sizeof why);
    outcome->exit_code = outcome->launcher_exit_code = client ? client : 1;
    outcome->reason = killed ? "YarnKilled" : "YarnFailed";
    say(outcome, "%s %s", app->id, killed ? "was killed" : "failed");
    say(outcome, "%s%s", *why ? ": " : "", why);
}

static void decide_lost(const struct ending *ending, struct outcome *outcome) {
    outcome->exit_code = outcome->launcher_exit_code = 1;
    outcome->reason = "YarnLost";
    say(outcome, "%s exited with 0, but YARN knows %s", base_name(ending->command),
        ending->app ? "its application no longer" : "no application of this task");
}

static void decide_end(const struct ending *ending, struct outcome *outcome) {
    if (ending->by_yarn && ending->app && yarn_app_ended(ending->app)) {
        decide_yarn(ending, outcome);
        return;
    }
    if (ending->by_yarn && text_empty(ending->yarn_trouble) && exit_code_of(ending->wait_status) == 0) {
        decide_lost(ending, outcome);
        return;
    }
    decide_exit(ending, outcome);
    if (ending->by_yarn && !text_empty(ending->yarn_trouble))
        say(outcome, "%sverdict by exit code: %s", outcome->message[0] ? "; " : "", ending->yarn_trouble);
}

void outcome_decide(const struct ending *ending, struct outcome *ret) {
    static void (*const deciders[])(const struct ending *, struct outcome *) = {
        [CAUSE_ENDED] = decide_end,
        [CAUSE_START] = decide_start,
        [CAUSE_STOP] = decide_stop,
        [CAUSE_TIMEOUT] = decide_timeout,
    };
    *ret = (struct outcome){.reason = ""};
    deciders[ending->cause](ending, ret);
}
