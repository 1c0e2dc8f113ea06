#pragma once

/* What a task has on a cluster: found, followed, ended and explained, whatever manages the cluster. The launcher's
 * phases know nothing else of it.
 *
 * Ours is what carries the task's tag. An id that a log line named, or that an earlier attempt recorded, only says
 * where to look: what does not carry the tag is never ended. That there is nothing is believed only of a manager that
 * has been in charge all the while (a restarted one does not know yet what it will recover). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/wait.h"
#include "output/scan.h"
#include "record/record.h"
#include "remote/environment.h"
#include "remote/helpers.h"
#include "rest/rest.h"

enum { REMOTE_ID_MAX = 64, REMOTE_JOBS_MAX = 16, REMOTE_TEXT_MAX = 300 };

enum remote_verdict { REMOTE_UNDECIDED, REMOTE_SUCCEEDED, REMOTE_FAILED, REMOTE_KILLED };

struct remote_job {
    char id[REMOTE_ID_MAX];
    char state[16];              /* in the manager's own word; "" when not seen yet */
    bool former;                 /* of an earlier attempt */
    bool tagged;                 /* it carries the task's tag: ours, and ours to end */
    bool foreign;                /* it carries another task's */
    bool ended;                  /* else it is alive, or not known to be there */
    enum remote_verdict verdict; /* when ended */
    int64_t seen_at;             /* boot ms of the question to which it was in the answer; 0: known by its id alone */
    int64_t absent_at;         /* boot ms of the question to which it was believed not to be there; 0: it is, or was */
    int64_t told_at;           /* boot ms when it was first told to end; 0: never */
    char why[REMOTE_TEXT_MAX]; /* its end in one line; "" */
    uint64_t seen_in, asked_in, told_in; /* rounds of questions in which it was last seen, asked about, told to end */
};

struct remote_view {
    struct remote_job
        jobs[REMOTE_JOBS_MAX]; /* in the order of their submission; of too many the oldest go, ours last */
    size_t count;
    int64_t answered_at;   /* boot ms of the newest question that was answered for all of them; 0: none was */
    int64_t clear_at;      /* boot ms of the newest question to which nothing with our tag was alive; 0: something is */
    int64_t absent_since;  /* boot ms: since then no job of this attempt is known, believed; 0: one is, or not asked */
    int64_t failing_since; /* boot ms; 0: the last question was answered */
    bool deaf;             /* nobody can be asked, by no way; `trouble` says why and what to do */
    bool nobody;           /* … because the configuration names no cluster at all */
    char trouble[REMOTE_TEXT_MAX]; /* of the last question that failed, for a person; "" */

    /* For a person, from whoever knows best. */
    char tracking_url[RECORD_URL_MAX + 1], history_url[RECORD_URL_MAX + 1];
    char application_id[REMOTE_ID_MAX]; /* the newest of this attempt, also where no manager is asked; "" */
    int percent;                        /* -1: unknown */
    char progress[128];

    char client_verdict[16]; /* what the client printed of the end, in the manager's word; a hint; "" */
    bool client_lost;        /* … but it could not ask any more */
    uint64_t changes;        /* counts what a person would see change */
};

/* What is wanted of it now. */
enum remote_want {
    REMOTE_IDLE,   /* nothing is asked */
    REMOTE_LOOK,   /* what is there? asked until it has been answered */
    REMOTE_FOLLOW, /* the jobs of this attempt, every `interval_ms` */
    REMOTE_END,    /* all that is alive is told to end, until nothing is */
};

struct remote_config {
    const char *kind;           /* of the task; sparkSubmit: a driver may answer in this pod or behind the manager */
    const char *manager;        /* "yarn"; NULL: the task has nothing on a cluster that could be asked about */
    const char *tag;            /* NULL: none reaches the task's jobs */
    const char *const *earlier; /* ids that earlier attempts recorded */
    size_t earlier_count;
    const char *hadoop_conf; /* directory; NULL: the environment's */
    const char *pod_ip;      /* NULL or "": unknown */
};

/* Before the command starts, where its tag does not reach its jobs by its own words: a copy of the configuration with
 * the tag in `tagged_conf`, and `env` points to it. No-op when that is NULL. */
int remote_prepare(const struct remote_config *config, const char *tagged_conf, struct environment *env,
                   struct error *err);

struct remote;

bool remote_manager_known(const char *name);
/* All of these must outlive it; `env` is of helper processes. What is wrong with a configuration file is trouble, not
 * an error. */
int remote_new(const struct remote_config *config, struct rest *rest, struct helpers *helpers,
               const struct environment *env, struct remote **ret, struct error *err);
void remote_free(struct remote *remote); /* takes NULL */

const struct remote_view *
remote_view(const struct remote *remote); /* valid as long as it is; changes as it is driven */

/* From now on; asks at once when that is something new. */
void remote_want(struct remote *remote, enum remote_want want, int64_t interval_ms, int64_t now);
void remote_ask_now(struct remote *remote, int64_t now);  /* the newest truth, not the one of seconds ago */
void remote_ask_later(struct remote *remote, int64_t at); /* not before then */
/* The task's command begins: all jobs known by now are an earlier attempt's. */
void remote_begin(struct remote *remote);
/* The job is taken over: as if this attempt had submitted it. */
void remote_adopt(struct remote *remote, const struct remote_job *job);
void remote_hear(struct remote *remote, const struct fact *fact, int64_t now); /* a line of the task said so */

void remote_wait(const struct remote *remote, struct wait *wait);
void remote_step(struct remote *remote, int64_t now);

/* --- what follows from a view (pure) --- */

/* The newest job of this attempt that has the tag, or may have it; without such a one the newest that is not another
 * task's; NULL. */
const struct remote_job *remote_current(const struct remote_view *view);
/* Ended, and not because we told it to. */
bool remote_ended_by_itself(const struct remote_job *job);
/* "application_1, application_2": those that may still run, another task's left out; false when there are none. */
bool remote_alive(const struct remote_view *view, char *out, size_t size);

/* How the manager is called, and the reasons of a task whose job it says has failed, was killed, is not known to it. */
struct remote_words {
    const char *title, *failed, *killed, *lost;
};
const struct remote_words *remote_words(const struct remote *remote);
