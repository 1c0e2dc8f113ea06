/* What an answer of the API server means (kube/api.h). Pure: no I/O, no clock. The reason decides, not the status
 * alone: 409 is both Conflict and AlreadyExists, and "request is too large" comes as a 500 that would invite retries.
 */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kube/api.h"

enum { RETRY_AFTER_MAX_S = 60 };

static const struct {
    const char *reason;
    enum error_code code;
} reasons[] = {
    {"AlreadyExists", ERROR_EXISTS},
    {"Conflict", ERROR_CONFLICT},
    {"Expired", ERROR_GONE},
    {"Gone", ERROR_GONE},
    {"Forbidden", ERROR_FORBIDDEN},
    {"Invalid", ERROR_INVALID},
    {"BadRequest", ERROR_INVALID},
    {"RequestEntityTooLarge", ERROR_INVALID},
    {"MethodNotAllowed", ERROR_INVALID},
};

static const struct {
    int status;
    enum error_code code;
} statuses[] = {
    {400, ERROR_INVALID}, {403, ERROR_FORBIDDEN}, {405, ERROR_INVALID}, {409, ERROR_CONFLICT},
    {410, ERROR_GONE},    {413, ERROR_INVALID},   {415, ERROR_INVALID}, {422, ERROR_INVALID},
};

static enum error_code code_of(int status, const char *reason, const char *message) {
    if (status == 500 && (strstr(message, "request is too large") || strstr(message, "ResourceExhausted")))
        return ERROR_INVALID;
    bool over_quota = status == 403 && strstr(message, "exceeded quota") != NULL; /* room comes back */
    if (status >= 500 || status == 429 || over_quota)
        return ERROR_TRANSIENT;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reason, reasons[i].reason) == 0)
            return reasons[i].code;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (status == statuses[i].status)
            return statuses[i].code;
    return ERROR_TRANSIENT; /* 401 too: the credentials are read again before the next request */
}

/* Validation speaks of the kind ("Pod"), admission of the resource ("pods"). */
static bool is_malformed(enum error_code code, const char *reason, yyjson_val *body, const struct kube_ref *about) {
    const char *kind = about != NULL && about->resource != NULL ? about->resource->kind : NULL;
    const char *message = json_text(body, "message", "");
    if (code != ERROR_INVALID || kind == NULL)
        return false;
    if (strcmp(reason, "Invalid") == 0)
        return text_equal(json_text(json_at(body, "details", NULL), "kind", ""), kind);
    if (strcmp(reason, "BadRequest") == 0) /* it cannot be decoded, or has fields that are none */
        return text_starts_with(message, kind) && text_starts_with(message + strlen(kind), " in version ");
    return strstr(message, "too large") != NULL;
}

/* A patch that names the UID of an object which is another one by now is "invalid" in the server's eyes. */
static bool is_another_object(yyjson_val *body) {
    size_t index = 0;
    size_t count = 0;
    yyjson_val *cause = NULL;
    yyjson_arr_foreach(json_at(body, "details", "causes", NULL), index, count, cause) {
        if (strcmp(json_text(cause, "field", ""), "metadata.uid") == 0)
            return true;
    }
    return false;
}

/* Proxies and aggregators answer 404 as well, and so does the server for a missing namespace or kind. */
static bool is_word_of(yyjson_val *body, const struct kube_ref *about) {
    yyjson_val *details = json_at(body, "details", NULL);
    return about != NULL && about->name != NULL && text_equal(json_text(body, "kind", ""), "Status") &&
           text_equal(json_text(body, "reason", ""), "NotFound") &&
           text_equal(json_text(details, "name", ""), about->name) &&
           text_equal(json_text(details, "kind", ""), about->resource->plural) &&
           text_equal(json_text(details, "group", ""), about->resource->group);
}

static void judge_not_found(struct error *err, yyjson_val *body, const struct kube_ref *about) {
    const char *message = json_text(body, "message", "");
    if (is_word_of(body, about))
        error_set(err, ERROR_NOT_FOUND, "%s", message[0] != '\0' ? message : "not found");
    else if (message[0] != '\0')
        error_set(err, ERROR_TRANSIENT, "404, but of something else: %s", message);
    else
        error_set(err, ERROR_TRANSIENT, "404, but without a Status of the API server: is a proxy in between?");
}

void kube_answer_judge(struct kube_answer *answer, int status, yyjson_val *body, const struct kube_ref *about) {
    answer->status = status;
    answer->reason[0] = '\0';
    answer->malformed = false;
    if (status >= 200 && status < 300)
        return;
    const char *reason = json_text(body, "reason", "");
    const char *message = json_text(body, "message", "");
    snprintf(answer->reason, sizeof answer->reason, "%.63s", reason);
    if (status == 404) {
        judge_not_found(&answer->err, body, about);
        return;
    }
    enum error_code code = code_of(status, reason, message);
    if (code == ERROR_INVALID && is_another_object(body))
        code = ERROR_CONFLICT;
    answer->malformed = is_malformed(code, reason, body, about);
    if (message[0] == '\0')
        error_set(&answer->err, code, "the server answered %d", status);
    else
        error_set(&answer->err, code, "%s", message);
}

yyjson_doc *kube_answer_take(struct kube_answer *answer) {
    yyjson_doc *doc = answer->doc;
    answer->doc = NULL;
    return doc;
}

int64_t kube_retry_after(const char *value, int64_t now) {
    while (*value == ' ' || *value == '\t')
        value++;
    char *end = NULL;
    long long seconds = strtoll(value, &end, 10);
    if (end == value || (*end != '\0' && strchr(" \t\r\n", *end) == NULL)) {
        time_t date = curl_getdate(value, NULL);
        if (date == (time_t)-1)
            return 0;
        seconds = (long long)date - now / 1000;
    }
    if (seconds <= 0)
        return 0;
    return 1000 * (int64_t)(seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds);
}
