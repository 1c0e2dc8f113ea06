#pragma once

/* Inside remote/ only: YARN's state, shared by yarn.c (the manager), yarn_round.c (what is asked when) and yarn_learn.c
 * (what an answer means for the view). */

#include "remote/manager.h"
#include "remote/yarn_cli.h"
#include "remote/yarn_rest.h"

enum { YARN_SUBMITTED_MS = 1000 }; /* an id that has just been printed may not be known yet */

/* Where a round is. */
enum step { STEP_NONE, STEP_LIST, STEP_STATUS, STEP_INFO, STEP_KILL };

/* Looking and ending are granted apart. */
enum right { RIGHT_LOOK, RIGHT_END, RIGHTS };

struct way {
    bool cli;              /* the command line is asked, since REST refuses; no-op when there is none */
    int64_t refused_since; /* boot ms; 0: the last one of these was not refused */
};

struct yarn {
    struct remote *remote;
    struct yarn_asker asker;
    struct yarn_rest rest;
    struct yarn_cli cli;
    struct way ways[RIGHTS];
    char kill_trouble[160]; /* why the last request to end one had no effect; "" */
    bool broken;            /* the configuration cannot be read */
    bool asking;            /* a question is on its way */
    enum step step;
    uint64_t round;    /* … and which one it is */
    int64_t round_at;  /* boot ms of the round's first question */
    int64_t heard_at;  /* boot ms when an id was last heard */
    int64_t charge;    /* of the ResourceManager that said it is in charge; 0: none has */
    int64_t charge_at; /* boot ms of that answer */
    int64_t now;
};

/* yarn_learn.c: struct yarn_asker's on_app. */
void yarn_learn(void *context, const struct yarn_app *app);

/* yarn_round.c: struct yarn_asker's on_answer; asks what is due. */
void yarn_answered(void *context, const struct yarn_answer *answer);
void yarn_round_step(struct yarn *yarn, int64_t now);
