#pragma once

/* A connection to the API server under test, with requests that are awaited. Each test program works in a namespace of
 * its own. */

#include <stdbool.h>

#include <uv.h>

#include "kube/http.h"
#include "kube/verbs.h"

struct api_test {
    uv_loop_t loop;
    struct kube_api *api;
    char namespace[64];
};

struct reply {
    bool done;
    int status;
    struct error err;
    char reason[64];
    char uid[64], version[64], name[256];
    yyjson_doc *doc; /* freed by the next await or api_close() */
};

/* Ends the program with 77 when no API server is named. */
const char *api_kubeconfig(void);
void api_open(struct api_test *test);
void api_open_with(struct api_test *test, struct kube_config *config);
void api_close(struct api_test *test);

/* For kube_…(…, api_reply, &reply). */
void api_reply(struct kube_answer *answer, void *arg);
const struct reply *api_await(struct api_test *test, struct reply *reply);
void api_until(struct api_test *test, bool (*holds)(void *arg), void *arg, const char *what);

/* A ConfigMap in the namespace with label test=yes and one value. */
void api_create_map(struct api_test *test, const char *name, const char *value, struct reply *reply);
struct kube_ref api_map(const struct api_test *test, const char *name);
