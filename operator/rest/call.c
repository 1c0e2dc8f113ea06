/* See call.h. What a request becomes as options of libcurl. The token is written into the headers of a try only when it
 * goes by https to the origin that it was given for. */

#include "rest/call.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "rest/answer.h"

enum { BUFFER_SIZE = 16 * 1024, IDLE_SECONDS = 5 };

/* New. */

static char *copy(const char *text, bool *starved) {
    char *made = text == NULL ? NULL : strdup(text);
    *starved |= text != NULL && made == NULL;
    return made;
}

static void free_secret(char *text) {
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static bool is_line(const char *text) {
    for (; text != NULL && *text != '\0'; text++)
        if (iscntrl((unsigned char)*text))
            return false;
    return true;
}

static bool is_method(const char *text) {
    size_t length = text == NULL ? 0 : strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return length > 0 && length < CALL_METHOD_MAX && text[length] == '\0';
}

static int check_url(const char *text, struct error *err) {
    CURLU *url = curl_url();
    CURLUcode failed = url == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    curl_url_cleanup(url);
    return failed == CURLUE_OK ? 0 : error_set(err, ERROR_INVALID, "bad URL: %s", curl_url_strerror(failed));
}

static int check(const struct rest_request *request, struct origin *ret_first, struct error *err) {
    struct origin other;
    if (!is_method(request->method))
        return error_set(err, ERROR_INVALID, "no valid HTTP method");
    if (origin_of(request->url, ret_first, err) < 0 || check_url(request->url, err) < 0)
        return -1;
    if (request->connect_to != NULL && origin_of_address(request->connect_to, 0, &other, err) < 0)
        return -1;
    if (!is_line(request->token))
        return error_set(err, ERROR_INVALID, "the token has characters that no token has");
    if (!is_line(request->accept) || !is_line(request->content_type))
        return error_set(err, ERROR_INVALID, "a type has control characters");
    return 0;
}

static void copy_body(struct rest_call *call, const struct rest_request *request) {
    call->has_body = request->body != NULL;
    if (!call->has_body)
        return;
    call->body = malloc(request->body_length + 1);
    call->starved |= call->body == NULL;
    if (call->body == NULL)
        return;
    memcpy(call->body, request->body, request->body_length);
    call->body_length = request->body_length;
}

static void copy_texts(struct rest_call *call, const struct rest_request *request) {
    static const char json[] = "application/json";
    snprintf(call->method, sizeof call->method, "%s", request->method);
    call->url = copy(request->url, &call->starved);
    call->token = copy(request->token, &call->starved);
    call->accept = copy(request->accept != NULL ? request->accept : json, &call->starved);
    call->content_type = copy(request->content_type != NULL ? request->content_type : json, &call->starved);
    call->ca_pem = copy(request->ca_pem, &call->starved);
    call->connect_to = copy(request->connect_to, &call->starved);
}

int call_new(const struct rest_request *request, struct rest_call **ret_call, struct error *err) {
    struct origin first = {0};
    if (check(request, &first, err) < 0)
        return -1;
    struct rest_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    *call = (struct rest_call){
        .sink = request->sink,
        .first = first,
        .direct = request->direct,
        .redirects = request->redirects,
        .max_bytes = request->max_bytes > 0 ? request->max_bytes : REST_BODY_MAX,
        .timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : REST_TIMEOUT_MS,
        .connect_timeout_ms = request->connect_timeout_ms > 0 ? request->connect_timeout_ms : REST_CONNECT_MS,
        .easy = curl_easy_init(),
    };
    call->left_ms = call->timeout_ms;
    call->starved = call->easy == NULL;
    copy_texts(call, request);
    copy_body(call, request);
    if (call->starved) {
        call_free(call);
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    }
    *ret_call = call;
    return 0;
}

static void free_headers(struct rest_call *call) {
    for (struct curl_slist *header = call->headers; header != NULL; header = header->next)
        OPENSSL_cleanse(header->data, strlen(header->data));
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->route);
    call->headers = call->route = NULL;
}

void call_free(struct rest_call *call) {
    curl_easy_cleanup(call->easy);
    free_headers(call);
    free_secret(call->token);
    free(call->url);
    free(call->body);
    free(call->accept);
    free(call->content_type);
    free(call->ca_pem);
    free(call->connect_to);
    free(call->location);
    strbuf_fini(&call->bytes);
    free(call);
}

/* A try. */

