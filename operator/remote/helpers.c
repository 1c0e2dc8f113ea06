/* See helpers.h. posix_spawn with a pipe for both streams; a helper is done when it has been reaped, whether or not
 * something that it started still holds the pipe. A deadline that has passed kills its session's first group. */

#include "remote/helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"

enum { NOT_FOUND = 127 };

struct helper {
    char *args[HELPER_ARGS_MAX + 1];
    char *const *env;
    int64_t deadline_ms;
    helper_done *done;
    void *context;
};

struct helpers {
    struct helper queue[HELPERS_MAX]; /* the first is the one that runs */
    size_t count;
    pid_t pid; /* 0: none runs */
    bool ended, timed_out;
    int status, out;
    int64_t until;
    struct strbuf output;
};

int helpers_new(struct helpers **ret, struct error *err) {
    struct helpers *helpers = calloc(1, sizeof *helpers);
    if (!helpers)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    helpers->out = -1;
    helpers->output = (struct strbuf)STRBUF_MAX(HELPER_OUTPUT_MAX);
    *ret = helpers;
    return 0;
}

static void free_helper(struct helper *helper) {
    for (size_t i = 0; helper->args[i]; i++)
        free(helper->args[i]);
    *helper = (struct helper){0};
}

static void close_output(struct helpers *helpers) {
    if (helpers->out >= 0)
        close(helpers->out);
    helpers->out = -1;
}

void helpers_free(struct helpers *helpers) {
    if (!helpers)
        return;
    if (helpers->pid > 0 && !helpers->ended)
        kill(-helpers->pid, SIGKILL);
    for (size_t i = 0; i < helpers->count; i++)
        free_helper(&helpers->queue[i]);
    close_output(helpers);
    strbuf_fini(&helpers->output);
    free(helpers);
}

int helpers_start(struct helpers *helpers, const char *const argv[], char *const env[], int64_t deadline_ms,
                  helper_done *done, void *context, struct error *err) {
    struct helper helper = {.env = env, .deadline_ms = deadline_ms, .done = done, .context = context};
    if (helpers->count == HELPERS_MAX)
        return error_set(err, ERROR_TRANSIENT, "%s: too many programs are waiting to be asked", argv[0]);
    for (size_t i = 0; argv[i]; i++) {
        if (i == HELPER_ARGS_MAX || !(helper.args[i] = strdup(argv[i]))) {
            free_helper(&helper);
            return error_set(err, ERROR_TRANSIENT, "%s: out of memory", argv[0]);
        }
    }
    helpers->queue[helpers->count++] = helper;
    return 0;
}

static void forgotten(void *context, const struct helper_result *result) {
    (void)context, (void)result;
}

/* What runs is killed and reaped; what waits is never begun. */
void helpers_cancel(struct helpers *helpers, void *context) {
    size_t kept = 0;
    for (size_t i = 0; i < helpers->count; i++) {
        struct helper *helper = &helpers->queue[i];
        bool running = i == 0 && helpers->pid > 0;
        if (helper->context == context && !running) {
            free_helper(helper);
            continue;
        }
        if (helper->context == context)
            helper->done = forgotten;
        if (helper->context == context && !helpers->ended)
            kill(-helpers->pid, SIGKILL);
        helpers->queue[kept++] = *helper;
    }
    helpers->count = kept;
}

pid_t helpers_session(const struct helpers *helpers) {
    return helpers->pid > 0 && !helpers->ended ? helpers->pid : 0;
}

bool helpers_reaped(struct helpers *helpers, pid_t pid, int status) {
    if (helpers->pid != pid || helpers->ended)
        return false;
    helpers->ended = true;
    helpers->status = status;
    return true;
}

static int spawn(const struct helper *helper, int out, pid_t *ret_pid) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    int error = posix_spawnp(ret_pid, helper->args[0], &actions, &attributes, helper->args, helper->env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void finish(struct helpers *helpers, const struct helper_result *result) {
    struct helper helper = helpers->queue[0];
    memmove(helpers->queue, helpers->queue + 1, --helpers->count * sizeof helpers->queue[0]);
    helpers->pid = 0;
    close_output(helpers);
    helper.done(helper.context, result);
    free_helper(&helper);
}

static void begin(struct helpers *helpers, int64_t now) {
    int fds[2];
    pid_t pid = 0;
    strbuf_reset(&helpers->output);
    int error = pipe2(fds, O_CLOEXEC) < 0 ? errno : 0;
    if (!error) {
        error = spawn(&helpers->queue[0], fds[1], &pid);
        close(fds[1]);
        helpers->out = fds[0];
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
    }
    if (error) {
        const char *text = strerror(error);
        finish(helpers, &(struct helper_result){.exit_code = NOT_FOUND, .output = text, .length = strlen(text)});
        return;
    }
    helpers->pid = pid;
    helpers->ended = helpers->timed_out = false;
    helpers->until = now + helpers->queue[0].deadline_ms;
}

static void read_output(struct helpers *helpers) {
    char piece[4096];
    ssize_t got = 0;
    while (helpers->out >= 0 && (got = read(helpers->out, piece, sizeof piece)) > 0) {
        size_t room = HELPER_OUTPUT_MAX - 1 - helpers->output.length;
        strbuf_add(&helpers->output, piece, (size_t)got < room ? (size_t)got : room);
    }
    if (helpers->out >= 0 && (got == 0 || (errno != EAGAIN && errno != EINTR)))
        close_output(helpers);
}

void helpers_wait(const struct helpers *helpers, struct wait *wait) {
    if (helpers->count == 0)
        return;
    if (helpers->pid == 0 || helpers->ended)
        wait_until(wait, 0);
    else if (!helpers->timed_out)
        wait_until(wait, helpers->until);
    wait_fd(wait, helpers->out, POLLIN);
}

void helpers_step(struct helpers *helpers, int64_t now) {
    if (helpers->count > 0 && helpers->pid == 0)
        begin(helpers, now);
    if (helpers->pid == 0)
        return;
    read_output(helpers);
    if (!helpers->ended && !helpers->timed_out && now >= helpers->until) {
        helpers->timed_out = true;
        kill(-helpers->pid, SIGKILL);
    }
    if (!helpers->ended)
        return;
    int status = helpers->status;
    finish(helpers, &(struct helper_result){
                        .started = true,
                        .timed_out = helpers->timed_out,
                        .exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                        .output = strbuf_text(&helpers->output),
                        .length = helpers->output.length,
                    });
}
