#pragma once

/* An event as it is kept and as it is written: private to kube/event.c. */

#include "base/arena.h"
#include "kube/event.h"

struct event_origin {
    const char *namespace, *name; /* of the event itself */
    const char *controller, *instance;
    int64_t at_us; /* wall */
};

/* Events of one key are one series. */
uint64_t event_key(const struct event *event);
/* A copy in one piece of memory, of *ret_size bytes; texts are cut to what may come to be written. free() it. */
struct event *event_copy(const struct event *event, size_t *ret_size);
/* The JSON object; texts are cleaned and cut to what the API server takes. */
const char *event_body(const struct event *event, const struct event_origin *origin, struct arena *arena,
                       size_t *ret_length);
