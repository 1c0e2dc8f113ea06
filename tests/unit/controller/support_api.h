#pragma once

/* The API server behind the client's interface (kube/api.h): requests go to a store, lists and watches are served from
 * it. Answers come later, from the loop. Faults are the test's. */

#include <uv.h>

#include "controller/support_store.h"
#include "kube/api.h"

/* The next `times` requests of that verb for that kind go wrong; verb "check" is a creation that is only tried. */
struct api_fault {
    const char *verb, *plural;
    int times;
    int status;                   /* refused with this; 0: no answer comes through */
    bool done;                    /* status 0: but it was carried out */
    const char *reason, *message; /* of the Status */
};

struct api {
    struct kube_api kube; /* first: this is what is handed out */
    uv_loop_t *loop;
    struct store store;
    struct kube_call *calls;
    struct api_fault faults[8];
    bool no_stream_lists; /* an older server: lists by pages only */
    int64_t page_max;     /* 0: as asked for */
    const char *lagging;  /* watches of that kind hear of changes later, by */
    uint64_t watch_lag_ms;
    uint64_t answer_ms;    /* answers to writes take that long; what they ask for is done at once */
    bool fenced;           /* the transport holds back every write */
    const char *forbidden; /* in this namespace nothing can be listed or watched */
    int64_t requests;      /* decided on; lists and watches not counted */
    int64_t delivered;     /* answers, and what watches showed */
    int64_t cut_after;     /* the line breaks after so many; 0: never */
    bool cut;              /* nothing is carried out, no answer comes through, watches break */
    /* A request was decided on; `status` is what the server answers, also when that answer gets lost. */
    void (*seen)(const struct target *target, int status, void *arg);
    void *arg;
};

void api_init(struct api *api, uv_loop_t *loop);
void api_fini(struct api *api);        /* no request may be under way */
void api_end_watches(struct api *api); /* as a server does now and then */
void api_fail(struct api *api, struct api_fault fault);
