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
    if (text_empty(job) && ending->job)
        job = ending->job->why;
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
    say(outcome, "%s", ending->trouble);
    if (!text_empty(ending->remains))
        say(outcome, "; %s", ending->remains);
}

static void say_remote(struct outcome *outcome, const struct ending *ending) {
    if (!text_empty(ending->remains))
        say(outcome, "; %s", ending->remains);
    else if (!text_empty(ending->killed))
        say(outcome, "; %s was killed", ending->killed);
    else if (ending->job && ending->job->ended)
        say(outcome, "; %s is %s", ending->job->id, ending->job->state);
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

static void decide_clean(const struct ending *ending, struct outcome *outcome) {
    bool left = !text_empty(ending->remains);
    outcome->exit_code = outcome->launcher_exit_code = left;
    outcome->reason = left ? "CleanupFailed" : "";
    if (left)
        say(outcome, "%s", ending->remains);
    else if (!text_empty(ending->killed))
        say(outcome, "%s was killed", ending->killed);
    else
        say(outcome, "nothing was left");
}

static void decide_unknown(const struct ending *ending, struct outcome *outcome) {
    outcome->exit_code = outcome->launcher_exit_code = 1;
    outcome->reason = "RemoteUnknown";
    say(outcome, "%s", ending->trouble);
}

/* The manager says how it ended; the client's exit code is only shown. */
static void decide_remote(const struct ending *ending, struct outcome *outcome) {
    const struct remote_job *job = ending->job;
    int client = ending->ran ? exit_code_of(ending->wait_status) : 0;
    if (job->verdict == REMOTE_SUCCEEDED) {
        if (client)
            say(outcome, "%s exited with %d, but %s says that %s SUCCEEDED", base_name(ending->command), client,
                ending->words->title, job->id);
        return;
    }
    bool killed = job->verdict == REMOTE_KILLED;
    outcome->exit_code = outcome->launcher_exit_code = client ? client : 1;
    outcome->reason = killed ? ending->words->killed : ending->words->failed;
    say(outcome, "%s %s%s%s", job->id, killed ? "was killed" : "failed", *job->why ? ": " : "", job->why);
}

static void decide_lost(const struct ending *ending, struct outcome *outcome) {
    outcome->exit_code = outcome->launcher_exit_code = 1;
    outcome->reason = ending->words->lost;
    if (ending->job)
        say(outcome, "%s does not know %s any more", ending->words->title, ending->job->id);
    else
        say(outcome, "%s exited with 0, but %s knows no application of this task", base_name(ending->command),
            ending->words->title);
}

/* It cannot be asked. The client's word counts where the client could ask; a failure before anything was submitted is
 * the client's own. */
static void decide_unasked(const struct ending *ending, struct outcome *outcome) {
    int client = ending->ran ? exit_code_of(ending->wait_status) : 1;
    bool succeeded = text_equal(ending->client_verdict, "SUCCEEDED") && client == 0;
    bool failed = !text_empty(ending->client_verdict) && !text_equal(ending->client_verdict, "UNDEFINED") && client;
    if (succeeded || failed || (client && ending->ran && !ending->job)) {
        decide_exit(ending, outcome);
        say(outcome, "%sthe client's word, since %s cannot be asked: %s", outcome->message[0] ? "; " : "",
            ending->words->title, ending->remote_trouble);
        return;
    }
    outcome->exit_code = outcome->launcher_exit_code = client ? client : 1;
    outcome->reason = "RemoteUnknown";
    say(outcome, "how %s ended cannot be told: %s", ending->job ? ending->job->id : "the application",
        ending->remote_trouble);
}

static void decide_end(const struct ending *ending, struct outcome *outcome) {
    int client = ending->ran ? exit_code_of(ending->wait_status) : 0;
    if (!ending->by_remote)
        decide_exit(ending, outcome);
    else if (ending->job && ending->job->ended)
        decide_remote(ending, outcome);
    else if (!text_empty(ending->remote_trouble))
        decide_unasked(ending, outcome);
    else if (ending->job || client == 0)
        decide_lost(ending, outcome);
    else
        decide_exit(ending, outcome);
    if (*outcome->reason && !text_empty(ending->remains))
        say(outcome, "; %s", ending->remains);
}

void outcome_decide(const struct ending *ending, struct outcome *ret) {
    static void (*const deciders[])(const struct ending *, struct outcome *) = {
        [CAUSE_ENDED] = decide_end,       [CAUSE_START] = decide_start, [CAUSE_STOP] = decide_stop,
        [CAUSE_TIMEOUT] = decide_timeout, [CAUSE_CLEAN] = decide_clean, [CAUSE_UNKNOWN] = decide_unknown,
    };
    *ret = (struct outcome){.reason = ""};
    deciders[ending->cause](ending, ret);
}
