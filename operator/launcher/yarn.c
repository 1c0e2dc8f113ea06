/* See yarn.h. One request at a time; what comes next is decided afresh after each answer. Fails over between the
 * ResourceManagers of an HA pair and follows a standby's redirect. Never kills what does not carry our tag, if we have
 * one: a log line is not proof of ownership. */

#include "launcher/yarn.h"

#include <stdio.h>
#include <string.h>

enum { KILL_ROUND_MS = 300, RETRY_MS = 1000 };

void yarn_init(struct yarn *yarn, char *buffer, const struct yarn_rms *rms, const char *tag) {
    *yarn = (struct yarn){.rms = *rms, .tag = tag && *tag ? tag : NULL, .interval_ms = 5000, .next_at = INT64_MAX};
    http_init(&yarn->http, buffer, YARN_ANSWER_MAX);
}

bool yarn_available(const struct yarn *yarn) {
    return yarn->rms.count > 0 && (yarn->tag || yarn->hint[0]);
}

static void ask_at(struct yarn *yarn, int64_t at) {
    if (at < yarn->next_at)
        yarn->next_at = at;
}

void yarn_hint(struct yarn *yarn, const char *application_id, int64_t now) {
    if (!yarn_id_valid(application_id) || strcmp(yarn->hint, application_id) == 0)
        return;
    snprintf(yarn->hint, sizeof yarn->hint, "%s", application_id);
    ask_at(yarn, now + 1000); /* it has just been submitted: it may not be known yet */
}

void yarn_hint_url(struct yarn *yarn, const char *tracking_url) {
    struct error ignored;
    const char *path = "";
    struct endpoint rm;
    if (yarn->rms.count > 0 || endpoint_parse_url(tracking_url, &rm, &path, &ignored) < 0 || rm.tls)
        return;
    if (strncmp(path, "/proxy/application_", 19) == 0 || strncmp(path, "/cluster/app/", 13) == 0)
        yarn->rms = (struct yarn_rms){.items = {rm}, .count = 1};
}

void yarn_set(struct yarn *yarn, enum yarn_want want, int64_t interval_ms, int64_t now) {
    yarn->interval_ms = interval_ms;
    if (yarn->want == want) {
        if (want == YARN_WATCH)
            ask_at(yarn, now + interval_ms);
        return;
    }
    yarn->want = want;
    yarn->victim_count = 0;
    yarn->clear_at = 0;
    yarn->next_at = want == YARN_NOTHING ? INT64_MAX : now;
    if (want == YARN_KILL && yarn->http.state != HTTP_IDLE && yarn->request != YARN_PUT)
        http_close(&yarn->http);
}

/* --- asking --- */

static void send_request(struct yarn *yarn, int64_t now) {
    char target[1400], body[] = "{\"state\":\"KILLED\"}";
    struct http_request request = {
        .method = "GET", .endpoint = &yarn->asked, .target = target, .timeout_ms = YARN_TIMEOUT_MS};
    switch (yarn->request) {
    case YARN_FIND:
        snprintf(target, sizeof target, "/ws/v1/cluster/apps?applicationTags=%s&deSelects=resourceRequests%s",
                 yarn->tag,
                 yarn->want == YARN_KILL && !yarn->survey ? "&states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING" : "");
        break;
    case YARN_GET:
        snprintf(target, sizeof target, "/ws/v1/cluster/apps/%s?deSelects=resourceRequests", yarn->hint);
        break;
    case YARN_PUT:
        snprintf(target, sizeof target, "/ws/v1/cluster/apps/%s/state", yarn->victims[yarn->victim_count - 1]);
        request.method = "PUT";
        request.body = body;
        request.body_length = sizeof body - 1;
        break;
    }
    yarn->next_at = INT64_MAX;
    if (http_start(&yarn->http, &request, now, &yarn->err) < 0) {
        yarn->failing_since = yarn->failing_since ? yarn->failing_since : now;
        yarn->next_at = now + RETRY_MS;
    }
}

static void ask(struct yarn *yarn, int64_t now) {
    if (yarn->want == YARN_KILL && yarn->victim_count > 0)
        yarn->request = YARN_PUT;
    else if (yarn->tag && (yarn->want == YARN_KILL || !yarn->hint[0]))
        yarn->request = YARN_FIND;
    else
        yarn->request = YARN_GET;
    if (yarn->request != YARN_PUT)
        yarn->asked_at = now;
    yarn->asked = yarn->rms.items[yarn->rm % yarn->rms.count];
    yarn->redirects = 0;
    send_request(yarn, now);
}

/* --- answers --- */

static void adopt_view(struct yarn *yarn, const struct yarn_app *app) {
    yarn->app = *app;
    yarn->known = true;
    yarn->absent = false;
}

static bool is_earlier(const struct yarn *yarn, const struct yarn_app *app) {
    return !yarn_app_newer(app, yarn->before) || app->started_at < yarn->not_before;
}

static void on_each_watched(void *context, const struct yarn_app *app) {
    struct yarn *yarn = context;
    if (!yarn_app_tagged(app, yarn->tag) || is_earlier(yarn, app))
        return;
    yarn->absent = false;
    if (!yarn->known || strcmp(app->id, yarn->app.id) == 0 || yarn_app_newer(app, yarn->app.id))
        adopt_view(yarn, app);
}

static void on_each_living(void *context, const struct yarn_app *app) {
    struct yarn *yarn = context;
    if (!yarn_app_tagged(app, yarn->tag))
        return;
    if (yarn->survey && yarn_app_newer(app, yarn->before))
        snprintf(yarn->before, sizeof yarn->before, "%s", app->id);
    if (yarn_app_ended(app) || yarn->victim_count == YARN_APPS_MAX)
        return;
    snprintf(yarn->victims[yarn->victim_count++], YARN_ID_MAX, "%s", app->id);
}

