#pragma once

/* A client and a scripted server on one loop, and what came of each request. */

#include <string.h>

#include <uv.h>

#include "base/strbuf.h"
#include "kube/http.h"
#include "kube/support_server.h"
#include "kube/verbs.h"

struct outcome {
    int calls;
    int status;
    struct error err;
    char reason[64];
    int64_t retry_after_ms;
    bool unsure, fenced;
    int64_t value;
    int64_t at;
};

struct fixture {
    uv_loop_t loop;
    struct server server;
    struct kube_api *api;
    struct outcome outcomes[64];
    struct strbuf streamed;
};

extern const struct kube_ref config_map; /* what get and create are about */

void client_open(struct fixture *f, struct kube_config *config, const struct kube_http_options *options);
void client_start(struct fixture *f, const struct reply *replies, size_t count,
                  const struct kube_http_options *options);
void client_finish(struct fixture *f);
void client_done(struct kube_answer *answer, void *arg);
void client_await(struct fixture *f, size_t index);
void client_get(struct fixture *f, size_t index);
void client_create(struct fixture *f, size_t index);

#define OPEN(f, options, ...)                            \
    static const struct reply replies[] = {__VA_ARGS__}; \
    client_start((f), replies, sizeof replies / sizeof *replies, (options))
