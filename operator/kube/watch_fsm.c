/* See watch_fsm.h. Pure: no I/O, no clock; randomness comes from the seed. */

#include "kube/watch_fsm.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sm.h"
#include "base/text.h"
#include "kube/version.h"

#define TO(name) SM_TO(WATCH_##name)
static const struct sm_state states[] = {
    [WATCH_EMPTY] = {"EMPTY", TO(STREAMING) | TO(PAGING), SM_INITIAL},
    [WATCH_STREAMING] = {"STREAMING", TO(WATCHING) | TO(EMPTY), 0},
    [WATCH_PAGING] = {"PAGING", TO(LISTED) | TO(EMPTY), 0},
    [WATCH_LISTED] = {"LISTED", TO(WATCHING) | TO(EMPTY), 0},
    [WATCH_WATCHING] = {"WATCHING", TO(LISTED) | TO(EMPTY), 0},
};
#undef TO

const struct sm_state *watch_state_table(size_t *ret_count) {
    *ret_count = sizeof states / sizeof *states;
    return states;
}

const char *watch_state_name(enum watch_state state) {
    return states[state].name;
}

void watch_fsm_init(struct watch_fsm *fsm, const struct watch_settings *settings) {
    *fsm = (struct watch_fsm){.state = WATCH_EMPTY,
                              .stream_lists = settings->stream_lists,
                              .page_max = WATCH_PAGE_MAX,
                              .settings = *settings};
    struct watch_settings *own = &fsm->settings;
    own->timeout_s = own->timeout_s > 0 ? own->timeout_s : WATCH_TIMEOUT_S;
    own->quiet_ms = own->quiet_ms > 0 ? own->quiet_ms : WATCH_QUIET_MS;
    fsm->backoff = (struct backoff){.min_ms = own->backoff_ms > 0 ? own->backoff_ms : WATCH_BACKOFF_MS,
                                    .max_ms = WATCH_BACKOFF_MAX_MS,
                                    .reset_ms = WATCH_BACKOFF_RESET_MS,
                                    .random = own->seed};
}

void watch_fsm_fini(struct watch_fsm *fsm) {
    free(fsm->continue_token);
    fsm->continue_token = NULL;
}

static void move(struct watch_fsm *fsm, enum watch_state next) {
    assert(sm_allows(states, fsm->state, next));
    fsm->state = next;
}

/* Wait before the next request. */
static void back_off(struct watch_fsm *fsm, int64_t at_least_ms, int64_t now) {
    int64_t wait = backoff_next(&fsm->backoff, now);
    fsm->not_before = now + (wait > at_least_ms ? wait : at_least_ms);
}

static void set_token(struct watch_fsm *fsm, const char *token) {
    free(fsm->continue_token);
    fsm->continue_token = token == NULL || token[0] == '\0' ? NULL : strdup(token);
}

/* From the start; the contents go on being served. */
static void forget(struct watch_fsm *fsm) {
    move(fsm, WATCH_EMPTY);
    fsm->busy = false;
    fsm->version[0] = '\0';
    fsm->internal_since = 0;
    set_token(fsm, NULL);
}

void watch_restart(struct watch_fsm *fsm, int64_t now) {
    forget(fsm);
    fsm->not_before = now;
}

static enum watch_effect forget_and_wait(struct watch_fsm *fsm, int64_t now) {
    forget(fsm);
    back_off(fsm, 0, now);
    return WATCH_END;
}

/* A streaming list did not work out: pages from now on, at once. */
static enum watch_effect give_up_streaming(struct watch_fsm *fsm, int64_t now) {
    fsm->stream_lists = false;
    watch_restart(fsm, now);
    return WATCH_END;
}

/* What to do. */

static struct watch_step begin(struct watch_fsm *fsm, struct watch_step step, int64_t now) {
    fsm->busy = true;
    fsm->opened_at = fsm->life_at = now;
    fsm->news = false;
    fsm->quiet_ms = fsm->settings.quiet_ms + backoff_chance(&fsm->backoff.random, fsm->settings.quiet_ms / 2);
    step.timeout_s = fsm->settings.timeout_s + backoff_chance(&fsm->backoff.random, fsm->settings.timeout_s);
    return step;
}

static bool is_watching(const struct watch_fsm *fsm) {
    return fsm->busy && (fsm->state == WATCH_STREAMING || fsm->state == WATCH_WATCHING);
}

enum watch_effect watch_check(struct watch_fsm *fsm, int64_t now) {
    if (!is_watching(fsm) || now - fsm->life_at < fsm->quiet_ms)
        return WATCH_KEEP;
    if (fsm->state == WATCH_STREAMING)
        return forget_and_wait(fsm, now); /* half a list is no version to go on from */
    move(fsm, WATCH_LISTED);
    fsm->busy = false;
    return WATCH_END;
}

