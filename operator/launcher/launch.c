/* See launch.h. The one loop: wait, read the clock once, let each part do what it can. Everything that the loop needs
 * is allocated before the task starts; after that nothing here ends the process but the end of the task. */

#include "launcher/launch.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "launcher/task.h"

extern char **environ;

void task_say(const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length > 0)
        dprintf(STDERR_FILENO, "weir: %s\n", line);
}

/* From outside of the pod's processes: the image's STOPSIGNAL, whatever it is (pid_namespaces(7): such a sender has the
 * pid 0). SIGTERM and SIGINT are requests to us from anybody. */
static bool asks_to_stop(const struct signalfd_siginfo *info) {
    int signal = (int)info->ssi_signo;
    bool outside = getpid() == 1 && info->ssi_pid == 0 && (info->ssi_code == SI_USER || info->ssi_code == SI_QUEUE);
    return signal == SIGTERM || signal == SIGINT || (outside && signal_is_forwarded(signal));
}

/* The dead come first: what has ended by itself was not ended by the signal that came with it. */
static void on_signals(struct task *task) {
    struct signalfd_siginfo info;
    pid_t pid;
    int status;
    while ((pid = child_reap(&task->child, &status)) > 0)
        helpers_reaped(task->helpers, pid, status);
    if (task->phase == PHASE_RUNNING && !task->child.running)
        phase_step(task);
    while (read(task->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (asks_to_stop(&info))
            phase_stop(task, CAUSE_STOP);
        else if (signal_is_forwarded((int)info.ssi_signo))
            child_signal(&task->child, (int)info.ssi_signo);
    }
}

static void wait_for_all(struct task *task, struct wait *wait) {
    wait_reset(wait);
    wait_fd(wait, task->signals, POLLIN);
    pump_wait(&task->out, wait);
    pump_wait(&task->err, wait);
    rest_wait(task->rest, wait);
    helpers_wait(task->helpers, wait);
    kerberos_wait(&task->kerberos, wait);
    remote_wait(task->remote, wait);
    reporter_wait(&task->reporter, wait);
    phase_wait(task, wait);
    wait_poll(wait, task->now);
}

static void turn(struct task *task) {
    struct wait wait;
    wait_for_all(task, &wait);
    task->now = clock_boot_ms();
    pump_step(&task->out, &wait);
    pump_step(&task->err, &wait);
    on_signals(task);
    rest_step(task->rest, &wait, task->now);
    helpers_step(task->helpers, task->now);
    kerberos_step(&task->kerberos, task->now);
    remote_step(task->remote, task->now);
    hearing_remote(task);
    phase_step(task);
    if (task->snapshot.news == NEWS_URGENT && task->phase < PHASE_REPORTING)
        finish_write_record(task); /* a SIGKILL loses no id */
    reporter_notify(&task->reporter, task->snapshot.news, task->now);
    reporter_step(&task->reporter, task->now);
    snapshot_take_news(&task->snapshot);
}

static int prepare_remote(struct task *task, struct error *err) {
    const struct launch_options *options = task->options;
    if (rest_new(&task->rest, err) < 0 || helpers_new(&task->helpers, err) < 0 ||
        kerberos_open(&task->kerberos, options->kerberos, &task->env, task->helpers, err) < 0 ||
        remote_new(&options->remote, task->rest, task->helpers, &task->env, &task->remote, err) < 0)
        return -1;
    task->view = remote_view(task->remote);
    if (*task->view->trouble)
        task_say("%s", task->view->trouble);
    struct report_config config = {options->report_url, options->report_address, getenv("WEIR_REPORT_CA"),
                                   options->token_file};
    uint64_t seed = (uint64_t)clock_wall_ms() * 31 + (uint64_t)getpid();
    return reporter_init(&task->reporter, task->rest, &task->snapshot, &config, seed, err);
}

static int prepare(struct task *task, struct error *err) {
    task->scanner = scanner_of(task->options->remote.kind);
    telling_init();
    task->out.in = task->err.in = -1;
    task->out.out_flags = task->err.out_flags = -1;
    task->child.out = task->child.err = -1;
    task->now = task->started_at = clock_boot_ms();
    snapshot_init(&task->snapshot, clock_wall_ms());
    task->snapshot.record.detached = task->options->by_remote;
    task->signals = signals_block(&task->before, err);
    if (task->signals < 0 || environment_copy(&task->env, environ, "WEIR_", err) < 0)
        return -1;
    return prepare_remote(task, err);
}

static void end(struct task *task) {
    pump_fini(&task->out);
    pump_fini(&task->err);
    reporter_fini(&task->reporter);
    remote_free(task->remote);
    kerberos_close(&task->kerberos);
    helpers_free(task->helpers);
    rest_free(task->rest);
}

int launch_run(const struct launch_options *options, struct error *err) {
    static struct task task; /* large; touched only as far as it is used */
    task.options = options;
    if (prepare(&task, err) < 0)
        return -1;
    phase_begin(&task);
    do
        turn(&task);
    while (task.phase != PHASE_DONE);
    end(&task);
    return task.outcome.launcher_exit_code;
}
