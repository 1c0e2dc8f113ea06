#pragma once

/* One request of a pass, from being made to being answered; for the files of controller/ only. */

#include "controller/internal.h"

struct call {
    struct pass *pass;
    char *pod, *pod_uid, *task;
    int64_t edge_from; /* boot ms; 0: not an edge */
};

struct call *call_new(struct pass *pass, const char *pod, const char *pod_uid, const char *task); /* copies the texts */
void call_end(struct call *call); /* frees it; ends the pass when it was the last */

struct kube_ref call_pod(const struct call *call);
struct kube_ref pass_pipeline(const struct pass *pass);
struct cache *pass_cache(const struct pass *pass, const struct kube_resource *resource);

void call_again(const struct call *call); /* plan once more after this pass */
void call_say(const struct call *call, const char *what, const struct kube_answer *answer); /* a warning in the log */

/* The usual end of a write: the answer is the news, a conflict means look again, a missing object is as good as done.
 */
void call_settle(struct call *call, struct kube_answer *answer, const struct kube_resource *resource, const char *what);
