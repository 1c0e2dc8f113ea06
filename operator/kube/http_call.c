/* See http_call.h: options and callbacks of one transfer. The callbacks run inside libcurl: they keep bytes and call
 * nobody. A body is given to libcurl once: its repeating of requests on a connection that died unanswered needs a
 * rewind, which is refused. */

#include "kube/http_call.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"

enum { ERROR_BODY_MAX = 64 * 1024, HEADERS_MAX = 128 * 1024, WARNINGS_MAX = 64 };

static size_t size_of(const char *text) {
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *keep(char **at, const char *text) {
    const char *kept = *at;
    if (text == NULL)
        return NULL;
    memcpy(*at, text, size_of(text));
    *at += size_of(text);
    return kept;
}

/* The call and its texts are one piece of memory. */
struct kube_call *call_new(const struct kube_request *request, const struct kube_http_options *options,
                           kube_done_cb done, void *arg) {
    const char *type = request->content_type != NULL ? request->content_type : "application/json";
    bool too_large = request->body != NULL && request->length > KUBE_BODY_MAX;
    size_t length = request->body == NULL || too_large ? 0 : request->length;
    bool writes = strcmp(request->method, "GET") != 0;
    size_t texts = size_of(request->method) + size_of(request->path) + size_of(type) + size_of(request->name) +
                   size_of(request->namespace);
    struct kube_call *call = calloc(1, sizeof *call + texts + length);
    if (call == NULL)
        abort(); /* state is in the API server: a restart loses nothing */
    *call = (struct kube_call){.options = options,
                               .done = done,
                               .arg = arg,
                               .length = length,
                               .urgency = request->urgency,
                               .writes = writes,
                               .fenceable = writes && request->pool == POOL_REQUESTS,
                               .timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : options->request_ms,
                               .on_data = request->on_data,
                               .verb = request->verb != NULL ? request->verb : request->method,
                               .resource = request->resource};
    char *at = call->texts;
    call->method = keep(&at, request->method);
    call->path = keep(&at, request->path);
    call->content_type = keep(&at, type);
    call->name = keep(&at, request->name);
    call->namespace = keep(&at, request->namespace);
    if (request->body != NULL)
        call->body = memcpy(at, request->body, length);
    if (too_large)
        error_set(&call->failed, ERROR_INVALID, "the object is too large: %zu bytes, at most %d are accepted",
                  request->length, KUBE_BODY_MAX);
    return call;
}

void call_free(struct kube_call *call) {
    easy_give(call->store, call->easy);
    strbuf_fini(&call->got);
    OPENSSL_cleanse(call->texts, (size_t)(call->body != NULL ? call->body + call->length - call->texts : 0));
    free(call);
}

const char *call_plural(const struct kube_call *call) {
    return call->resource != NULL ? call->resource->plural : "";
}

bool call_may_leave(struct kube_call *call) {
    const struct kube_http_options *options = call->options;
    if (!call->fenceable || options->may_write == NULL || options->may_write(options->may_write_arg))
        return !call->fenced;
    call->fenced = true;
    error_set(&call->failed, ERROR_TRANSIENT, "held back: we may not write any more");
    return false;
}

/* Callbacks of libcurl. */

static int on_connected(void *arg, char *to, char *from, int to_port, int from_port) {
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    return call_may_leave(arg) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *arg) {
    struct kube_call *call = arg;
    size_t length = call->length - call->sent;
    if (length > 0 && !call_may_leave(call))
        return CURL_READFUNC_ABORT; /* half a request does nothing */
    if (length > size * count)
        length = size * count;
    memcpy(buffer, call->body + call->sent, length);
    call->sent += length;
    return length;
}

static int refuse_rewind(void *arg, curl_off_t offset, int origin) {
    (void)arg;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg) {
    struct kube_call *call = arg;
    size_t length = size * count;
    if (call->got.length == 0) {
        long status = 0;
        curl_easy_getinfo(call->easy->curl, CURLINFO_RESPONSE_CODE, &status);
        call->streaming = call->on_data != NULL && status == 200;
        if (status >= 300 && call->got_max > ERROR_BODY_MAX)
            call->got_max = ERROR_BODY_MAX;
    }
    if (call->got.length + length > call->got_max) {
        call->too_large = true;
        return 0;
    }
    strbuf_add(&call->got, bytes, length);
    return strbuf_failed(&call->got) ? 0 : length;
}

/* Each text once: the server repeats it with every request. */
static void note_warning(const char *value, size_t length) {
    static uint64_t said[WARNINGS_MAX];
    uint64_t hash = hash_add(HASH_INIT, value, length);
    for (size_t i = 0; i < WARNINGS_MAX; i++) {
        if (said[i] == hash)
            return;
        if (said[i] == 0) {
            said[i] = hash;
            AUTO_ARENA arena = ARENA_INIT;
            log_debug("kube", "the API server warns", {"warning", text_clean(value, length, 512, &arena)});
            return;
        }
    }
}

static bool is_header(const char *line, size_t length, const char *name) {
    return length > strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg) {
    struct kube_call *call = arg;
    size_t length = size * count;
    call->header_bytes += length;
    if (call->header_bytes > HEADERS_MAX) {
        call->too_large = true;
        return 0;
    }
    if (is_header(line, length, "HTTP/")) {
        call->classified = false;
        call->retry_after_ms = 0; /* another head: what came before was a proxy's or an interim one */
    } else if (is_header(line, length, "Retry-After:")) {
        char value[64] = "";
        size_t skip = strlen("Retry-After:");
        memcpy(value, line + skip, length - skip < sizeof value ? length - skip : sizeof value - 1);
        call->retry_after_ms = kube_retry_after(value, clock_wall_ms());
    } else if (is_header(line, length, "X-Kubernetes-PF-FlowSchema-UID:")) {
        call->classified = true;
    } else if (is_header(line, length, "Warning:")) {
        note_warning(line + strlen("Warning:"), length - strlen("Warning:"));
    }
    return length;
}

/* A peer that vanished without a word is noticed within half a minute also while nothing is being sent. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose) {
    (void)arg;
    (void)purpose;
    fcntl(fd, F_SETFD, FD_CLOEXEC); /* no plugin may hold it */
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 30},        {IPPROTO_TCP, TCP_KEEPINTVL, 10},
        {IPPROTO_TCP, TCP_KEEPCNT, 3}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
    return CURL_SOCKOPT_OK;
}

