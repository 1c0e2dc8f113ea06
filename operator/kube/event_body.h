#pragma once

/* What is written of an event: private to kube/event.c. */

#include "base/arena.h"
#include "kube/event.h"

struct event_origin {
    const char *namespace, *name; /* of the event itself */
    const char *controller, *instance;
    int64_t at_us; /* wall */
};

/* Events of one key are one series. */
uint64_t event_key(const struct event *event);
const char *event_body(const struct event *event, const struct event_origin *origin, struct arena *arena,
                       size_t *ret_length);
