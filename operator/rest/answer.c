/* See answer.h. The head is looked at when the first byte of the body comes, or at the end. Redirects are followed here
 * and not by libcurl: their rules are ours. */

#include "rest/answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const char *header(struct rest_call *call, const char *name) {
    struct curl_header *found = NULL;
    return curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : NULL;
}

static int status_of(const struct rest_call *call) {
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* Values. */

int64_t answer_retry_after(const char *value, int64_t wall_ms) {
    if (value == NULL || *value == '\0')
        return -1;
    int64_t after = -1;
    if (value[strspn(value, "0123456789")] == '\0') {
        after = strlen(value) > 6 ? REST_RETRY_MAX_MS : strtoll(value, NULL, 10) * 1000;
    } else {
        time_t date = curl_getdate(value, NULL);
        if (date < 0)
            return -1;
        after = (int64_t)date * 1000 - wall_ms;
    }
    return after < 0 ? 0 : after > REST_RETRY_MAX_MS ? REST_RETRY_MAX_MS : after;
}

const char *answer_refresh_url(const char *value) {
    const char *semicolon = value == NULL ? NULL : strchr(value, ';');
    if (semicolon == NULL)
        return NULL;
    const char *url = semicolon + 1;
    url += strspn(url, " \t");
    if (strncasecmp(url, "url=", 4) != 0)
        return NULL;
    url += 4;
    url += strspn(url, " \t");
    return *url == '\0' ? NULL : url;
}

/* Where `text` leads, seen from `base`. Free with free(). NULL: nowhere by http or https. */
static char *resolve(const char *base, const char *text) {
    struct error ignored;
    struct origin origin;
    char *whole = NULL, *made = NULL;
    CURLU *url = curl_url();
    if (url != NULL && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK && origin_of(whole, &origin, &ignored) == 0)
        made = strdup(whole);
    curl_free(whole);
    curl_url_cleanup(url);
    return made;
}

/* Head. */

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool downgrades(const struct rest_call *call) {
    return strncasecmp(call->url, "https:", 6) == 0 && strncasecmp(call->location, "https:", 6) != 0;
}

static void look_at_head(struct rest_call *call) {
    if (call->headed)
        return;
    call->headed = true;
    int status = status_of(call);
    const char *location = header(call, "Location");
    bool refreshes = location == NULL && (status == 200 || status == 307);
    if (refreshes)
        location = answer_refresh_url(header(call, "Refresh"));
    call->location = location == NULL ? NULL : resolve(call->url, location);
    call->followed =
        call->location != NULL && call->redirects > 0 && (refreshes || is_redirect(status)) && !downgrades(call);
}

void answer_reset(struct rest_call *call) {
    free(call->location);
    call->location = NULL;
    call->reached = call->headed = call->followed = call->too_large = false;
    strbuf_fini(&call->bytes);
    call->bytes = (struct strbuf)STRBUF_MAX(call->max_bytes + 1);
}

/* Body. */

size_t answer_take(char *bytes, size_t size, size_t count, void *context) {
    struct rest_call *call = context;
    size_t length = size * count;
    if (call->cancelled)
        return CURL_WRITEFUNC_ERROR;
    look_at_head(call);
    if (call->followed)
        return length;
    if (call->sink != NULL && status_of(call) / 100 == 2) {
        call->sink(call->context, bytes, length);
        return call->cancelled ? CURL_WRITEFUNC_ERROR : length;
    }
    call->too_large = length > call->max_bytes - call->bytes.length;
    if (!call->too_large)
        strbuf_add(&call->bytes, bytes, length);
    return call->too_large || strbuf_failed(&call->bytes) ? CURL_WRITEFUNC_ERROR : length;
}

/* What it means. */

/* As browsers do, and as RFC 9110 says: 303 is fetched, 301 and 302 turn a POST into a GET; else all is said again. */
static void change_method(struct rest_call *call, int status) {
    bool post = strcmp(call->method, "POST") == 0, head = strcmp(call->method, "HEAD") == 0;
    if ((status == 303 && !head) || ((status == 301 || status == 302) && post)) {
        memcpy(call->method, "GET", sizeof "GET");
        call->has_body = false;
    }
}

bool answer_redirects(struct rest_call *call) {
    look_at_head(call);
    if (!call->followed)
        return false;
    change_method(call, status_of(call));
    free(call->url);
    call->url = call->location;
    call->location = NULL;
    call->redirects--;
    call->by_proxy = false;
    return true;
}

void answer_read(struct rest_call *call, struct rest_answer *ret_answer) {
    look_at_head(call);
    *ret_answer = (struct rest_answer){
        .status = status_of(call),
        .body = strbuf_text(&call->bytes),
        .length = call->bytes.length,
        .content_type = header(call, "Content-Type"),
        .location = call->location,
        .url = call->url,
        .retry_after_ms = answer_retry_after(header(call, "Retry-After"), clock_wall_ms()),
    };
}