static struct watch_step begin_page(struct watch_fsm *fsm, const char *reason, int64_t now) {
    struct watch_step step = {.action = WATCH_DO_PAGE, .limit = fsm->whole ? 0 : fsm->page_limit, .reason = reason};
    return begin(fsm, step, now);
}

struct watch_step watch_run(struct watch_fsm *fsm, int64_t now) {
    if (fsm->busy)
        return (struct watch_step){.action = WATCH_DO_WAIT,
                                   .at = is_watching(fsm) ? fsm->life_at + fsm->quiet_ms : INT64_MAX,
                                   .reason = "a request is under way"};
    if (now < fsm->not_before)
        return (struct watch_step){.action = WATCH_DO_WAIT, .at = fsm->not_before, .reason = "backing off"};
    switch (fsm->state) {
    case WATCH_EMPTY:
        move(fsm, fsm->stream_lists ? WATCH_STREAMING : WATCH_PAGING);
        fsm->page_limit = fsm->page_max < WATCH_PAGE_FIRST ? fsm->page_max : WATCH_PAGE_FIRST;
        if (fsm->state == WATCH_PAGING)
            return begin_page(fsm, "first page", now);
        return begin(fsm, (struct watch_step){.action = WATCH_DO_STREAM, .reason = "streaming list"}, now);
    case WATCH_PAGING: return begin_page(fsm, fsm->continue_token != NULL ? "next page" : "first page again", now);
    case WATCH_LISTED:
        move(fsm, WATCH_WATCHING);
        return begin(fsm, (struct watch_step){.action = WATCH_DO_WATCH, .reason = "watch"}, now);
    case WATCH_STREAMING:
    case WATCH_WATCHING: break; /* always busy */
    }
    abort();
}

/* What happened. */

/* Where to go on from. An unusable version leaves the old one: that repeats events and loses none. */
static void advance(struct watch_fsm *fsm, const char *version) {
    enum version_order order = version_compare(version, fsm->version);
    if (text_empty(version) || strlen(version) >= sizeof fsm->version || order == VERSION_OLDER)
        return;
    fsm->news = fsm->news || order != VERSION_SAME;
    snprintf(fsm->version, sizeof fsm->version, "%s", version);
    snprintf(fsm->seen_version, sizeof fsm->seen_version, "%s", version);
}

/* The list is whole: it is the truth as of `version`. */
static enum watch_effect listed(struct watch_fsm *fsm, enum watch_state next, const char *version) {
    fsm->rewound = version_compare(version, fsm->seen_version) == VERSION_OLDER;
    fsm->whole = false;
    fsm->version[0] = '\0';
    fsm->seen_version[0] = '\0';
    move(fsm, next);
    advance(fsm, version);
    return WATCH_COMMIT;
}

static enum watch_effect stream_event(struct watch_fsm *fsm, const struct watch_event *event, int64_t now) {
    if (text_equal(event->type, "ADDED") || text_equal(event->type, "MODIFIED"))
        return WATCH_STAGE;
    if (text_equal(event->type, "DELETED"))
        return WATCH_UNSTAGE;
    if (text_equal(event->type, "ERROR"))
        return give_up_streaming(fsm, now);
    if (!text_equal(event->type, "BOOKMARK") || !event->list_end)
        return WATCH_KEEP;
    return text_empty(event->version) ? give_up_streaming(fsm, now) : listed(fsm, WATCH_WATCHING, event->version);
}

static enum watch_effect error_event(struct watch_fsm *fsm, const struct watch_event *event, int64_t now) {
    bool internal = event->code == 500;
    if (internal && fsm->internal_since == 0)
        fsm->internal_since = now;
    bool same_version = event->code == 429 || (internal && now - fsm->internal_since <= WATCH_INTERNAL_MS);
    if (!same_version)
        return forget_and_wait(fsm, now); /* 410, and what nobody knows */
    move(fsm, WATCH_LISTED);
    fsm->busy = false;
    back_off(fsm, event->retry_after_ms, now);
    return WATCH_END;
}

enum watch_effect watch_event(struct watch_fsm *fsm, const struct watch_event *event, int64_t now) {
    fsm->life_at = now;
    if (fsm->state == WATCH_STREAMING)
        return stream_event(fsm, event, now);
    if (fsm->state != WATCH_WATCHING)
        return WATCH_KEEP;
    if (text_equal(event->type, "ERROR"))
        return error_event(fsm, event, now);
    bool put = text_equal(event->type, "ADDED") || text_equal(event->type, "MODIFIED");
    bool drop = text_equal(event->type, "DELETED");
    bool bookmark = text_equal(event->type, "BOOKMARK");
    if (!put && !drop && !bookmark)
        return WATCH_KEEP;
    if (bookmark && version_compare(event->version, fsm->version) == VERSION_OLDER)
        return forget_and_wait(fsm, now); /* the server's present lies before ours: its store was restored */
    fsm->internal_since = 0;
    advance(fsm, event->version);
    return put ? WATCH_PUT : drop ? WATCH_DROP : WATCH_KEEP;
}

