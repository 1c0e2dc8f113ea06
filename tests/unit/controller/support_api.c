/* See support_api.h: the line to the store. Every call has a timer, so that answers come later and in order; a watch
 * keeps its call and hears of the changes behind the version it has come to. */

#include "controller/support_api.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <utlist.h>

#include "base/text.h"

struct kube_call {
    struct kube_call *prev, *next;
    struct api *api;
    uv_timer_t timer;
    kube_done_cb done;
    kube_data_cb on_data; /* a watch that is open */
    void *arg;
    struct reply reply; /* status 0: gets lost */
    bool write, over;
    struct kube_ref about;
    bool ends;   /* a watch that the server ends */
    bool fenced; /* a write that did not leave */
    const char *plural, *namespace, *selector;
    int64_t heard; /* a watch: the version it has come to; -1: wants all that is there first */
};

static const char *query(struct api *api, const char *path, const char *name) {
    const char *at = strchr(path, '?');
    for (; at != NULL; at = strchr(at + 1, '&')) {
        size_t length = strlen(name);
        if (strncmp(at + 1, name, length) != 0 || at[1 + length] != '=')
            continue;
        const char *value = at + length + 2;
        char *plain = curl_easy_unescape(NULL, value, (int)strcspn(value, "&"), NULL);
        const char *copy = arena_strdup(&api->store.arena, plain);
        curl_free(plain);
        return copy;
    }
    return NULL;
}

static bool shown(const struct kube_call *call, const struct object *object) {
    return text_equal(call->plural, object->plural) &&
           (call->namespace[0] == '\0' || text_equal(call->namespace, object->namespace));
}

/* "a=b,!c": each must hold. */
static bool selected(const struct kube_call *call, yyjson_doc *doc) {
    yyjson_val *labels = json_at(yyjson_doc_get_root(doc), "metadata", "labels", NULL);
    for (const char *at = call->selector; !text_empty(at);) {
        size_t length = strcspn(at, ",");
        size_t name = strcspn(at, "=");
        bool holds = at[0] == '!'
                         ? yyjson_obj_getn(labels, at + 1, length - 1) == NULL
                         : yyjson_equals_strn(yyjson_obj_getn(labels, at, name), at + name + 1, length - name - 1);
        if (!holds)
            return false;
        at += length + (at[length] == ',');
    }
    return true;
}

/* The token of the next page: the version of the first one, and the last serial that was shown. */
static struct reply list_objects(struct api *api, const struct kube_call *call, const char *path) {
    const char *limit_text = query(api, path, "limit");
    int64_t limit = limit_text == NULL ? INT64_MAX : strtoll(limit_text, NULL, 10);
    if (api->page_max > 0 && limit > api->page_max)
        limit = api->page_max;
    int64_t version = api->store.version;
    int64_t after = 0;
    const char *token = query(api, path, "continue");
    if (token != NULL)
        assert_int_equal(sscanf(token, "%" SCNd64 ".%" SCNd64, &version, &after), 2);
    AUTO_STRBUF items = STRBUF_INIT;
    char next[64] = "";
    struct object *object;
    LL_FOREACH(api->store.objects, object) {
        if (object->gone || object->serial <= after || !shown(call, object) || !selected(call, object->doc))
            continue;
        if (limit-- == 0) {
            snprintf(next, sizeof next, "%" PRId64 ".%" PRId64, version, after);
            break;
        }
        strbuf_printf(&items, "%s%s", items.length > 0 ? "," : "",
                      json_write_value(object_root(object), &api->store.arena, NULL));
        after = object->serial;
    }
    return (struct reply){200, arena_printf(&api->store.arena,
                                            "{\"metadata\":{\"resourceVersion\":\"%" PRId64
                                            "\",\"continue\":\"%s\"},\"items\":[%s]}",
                                            version, next, strbuf_text(&items))};
}

static void feed_line(struct kube_call *call, const char *type, const char *object) {
    AUTO_STRBUF line = STRBUF_INIT;
    strbuf_printf(&line, "{\"type\":\"%s\",\"object\":%s}\n", type, object);
    size_t half = line.length / 2; /* the transport cuts anywhere */
    call->on_data(line.data, half, call->arg);
    if (!call->over)
        call->on_data(line.data + half, line.length - half, call->arg);
}

