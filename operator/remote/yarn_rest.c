/* See yarn_rest.h. Fails over between the ResourceManagers of an HA pair; rest/ follows a standby's redirects. Says who
 * we are by user.name=, since with ACLs and without Kerberos an anonymous request may look and not kill. */

#include "remote/yarn_rest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "remote/hadoop_conf.h"

enum { TIMEOUT_MS = 8000, REDIRECTS_MAX = 3, LIST_MAX = 1000, ALIVE_MAX = 50, TARGET_MAX = 512 };

static const char alive_states[] = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING";

void yarn_rest_set_user(struct yarn_rest *yarn) {
    AUTO_STRBUF user = STRBUF_INIT;
    size_t length = 0;
    for (const unsigned char *p = (const unsigned char *)hadoop_user(&user); *p && length + 4 < sizeof yarn->user; p++)
        length += (size_t)snprintf(yarn->user + length, 4, isalnum(*p) || strchr("-_.@", *p) ? "%c" : "%%%02X", *p);
}

/* The question as a path. A list of the living is cut: they are ended round by round. */
static void target_of(const struct yarn_rest *yarn, const char *subject, char target[TARGET_MAX]) {
    const char *who = yarn->user[0] ? "&user.name=" : "";
    switch (yarn->question) {
    case YARN_LIST:
        snprintf(target, TARGET_MAX, "/ws/v1/cluster/apps?applicationTags=%s&limit=%d&deSelects=resourceRequests%s%s",
                 subject, LIST_MAX, who, yarn->user);
        break;
    case YARN_LIST_ALIVE:
        snprintf(target, TARGET_MAX,
                 "/ws/v1/cluster/apps?applicationTags=%s&states=%s&limit=%d&deSelects=resourceRequests%s%s", subject,
                 alive_states, ALIVE_MAX, who, yarn->user);
        break;
    case YARN_STATUS:
        snprintf(target, TARGET_MAX, "/ws/v1/cluster/apps/%s?deSelects=resourceRequests%s%s", subject, who, yarn->user);
        break;
    case YARN_KILL:
        snprintf(target, TARGET_MAX, "/ws/v1/cluster/apps/%s/state%s%s", subject, yarn->user[0] ? "?user.name=" : "",
                 yarn->user);
        break;
    case YARN_INFO:
        snprintf(target, TARGET_MAX, "/ws/v1/cluster/info%s%s", yarn->user[0] ? "?user.name=" : "", yarn->user);
        break;
    }
}

static void tell(struct yarn_rest *yarn, enum yarn_result result, const char *text) {
    struct yarn_answer answer = {.question = yarn->question, .result = result, .text = text};
    yarn->asker->on_answer(yarn->asker->context, &answer);
}

/* A standby says so itself; of one that still loads its state nothing else may be believed. */
static int read_info(const struct rest_answer *answer, struct yarn_answer *ret, struct error *err) {
    AUTO_JSON *doc = NULL;
    if (json_parse(answer->body, answer->length, &doc, err) < 0)
        return -1;
    yyjson_val *info = json_at(yyjson_doc_get_root(doc), "clusterInfo", NULL);
    ret->charge = json_int(info, "id", 0);
    if (ret->charge == 0)
        return error_set(err, ERROR_INVALID, "the ResourceManager's answer says nothing of itself");
    ret->in_charge = strcmp(json_text(info, "haState", ""), "ACTIVE") == 0;
    return 0;
}

static int read_answer(struct yarn_rest *yarn, const struct rest_answer *answer, struct yarn_answer *ret,
                       struct error *err) {
    static struct yarn_app app; /* large, and never needed twice at once */
    switch (yarn->question) {
    case YARN_LIST:
    case YARN_LIST_ALIVE:
        return yarn_apps_parse(answer->body, answer->length, yarn->asker->on_app, yarn->asker->context, err);
    case YARN_STATUS:
        if (yarn_app_parse(answer->body, answer->length, &app, err) < 0)
            return -1;
        yarn->asker->on_app(yarn->asker->context, &app);
        return 0;
    case YARN_INFO: return read_info(answer, ret, err);
    case YARN_KILL: break;
    }
    return 0;
}

/* 404 from YARN itself, in its own words; a proxy or an unrelated server has others. */
static bool not_there(const struct rest_answer *answer) {
    return answer->status == 404 && strstr(answer->body, "NotFoundException") != NULL;
}

static void on_status(struct yarn_rest *yarn, const struct rest_answer *answer) {
    const struct origin *rm = origins_current(&yarn->rms);
    char host[ORIGIN_TEXT_MAX], text[400];
    int status = answer->status;
    bool kill = yarn->question == YARN_KILL;
    snprintf(text, sizeof text, "the ResourceManager %s answers %s with status %d", origin_name(rm, host),
             kill ? "the request to end an application" : "weir's question", status);
    if (not_there(answer)) {
        tell(yarn, YARN_NOT_THERE, text);
        return;
    }
    bool refused = status == 401 || status == 403 || (kill && (status == 405 || status == 501));
    if (!refused)
        origins_next(&yarn->rms);
    tell(yarn, refused ? YARN_REFUSED : YARN_FAILED, text);
}

static void on_done(void *context, const struct rest_answer *answer, const struct error *failed) {
    struct yarn_rest *yarn = context;
    struct yarn_answer told = {.question = yarn->question};
    struct error err;
    yarn->call = NULL;
    if (failed) {
        origins_next(&yarn->rms);
        tell(yarn, YARN_FAILED, failed->text);
        return;
    }
    origins_answered(&yarn->rms, answer->url);
    bool kill = yarn->question == YARN_KILL, good = answer->status == 200 || (kill && answer->status == 202);
    bool standby = answer->location != NULL && !kill; /* of an accepted kill it says where to look how it goes */
    if (!good) {
        on_status(yarn, answer);
    } else if (standby || read_answer(yarn, answer, &told, &err) < 0) {
        origins_next(&yarn->rms);
        tell(yarn, YARN_FAILED, standby ? "the ResourceManager stands by" : err.text);
    } else {
        if (yarn->question == YARN_INFO && !told.in_charge)
            origins_next(&yarn->rms);
        yarn->asker->on_answer(yarn->asker->context, &told);
    }
}

void yarn_rest_ask(struct yarn_rest *yarn, enum yarn_question question, const char *subject) {
    char origin[ORIGIN_TEXT_MAX], target[TARGET_MAX], url[ORIGIN_TEXT_MAX + TARGET_MAX];
    static const char body[] = "{\"state\":\"KILLED\"}";
    bool kill = question == YARN_KILL;
    struct error err;
    yarn->question = question;
    target_of(yarn, subject, target);
    snprintf(url, sizeof url, "%s%s", origin_url(origins_current(&yarn->rms), origin), target);
    struct rest_request request = {
        .method = kill ? "PUT" : "GET",
        .url = url,
        .body = kill ? body : NULL,
        .body_length = kill ? sizeof body - 1 : 0,
        .timeout_ms = TIMEOUT_MS,
        .redirects = REDIRECTS_MAX,
    };
    if (rest_start(yarn->rest, &request, on_done, yarn, &yarn->call, &err) < 0)
        tell(yarn, YARN_FAILED, err.text);
}

void yarn_rest_stop(struct yarn_rest *yarn) {
    rest_cancel(&yarn->call);
}
