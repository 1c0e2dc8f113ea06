#pragma once

/* An application as YARN's ResourceManager describes it. Pure: an answer's body -> values. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "record/record.h"

enum { YARN_ID_MAX = 64, YARN_DIAGNOSTICS_MAX = 8192 };

struct yarn_app {
    char id[YARN_ID_MAX];
    char state[16];                         /* NEW … ACCEPTED RUNNING FINISHED FAILED KILLED */
    char final_status[16];                  /* UNDEFINED SUCCEEDED FAILED KILLED ENDED */
    char tags[1024];                        /* lower case, comma-separated; cut when longer */
    bool tags_known;                        /* the answer says which they are */
    double progress;                        /* percent */
    char tracking_url[RECORD_URL_MAX + 1];  /* "" when it is none */
    char diagnostics[YARN_DIAGNOSTICS_MAX]; /* its end, when longer: causes come last */
};

bool yarn_id_valid(const char *id); /* application_<digits>_<digits>: fit for a URL and an argument */
bool yarn_app_ended(const struct yarn_app *app);
bool yarn_app_tagged(const struct yarn_app *app, const char *tag); /* YARN folds case */
bool yarn_app_tagged_like(const struct yarn_app *app, const char *prefix);

/* {"app":{…}}. ERROR_INVALID when it is something else. */
int yarn_app_parse(const char *body, size_t length, struct yarn_app *ret, struct error *err);
/* {"apps":{"app":[…]}}: calls `each` for every well-formed one. ERROR_INVALID when one is not: there may be more. */
typedef void (*yarn_app_each)(void *context, const struct yarn_app *app);
int yarn_apps_parse(const char *body, size_t length, yarn_app_each each, void *context, struct error *err);

/* One line for a person: the telling line of the diagnostics, without dates in brackets and container prose. */
void yarn_app_explain(const struct yarn_app *app, char *out, size_t size);
