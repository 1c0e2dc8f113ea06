/* Kubeconfig files (kube/config.h): a list of files is merged name by name, the first file to define a thing wins, and
 * relative paths are relative to the file that names them. Relies on base/yaml.h. What is not supported and would
 * change who we are (impersonation, passwords) is refused, not ignored. */

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/yaml.h"
#include "kube/config_private.h"

enum { FILES_MAX = 16 };

struct source {
    const char *path;
    yyjson_doc *doc;
};

struct sources {
    struct source items[FILES_MAX];
    size_t count;
    struct arena arena;
};

/* A named entry and the file it is in. */
struct entry {
    yyjson_val *value;
    const char *path;
};

static void sources_fini(struct sources *sources) {
    for (size_t i = 0; i < sources->count; i++)
        json_free(&sources->items[i].doc);
    arena_fini(&sources->arena);
}

static int load_file(struct sources *sources, const char *path, struct error *err) {
    if (sources->count == FILES_MAX)
        return error_set(err, ERROR_INVALID, "KUBECONFIG: more than %d files", FILES_MAX);
    char *text = config_read(path, err);
    if (text == NULL)
        return err->code == ERROR_NOT_FOUND ? 0 : -1; /* as kubectl: a file that is not there adds nothing */
    struct source *source = &sources->items[sources->count];
    source->path = arena_strdup(&sources->arena, path);
    int result = yaml_parse(text, strlen(text), &source->doc, err);
    config_set(&text, NULL);
    if (result < 0)
        return error_wrap(err, "%s", path);
    sources->count++;
    return 0;
}

static int load_files(struct sources *sources, const char *paths, struct error *err) {
    char *list = arena_strdup(&sources->arena, paths);
    char *rest = NULL;
    for (char *path = strtok_r(list, ":", &rest); path != NULL; path = strtok_r(NULL, ":", &rest))
        if (load_file(sources, path, err) < 0)
            return -1;
    if (sources->count == 0)
        return error_set(err, ERROR_NOT_FOUND, "no kubeconfig at %s", paths);
    return 0;
}

/* contexts, clusters and users are lists of {name, <kind>: {…}}. */
static int find_entry(const struct sources *sources, const char *list, const char *kind, const char *name,
                      struct entry *ret_entry, struct error *err) {
    for (size_t i = 0; i < sources->count; i++) {
        yyjson_val *entries = json_at(yyjson_doc_get_root(sources->items[i].doc), list, NULL);
        size_t index = 0;
        size_t count = 0;
        yyjson_val *entry = NULL;
        yyjson_arr_foreach(entries, index, count, entry) {
            if (strcmp(json_text(entry, "name", ""), name) != 0)
                continue;
            *ret_entry = (struct entry){.value = json_at(entry, kind, NULL), .path = sources->items[i].path};
            return 0;
        }
    }
    return error_set(err, ERROR_INVALID, "%s: no %s is named \"%s\" in the kubeconfig", list, kind, name);
}

/* Values. */

static char *resolve(struct arena *arena, struct entry entry, const char *file) {
    const char *slash = strrchr(entry.path, '/');
    if (file == NULL || file[0] == '/' || slash == NULL)
        return arena_strdup(arena, file);
    return arena_printf(arena, "%.*s/%s", (int)(slash - entry.path), entry.path, file);
}

static void take_text(char **at, struct entry entry, const char *field) {
    const char *text = json_text(entry.value, field, NULL);
    config_set(at, text_empty(text) ? NULL : text);
}

static void take_path(char **at, struct entry entry, const char *field, struct arena *arena) {
    const char *text = json_text(entry.value, field, NULL);
    config_set(at, text_empty(text) ? NULL : resolve(arena, entry, text));
}

/* `<field>-data` wins over `<field>`, a file. */
static int take_pem(struct config_pem *pem, struct entry entry, const char *field, struct arena *arena,
                    struct error *err) {
    const char *data = json_text(entry.value, arena_printf(arena, "%s-data", field), NULL);
    if (text_empty(data)) {
        take_path(&pem->file, entry, field, arena);
        return 0;
    }
    pem->pem = config_base64(data);
    return pem->pem != NULL ? 0 : error_set(err, ERROR_INVALID, "%s-data: is no base64", field);
}

static int take_cluster(struct kube_config *config, struct entry entry, struct arena *arena, struct error *err) {
    take_text(&config->server, entry, "server");
    take_text(&config->server_name, entry, "tls-server-name");
    take_text(&config->proxy_url, entry, "proxy-url");
    config->insecure = json_bool(entry.value, "insecure-skip-tls-verify", false);
    return take_pem(&config->ca, entry, "certificate-authority", arena, err);
}

static char **take_strings(size_t count) {
    char **strings = calloc(count + 1, sizeof *strings);
    if (strings == NULL)
        abort();
    return strings;
}

static void take_argv(struct exec_plugin *plugin, const char *command, yyjson_val *args) {
    plugin->argv = take_strings(yyjson_arr_size(args) + 1);
    config_set(&plugin->argv[0], command);
    size_t index = 0;
    size_t count = 0;
    yyjson_val *value = NULL;
    yyjson_arr_foreach(args, index, count, value)
        config_set(&plugin->argv[index + 1], yyjson_is_str(value) ? yyjson_get_str(value) : "");
}

