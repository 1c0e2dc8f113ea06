#pragma once

/* What is known of a run between two passes and nobody else holds: what was asked for and is not answered, what live
 * requests told, what the API server refused, how fast things may go. Lost at a restart without harm: it is asked for
 * again. Times are boot ms; runs_fill() gives the plan wall times. */

#include "base/arena.h"
#include "base/hash_table.h"
#include "controller/holdoff.h"
#include "controller/specs.h"
#include "plan/plan.h"

/* Requests that are not answered yet: a pod is asked for, a cleaner is, one is deleted, let go, looked for. */
enum asked { ASKED_CREATE, ASKED_CLEAN, ASKED_DELETE, ASKED_RELEASE, ASKED_LOOK, ASKED_COUNT };

enum survey { SURVEY_NEEDED, SURVEY_ASKED, SURVEY_DONE };

/* A pod that was let go or cannot be watched, as a live request showed it. */
struct stray {
    char *name, *uid;
    struct pod_object *pod;
    struct stray *next;
};

struct run_state {
    UT_hash_handle hh;
    char *uid;
    struct spec *spec, *last_valid; /* of controller/specs.h; last_valid: while `spec` has problems */

    enum survey survey; /* of pods that were let go: done before a run without status is planned */
    bool had_status;
    struct stray *strays;
    struct note *notes; /* private, as what follows */

    size_t checks;              /* dry runs of its pods that are not answered */
    uint64_t waits_for;         /* the shape of a dry run that another run asked for; 0: none */
    int64_t checked_generation; /* the API server takes the pods of this one, or was not willing to tell */
    int64_t left_generation;    /* left alone, and that is said */
    int64_t refused_generation; /* or it does not: why */
    char *refused;
    size_t asked[ASKED_COUNT]; /* requests that are not answered */
    struct holdoff create;     /* of the run: refusals in a row */

    bool writing;       /* a status is under way */
    int64_t changed_at; /* since when something is not recorded; 0: nothing */
    size_t status_bytes, status_max;
    double cost;                /* of a status write, while one is due: see pace.h */
    struct holdoff write, tidy; /* status writes; all other requests but creations */
};

struct runs {
    struct specs specs;
    struct run_state *table;
    double due_cost;   /* of all status writes that are due */
    int64_t window_ms; /* the shortest of folded status writes */
};

struct run_state *runs_find(const struct runs *runs, const char *uid); /* NULL: nothing is known */
struct run_state *runs_want(struct runs *runs, const char *uid);       /* never NULL */
void runs_forget(struct runs *runs, const char *uid);                  /* no-op when unknown */
void runs_clear(struct runs *runs);

/* `what`: the task of a creation or a cleaner, else the pod's UID. False when that was asked for already, or too much
 * is under way.
 */
bool run_ask(struct run_state *run, enum asked asked, const char *what, int64_t attempt);
void run_answered(struct run_state *run, enum asked asked, const char *what);
bool run_asked(const struct run_state *run, enum asked asked, const char *what);
bool run_asks(const struct run_state *run); /* anything at all */

/* What answers told. */
void run_refuse(struct run_state *run, int64_t generation, const char *why); /* for good: a problem of the spec */
void run_looked(struct run_state *run, const char *pod_uid, bool gone, int64_t now);
void run_taken(struct run_state *run, const char *task, int64_t attempt);
void run_collision(struct run_state *run, const char *pod);
void run_stray(struct run_state *run, const char *name, const char *uid, struct pod_object *pod); /* takes the pod */
void run_drop_stray(struct run_state *run, const char *uid); /* no-op when it is none */
void run_recorded(struct run_state *run); /* a status was: what was kept to be recorded is not needed any more */

/* A creation was refused for now, in the server's words; the task waits, longer each time, and the run a little, so
 * that a thousand tasks are not all refused at once. */
struct refusal {
    const char *task;
    int64_t attempt;
    const char *reason, *message;
    bool passing;          /* the server was busy, rather than unwilling */
    bool hopeless;         /* of a cleaner: it never will */
    bool too_small;        /* of a cleaner: a LimitRange wants more resources */
    int64_t not_before_ms; /* what it asked to wait; 0: nothing */
};
void run_refused(struct run_state *run, const struct refusal *refusal, int64_t generation, int64_t now);
void run_created(struct run_state *run, const char *task); /* it went well */
/* The same of a task's cleaner: nobody else waits for it. */
void run_cleaner_refused(struct run_state *run, const struct refusal *refusal, int64_t now);
void run_cleaner_made(struct run_state *run, const char *task);
bool run_holds_off(const struct run_state *run, int64_t now); /* something is to be tried again later */

/* The change that is not recorded yet began now, or is recorded. */
void runs_due(struct runs *runs, struct run_state *run, bool due, int64_t now);

/* Fills what the plan must know of all this; in the arena. */
void runs_fill(const struct runs *runs, const struct run_state *state, int64_t wall, int64_t boot, struct arena *arena,
               struct run *run);
