/* See support_kube.h. */

#include "report/support_kube.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

#define TOKEN_HEADER "eyJhbGciOiJSUzI1NiJ9." /* {"alg":"RS256"} */

struct kube_call {
    struct script *script;
    uv_timer_t timer;
    struct script_answer answer;
    struct kube_ref about;
    kube_done_cb done;
    void *arg;
};

static void free_call(uv_handle_t *handle) {
    struct kube_call *call = handle->data;
    free(call->answer.body);
    free((char *)(uintptr_t)call->about.name);
    free(call);
}

static void deliver(uv_timer_t *timer) {
    struct kube_call *call = timer->data;
    struct kube_answer answer = {0};
    struct error err;
    if (call->answer.body != NULL && json_parse(call->answer.body, strlen(call->answer.body), &answer.doc, &err) != 0)
        fail_msg("the model's answer: %s", err.text);
    kube_answer_judge(&answer, call->answer.status, answer.doc != NULL ? yyjson_doc_get_root(answer.doc) : NULL,
                      &call->about);
    call->script->waiting--;
    uv_close((uv_handle_t *)timer, free_call);
    call->done(&answer, call->arg);
    json_free(&answer.doc);
}

static struct kube_call *send_request(struct kube_api *api, const struct kube_request *request, kube_done_cb done,
                                      void *arg) {
    struct script *script = (struct script *)api;
    struct kube_call *call = calloc(1, sizeof *call);
    *call = (struct kube_call){.script = script, .answer = script->reply(script, request), .done = done, .arg = arg};
    call->about = (struct kube_ref){request->resource, NULL, request->name == NULL ? NULL : strdup(request->name)};
    script->sent++;
    script->waiting++;
    if (script->waiting > script->most)
        script->most = script->waiting;
    uv_timer_init(script->loop, &call->timer);
    call->timer.data = call;
    uv_timer_start(&call->timer, deliver, call->answer.delay_ms, 0);
    return call;
}

static void cancel_request(struct kube_api *api, struct kube_call *call) {
    struct script *script = (struct script *)api;
    script->cancelled++;
    script->waiting--;
    uv_close((uv_handle_t *)&call->timer, free_call);
}

static const struct kube_api_ops ops = {.send = send_request, .cancel = cancel_request};

void script_init(struct script *script, uv_loop_t *loop,
                 struct script_answer (*reply)(struct script *script, const struct kube_request *request), void *arg) {
    *script = (struct script){.api = {.ops = &ops}, .loop = loop, .reply = reply, .arg = arg};
}

char *script_token(const char *payload, const char *signature) {
    char *packed = base64_encode(payload, strlen(payload));
    for (char *c = packed; *c != '\0'; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    packed[strcspn(packed, "=")] = '\0';
    char *token = NULL;
    assert_true(asprintf(&token, TOKEN_HEADER "%s.%s", packed, signature) > 0);
    free(packed);
    return token;
}

char *script_pod_token(const char *name) {
    const char *pod = strchr(name, '-') + 1;
    char *payload = NULL;
    assert_true(asprintf(&payload,
                         "{\"aud\":[\"weir-report\"],\"exp\":4102444800,\"iss\":\"https://kubernetes.default.svc\","
                         "\"kubernetes.io\":{\"namespace\":\"flows\",\"pod\":{\"name\":\"%s\",\"uid\":\"uid-of-%s\"},"
                         "\"serviceaccount\":{\"name\":\"spark\",\"uid\":\"7\"}},"
                         "\"sub\":\"system:serviceaccount:flows:spark\"}",
                         pod, pod) > 0);
    char *token = script_token(payload, name);
    free(payload);
    return token;
}

struct script_answer script_review(const struct kube_request *request) {
    assert_string_equal(request->path, "/apis/authentication.k8s.io/v1/tokenreviews");
    assert_string_equal(request->method, "POST");
    AUTO_JSON *doc = NULL;
    struct error err;
    if (json_parse(request->body, request->length, &doc, &err) != 0)
        fail_msg("%s", err.text);
    yyjson_val *spec = json_at(yyjson_doc_get_root(doc), "spec", NULL);
    const char *token = json_text(spec, "token", "");
    if (strncmp(token, TOKEN_HEADER, sizeof TOKEN_HEADER - 1) == 0)
        token = strrchr(token, '.') + 1;
    assert_string_equal(yyjson_get_str(yyjson_arr_get_first(json_at(spec, "audiences", NULL))), "weir-report");
    struct script_answer answer = {.status = 201};
    int made = strncmp(token, "good-", 5) != 0
                   ? asprintf(&answer.body, "{\"status\":{\"user\":{},\"error\":\"invalid bearer token\"}}")
                   : asprintf(&answer.body,
                              "{\"status\":{\"authenticated\":true,\"audiences\":[\"weir-report\"],\"user\":{"
                              "\"username\":\"system:serviceaccount:flows:spark\",\"extra\":{"
                              "\"authentication.kubernetes.io/pod-name\":[\"%s\"],"
                              "\"authentication.kubernetes.io/pod-uid\":[\"uid-of-%s\"]}}}}",
                              token + 5, token + 5);
    assert_true(made > 0);
    return answer;
}
