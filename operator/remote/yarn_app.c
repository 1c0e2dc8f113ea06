/* See yarn_app.h. Relies on base/json; trusts an answer no more than any text from outside: ids and states must have
 * their exact form. YARN repeats keys inside an object ("entry"), which the parser allows. */

#include "remote/yarn_app.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "output/telling.h"

bool yarn_id_valid(const char *id) {
    static const char prefix[] = "application_";
    if (strncmp(id, prefix, sizeof prefix - 1) != 0 || strlen(id) >= YARN_ID_MAX)
        return false;
    const char *cluster = id + sizeof prefix - 1;
    size_t first = strspn(cluster, "0123456789");
    if (first == 0 || first > 19 || cluster[first] != '_')
        return false;
    size_t second = strspn(cluster + first + 1, "0123456789");
    return second > 0 && second <= 10 && cluster[first + 1 + second] == '\0';
}

bool yarn_app_ended(const struct yarn_app *app) {
    static const char *const ended[] = {"FINISHED", "FAILED", "KILLED"};
    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        if (strcmp(app->state, ended[i]) == 0)
            return true;
    return false;
}

/* Is there a tag that begins with it, and ends there when `whole`? YARN folds case. */
static bool has_tag(const struct yarn_app *app, const char *text, bool whole) {
    size_t length = strlen(text);
    for (const char *at = app->tags; *at;) {
        size_t size = strcspn(at, ",");
        if ((whole ? size == length : size >= length) && strncasecmp(at, text, length) == 0)
            return true;
        at += size + (at[size] == ',');
    }
    return false;
}

bool yarn_app_tagged(const struct yarn_app *app, const char *tag) {
    return has_tag(app, tag, true);
}

bool yarn_app_tagged_like(const struct yarn_app *app, const char *prefix) {
    return has_tag(app, prefix, false);
}

static bool copy_word(char *out, size_t size, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++)
        if (!isupper((unsigned char)word[i]) && word[i] != '_')
            return false;
    if (length == 0 || length >= size)
        return false;
    memcpy(out, word, length + 1);
    return true;
}

static int decode(yyjson_val *object, struct yarn_app *ret, struct error *err) {
    struct yarn_app *app = ret;
    *app = (struct yarn_app){0};
    const char *id = json_text(object, "id", "");
    if (!yarn_id_valid(id) || !copy_word(app->state, sizeof app->state, json_text(object, "state", "")))
        return error_set(err, ERROR_INVALID, "the ResourceManager's answer holds no application");
    memcpy(app->id, id, strlen(id) + 1);
    if (!copy_word(app->final_status, sizeof app->final_status, json_text(object, "finalStatus", "")))
        memcpy(app->final_status, "UNDEFINED", sizeof "UNDEFINED");
    snprintf(app->tags, sizeof app->tags, "%s", json_text(object, "applicationTags", ""));
    app->tags_known = true;
    yyjson_val *progress = json_at(object, "progress", NULL);
    app->progress = yyjson_is_num(progress) ? yyjson_get_num(progress) : 0;
    if (!(app->progress >= 0 && app->progress <= 100))
        app->progress = 0;
    const char *url = json_text(object, "trackingUrl", "");
    if (record_url_valid(url))
        memcpy(app->tracking_url, url, strlen(url) + 1);
    const char *diagnostics = json_text(object, "diagnostics", "");
    size_t length = strlen(diagnostics);
    if (length >= sizeof app->diagnostics)
        diagnostics += length - (sizeof app->diagnostics - 1);
    snprintf(app->diagnostics, sizeof app->diagnostics, "%s", diagnostics);
    return 0;
}

int yarn_app_parse(const char *body, size_t length, struct yarn_app *ret, struct error *err) {
    AUTO_JSON *doc = NULL;
    if (json_parse(body, length, &doc, err) < 0)
        return -1;
    return decode(json_at(yyjson_doc_get_root(doc), "app", NULL), ret, err);
}

int yarn_apps_parse(const char *body, size_t length, yarn_app_each each, void *context, struct error *err) {
    AUTO_JSON *doc = NULL;
    static struct yarn_app app; /* large, and never needed twice at once */
    if (json_parse(body, length, &doc, err) < 0)
        return -1;
    yyjson_val *root = yyjson_doc_get_root(doc), *list = json_at(root, "apps", "app", NULL), *item;
    bool single = yyjson_is_obj(list); /* how some versions write a list of one */
    if (!json_at(root, "apps", NULL) || (list && !yyjson_is_null(list) && !single && !yyjson_is_arr(list)))
        return error_set(err, ERROR_INVALID, "the ResourceManager's answer holds no list of applications");
    size_t i, count;
    int result = single ? decode(list, &app, err) : 0;
    if (single && result == 0)
        each(context, &app);
    yyjson_arr_foreach(list, i, count, item) {
        if (decode(item, &app, err) == 0)
            each(context, &app);
        else
            result = -1;
    }
    return result;
}

void yarn_app_explain(const struct yarn_app *app, char *out, size_t size) {
    char text[TELLING_TEXT_MAX];
    telling_choose(app->diagnostics, text);
    const char *at = text;
    if (*at == '[') { /* "[Fri Nov 20 09:44:09 +0000 2026] Application is …" */
        const char *close = strchr(at, ']');
        at = close ? close + 1 + strspn(close + 1, " ") : at;
    }
    snprintf(out, size, "%s", at);
    size_t length = strlen(out);
    while (length > 0 && strchr(" \t\r.;", out[length - 1]))
        out[--length] = '\0';
}
