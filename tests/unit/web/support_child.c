/* See support_child.h. */

#include "web/support_child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct child_parts *child_parts;
static struct web_server *server;
static uv_signal_t terminate;

static void on_terminate(uv_signal_t *handle, int number) {
    (void)number;
    uv_close((uv_handle_t *)handle, NULL);
    if (child_parts->stop != NULL)
        child_parts->stop();
    web_server_stop(server);
}

static int serve(int out) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    uv_signal_init(&loop, &terminate);
    uv_signal_start(&terminate, on_terminate, SIGTERM);
    if (child_parts->begin(&loop, &server) != 0)
        return 2;
    int ports[] = {web_server_port(server, WEB_PLAIN), web_server_port(server, WEB_TLS)};
    if (write(out, ports, sizeof ports) != sizeof ports)
        return 3;
    close(out);
    uv_run(&loop, UV_RUN_DEFAULT);
    web_server_free(server);
    if (child_parts->end != NULL)
        child_parts->end();
    uv_run(&loop, UV_RUN_DEFAULT);
    int open_handles = uv_loop_close(&loop);
    return open_handles == 0 ? 0 : 4;
}

struct child child_start(const struct child_parts *parts) {
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    struct child child = {.pid = fork()};
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        close(pipe_fds[0]);
        child_parts = parts;
        exit(serve(pipe_fds[1])); /* not _exit(): the leak check runs at exit */
    }
    close(pipe_fds[1]);
    ssize_t got = read(pipe_fds[0], child.ports, sizeof child.ports);
    close(pipe_fds[0]);
    assert_int_equal(got, sizeof child.ports);
    return child;
}

int child_end(struct child *child) {
    int status = 0;
    kill(child->pid, SIGTERM);
    waitpid(child->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}
