#pragma once

/* List and watch of one collection: a state machine without I/O and without a clock (after kube-rs' watcher and OVS'
 * reconnect). The driver reports what happened and does what watch_run() returns.
 *
 *   EMPTY -> STREAMING -> WATCHING    a streaming list: objects, then a bookmark that ends them
 *   EMPTY -> PAGING    -> LISTED      pages of about 1 MB, all of the first page's version
 *   LISTED <-> WATCHING               a watch ends every few minutes and goes on from the last version seen
 *   any -> EMPTY                      history is compacted (410 in any shape): from the start; contents stay served
 *
 * Times are milliseconds of CLOCK_BOOTTIME. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/error.h"
#include "base/sm.h"

enum {
    WATCH_BACKOFF_MS = 800,
    WATCH_BACKOFF_MAX_MS = 30 * 1000,
    WATCH_BACKOFF_RESET_MS = 120 * 1000, /* this long without a failure: start at the minimum again */
    WATCH_SHORT_MS = 1000,               /* a watch that ends sooner without any news is a failure */
    WATCH_INTERNAL_MS = 30 * 1000,       /* ERROR 500 events for longer than this: list again */
    WATCH_PAGE_FIRST = 50, /* objects of the first page; then as many as make WATCH_PAGE_BYTES, within the two bounds */
    WATCH_PAGE_MIN = 10,
    WATCH_PAGE_MAX = 500, /* lower for good once a page was too large to be taken */
    WATCH_PAGE_BYTES = 1024 * 1024,
    WATCH_VERSION_MAX = 64,
    WATCH_TIMEOUT_S = 300,
    WATCH_QUIET_MS = 120 * 1000, /* bookmarks come every minute: without a word for that long a watch is dead */
};

/* X(state, meaning) */
#define WATCH_STATES(X)                                               \
    X(EMPTY, "nothing that could be continued: list from the start")  \
    X(STREAMING, "the objects of a streaming list are coming in")     \
    X(PAGING, "the pages of a list are coming in")                    \
    X(LISTED, "contents are known as of a version; no watch is open") \
    X(WATCHING, "a watch is open")

enum watch_state {
#define X(name, meaning) WATCH_##name,
    WATCH_STATES(X)
#undef X
};

enum watch_action {
    WATCH_DO_WAIT,   /* nothing before `at`; INT64_MAX: a request is under way that ends by itself */
    WATCH_DO_STREAM, /* open a watch with sendInitialEvents */
    WATCH_DO_PAGE,   /* get a page; with `continue_token` unless it is the first; `limit` 0: everything in one */
    WATCH_DO_WATCH,  /* open a watch from `version` */
};

struct watch_step {
    enum watch_action action;
    int64_t at;
    int64_t limit;
    int64_t timeout_s; /* of STREAM and WATCH */
    const char *reason;
};

/* What the driver does with the contents after reporting something. */
enum watch_effect {
    WATCH_KEEP,  /* nothing */
    WATCH_STAGE, /* add the object (or the page's objects) to the list being built */
    WATCH_UNSTAGE,
    WATCH_COMMIT, /* the list is whole (a page: after staging it): replace the contents */
    WATCH_PUT,
    WATCH_DROP,
    WATCH_END, /* end the request and report nothing more of it; discard the list being built */
};

struct watch_event {
    const char *type;    /* ADDED MODIFIED DELETED BOOKMARK ERROR, or anything else */
    const char *version; /* metadata.resourceVersion; NULL when it has none */
    bool list_end;       /* BOOKMARK annotated k8s.io/initial-events-end */
    int code;            /* ERROR: Status.code */
    int64_t retry_after_ms;
};

/* Zero: the value in brackets. */
struct watch_settings {
    bool stream_lists;  /* try WatchList */
    int64_t timeout_s;  /* watches last that long to twice as long (WATCH_TIMEOUT_S) */
    int64_t quiet_ms;   /* silent for that long to half as long again, a watch is dead (WATCH_QUIET_MS) */
    int64_t backoff_ms; /* after the first failure (WATCH_BACKOFF_MS) */
    uint64_t seed;      /* of the jitter */
};

struct watch_fsm {
    enum watch_state state;
    bool busy;                            /* a request is under way */
    bool stream_lists;                    /* streaming lists are tried; false for good after the first that failed */
    bool whole;                           /* the next list is one page: a page token had expired */
    bool rewound;                         /* the list just committed is older than what was seen before */
    char version[WATCH_VERSION_MAX];      /* go on from here */
    char list_version[WATCH_VERSION_MAX]; /* of the first page */
    char seen_version[WATCH_VERSION_MAX]; /* newest ever seen, through relists */
    char *continue_token;                 /* owned; NULL before the first page */
    int64_t page_limit, page_max;
    struct backoff backoff;
    int64_t internal_since; /* first of a row of ERROR 500 events; 0: none */
    int64_t not_before;
    int64_t opened_at;
    bool news;                 /* the watch under way brought some: a newer version */
    int64_t life_at, quiet_ms; /* of the watch under way: its last word, and how long it may be silent */
    struct watch_settings settings;
};

void watch_fsm_init(struct watch_fsm *fsm, const struct watch_settings *settings);
void watch_fsm_fini(struct watch_fsm *fsm);

/* What to do now. A returned request counts as begun. */
struct watch_step watch_run(struct watch_fsm *fsm, int64_t now);
/* WATCH_END when the watch under way has been silent for too long: it goes on from the same version. Ask before
 * watch_run(). */
enum watch_effect watch_check(struct watch_fsm *fsm, int64_t now);
enum watch_effect watch_event(struct watch_fsm *fsm, const struct watch_event *event, int64_t now);
/* A page of so many bytes (0: not known) came whole. `continue_token` NULL or "": it was the last one. */
enum watch_effect watch_page(struct watch_fsm *fsm, const char *version, const char *continue_token, size_t bytes,
                             int64_t now);
/* A request ended: by itself (NULL), or with an error and its HTTP status. Not after WATCH_END or a page. WATCH_END:
 * discard the list being built. */
enum watch_effect watch_ended(struct watch_fsm *fsm, const struct error *err, int status, int64_t retry_after_ms,
                              int64_t now);
/* Forgets where it was and lists again: what is under way must have been cancelled. */
void watch_restart(struct watch_fsm *fsm, int64_t now);
const char *watch_state_name(enum watch_state state);
const struct sm_state *watch_state_table(size_t *ret_count); /* for tests */
