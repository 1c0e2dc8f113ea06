/* A kubeconfig from anywhere, as a file that may name other files. Only loading: a plugin that it names is never run.
 * What is accepted has a server that a token may be sent to. */

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "kube/config.h"
#include "support_fuzz.h"

static char directory[] = "/tmp/weir-fuzz-XXXXXX", path[sizeof directory + sizeof "/config"];

static void remove_directory(void) {
    unlink(path);
    rmdir(directory);
}

static void write_file(const uint8_t *data, size_t size) {
    if (path[0] == '\0') {
        CHECK(mkdtemp(directory) != NULL);
        snprintf(path, sizeof path, "%s/config", directory);
        atexit(remove_directory);
    }
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(data, 1, size, file) == size);
    fclose(file);
}

static void check_config(const struct kube_config *config) {
    const char *server = kube_config_server(config);
    struct kube_tls tls;
    kube_config_tls(config, &tls);
    CHECK(text_starts_with(server, "https://") || text_starts_with(server, "http://"));
    CHECK(!text_ends_with(server, "/") && strpbrk(server, " \r\n\t") == NULL);
    CHECK(!text_empty(kube_config_namespace(config)));
    CHECK((tls.cert_pem == NULL) == (tls.key_pem == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct kube_config *config = NULL;
    struct error err = {0};
    write_file(data, size);
    if (kube_config_load(path, NULL, &config, &err) < 0) {
        CHECK(config == NULL && err.code != ERROR_NONE && err.text[0] != '\0');
        return 0;
    }
    check_config(config);
    kube_config_free(config);
    return 0;
}
