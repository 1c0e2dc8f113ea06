#pragma once

/* Inside remote/ only: what a cluster manager has to know, and the state that it shares with remote.c. One file a
 * manager. */

#include "remote/remote.h"
#include "remote/spark_ui.h"

struct remote_manager {
    const char *name; /* of the option --remote */
    struct remote_words words;
    int (*open)(struct remote *remote, void **ret_state, struct error *err);
    void (*close)(void *state);
    bool (*is_id)(const char *id);            /* could it be a job of this manager? */
    void (*wanted)(void *state, int64_t now); /* remote->want has changed */
    void (*heard)(void *state, const struct fact *fact, int64_t now);
    void (*wait)(const void *state, struct wait *wait);
    void (*step)(void *state, int64_t now);
};
extern const struct remote_manager manager_yarn;

struct remote {
    const struct remote_config *config;
    const struct remote_manager *manager; /* NULL: none */
    void *state;                          /* the manager's */
    struct rest *rest;
    struct helpers *helpers;
    const struct environment *env; /* of helpers */
    bool has_ui;                   /* a Spark driver may answer */
    struct remote_view view;
    enum remote_want want;
    int64_t interval_ms, next_at;
    char last_former[REMOTE_ID_MAX]; /* jobs up to this one are an earlier attempt's; "" */
    struct spark_ui ui;
};

/* The job of that id, new ones included; NULL when all are newer than those there is room for. */
struct remote_job *remote_job(struct remote *remote, const char *id);
struct remote_job *remote_find(struct remote *remote, const char *id); /* NULL: not known */
/* a submitted before b? By the two numbers of an id. */
bool remote_id_older(const char *a, const char *b);

/* For a person; no-ops when nothing changes. */
void remote_set_url(struct remote *remote, const char *url);
void remote_set_history(struct remote *remote, const char *url);
void remote_set_progress(struct remote *remote, int percent, const char *text);
void remote_set_application(struct remote *remote, const char *id);
void remote_fail(struct remote *remote, int64_t now, const char *text); /* a question was not answered */
