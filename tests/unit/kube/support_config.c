/* See support_config.h. */

#include "kube/support_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/weir-config-XXXXXX";
static struct arena arena;

int files_open(void **state) {
    (void)state;
    return mkdtemp(directory) == NULL;
}

int files_close(void **state) {
    (void)state;
    int result = system(arena_printf(&arena, "rm -r %s", directory));
    arena_fini(&arena);
    return result;
}

const char *file_at(const char *name) {
    return arena_printf(&arena, "%s/%s", directory, name);
}

void file_write(const char *name, const char *text) {
    FILE *file = fopen(file_at(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

size_t file_lines(const char *name) {
    FILE *file = fopen(file_at(name), "r");
    size_t count = 0;
    if (file == NULL)
        return 0;
    for (int c = 0; (c = fgetc(file)) != EOF;)
        count += c == '\n';
    fclose(file);
    return count;
}

struct kube_config *config_load(const char *paths, const char *context) {
    struct kube_config *config = NULL;
    struct error err = {0};
    if (kube_config_load(paths, context, &config, &err) < 0)
        fail_msg("%s", err.text);
    return config;
}

struct kube_config *config_with_plugin(const char *server, const char *script, const char *args) {
    AUTO_STRBUF text = STRBUF_INIT;
    file_write("plugin", script);
    chmod(file_at("plugin"), 0700);
    strbuf_printf(&text,
                  CONTEXT "clusters: [{name: k, cluster: {server: '%s'}}]\n"
                          "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                          "command: ./plugin, args: ['%s'%s], env: [{name: EXTRA, value: yes-it-is}], "
                          "interactiveMode: Never, provideClusterInfo: true}}}]\n",
                  server, directory, args);
    file_write("kubeconfig", strbuf_text(&text));
    return config_load(file_at("kubeconfig"), NULL);
}