static void feed_all(struct kube_call *call) {
    struct api *api = call->api;
    call->heard = api->store.version;
    const char *kind = text_equal(call->plural, "pods") ? "Pod" : "Pipeline";
    struct object *object;
    LL_FOREACH(api->store.objects, object) {
        if (!call->over && !object->gone && shown(call, object) && selected(call, object->doc))
            feed_line(call, "ADDED", json_write_value(object_root(object), &api->store.arena, NULL));
    }
    if (!call->over)
        feed_line(call, "BOOKMARK",
                  arena_printf(&api->store.arena,
                               "{\"kind\":\"%s\",\"metadata\":{\"resourceVersion\":\"%" PRId64
                               "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}",
                               kind, call->heard));
}

static void feed_changes(struct kube_call *call) {
    const struct change *change;
    LL_FOREACH(call->api->store.changes, change) {
        if (call->over || change->version <= call->heard)
            continue;
        call->heard = change->version;
        bool was = change->before != NULL && selected(call, change->before);
        bool is = !change->gone && selected(call, change->after);
        if (shown(call, change->object) && (was || is))
            feed_line(call,
                      !was ? "ADDED"
                      : is ? "MODIFIED"
                           : "DELETED",
                      json_write_value(yyjson_doc_get_root(change->after), &call->api->store.arena, NULL));
    }
}

/* --- calls --- */

static void free_call(uv_handle_t *handle) {
    free(handle->data);
}

static void end_call(struct kube_call *call) {
    call->over = true;
    DL_DELETE(call->api->calls, call);
    uv_close((uv_handle_t *)&call->timer, free_call);
}

static void deliver(uv_timer_t *timer) {
    struct kube_call *call = timer->data;
    call->api->delivered++;
    if (call->on_data != NULL && !call->api->cut && !call->ends) {
        if (call->heard < 0)
            feed_all(call);
        feed_changes(call);
        return;
    }
    struct kube_answer answer = {0};
    AUTO_JSON *doc = NULL;
    struct error err;
    if (call->on_data != NULL && !call->api->cut) { /* it ends */
        end_call(call);
        call->done(&answer, call->arg);
        return;
    }
    if (call->fenced) {
        error_set(&answer.err, ERROR_TRANSIENT, "held back");
        answer.fenced = true;
    } else if (call->api->cut || call->reply.status == 0) {
        error_set(&answer.err, ERROR_TRANSIENT, "the connection was cut");
        answer.unsure = call->write;
    } else {
        if (json_parse(call->reply.body, strlen(call->reply.body), &doc, &err) != 0)
            fail_msg("%s", err.text);
        kube_answer_judge(&answer, call->reply.status, yyjson_doc_get_root(doc), &call->about);
        answer.doc = doc;
    }
    end_call(call);
    call->done(&answer, call->arg);
    if (answer.doc == NULL)
        doc = NULL; /* taken */
}

static void deliver_in(struct kube_call *call, uint64_t delay_ms) {
    if (!uv_is_active((uv_handle_t *)&call->timer))
        uv_timer_start(&call->timer, deliver, delay_ms, 0);
}

static void store_changed(struct store *store) {
    struct api *api = (struct api *)((char *)store - offsetof(struct api, store));
    struct kube_call *call;
    DL_FOREACH(api->calls, call) {
        if (call->on_data != NULL)
            deliver_in(call, text_equal(call->plural, api->lagging) ? api->watch_lag_ms : 0);
    }
}

static void cut_line(struct api *api) {
    struct kube_call *call;
    api->cut = true;
    DL_FOREACH(api->calls, call) {
        deliver_in(call, 0);
    }
}

static struct api_fault *fault_of(struct api *api, const struct target *target) {
    for (size_t i = 0; i < sizeof api->faults / sizeof *api->faults; i++) {
        struct api_fault *fault = &api->faults[i];
        if (fault->times > 0 && text_equal(fault->verb, target->verb) && text_equal(fault->plural, target->plural))
            return fault;
    }
    return NULL;
}

static struct reply decide(struct api *api, struct target *target) {
    struct reply reply = {0};
    if (api->cut)
        return reply;
    struct api_fault *fault = fault_of(api, target);
    if (fault != NULL)
        fault->times--;
    if (fault != NULL && fault->status == 404 && fault->message == NULL) /* the server's own word */
        reply = store_missing(&api->store, target);
    else if (fault != NULL && fault->status != 0)
        reply = store_refuse(&api->store, fault->status, fault->reason, "", fault->message);
    else if (fault == NULL || fault->done)
        reply = store_handle(&api->store, target);
    if (api->seen != NULL)
        api->seen(target, reply.status, api->arg);
    if (++api->requests == api->cut_after)
        cut_line(api);
    if (fault != NULL && fault->status == 0)
        reply.status = 0;
    return reply;
}