static void take_env(struct exec_plugin *plugin, yyjson_val *env, struct arena *arena) {
    plugin->env = take_strings(yyjson_arr_size(env));
    size_t index = 0;
    size_t count = 0;
    yyjson_val *value = NULL;
    yyjson_arr_foreach(env, index, count, value) config_set(
        &plugin->env[index], arena_printf(arena, "%s=%s", json_text(value, "name", ""), json_text(value, "value", "")));
}

static int take_exec(struct kube_config *config, struct entry entry, struct arena *arena, struct error *err) {
    struct entry exec = {.value = json_at(entry.value, "exec", NULL), .path = entry.path};
    if (!yyjson_is_obj(exec.value))
        return 0;
    const char *version = json_text(exec.value, "apiVersion", "");
    const char *command = json_text(exec.value, "command", "");
    const char *mode = json_text(exec.value, "interactiveMode", "IfAvailable");
    if (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
        strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
        return error_set(err, ERROR_INVALID, "exec.apiVersion: must be client.authentication.k8s.io/v1 or v1beta1");
    if (command[0] == '\0')
        return error_set(err, ERROR_INVALID, "exec.command: is missing");
    struct exec_plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL)
        abort();
    config->exec = plugin;
    plugin->interactive = strcmp(mode, "Never") != 0;
    plugin->cluster_info = json_bool(exec.value, "provideClusterInfo", false);
    config_set(&plugin->api_version, version);
    take_text(&plugin->install_hint, exec, "installHint");
    /* A bare name is looked up in PATH, anything with a slash is relative to the file. */
    take_argv(plugin, strchr(command, '/') ? resolve(arena, exec, command) : command,
              json_at(exec.value, "args", NULL));
    take_env(plugin, json_at(exec.value, "env", NULL), arena);
    return 0;
}

static int take_user(struct kube_config *config, struct entry entry, struct arena *arena, struct error *err) {
    static const char *const unsupported[] = {"as", "username", "password", "auth-provider"};
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (json_at(entry.value, unsupported[i], NULL) != NULL)
            return error_set(err, ERROR_INVALID, "%s: is not supported; use a token, a certificate or exec",
                             unsupported[i]);
    take_text(&config->token, entry, "token");
    take_path(&config->token_file, entry, "tokenFile", arena);
    if (take_pem(&config->cert, entry, "client-certificate", arena, err) < 0 ||
        take_pem(&config->key, entry, "client-key", arena, err) < 0)
        return -1;
    return take_exec(config, entry, arena, err);
}

static const char *current_context(const struct sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        const char *name = json_text(yyjson_doc_get_root(sources->items[i].doc), "current-context", "");
        if (name[0] != '\0')
            return name;
    }
    return NULL;
}

static int take_context(struct kube_config *config, struct sources *sources, const char *name, struct error *err) {
    struct entry context = {0};
    struct entry cluster = {0};
    struct entry user = {0};
    if (name == NULL)
        name = current_context(sources);
    if (name == NULL)
        return error_set(err, ERROR_INVALID, "current-context: is not set; name a context");
    if (find_entry(sources, "contexts", "context", name, &context, err) < 0)
        return -1;
    take_text(&config->namespace, context, "namespace");
    const char *cluster_name = json_text(context.value, "cluster", "");
    const char *user_name = json_text(context.value, "user", "");
    if (find_entry(sources, "clusters", "cluster", cluster_name, &cluster, err) < 0 ||
        take_cluster(config, cluster, &sources->arena, err) < 0)
        return error_wrap(err, "context \"%s\"", name);
    if (user_name[0] != '\0' && (find_entry(sources, "users", "user", user_name, &user, err) < 0 ||
                                 take_user(config, user, &sources->arena, err) < 0))
        return error_wrap(err, "context \"%s\"", name);
    if (config_finish(config, err) < 0)
        return error_wrap(err, "context \"%s\"", name);
    return 0;
}

static const char *default_paths(struct arena *arena) {
    const char *paths = getenv("KUBECONFIG");
    if (!text_empty(paths))
        return paths;
    const char *home = getenv("HOME");
    return arena_printf(arena, "%s/.kube/config", home != NULL ? home : "");
}

int kube_config_load(const char *paths, const char *context, struct kube_config **ret_config, struct error *err) {
    struct sources sources = {0};
    if (paths == NULL)
        paths = default_paths(&sources.arena);
    struct kube_config *config = config_new();
    int result = load_files(&sources, paths, err);
    if (result == 0)
        result = take_context(config, &sources, context, err);
    sources_fini(&sources);
    if (result < 0)
        kube_config_free(config);
    else
        *ret_config = config;
    return result;
}

int kube_config_find(const char *paths, const char *context, struct kube_config **ret_config, struct error *err) {
    if (paths == NULL && text_empty(getenv("KUBECONFIG")) && !text_empty(getenv("KUBERNETES_SERVICE_HOST")))
        return kube_config_in_cluster(ret_config, err);
    return kube_config_load(paths, context, ret_config, err);
}