static void append(struct rest_call *call, struct curl_slist **list, const char *first, const char *second) {
    AUTO_STRBUF line = STRBUF_INIT;
    strbuf_puts(&line, first);
    strbuf_puts(&line, second);
    struct curl_slist *longer = strbuf_failed(&line) ? NULL : curl_slist_append(*list, strbuf_text(&line));
    if (longer != NULL)
        *list = longer;
    call->starved |= longer == NULL;
    if (line.data != NULL)
        OPENSSL_cleanse(line.data, line.length);
}

static void set_headers(struct rest_call *call, const struct origin *origin) {
    free_headers(call);
    append(call, &call->headers, "Accept: ", call->accept);
    if (call->token != NULL && origin->tls && origin_same(origin, &call->first))
        append(call, &call->headers, "Authorization: Bearer ", call->token);
    if (call->has_body) {
        append(call, &call->headers, "Content-Type: ", call->content_type);
        append(call, &call->headers, "Expect:", ""); /* waiting for a 100 would stall large bodies */
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_method(struct rest_call *call) {
    bool writes = strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0;
    if (call->has_body || writes) { /* those two say so when their body is empty */
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->has_body ? call->body : "");
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(call->has_body ? call->body_length : 0));
    } else if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, call->method);
}

/* Only for the origin that it was asked for: a redirect's goes where it says. */
static void set_route(struct rest_call *call, const struct origin *origin) {
    char name[ORIGIN_TEXT_MAX + 1];
    if (call->connect_to == NULL || !origin_same(origin, &call->first))
        return;
    origin_name(origin, name);
    size_t length = strlen(name);
    memcpy(name + length, ":", 2);
    append(call, &call->route, name, call->connect_to);
    curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->route);
}

/* libcurl tells of a connection only when TLS is done too; this comes when TLS begins. */
static CURLcode tls_begins(CURL *easy, void *context, void *arg) {
    (void)easy;
    (void)context;
    struct rest_call *call = arg;
    call->reached = true;
    return CURLE_OK;
}

static void set_trust(struct rest_call *call, const struct trust *trust) {
    curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_FUNCTION, tls_begins);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_DATA, call);
    curl_easy_setopt(call->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* parsed, a system's bundle is megabytes */
    if (call->ca_pem != NULL) {
        struct curl_blob blob = {.data = call->ca_pem, .len = strlen(call->ca_pem), .flags = CURL_BLOB_NOCOPY};
        curl_easy_setopt(call->easy, CURLOPT_CAINFO_BLOB, &blob);
    } else {
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, trust->file);
        curl_easy_setopt(call->easy, CURLOPT_CAPATH, trust->directory);
    }
}

/* Of the environment, as libcurl looks for it. HTTP_PROXY is not read: in CGI, clients set it. */
static bool proxy_named(const char *url) {
    bool tls = strncasecmp(url, "https:", 6) == 0;
    const char *names[] = {tls ? "https_proxy" : "http_proxy", "all_proxy", "ALL_PROXY", tls ? "HTTPS_PROXY" : NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] != NULL && !text_empty(getenv(names[i])))
            return true;
    return false;
}

static void set_times(struct rest_call *call) {
    int64_t left = call->left_ms, connect = call->connect_timeout_ms;
    bool second = !call->direct && !call->by_proxy && proxy_named(call->url);
    if (second && connect > left / 2) /* some is left for the proxy */
        connect = left / 2;
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect > 0 ? connect : 1));
}

int call_prepare(struct rest_call *call, const struct trust *trust) {
    struct error ignored;
    struct origin origin = {0};
    origin_of(call->url, &origin, &ignored); /* was checked */
    curl_easy_reset(call->easy);
    set_headers(call, &origin);
    set_method(call);
    set_route(call, &origin);
    set_trust(call, trust);
    set_times(call);
    if (!call->by_proxy)
        curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(call->easy, CURLOPT_URL, call->url);
    curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
    curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_SIZE);
    curl_easy_setopt(call->easy, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->message);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    call->message[0] = '\0';
    answer_reset(call);
    return call->starved ? -1 : 0;
}

bool call_connected(const struct rest_call *call) {
    curl_off_t begun = 0;
    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &begun); /* of a connection that was kept too */
    return call->reached || begun > 0;
}

bool call_proxy_helps(const struct rest_call *call, CURLcode result) {
    bool unreached = (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_CONNECT ||
                      result == CURLE_OPERATION_TIMEDOUT) &&
                     !call_connected(call);
    return unreached && !call->direct && !call->by_proxy && call->left_ms > 0 && proxy_named(call->url);
}