static int on_found(struct yarn *yarn, const struct http_response *response) {
    if (yarn->want != YARN_KILL) {
        yarn->absent = true; /* until one is seen */
        return yarn_apps_parse(response->body, response->length, on_each_watched, yarn, &yarn->err);
    }
    yarn->victim_count = 0;
    if (yarn_apps_parse(response->body, response->length, on_each_living, yarn, &yarn->err) < 0)
        return -1;
    yarn->victims_seen = yarn->victim_count;
    yarn->clear_at = yarn->victim_count == 0 ? yarn->asked_at : 0;
    return 0;
}

static int on_got(struct yarn *yarn, const struct http_response *response) {
    static struct yarn_app app;
    if (response->status == 404) {
        yarn->absent = true;
        yarn->clear_at = yarn->asked_at;
        return 0;
    }
    if (yarn_app_parse(response->body, response->length, &app, &yarn->err) < 0)
        return -1;
    if (strcmp(app.id, yarn->hint) != 0 || (yarn->tag && !yarn_app_tagged(&app, yarn->tag))) {
        yarn->hint[0] = '\0'; /* somebody else's: the output named it, but it is not ours */
        return 0;
    }
    adopt_view(yarn, &app);
    if (yarn_app_ended(&app)) {
        yarn->clear_at = yarn->asked_at;
    } else if (yarn->want == YARN_KILL) {
        snprintf(yarn->victims[0], YARN_ID_MAX, "%s", app.id);
        yarn->victim_count = yarn->victims_seen = 1;
        yarn->clear_at = 0;
    }
    return 0;
}

/* 200 and 202: it will end. 404: it is gone. */
static int on_put(struct yarn *yarn, const struct http_response *response) {
    int status = response->status;
    if (status == 401 || status == 403 || status == 405 || status == 501) {
        yarn->refused = true;
        error_set(&yarn->err, ERROR_FORBIDDEN, "the ResourceManager refuses to kill by REST (%d)", status);
    }
    snprintf(yarn->killed, sizeof yarn->killed, "%s", yarn->victims[yarn->victim_count - 1]);
    yarn->victim_count--;
    return 0;
}

static void on_failure(struct yarn *yarn, int64_t now) {
    yarn->rm++; /* the other one, if there is another */
    yarn->victim_count = 0;
    yarn->failing_since = yarn->failing_since ? yarn->failing_since : now;
    yarn->next_at = now + RETRY_MS;
}

/* A standby sends us to the active one: as a redirect, or (older ones) as a page that refreshes. */
static bool follow_redirect(struct yarn *yarn, const struct http_response *response, int64_t now) {
    struct endpoint to;
    struct error ignored;
    bool redirect = response->status == 307 || response->status == 302 || response->status == 200;
    if (!redirect || !response->location[0] || yarn->redirects++ == YARN_REDIRECTS_MAX ||
        endpoint_parse_url(response->location, &to, NULL, &ignored) < 0 || to.tls || endpoint_same(&to, &yarn->asked))
        return false;
    yarn->asked = to;
    send_request(yarn, now);
    return true;
}

static void schedule(struct yarn *yarn, int64_t now) {
    if (yarn->want == YARN_NOTHING)
        yarn->next_at = INT64_MAX;
    else if (yarn->want == YARN_KILL)
        yarn->next_at = yarn->victim_count > 0 ? now : now + KILL_ROUND_MS;
    else
        yarn->next_at = now + yarn->interval_ms;
}

static void on_answer(struct yarn *yarn, int64_t now) {
    const struct http_response *response = &yarn->http.response;
    static int (*const handlers[])(struct yarn *, const struct http_response *) = {
        [YARN_FIND] = on_found, [YARN_GET] = on_got, [YARN_PUT] = on_put};
    if (follow_redirect(yarn, response, now))
        return;
    bool useful =
        response->status == 200 || yarn->request == YARN_PUT || (yarn->request == YARN_GET && response->status == 404);
    if (response->status >= 500 || response->status == 307 || response->status == 302)
        useful = false;
    if (!useful)
        error_set(&yarn->err, ERROR_TRANSIENT, "the ResourceManager answers with status %d", response->status);
    if (!useful || handlers[yarn->request](yarn, response) < 0) {
        on_failure(yarn, now);
        return;
    }
    yarn->failing_since = 0;
    yarn->answered_at = yarn->asked_at;
    for (size_t i = 0; i < yarn->rms.count; i++)
        if (endpoint_same(&yarn->rms.items[i], &yarn->asked))
            yarn->rm = i;
    schedule(yarn, now);
}

void yarn_wait(const struct yarn *yarn, struct wait *wait) {
    http_wait(&yarn->http, wait);
    if (!http_busy(&yarn->http) && yarn->want != YARN_NOTHING && yarn_available(yarn))
        wait_until(wait, yarn->next_at);
}

bool yarn_step(struct yarn *yarn, const struct wait *wait, int64_t now) {
    enum http_result result = http_step(&yarn->http, wait, now, &yarn->err);
    if (result == HTTP_FAILED)
        on_failure(yarn, now);
    else if (result == HTTP_DONE)
        on_answer(yarn, now);
    if (!http_busy(&yarn->http) && yarn->want != YARN_NOTHING && yarn_available(yarn) && now >= yarn->next_at)
        ask(yarn, now);
    return result != HTTP_PENDING;
}