/* Options. */

static void set_callbacks(struct kube_call *call, CURL *curl) {
    curl_easy_setopt(curl, CURLOPT_PRIVATE, call);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->curl_text);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, call);
}

static void set_body(struct kube_call *call, CURL *curl) {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    if (call->body == NULL) {
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, (long)call->writes); /* no body, no rewind to refuse */
        return;
    }
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->length);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, call);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, refuse_rewind);
}

static void set_limits(struct kube_call *call, CURL *curl) {
    const struct kube_http_options *options = call->options;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* or it waits for its resolver's thread, and the loop with it */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ms > 0 ? call->timeout_ms : options->request_ms));
    if (call->on_data == NULL) {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 100L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)options->stall_s);
    }
    /* The API server closes what is idle for 90 s: a request must not meet that moment. The lifetime lets connections
     * move to another API server behind a balancer. */
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, 60L);
    curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, 300L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 16384L); /* it is allocated anew for each request */
    call->got_max = options->answer_max;
}

int call_prepare(struct kube_call *call, const struct call_setup *setup, int64_t now, struct error *err) {
    call->began_at = now;
    call->store = setup->store;
    call->easy = easy_take(setup->store);
    if (call->easy == NULL)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    CURL *curl = call->easy->curl;
    set_callbacks(call, curl);
    set_limits(call, curl);
    set_body(call, curl);
    easy_set_tls(call->easy, &setup->tls);
    easy_set_headers(call->easy, call->body != NULL ? call->content_type : NULL, setup->token);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, call->options->user_agent);
    return easy_set_url(call->easy, setup->server, call->path, &setup->tls, err);
}

/* The answer. */

static void judge_transfer(struct kube_call *call, CURLcode code, int status, struct kube_answer *answer) {
    if (call->too_large && status < 300) {
        error_set(&answer->err, ERROR_INVALID, "the answer is larger than %zu bytes", call->got_max);
        return;
    }
    const char *text = call->curl_text[0] != '\0' ? call->curl_text : curl_easy_strerror(code);
    error_set(&answer->err, ERROR_TRANSIENT, "%s", text);
}

static void judge_body(struct kube_call *call, int status, struct kube_answer *answer) {
    bool has_body = call->got.length > 0 && !call->streaming;
    /* No bound on depth: one deep object must not make a whole list unreadable. yyjson does not recurse. */
    answer->doc = has_body ? yyjson_read(strbuf_text(&call->got), call->got.length, 0) : NULL;
    answer->length = call->got.length;
    strbuf_fini(&call->got);
    const struct kube_ref about = {.resource = call->resource, .name = call->resource != NULL ? call->name : NULL};
    kube_answer_judge(answer, status, answer->doc != NULL ? yyjson_doc_get_root(answer->doc) : NULL, &about);
    if (answer->err.code == ERROR_NONE && has_body && answer->doc == NULL) {
        error_set(&answer->err, ERROR_TRANSIENT, "the answer is no JSON");
        answer->unsure = call->writes;
    }
}

/* Its rejections are plain text; whatever comes from behind it is a Status, and carries the header too. */
bool call_met_overload(const struct kube_call *call, const struct kube_answer *answer) {
    return call->classified && answer->doc == NULL && (answer->status == 429 || answer->status == 503);
}

void call_judge(struct kube_call *call, CURLcode code, struct kube_answer *answer) {
    long status = 0;
    answer->retry_after_ms = call->retry_after_ms;
    answer->fenced = call->fenced;
    if (call->failed.code != ERROR_NONE) {
        answer->err = call->failed;
        answer->malformed = call->failed.code == ERROR_INVALID; /* too large */
    } else {
        curl_easy_getinfo(call->easy->curl, CURLINFO_RESPONSE_CODE, &status);
        if (code == CURLE_OK || (call->too_large && status >= 300)) {
            judge_body(call, (int)status, answer);
        } else {
            answer->status = (int)status;
            judge_transfer(call, code, (int)status, answer);
            answer->unsure = call->writes && (call->body == NULL || call->sent > 0);
        }
    }
    if (answer->err.code != ERROR_NONE)
        error_wrap(&answer->err, "%s %s", call->verb, call_plural(call));
}