/* /api/v1/namespaces/NS/pods/NAME/SUB, /apis/GROUP/VERSION/pipelines, …; names here need no decoding. */
static struct target read_path(struct api *api, const struct kube_request *request) {
    const char *parts[8] = {"", "", "", "", "", "", "", ""};
    char *rest = arena_strndup(&api->store.arena, request->path, strcspn(request->path, "?"));
    size_t count = 0;
    for (char *part; (part = strsep(&rest, "/")) != NULL;)
        if (part[0] != '\0' && count < 8)
            parts[count++] = part;
    const char *const *at = parts + (text_equal(parts[0], "api") ? 2 : 3);
    struct target target = {.verb = request->verb, .namespace = ""};
    target.group = text_equal(parts[0], "api") ? "" : parts[1];
    if (text_equal(at[0], "namespaces")) {
        target.namespace = at[1];
        at += 2;
    }
    target.plural = at[0];
    target.name = at[1];
    target.subresource = at[2];
    if (target.plural[0] == '\0') { /* a namespace itself */
        target.plural = "namespaces";
        target.name = target.namespace;
        target.namespace = "";
    }
    target.object = store_find(&api->store, target.plural, target.namespace, target.name);
    return target;
}

static void open_watch(struct kube_call *call, const struct kube_request *request) {
    struct api *api = call->api;
    bool everything = text_equal(query(api, request->path, "sendInitialEvents"), "true");
    if (everything && api->no_stream_lists) {
        call->reply = store_refuse(&api->store, 422, "Invalid", "", "sendInitialEvents is forbidden for watch");
        return;
    }
    call->on_data = request->on_data;
    call->heard = everything ? -1 : strtoll(query(api, request->path, "resourceVersion"), NULL, 10);
}

static struct kube_call *send_request(struct kube_api *kube, const struct kube_request *request, kube_done_cb done,
                                      void *arg) {
    struct api *api = (struct api *)kube;
    struct kube_call *call = calloc(1, sizeof *call);
    struct target target = read_path(api, request);
    *call = (struct kube_call){.api = api, .done = done, .arg = arg, .write = !text_equal(request->method, "GET")};
    call->about = (struct kube_ref){request->resource, NULL, arena_strdup(&api->store.arena, request->name)};
    call->plural = target.plural;
    call->namespace = target.namespace;
    call->selector = query(api, request->path, "labelSelector");
    bool dry_run = text_equal(query(api, request->path, "dryRun"), "All");
    if (dry_run)
        target.verb = "check";
    if (text_equal(request->verb, "create") && !text_equal(query(api, request->path, "fieldValidation"), "Strict"))
        fail_msg("a creation that does not ask for strict validation");
    uv_timer_init(api->loop, &call->timer);
    call->timer.data = call;
    DL_APPEND(api->calls, call);
    call->fenced = call->write && api->fenced;
    bool reads = text_equal(request->verb, "watch") || text_equal(request->verb, "list");
    if (reads && api->forbidden != NULL && text_equal(api->forbidden, target.namespace)) {
        call->reply = store_refuse(&api->store, 403, "Forbidden", "", "is forbidden: no RoleBinding here");
    } else if (call->fenced) {
        call->reply = (struct reply){0};
    } else if (text_equal(request->verb, "watch")) {
        open_watch(call, request);
    } else if (text_equal(request->verb, "list")) {
        call->reply = list_objects(api, call, request->path);
    } else {
        AUTO_JSON *body = NULL;
        struct error err;
        if (request->body != NULL && json_parse(request->body, request->length, &body, &err) != 0)
            fail_msg("%s", err.text);
        target.body = yyjson_doc_get_root(body);
        call->reply = decide(api, &target);
    }
    deliver_in(call, call->write ? api->answer_ms : 0);
    return call;
}

static void cancel_request(struct kube_api *kube, struct kube_call *call) {
    (void)kube;
    end_call(call);
}

void api_fail(struct api *api, struct api_fault fault) {
    for (size_t i = 0; i < sizeof api->faults / sizeof *api->faults; i++) {
        if (api->faults[i].times == 0) {
            api->faults[i] = fault;
            return;
        }
    }
    fail_msg("too many faults at once");
}

void api_end_watches(struct api *api) {
    struct kube_call *call;
    DL_FOREACH(api->calls, call) {
        if (call->on_data == NULL)
            continue;
        call->ends = true;
        deliver_in(call, 0);
    }
}

void api_init(struct api *api, uv_loop_t *loop) {
    static const struct kube_api_ops ops = {.send = send_request, .cancel = cancel_request};
    *api = (struct api){.kube = {.ops = &ops}, .loop = loop};
    store_init(&api->store, store_changed);
}

void api_fini(struct api *api) {
    assert_null(api->calls);
    store_fini(&api->store);
}
