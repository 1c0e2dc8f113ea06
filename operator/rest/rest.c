/* See rest.h. Relies on libcurl's multi interface. Nothing is added to it or taken from it while libcurl calls a sink:
 * what a sink starts or cancels takes effect when libcurl has returned. The multi handle, and with it each kept
 * connection, is dropped after some seconds without a call: kept connections cost the other side memory. */

#include "rest/rest.h"

#include <stdlib.h>

#include <openssl/ssl.h>
#include <utlist.h>

#include "rest/answer.h"
#include "rest/call.h"
#include "rest/failure.h"
#include "rest/trust.h"

enum { IDLE_MS = 5000, TURN_MS = 1000, CONNECTIONS_MAX = 4 };

struct rest {
    CURLM *multi;            /* NULL: no call for a while */
    struct rest_call *calls; /* all that are not over */
    bool inside;             /* libcurl is calling */
    int64_t now;             /* of the last step */
    int64_t idle_until;      /* when there is no call */
    struct trust trust;
};

int rest_new(struct rest **ret_rest, struct error *err) {
    /* first of all: else OpenSSL looks at the configuration file of the image */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1 ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, ERROR_TRANSIENT, "libcurl cannot be set up");
    struct rest *rest = calloc(1, sizeof *rest);
    if (rest == NULL)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    trust_find(&rest->trust);
    *ret_rest = rest;
    return 0;
}

/* Lists. */

static void detach(struct rest *rest, struct rest_call *call) {
    if (call->added)
        curl_multi_remove_handle(rest->multi, call->easy);
    call->added = false;
}

static void drop(struct rest *rest, struct rest_call *call) {
    detach(rest, call);
    DL_DELETE(rest->calls, call);
    call_free(call);
}

/* -1: no memory. */
static int attach(struct rest *rest, struct rest_call *call) {
    if (rest->multi == NULL) {
        rest->multi = curl_multi_init();
        if (rest->multi == NULL)
            return -1;
        curl_multi_setopt(rest->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
        rest->idle_until = rest->now + IDLE_MS;
    }
    call->added = curl_multi_add_handle(rest->multi, call->easy) == CURLM_OK;
    return call->added ? 0 : -1;
}

void rest_free(struct rest *rest) {
    if (rest == NULL)
        return;
    while (rest->calls != NULL)
        drop(rest, rest->calls);
    if (rest->multi != NULL)
        curl_multi_cleanup(rest->multi);
    free(rest);
    curl_global_cleanup();
}

/* Calls. */

int rest_start(struct rest *rest, const struct rest_request *request, rest_done *done, void *context,
               struct rest_call **ret_call, struct error *err) {
    struct rest_call *call = NULL;
    if (call_new(request, &call, err) < 0)
        return -1;
    call->rest = rest;
    call->done = done;
    call->context = context;
    DL_APPEND(rest->calls, call);
    if (call_prepare(call, &rest->trust) < 0 || (!rest->inside && attach(rest, call) < 0)) {
        drop(rest, call);
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    }
    if (ret_call != NULL)
        *ret_call = call;
    return 0;
}

void rest_cancel(struct rest_call **at) {
    struct rest_call *call = *at;
    *at = NULL;
    if (call == NULL || call->finished)
        return;
    if (call->rest->inside)
        call->cancelled = true;
    else
        drop(call->rest, call);
}

/* The loop. */

void rest_wait(struct rest *rest, struct wait *wait) {
    struct curl_waitfd fds[WAIT_MAX];
    unsigned count = 0;
    long timeout = -1;
    if (rest->multi == NULL)
        return;
    curl_multi_waitfds(rest->multi, fds, WAIT_MAX, &count);
    for (unsigned i = 0; i < count && i < WAIT_MAX; i++) {
        int events =
            (fds[i].events & CURL_WAIT_POLLIN ? POLLIN : 0) | (fds[i].events & CURL_WAIT_POLLOUT ? POLLOUT : 0);
        wait_fd(wait, fds[i].fd, (short)events);
    }
    curl_multi_timeout(rest->multi, &timeout);
    if (timeout >= 0)
        wait_until(wait, rest->now + timeout);
    wait_until(wait, rest->calls != NULL ? rest->now + TURN_MS : rest->idle_until);
}

static void tell(struct rest *rest, struct rest_call *call, CURLcode result) {
    struct rest_answer answer;
    struct error error = {0};
    call->finished = true;
    if (result == CURLE_OK)
        answer_read(call, &answer);
    else
        failure_say(call, result, &rest->trust, &error);
    DL_DELETE(rest->calls, call);
    call->done(call->context, result == CURLE_OK ? &answer : NULL, result == CURLE_OK ? NULL : &error);
    call_free(call);
}

static void try_ended(struct rest *rest, struct rest_call *call, CURLcode result) {
    call->left_ms = call->deadline - rest->now;
    detach(rest, call);
    bool by_proxy = call_proxy_helps(call, result);
    bool again = by_proxy || (result == CURLE_OK && answer_redirects(call));
    if (!again || call->left_ms <= 0) {
        tell(rest, call, again ? CURLE_OPERATION_TIMEDOUT : result);
        return;
    }
    call->by_proxy = by_proxy;
    if (call_prepare(call, &rest->trust) < 0 || attach(rest, call) < 0)
        tell(rest, call, CURLE_OUT_OF_MEMORY);
}

static struct rest_call *first_changed(const struct rest *rest) {
    struct rest_call *call = rest->calls;
    while (call != NULL && call->added && !call->cancelled)
        call = call->next;
    return call;
}

/* What sinks have started and cancelled. */
static void catch_up(struct rest *rest) {
    for (struct rest_call *call; (call = first_changed(rest)) != NULL;) {
        if (call->cancelled)
            drop(rest, call);
        else if (attach(rest, call) < 0)
            tell(rest, call, CURLE_OUT_OF_MEMORY);
    }
}

static void perform(struct rest *rest, int64_t now) {
    struct rest_call *call = NULL;
    int running = 0;
    DL_FOREACH(rest->calls, call) {
        if (call->deadline == 0)
            call->deadline = now + call->timeout_ms;
    }
    rest->inside = true;
    curl_multi_perform(rest->multi, &running);
    rest->inside = false;
    catch_up(rest);
}

void rest_step(struct rest *rest, const struct wait *wait, int64_t now) {
    (void)wait; /* libcurl looks at its descriptors itself */
    int left = 0;
    rest->now = now;
    if (rest->multi == NULL)
        return;
    perform(rest, now);
    for (CURLMsg *message; (message = curl_multi_info_read(rest->multi, &left)) != NULL;) {
        struct rest_call *call = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        try_ended(rest, call, result);
    }
    if (rest->calls != NULL) {
        rest->idle_until = now + IDLE_MS;
    } else if (now >= rest->idle_until) {
        curl_multi_cleanup(rest->multi);
        rest->multi = NULL;
    }
}
