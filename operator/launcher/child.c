/* See child.h. After catatonit's rules for PID 1: signals are blocked before anything else and read from a signalfd,
 * the child gets back the mask and dispositions we were started with, orphans are reaped one by one. Never waits for a
 * process except, for the moment of its exec(), a child it has just forked. */

#include "launcher/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- signals --- */

int signals_block(struct signals *ret_before, struct error *err) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, standard = {.sa_handler = SIG_DFL};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    sigprocmask(SIG_SETMASK, &all, &ret_before->mask);
    sigaction(SIGPIPE, &ignore, &ret_before->pipe);
    sigaction(SIGCHLD, &standard, &ret_before->child); /* were it ignored, nobody could be waited for */
    int fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_TRANSIENT, "signalfd: %s", strerror(errno));
    if (getpid() != 1)
        prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans of the task come to us, as they would to PID 1 */
    return fd;
}

bool signal_is_forwarded(int signal) {
    static const int kept[] = {SIGCHLD, SIGPIPE, SIGTERM, SIGINT, SIGTSTP, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (signal == kept[i])
            return false;
    return true;
}

/* --- start --- */

enum { NOT_FOUND = 127, NOT_RUNNABLE = 126 };

static void restore_signals(const struct signals *before) {
    sigaction(SIGPIPE, &before->pipe, NULL);
    sigaction(SIGCHLD, &before->child, NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static _Noreturn void become(char *const argv[], char *const env[], const struct signals *before, const int pipes[4],
                             int report) {
    setpgid(0, 0);
    if (isatty(STDIN_FILENO))
        tcsetpgrp(STDIN_FILENO, getpid()); /* SIGTTOU is still blocked */
    int out = pipes[1] >= 0 ? pipes[1] : STDERR_FILENO;
    int err = pipes[3] >= 0 ? pipes[3] : STDERR_FILENO;
    if (dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0) {
        restore_signals(before);
        execvpe(argv[0], argv, env);
    }
    int error = errno;
    ssize_t written = write(report, &error, sizeof error);
    _exit(written == (ssize_t)sizeof error ? NOT_FOUND : NOT_RUNNABLE);
}

/* "#!/usr/bin/python4": the file that is really missing. Empty when the script is no script. */
static void read_interpreter(const char *path, char *out, size_t size) {
    char head[256] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, head, sizeof head - 1);
    if (fd >= 0)
        close(fd);
    out[0] = '\0';
    if (got < 3 || memcmp(head, "#!", 2) != 0)
        return;
    const char *start = head + 2 + strspn(head + 2, " \t");
    size_t length = strcspn(start, " \t\r\n");
    if (length < size) {
        memcpy(out, start, length);
        out[length] = '\0';
    }
}

static int explain(const char *command, int error, int *ret_exit_code, struct error *err) {
    char interpreter[200];
    bool is_path = strchr(command, '/') != NULL;
    *ret_exit_code = error == ENOENT || error == ENOTDIR ? NOT_FOUND : NOT_RUNNABLE;
    if (error == ENOENT && is_path && access(command, F_OK) == 0) {
        read_interpreter(command, interpreter, sizeof interpreter);
        return error_set(err, ERROR_NOT_FOUND, "cannot start %s: its interpreter %s is not in the image", command,
                         interpreter[0] ? interpreter : "or loader");
    }
    if (error == ENOENT && !is_path)
        return error_set(err, ERROR_NOT_FOUND, "cannot start %s: not found in PATH (%.120s)", command,
                         getenv("PATH") ? getenv("PATH") : "not set");
    return error_set(err, ERROR_NOT_FOUND, "cannot start %s: %s", command, strerror(error));
}

static void close_pipes(const int *fds, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* 0 when exec() has happened, else its errno; the pipe closes with exec(). */
static int read_report(int fd) {
    int error = 0;
    ssize_t got;
    do
        got = read(fd, &error, sizeof error);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof error ? error : 0;
}

int child_start(struct child *child, char *const argv[], char *const env[], const struct signals *before, bool capture,
                int *ret_exit_code, struct error *err) {
    int fds[6] = {-1, -1, -1, -1, -1, -1}; /* stdout, stderr, report of exec(); read and write ends */
    *ret_exit_code = NOT_RUNNABLE;
    bool piped = pipe2(fds + 4, O_CLOEXEC) == 0;
    if (piped && capture)
        piped = pipe2(fds, O_CLOEXEC) == 0 && pipe2(fds + 2, O_CLOEXEC) == 0;
    pid_t pid = piped ? fork() : -1;
    if (pid == 0)
        become(argv, env, before, fds, fds[5]);
    if (pid < 0) {
        int error = errno;
        close_pipes(fds, 6);
        return error_set(err, ERROR_TRANSIENT, "cannot start %s: %s", argv[0], strerror(error));
    }
    setpgid(pid, pid); /* whoever of the two comes first */
    close(fds[5]);
    int error = read_report(fds[4]);
    close(fds[4]);
    for (int i = 1; i < 4; i += 2)
        if (fds[i] >= 0)
            close(fds[i]);
    if (error) {
        waitpid(pid, NULL, 0);
        close_pipes(fds, 1);
        close_pipes(fds + 2, 1);
        return explain(argv[0], error, ret_exit_code, err);
    }
    for (int i = 0; i < 4; i += 2)
        if (fds[i] >= 0)
            fcntl(fds[i], F_SETFL, O_NONBLOCK);
    *child = (struct child){.pid = pid, .running = true, .out = fds[0], .err = fds[2]};
    return 0;
}

/* --- end --- */

pid_t child_reap(struct child *child, int *ret_status) {
    pid_t pid = waitpid(-1, ret_status, WNOHANG);
    if (pid <= 0)
        return 0;
    if (child->running && child->pid == pid) {
        child->running = false;
        child->status = *ret_status;
    }
    return pid;
}

void child_signal(const struct child *child, int signal) {
    if (child->pid > 0)
        kill(-child->pid, signal);
}

static ssize_t read_file(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got;
}

/* Alive, and of no session that is spared? (proc(5): pid (comm) state ppid pgrp session …) */
static bool counts(pid_t pid, pid_t spared) {
    char path[64], text[512], state = 'Z';
    int session = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_file(path, text, sizeof text) <= 0)
        return false;
    const char *behind = strrchr(text, ')'); /* a program may be called anything */
    if (!behind || sscanf(behind + 1, " %c %*d %*d %d", &state, &session) != 2)
        return false;
    return state != 'Z' && state != 'X' && (spared == 0 || session != spared);
}

struct sweep {
    pid_t spared;
    int signal;
    size_t count;
};

static void sweep_one(struct sweep *sweep, pid_t pid) {
    if (pid <= 1 || pid == getpid() || !counts(pid, sweep->spared))
        return;
    sweep->count++;
    if (sweep->signal)
        kill(pid, sweep->signal);
}

/* Without being PID 1 only our own children may be hit; theirs become ours when they die, and are hit next time. */
static void sweep_children(struct sweep *sweep) {
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    if (read_file(path, line, sizeof line) <= 0)
        return;
    char *end = line;
    for (long pid = strtol(line, &end, 10); pid > 0; pid = strtol(end, &end, 10))
        if (*end == ' ') /* else the number may be cut */
            sweep_one(sweep, (pid_t)pid);
}

/* The whole container ends with its task. */
static void sweep_all(struct sweep *sweep) {
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid > 0 && *end == '\0')
            sweep_one(sweep, (pid_t)pid);
    }
    if (proc)
        closedir(proc);
}

size_t child_rest(const struct child *child, pid_t spared, int signal) {
    struct sweep sweep = {.spared = spared, .signal = signal};
    if (getpid() == 1) {
        sweep_all(&sweep);
        return sweep.count;
    }
    bool group = child->pid > 0 && kill(-child->pid, signal) == 0;
    sweep_children(&sweep);
    return sweep.count + group; /* its members may be children of others of them */
}
