#pragma once

/* A model of the API server behind the client's interface: a function of the test answers each request, some time
 * later on the loop, as the contract in kube/api.h says. */

#include <uv.h>

#include "kube/api.h"

struct script_answer {
    int status; /* 0: no answer was received */
    char *body; /* JSON on the heap, or NULL */
    uint64_t delay_ms;
};

struct script {
    struct kube_api api; /* first: this is what is handed out */
    uv_loop_t *loop;
    struct script_answer (*reply)(struct script *script, const struct kube_request *request);
    void *arg;
    int sent, cancelled, waiting;
    int most; /* were waiting at once */
};

void script_init(struct script *script, uv_loop_t *loop,
                 struct script_answer (*reply)(struct script *script, const struct kube_request *request), void *arg);

/* A JSON web token with this payload; whoever is asked about it goes by the signature. On the heap. */
char *script_token(const char *payload, const char *signature);
/* A token as the kubelet projects it for a pod of flows, for our audience: NAME is its signature, and
 * the pod's name is what follows the first dash of it. */
char *script_pod_token(const char *name);

/* A TokenReview answered as by the API server: tokens "good-<pod>", or signed so, belong to the pod of that name. */
struct script_answer script_review(const struct kube_request *request);

/* One Secret, as the API server keeps it: create, get, and update with a resource version as precondition. */
struct secret_model {
    char *object; /* NULL: there is none */
    int version, gets, writes;
    int refuse; /* answer every request with this status when not 0 */
    int lose;   /* that many writes are done but their answers get lost */
};
struct script_answer secret_answer(struct secret_model *model, const struct kube_request *request);
void secret_model_fini(struct secret_model *model);
