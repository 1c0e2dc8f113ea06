/* See support_client.h. */

#include "kube/support_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

const struct kube_ref config_map = {&kube_configmaps, "weir", "a"};

void client_open(struct fixture *f, struct kube_config *config, const struct kube_http_options *options) {
    struct error err;
    assert_int_equal(kube_http_new(&f->loop, config, options, &f->api, &err), 0);
}

void client_start(struct fixture *f, const struct reply *replies, size_t count,
                  const struct kube_http_options *options) {
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    server_start(&f->server, &f->loop, replies, count);
    struct kube_config *config = NULL;
    struct error err;
    assert_int_equal(kube_config_plain(f->server.url, "secret", &config, &err), 0);
    client_open(f, config, options);
}
void client_finish(struct fixture *f) {
    kube_http_free(f->api);
    server_stop(&f->server);
    strbuf_fini(&f->streamed);
    loop_finish(&f->loop);
}

void client_done(struct kube_answer *answer, void *arg) {
    struct outcome *outcome = arg;
    outcome->calls++;
    outcome->status = answer->status;
    outcome->err = answer->err;
    memcpy(outcome->reason, answer->reason, sizeof outcome->reason);
    outcome->retry_after_ms = answer->retry_after_ms;
    outcome->unsure = answer->unsure;
    outcome->fenced = answer->fenced;
    outcome->value = json_int(answer->doc != NULL ? yyjson_doc_get_root(answer->doc) : NULL, "n", -1);
    outcome->at = clock_boot_ms();
}

static bool is_done(void *arg) {
    return ((struct outcome *)arg)->calls > 0;
}

void client_await(struct fixture *f, size_t index) {
    loop_until(&f->loop, is_done, &f->outcomes[index], "an answer");
}

void client_get(struct fixture *f, size_t index) {
    kube_get(f->api, config_map, client_done, &f->outcomes[index]);
}

void client_create(struct fixture *f, size_t index) {
    kube_create(f->api, config_map, NULL, "{\"n\":1}", 7, client_done, &f->outcomes[index]);
}