/* The next page's objects may be larger than this one's: four times as many at most. The last page is not full, so it
 * tells nothing of how many would fit. */
static void adapt_pages(struct watch_fsm *fsm, size_t bytes, bool last) {
    if (bytes == 0 || last || fsm->whole)
        return;
    int64_t fits = WATCH_PAGE_BYTES * fsm->page_limit / (int64_t)bytes;
    if (fits > 4 * fsm->page_limit)
        fits = 4 * fsm->page_limit;
    if (fits < WATCH_PAGE_MIN)
        fits = WATCH_PAGE_MIN;
    fsm->page_limit = fits < fsm->page_max ? fits : fsm->page_max;
}

enum watch_effect watch_page(struct watch_fsm *fsm, const char *version, const char *continue_token, size_t bytes,
                             int64_t now) {
    fsm->busy = false;
    adapt_pages(fsm, bytes, text_empty(continue_token));
    if (fsm->continue_token == NULL)
        snprintf(fsm->list_version, sizeof fsm->list_version, "%s", version != NULL ? version : "");
    if (fsm->list_version[0] == '\0')
        return forget_and_wait(fsm, now); /* nothing to watch from */
    set_token(fsm, continue_token);
    if (fsm->continue_token != NULL)
        return WATCH_STAGE;
    return listed(fsm, WATCH_LISTED, fsm->list_version);
}

static enum watch_effect stream_ended(struct watch_fsm *fsm, const struct error *err, int status,
                                      int64_t retry_after_ms, int64_t now) {
    /* Only a considered answer speaks against streaming; a cut or busy server does not. */
    bool considered = err == NULL || err->code == ERROR_INVALID || err->code == ERROR_GONE || status == 500;
    if (considered)
        return give_up_streaming(fsm, now);
    forget(fsm);
    back_off(fsm, retry_after_ms, now);
    return WATCH_END;
}

/* A 200 that cannot be taken is too large: large objects must not keep a list from ever being read. */
static enum watch_effect take_smaller_pages(struct watch_fsm *fsm, int64_t now) {
    if (!fsm->whole)
        fsm->page_max = fsm->page_limit > 4 ? fsm->page_limit / 4 : 1;
    fsm->whole = false;
    watch_restart(fsm, now);
    return WATCH_END;
}

static enum watch_effect page_failed(struct watch_fsm *fsm, const struct error *err, int status, int64_t retry_after_ms,
                                     int64_t now) {
    fsm->busy = false;
    if (err->code == ERROR_INVALID && status == 200 && (fsm->whole || fsm->page_limit > 1))
        return take_smaller_pages(fsm, now);
    if (err->code == ERROR_GONE) {
        /* The token that comes with a 410 continues another version: no list to keep. */
        fsm->whole = fsm->continue_token != NULL;
        return forget_and_wait(fsm, now);
    }
    back_off(fsm, retry_after_ms, now);
    if (err->code == ERROR_TRANSIENT)
        return WATCH_KEEP; /* the same page again */
    forget(fsm);
    return WATCH_END;
}

static enum watch_effect watch_broke(struct watch_fsm *fsm, const struct error *err, int status, int64_t retry_after_ms,
                                     int64_t now) {
    bool history_lost = err != NULL && (err->code == ERROR_GONE || err->code == ERROR_INVALID || status == 504);
    /* A list says at once that reading is allowed again, a watch only when something happens. */
    bool forbidden = err != NULL && err->code == ERROR_FORBIDDEN;
    if (history_lost || forbidden)
        return forget_and_wait(fsm, now);
    move(fsm, WATCH_LISTED);
    fsm->busy = false;
    bool refused = err != NULL && status != 200;
    bool very_short = now - fsm->opened_at < WATCH_SHORT_MS;
    if (refused || (very_short && !fsm->news))
        back_off(fsm, retry_after_ms, now);
    else if (very_short)
        fsm->not_before = fsm->opened_at + WATCH_SHORT_MS; /* each costs the server a look at its history */
    return WATCH_KEEP;
}

enum watch_effect watch_ended(struct watch_fsm *fsm, const struct error *err, int status, int64_t retry_after_ms,
                              int64_t now) {
    switch (fsm->state) {
    case WATCH_STREAMING: return stream_ended(fsm, err, status, retry_after_ms, now);
    case WATCH_PAGING: return page_failed(fsm, err, status, retry_after_ms, now);
    case WATCH_WATCHING: return watch_broke(fsm, err, status, retry_after_ms, now);
    case WATCH_EMPTY:
    case WATCH_LISTED: break; /* nothing was under way */
    }
    return WATCH_KEEP;
}
