/* See support_api.h. */

#include "apiserver/support_api.h"

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
#include "base/text.h"

static const struct kube_resource namespaces = {"", "v1", "namespaces", "Namespace", true};

const char *api_kubeconfig(void) {
    const char *path = getenv("WEIR_TEST_KUBECONFIG");
    if (!text_empty(path))
        return path;
    puts("skipped: WEIR_TEST_KUBECONFIG names no API server");
    exit(77);
}

void api_open_with(struct api_test *test, struct kube_config *config) {
    struct error err;
    memset(test, 0, sizeof *test);
    snprintf(test->namespace, sizeof test->namespace, "weir-test-%d", (int)getpid());
    uv_loop_init(&test->loop);
    assert_int_equal(kube_http_new(&test->loop, config, NULL, &test->api, &err), 0);
}

void api_open(struct api_test *test) {
    struct kube_config *config = NULL;
    struct error err = {0};
    if (kube_config_load(api_kubeconfig(), NULL, &config, &err) < 0)
        fail_msg("%s", err.text);
    api_open_with(test, config);
    AUTO_STRBUF body = STRBUF_INIT;
    strbuf_printf(&body, "{\"metadata\":{\"name\":\"%s\"}}", test->namespace);
    struct reply reply = {0};
    kube_create(test->api, (struct kube_ref){&namespaces, NULL, NULL}, NULL, strbuf_text(&body), body.length, api_reply,
                &reply);
    api_await(test, &reply);
    if (reply.err.code != ERROR_NONE && reply.err.code != ERROR_EXISTS)
        fail_msg("%s", reply.err.text);
    json_free(&reply.doc);
}

void api_close(struct api_test *test) {
    kube_http_free(test->api);
    uv_run(&test->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&test->loop), 0);
}

void api_reply(struct kube_answer *answer, void *arg) {
    struct reply *reply = arg;
    json_free(&reply->doc);
    *reply =
        (struct reply){.done = true, .status = answer->status, .err = answer->err, .doc = kube_answer_take(answer)};
    yyjson_val *metadata = json_at(reply->doc != NULL ? yyjson_doc_get_root(reply->doc) : NULL, "metadata", NULL);
    snprintf(reply->reason, sizeof reply->reason, "%s", answer->reason);
    snprintf(reply->uid, sizeof reply->uid, "%s", json_text(metadata, "uid", ""));
    snprintf(reply->version, sizeof reply->version, "%s", json_text(metadata, "resourceVersion", ""));
    snprintf(reply->name, sizeof reply->name, "%s", json_text(metadata, "name", ""));
}

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

void api_until(struct api_test *test, bool (*holds)(void *arg), void *arg, const char *what) {
    uv_timer_t tick;
    int64_t limit = clock_boot_ms() + 60000;
    uv_timer_init(&test->loop, &tick);
    uv_timer_start(&tick, on_tick, 2, 2);
    while (!holds(arg) && clock_boot_ms() < limit)
        uv_run(&test->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&test->loop, UV_RUN_NOWAIT);
    if (!holds(arg))
        fail_msg("did not happen in time: %s", what);
}

static bool is_done(void *arg) {
    return ((struct reply *)arg)->done;
}

const struct reply *api_await(struct api_test *test, struct reply *reply) {
    api_until(test, is_done, reply, "an answer");
    reply->done = false;
    return reply;
}

struct kube_ref api_map(const struct api_test *test, const char *name) {
    return (struct kube_ref){&kube_configmaps, test->namespace, name};
}

void api_create_map(struct api_test *test, const char *name, const char *value, struct reply *reply) {
    AUTO_STRBUF body = STRBUF_INIT;
    strbuf_printf(&body, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"test\":\"yes\"}},\"data\":{\"value\":\"%s\"}}",
                  name, value);
    kube_create(test->api, api_map(test, NULL), NULL, strbuf_text(&body), body.length, api_reply, reply);
}
