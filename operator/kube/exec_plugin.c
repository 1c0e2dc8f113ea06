/* Credential plugins of a kubeconfig (config_private.h): a command run by argv, never by a shell, that prints an
 * ExecCredential. Its output is bounded in size and time and never quoted in an error, since it holds the secret. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/text.h"
#include "kube/config_private.h"

enum { PLUGIN_MS = 60 * 1000, EXPIRY_LEEWAY_MS = 5 * 1000 };

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

bool exec_plugin_expired(const struct kube_config *config) {
    return config->token_expires != 0 && clock_wall_ms() > config->token_expires - EXPIRY_LEEWAY_MS;
}

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

/* What the plugin learns of us, in KUBERNETES_EXEC_INFO. */
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

/* Of two entries with one name getenv() finds the first: what the kubeconfig sets wins over what we have. */
static char **environment(const struct kube_config *config, bool interactive, struct arena *arena) {
    size_t ours = 0;
    size_t its = 0;
    while (environ[ours] != NULL)
        ours++;
    while (config->exec->env[its] != NULL)
        its++;
    char **all = ARENA_NEW_ARRAY(arena, ours + its + 2, char *);
    all[0] = exec_info(config, interactive, arena);
    memcpy(all + 1, config->exec->env, its * sizeof *all);
    memcpy(all + 1 + its, environ, ours * sizeof *all);
    return all;
}

/* Starts it; its output comes from *ret_fd. */
static int start(const struct kube_config *config, pid_t *ret_pid, int *ret_fd, struct error *err) {
    const struct exec_plugin *plugin = config->exec;
    AUTO_ARENA arena = ARENA_INIT;
    bool interactive = plugin->interactive && isatty(STDIN_FILENO);
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_set(err, ERROR_TRANSIENT, "exec %s: %s", plugin->argv[0], strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    if (!interactive)
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int failed =
        posix_spawnp(ret_pid, plugin->argv[0], &actions, NULL, plugin->argv, environment(config, interactive, &arena));
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fds[1]);
    *ret_fd = pipe_fds[0];
    if (failed == 0)
        return 0;
    close(pipe_fds[0]);
    return error_set(err, ERROR_TRANSIENT, "exec %s: %s. %s", plugin->argv[0], strerror(failed),
                     plugin->install_hint != NULL ? plugin->install_hint : "Is it installed?");
}

/* Until it closes its output; 0, or -1 when it takes too long or says too much. */
static int read_output(int fd, struct strbuf *output) {
    int64_t deadline = clock_boot_ms() + PLUGIN_MS;
    for (;;) {
        int64_t left = deadline - clock_boot_ms();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int count = left <= 0 ? 0 : poll(&ready, 1, (int)left);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return -1;
        char piece[4096];
        ssize_t length = read(fd, piece, sizeof piece);
        if (length <= 0)
            return length == 0 && !strbuf_failed(output) ? 0 : -1;
        strbuf_add(output, piece, (size_t)length);
        OPENSSL_cleanse(piece, sizeof piece);
    }
}

static int take_certificate(struct kube_config *config, yyjson_val *status, struct error *err) {
    const char *cert = json_text(status, "clientCertificateData", NULL);
    const char *key = json_text(status, "clientKeyData", NULL);
    if (text_empty(cert) && text_empty(key))
        return 0;
    if (text_empty(cert) || text_empty(key) || !config_pair_fits(cert, key))
        return error_set(err, ERROR_INVALID, "clientCertificateData and clientKeyData are no pair");
    config_set(&config->cert.pem, cert);
    config_set(&config->key.pem, key);
    return 0;
}

static int take_credential(struct kube_config *config, const struct strbuf *output, struct error *err) {
    AUTO_JSON *doc = NULL;
    struct error unsaid; /* a parser's message could quote the secret */
    if (json_parse(strbuf_text(output), output->length, &doc, &unsaid) < 0)
        return error_set(err, ERROR_INVALID, "its output is no JSON");
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *status = json_at(root, "status", NULL);
    if (strcmp(json_text(root, "kind", ""), "ExecCredential") != 0 ||
        strcmp(json_text(root, "apiVersion", ""), config->exec->api_version) != 0)
        return error_set(err, ERROR_INVALID, "its output is no ExecCredential of %s", config->exec->api_version);
    const char *token = json_text(status, "token", NULL);
    const char *expires = json_text(status, "expirationTimestamp", NULL);
    int64_t expires_at = 0;
    if (text_empty(token) && json_at(status, "clientCertificateData", NULL) == NULL)
        return error_set(err, ERROR_INVALID, "it gave neither a token nor a certificate");
    if (!text_empty(token) && !config_is_token(token))
        return error_set(err, ERROR_INVALID, "status.token: holds characters that no token has");
    if (!text_empty(expires) && clock_parse(expires, &expires_at, err) < 0)
        return error_wrap(err, "status.expirationTimestamp");
    if (take_certificate(config, status, err) < 0)
        return -1;
    config_set(&config->token, text_empty(token) ? NULL : token);
    config->token_expires = expires_at;
    return 0;
}

int exec_plugin_run(struct kube_config *config, struct error *err) {
    pid_t pid = 0;
    int fd = -1;
    if (start(config, &pid, &fd, err) < 0)
        return -1;
    AUTO_STRBUF output = STRBUF_MAX(CONFIG_FILE_MAX);
    int result = read_output(fd, &output);
    close(fd);
    if (result < 0)
        kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (result < 0)
        error_set(err, ERROR_TRANSIENT, "it took longer than %d s or printed too much", PLUGIN_MS / 1000);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        result = error_set(err, ERROR_TRANSIENT, "it failed (%s %d)", WIFEXITED(status) ? "exit code" : "signal",
                           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    else
        result = take_credential(config, &output, err);
    if (output.data != NULL)
        OPENSSL_cleanse(output.data, output.length);
    return result < 0 ? error_wrap(err, "exec %s", config->exec->argv[0]) : 0;
}
