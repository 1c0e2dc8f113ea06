/* See exec_plugin.h. A run ends when the process is reaped and its output has ended, or soon after; then what it
 * started and left running in its process group is killed. What is given up is killed too, and reaped later. Its output
 * is never quoted, since it holds the secret. */

#include "kube/exec_plugin.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "kube/config_private.h"

enum { LINGER_MS = 1000 }; /* for output after the process itself has ended */

struct exec_run {
    uv_process_t process;
    uv_pipe_t pipe; /* its output */
    uv_timer_t limit;
    char *name;          /* for messages */
    exec_plugin_cb done; /* NULL: nobody waits any more */
    void *arg;
    struct strbuf output;
    int64_t limit_ms;
    bool exited, ended; /* reaped; the output is whole */
    bool own_group;     /* leads a process group */
    int64_t exit_code;
    int signal;
    int open; /* handles not closed yet */
    char piece[4096];
};

static void free_strings(char **strings) {
    for (char **text = strings; text != NULL && *text != NULL; text++)
        free(*text);
    free(strings);
}

void exec_plugin_free(struct exec_plugin *plugin) {
    if (plugin == NULL)
        return;
    free_strings(plugin->argv);
    free_strings(plugin->env);
    free(plugin->api_version);
    free(plugin->install_hint);
    free(plugin);
}

/* What it is told. */

static void add_cluster(yyjson_mut_doc *doc, yyjson_mut_val *spec, const struct kube_config *config) {
    yyjson_mut_val *cluster = yyjson_mut_obj_add_obj(doc, spec, "cluster");
    yyjson_mut_obj_add_str(doc, cluster, "server", config->server);
    if (config->server_name != NULL)
        yyjson_mut_obj_add_str(doc, cluster, "tls-server-name", config->server_name);
    if (config->proxy_url != NULL)
        yyjson_mut_obj_add_str(doc, cluster, "proxy-url", config->proxy_url);
    if (config->insecure)
        yyjson_mut_obj_add_bool(doc, cluster, "insecure-skip-tls-verify", true);
    if (config->ca.pem != NULL) {
        char *data = config_to_base64(config->ca.pem);
        yyjson_mut_obj_add_strcpy(doc, cluster, "certificate-authority-data", data);
        free(data);
    }
}

static char *exec_info(const struct kube_config *config, bool interactive, struct arena *arena) {
    yyjson_mut_doc *doc = json_new(arena);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, root, "kind", "ExecCredential");
    yyjson_mut_obj_add_str(doc, root, "apiVersion", config->exec->api_version);
    yyjson_mut_val *spec = yyjson_mut_obj_add_obj(doc, root, "spec");
    yyjson_mut_obj_add_bool(doc, spec, "interactive", interactive);
    if (config->exec->cluster_info)
        add_cluster(doc, spec, config);
    return arena_printf(arena, "KUBERNETES_EXEC_INFO=%s", json_write(root, arena, NULL));
}

static bool is_set(char *const *strings, const char *entry) {
    size_t length = strcspn(entry, "=");
    for (; *strings != NULL; strings++)
        if (strncmp(*strings, entry, length) == 0 && (*strings)[length] == '=')
            return true;
    return false;
}

static size_t count_of(char *const *strings) {
    size_t count = 0;
    while (strings[count] != NULL)
        count++;
    return count;
}

/* Each name once, since of two entries getenv() finds the first and a shell the last: what the kubeconfig sets wins
 * over what we have. */
static char **environment(const struct kube_config *config, bool interactive, struct arena *arena) {
    size_t its = count_of(config->exec->env);
    char **all = ARENA_NEW_ARRAY(arena, count_of(environ) + its + 2, char *);
    char **at = all;
    *at++ = exec_info(config, interactive, arena);
    memcpy(at, config->exec->env, its * sizeof *all);
    at += its;
    for (char **ours = environ; *ours != NULL; ours++)
        if (!is_set(all, *ours))
            *at++ = *ours;
    return all;
}

/* The end. */

static void handle_closed(uv_handle_t *handle) {
    struct exec_run *run = handle->data;
    if (--run->open > 0)
        return;
    free(run->name);
    free(run);
}

static void close_handle(uv_handle_t *handle) {
    if (!uv_is_closing(handle))
        uv_close(handle, handle_closed);
}

/* Also what it left behind when it ended: an empty group is no harm. */
static void kill_it(const struct exec_run *run) {
    if (run->process.pid > 0 && (run->own_group || !run->exited))
        kill(run->own_group ? -run->process.pid : run->process.pid, SIGKILL);
}

