#pragma once

/* One request of a pass, from being made to being answered; for the files of controller/ only. */

#include "controller/internal.h"

struct request {
    struct pass *pass;
    char *pod, *pod_uid, *task; /* "" when there is none */
    char *run_uid;              /* of an orphan pod; else NULL, since the pass has it */
    int64_t edge_from;          /* boot ms; 0: not an edge */
};

struct request *request_new(struct pass *pass, const char *pod, const char *pod_uid,
                            const char *task); /* copies the texts */
char *request_copy(const char *text);          /* never NULL; goes with the request it is put into */
void request_end(struct request *request);     /* frees it; ends the pass when it was the last */

struct kube_ref request_pod(const struct request *request);
struct kube_ref pass_pipeline(const struct pass *pass);
struct cache *pass_cache(const struct pass *pass, const struct kube_resource *resource);

void request_again(const struct request *request); /* plan once more after this pass */
void request_say(const struct request *request, const char *what,
                 const struct kube_answer *answer); /* a warning in the log */

/* The usual end of a write: the answer is the news, a conflict means look again, what is missing is as good as done. */
void request_settle(struct request *request, struct kube_answer *answer, const struct kube_resource *resource,
                    const char *what);
