#pragma once

/* Events for people (events.k8s.io/v1): written in the background, up to 8 at a time, merged into a series when
 * repeated. Dropped is what one object says too often, and what no memory is left for: repetitions first, Warnings
 * last. Never blocks and never fails the caller. */

#include <uv.h>

#include "kube/api.h"

struct recorder;

/* What an event is about. */
struct event_object {
    const struct kube_resource *resource;
    const char *namespace, *name, *uid;
};

struct event {
    struct event_object regarding;
    struct event_object related; /* resource NULL: none; e.g. the pod of a task */
    bool warning;
    const char *reason; /* CamelCase, cut to 128 bytes */
    const char *action; /* what was done, CamelCase, cut to 128 bytes */
    const char *note;   /* for a person, cut to 1024 bytes; bytes that are not UTF-8 are replaced */
};

/* `controller`: weir.dev/operator; `instance`: the pod. Texts are copied. */
struct recorder *recorder_new(uv_loop_t *loop, struct kube_api *api, const char *controller, const char *instance);
/* The same event again (all but time) within 6 minutes raises the count of the one written first. */
void recorder_emit(struct recorder *recorder, const struct event *event);
size_t recorder_pending(const struct recorder *recorder); /* not yet written */
void recorder_free(struct recorder *recorder);            /* drops what is pending; takes NULL */
