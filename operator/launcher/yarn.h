#pragma once

/* Keeps asking YARN's ResourceManager over REST: what became of our application, or, when told to kill, until no
 * application of ours is left. Applications are ours by tag; an id from a log line only says where to look first. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "launcher/http.h"
#include "base/wait.h"
#include "launcher/yarn_app.h"
#include "launcher/yarn_conf.h"

enum yarn_want { YARN_NOTHING, YARN_WATCH, YARN_KILL };
enum yarn_request { YARN_FIND, YARN_GET, YARN_PUT };

enum { YARN_ANSWER_MAX = 512 * 1024, YARN_REDIRECTS_MAX = 3, YARN_TIMEOUT_MS = 5000 };

struct yarn {
    struct http http;
    struct yarn_rms rms;   /* none: there is no cluster to ask */
    size_t rm;             /* the one that answered last */
    struct endpoint asked; /* by the request under way */
    int redirects;
    const char *tag;          /* NULL: ours is only what `hint` names */
    char hint[YARN_ID_MAX];   /* id seen in the output; "" */
    bool survey;              /* our task is not started: whatever is found is an earlier attempt's */
    char before[YARN_ID_MAX]; /* the newest of those; "" */
    int64_t not_before;       /* wall ms: applications started earlier are an earlier attempt's */

    enum yarn_want want;
    enum yarn_request request;
    int64_t next_at, interval_ms, asked_at;
    char victims[YARN_APPS_MAX][YARN_ID_MAX]; /* still to be killed in this round */
    size_t victim_count, victims_seen;

    bool known;               /* `app` holds */
    struct yarn_app app;      /* ours, as last seen; with several, the newest */
    bool absent;              /* the last answer: there is no such application */
    int64_t answered_at;      /* boot ms of the question that was last answered; 0: never */
    int64_t failing_since;    /* 0: the last request was answered */
    int64_t clear_at;         /* boot ms of the question to which the answer was: nothing of ours is left; 0: not yet */
    bool refused;             /* the ResourceManager does not let us kill by REST */
    char killed[YARN_ID_MAX]; /* the last one told to end; "" */
    struct error err;         /* why the last request failed */
};

/* `buffer` of YARN_ANSWER_MAX. `rms` is copied. */
void yarn_init(struct yarn *yarn, char *buffer, const struct yarn_rms *rms, const char *tag);
bool yarn_available(const struct yarn *yarn); /* someone to ask, and something to ask for */
void yarn_hint(struct yarn *yarn, const char *application_id, int64_t now); /* no-op when it is no YARN id */
void yarn_hint_url(struct yarn *yarn, const char *tracking_url); /* names the ResourceManager when nothing else did */
/* From now on; asks at once when that is something new. */
void yarn_set(struct yarn *yarn, enum yarn_want want, int64_t interval_ms, int64_t now);
void yarn_wait(const struct yarn *yarn, struct wait *wait);
bool yarn_step(struct yarn *yarn, const struct wait *wait, int64_t now); /* true when something was learnt */
