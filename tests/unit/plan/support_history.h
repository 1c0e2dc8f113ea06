#pragma once

/* A random history of the plan's small world, and what must hold at each step of it. Fatal (cmocka), with the seed. */

#include "support_world.h"

enum { TASKS_MAX = 8 };

struct history {
    struct world world;
    uint64_t seed, state;
    bool fresh;                       /* the caches never lag: then parallelism is kept exactly */
    enum task_phase final[TASKS_MAX]; /* by task; TASK_None: not yet */
    size_t failed[TASKS_MAX], lost[TASKS_MAX];
    /* By task: when an attempt last ended without a clear word, and when one with it or a cleaner ended well. */
    size_t soiled[TASKS_MAX], cleaned[TASKS_MAX];
    size_t events;
};

#define CHECK(history, condition)                                                       \
    do {                                                                                \
        if (!(condition))                                                               \
            fail_msg("seed %llu: %s", (unsigned long long)(history)->seed, #condition); \
    } while (0)

bool runs(const struct pod_view *view);
size_t index_of(const struct pod_view *view); /* of its task */
size_t running_pods(const struct world *world);
/* Its program ran, and its launcher's last word is not that nothing is left. */
bool unclear(const struct pod_view *view);

void check_pods(struct history *history);        /* who runs beside whom */
void check_status(struct history *history);      /* as recorded */
void check_actions(struct history *history);     /* of the last plan */
void check_determinism(struct history *history); /* of it, too */
