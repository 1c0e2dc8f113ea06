/* See launch.h. The one loop: wait, read the clock once, let each part do what it can. Everything that the loop needs
 * is allocated before the task starts; after that nothing here ends the process but the end of the task. */

#include "launcher/launch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
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

/* Ours without what is only for us. */
static char **child_environment(void) {
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **env = calloc(count + 1, sizeof *env);
    for (size_t i = 0; env && i < count; i++)
        if (strncmp(environ[i], "WEIR_", 5) != 0)
            env[kept++] = environ[i];
    return env;
}

static void on_signals(struct task *task) {
    struct signalfd_siginfo info;
    struct child *const children[] = {&task->child, &task->killer};
    while (read(task->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        int signal = (int)info.ssi_signo;
        if (signal == SIGTERM || signal == SIGINT)
            phase_stop(task, CAUSE_STOP);
        else if (signal_is_forwarded(signal))
            child_signal(&task->child, signal);
    }
    while (child_reap(children, sizeof children / sizeof children[0]) > 0)
        ;
}

static void wait_for_all(struct task *task, struct wait *wait) {
    wait_reset(wait);
    wait_fd(wait, task->signals, POLLIN);
    pump_wait(&task->out, wait);
    pump_wait(&task->err, wait);
    yarn_wait(&task->yarn, wait);
    spark_wait(&task->spark, wait);
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
    if (yarn_step(&task->yarn, &wait, task->now))
        observe_yarn(task);
    if (spark_step(&task->spark, &wait, task->now))
        observe_spark(task);
    phase_step(task);
    reporter_notify(&task->reporter, task->snapshot.news, task->now);
    reporter_step(&task->reporter, &task->snapshot, &wait, task->now);
    snapshot_take_news(&task->snapshot);
}

static int prepare_remote(struct task *task, struct error *err) {
    const struct launch_options *options = task->options;
    char *buffers = malloc((size_t)YARN_ANSWER_MAX + SPARK_ANSWER_MAX + REPORT_ANSWER_MAX);
    struct yarn_rms rms = {0};
    if (!buffers)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    bool wanted = options->yarn_tag || options->by_yarn || options->kind != SCAN_COMMAND;
    if (wanted && yarn_conf_read(&rms, &task->yarn_trouble) < 0)
        task_say("%s", task->yarn_trouble.text);
    else
        task->yarn_trouble.text[0] = '\0';
    yarn_init(&task->yarn, buffers, &rms, options->yarn_tag);
    spark_init(&task->spark, buffers + YARN_ANSWER_MAX);
    struct report_config config = {options->report_url, options->report_address, getenv("WEIR_REPORT_CA"),
                                   options->token_file};
    uint64_t seed = (uint64_t)clock_wall_ms() * 31 + (uint64_t)getpid();
    return reporter_init(&task->reporter, buffers + YARN_ANSWER_MAX + SPARK_ANSWER_MAX, &config, seed, err);
}

static int prepare(struct task *task, struct error *err) {
    scan_init();
    telling_init();
    task->out.in = task->err.in = -1;
    task->out.out_flags = task->err.out_flags = -1;
    task->child.out = task->child.err = -1;
    task->pod_ip = getenv("WEIR_POD_IP");
    task->env = child_environment();
    task->now = task->started_at = clock_boot_ms();
    snapshot_init(&task->snapshot, clock_wall_ms());
    if (!task->env)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    task->signals = signals_block(&task->before, err);
    return task->signals < 0 ? -1 : prepare_remote(task, err);
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
    pump_fini(&task.out);
    pump_fini(&task.err);
    reporter_fini(&task.reporter);
    return task.outcome.launcher_exit_code;
}