/* Tells, once, and forgets the output. */
static void tell(struct exec_run *run, struct error *err) {
    exec_plugin_cb done = run->done;
    run->done = NULL;
    kill_it(run);
    close_handle((uv_handle_t *)&run->pipe);
    close_handle((uv_handle_t *)&run->limit);
    if (err != NULL)
        error_wrap(err, "exec %s", run->name);
    if (done != NULL)
        done(err == NULL ? strbuf_text(&run->output) : NULL, run->output.length, err, run->arg);
    if (run->output.data != NULL)
        OPENSSL_cleanse(run->output.data, run->output.length);
    strbuf_fini(&run->output);
}

static void end(struct exec_run *run) {
    struct error err;
    if (!run->exited || !run->ended || run->done == NULL)
        return;
    if (run->signal == 0 && run->exit_code == 0) {
        tell(run, NULL);
        return;
    }
    error_set(&err, ERROR_TRANSIENT, "it failed (%s %d)", run->signal != 0 ? "signal" : "exit code",
              run->signal != 0 ? run->signal : (int)run->exit_code);
    tell(run, &err);
}

static void on_limit(uv_timer_t *timer) {
    struct exec_run *run = timer->data;
    struct error err;
    if (run->exited) {
        run->ended = true;
        end(run);
        return;
    }
    error_set(&err, ERROR_TRANSIENT, "it took longer than %g s", (double)run->limit_ms / 1000);
    tell(run, &err);
}

static void on_process_exit(uv_process_t *process, int64_t exit_code, int signal) {
    struct exec_run *run = process->data;
    run->exited = true;
    run->exit_code = exit_code;
    run->signal = signal;
    close_handle((uv_handle_t *)process);
    end(run);
    if (!run->ended && run->done != NULL) { /* what it started holds its output */
        uv_update_time(process->loop);
        uv_timer_start(&run->limit, on_limit, LINGER_MS, 0);
    }
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
    (void)wanted;
    struct exec_run *run = handle->data;
    *buffer = uv_buf_init(run->piece, sizeof run->piece);
}

static void on_output(uv_stream_t *pipe, ssize_t length, const uv_buf_t *buffer) {
    struct exec_run *run = pipe->data;
    struct error err;
    if (length > 0) {
        strbuf_add(&run->output, buffer->base, (size_t)length);
        OPENSSL_cleanse(run->piece, sizeof run->piece);
    }
    if (strbuf_failed(&run->output)) {
        error_set(&err, ERROR_TRANSIENT, "it printed more than %d bytes", CONFIG_FILE_MAX);
        tell(run, &err);
    } else if (length < 0) {
        run->ended = true;
        uv_read_stop(pipe);
        end(run);
    }
}

/* The beginning. */

static int spawn(struct exec_run *run, uv_loop_t *loop, const struct kube_config *config) {
    const struct exec_plugin *plugin = config->exec;
    AUTO_ARENA arena = ARENA_INIT;
    bool interactive = plugin->interactive && isatty(STDIN_FILENO);
    uv_stdio_container_t stdio[] = {
        {.flags = interactive ? UV_INHERIT_FD : UV_IGNORE, .data.fd = STDIN_FILENO},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->pipe},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    run->own_group = !interactive; /* a terminal belongs to one group */
    uv_process_options_t options = {.file = plugin->argv[0],
                                    .args = plugin->argv,
                                    .env = environment(config, interactive, &arena),
                                    .exit_cb = on_process_exit,
                                    .stdio = stdio,
                                    .stdio_count = 3,
                                    .flags = interactive ? 0 : UV_PROCESS_DETACHED};
    return uv_spawn(loop, &run->process, &options);
}

struct exec_run *exec_plugin_start(uv_loop_t *loop, const struct kube_config *config, int64_t limit_ms,
                                   exec_plugin_cb done, void *arg, struct error *err) {
    const struct exec_plugin *plugin = config->exec;
    struct exec_run *run = calloc(1, sizeof *run);
    if (run == NULL || (run->name = strdup(plugin->argv[0])) == NULL)
        abort();
    run->done = done;
    run->arg = arg;
    run->limit_ms = limit_ms;
    run->output = (struct strbuf)STRBUF_MAX(CONFIG_FILE_MAX);
    run->open = 3;
    uv_pipe_init(loop, &run->pipe, 0);
    uv_timer_init(loop, &run->limit);
    run->process.data = run->pipe.data = run->limit.data = run;
    int failed = spawn(run, loop, config);
    if (failed == 0) {
        uv_timer_start(&run->limit, on_limit, (uint64_t)limit_ms, 0);
        uv_read_start((uv_stream_t *)&run->pipe, give_buffer, on_output);
        return run;
    }
    error_set(err, ERROR_TRANSIENT, "exec %s: %s. %s", plugin->argv[0], uv_strerror(failed),
              plugin->install_hint != NULL ? plugin->install_hint : "Is it installed?");
    run->done = NULL;
    close_handle((uv_handle_t *)&run->process);
    tell(run, NULL);
    return NULL;
}

void exec_plugin_cancel(struct exec_run *run) {
    if (run == NULL)
        return;
    run->done = NULL;
    tell(run, NULL);
}
