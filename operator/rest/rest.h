#pragma once

/* HTTP and HTTPS requests by libcurl (static, names by c-ares), driven by the caller's poll loop: nothing blocks and
 * every call ends by its deadline. Several calls may be under way at once.
 *
 *     rest_wait(rest, &wait);  wait_poll(&wait, now);  rest_step(rest, &wait, now);     each turn of the loop
 *
 * Unless `direct`, a request that cannot be connected (or whose name cannot be resolved) goes once more by the proxy
 * that the environment names (http_proxy, https_proxy, all_proxy, no_proxy), within the same deadline.
 * TLS is 1.2 or newer and always verified; no configuration file of the image is read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/wait.h"

struct rest;
struct rest_call;

enum {
    REST_CONNECT_MS = 3000,
    REST_TIMEOUT_MS = 30 * 1000,
    REST_BODY_MAX = 16 * 1024 * 1024,
    REST_RETRY_MAX_MS = 3600 * 1000
};

/* All is copied. */
struct rest_request {
    const char *method, *url; /* absolute, http or https, without user or password */
    const char *connect_to; /* HOST:PORT to connect to instead; the certificate must still name the URL's host; NULL */
    const char *ca_pem;     /* trust only these; NULL: the system's (trust.h) */
    const char *token;      /* bearer; sent by https to the URL's own origin only, whatever redirects say; NULL */
    const char *accept, *content_type; /* NULL: application/json */
    const void *body;                  /* NULL: none */
    size_t body_length;
    int64_t timeout_ms;         /* for everything; 0: REST_TIMEOUT_MS */
    int64_t connect_timeout_ms; /* name, connection (all addresses) and TLS of one try; 0: REST_CONNECT_MS */
    bool direct;                /* never by a proxy of the environment */
    int redirects;              /* followed at most; then the redirect is the answer. https never leads to http */
    size_t max_bytes;           /* of a collected body; 0: REST_BODY_MAX; more is an error */
    /* Streams the body of a 2xx answer instead of collecting it (other answers are collected). Gets the context of
     * rest_start(); may start and cancel calls, this one too. */
    void (*sink)(void *context, const char *bytes, size_t length);
};

struct rest_answer {
    int status;
    const char *body; /* terminated, never NULL; "" when it went into the sink */
    size_t length;
    const char *content_type; /* NULL: not said */
    const char *location;     /* absolute: of Location, else of the URL in Refresh; NULL: none, or not http(s) */
    const char *url;          /* that answered, after redirects */
    int64_t retry_after_ms;   /* at most REST_RETRY_MAX_MS; -1: not said */
};

/* The call is over: its pointer must not be used any more, except that cancelling it within this function does nothing.
 * Exactly one of `answer` and `err` is not NULL; both are valid during the call only. May start and cancel calls.
 * Errors are ERROR_TRANSIENT, or ERROR_INVALID when the same would fail again (too large, no certificates); their text
 * names host and port. */
typedef void rest_done(void *context, const struct rest_answer *answer, const struct error *err);

int rest_new(struct rest **ret_rest, struct error *err);
void rest_free(struct rest *rest); /* ends all calls without a word; takes NULL; not from within a callback */

/* Never calls `done` itself: rest_step() does. `ret_call` may be NULL. Fails when the request makes no sense. */
int rest_start(struct rest *rest, const struct rest_request *request, rest_done *done, void *context,
               struct rest_call **ret_call, struct error *err);
void rest_cancel(struct rest_call **call); /* done is not called, *call becomes NULL; no-op when it is NULL */

void rest_wait(struct rest *rest, struct wait *wait);                    /* descriptors and deadline of this turn */
void rest_step(struct rest *rest, const struct wait *wait, int64_t now); /* boot ms; tells of what is done */
