/* See review.h. Asks the API server who holds a token, a few at once, and remembers what it says.
 *
 * Relies on the API client calling back later, once. A token is kept only as long as its question waits in line, and
 * overwritten; never logged. */

#include "report/review.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "base/metrics.h"
#include "report/memory.h"

struct review_call {
    struct review *review;
    struct kube_call *call; /* NULL: waits in line */
    char *token;            /* while it does */
    unsigned char hash[MEMORY_HASH_BYTES];
    int64_t asked_at;
    review_done *done;
    void *arg;
    struct review_call *next; /* in line */
};

struct review {
    struct kube_api *kube;
    char *audience;
    struct memory memory;
    unsigned in_flight, in_line;
    struct review_call *first, **last; /* the line; `last` is where one more goes */
};

static struct metric reviews_total = {.name = "weir_token_reviews_total",
                                      .help = "Token reviews asked of the API server, by result.",
                                      .type = METRIC_COUNTER,
                                      .labels = {"result"}};

struct review *review_new(struct kube_api *kube, const char *audience) {
    struct review *review = calloc(1, sizeof *review);
    if (review == NULL || (review->audience = strdup(audience)) == NULL)
        abort();
    review->kube = kube;
    review->last = &review->first;
    return review;
}

void review_free(struct review *review) {
    if (review == NULL)
        return;
    memory_fini(&review->memory);
    free(review->audience);
    free(review);
}

void review_forget(struct review *review, const char *pod_uid) {
    memory_forget(&review->memory, pod_uid);
}

const char *review_audience(const struct review *review) {
    return review->audience;
}

/* ---- the line ---- */

static void clear_free(char *text) {
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static void call_free(struct review_call *call) {
    clear_free(call->token);
    free(call);
}

static bool stand_in_line(struct review_call *call, const char *token) {
    struct review *review = call->review;
    call->token = review->in_line < REVIEW_QUEUE_MAX ? strdup(token) : NULL;
    if (call->token == NULL)
        return false;
    *review->last = call;
    review->last = &call->next;
    review->in_line++;
    return true;
}

static void leave_line(struct review_call *call) {
    struct review *review = call->review;
    struct review_call **at = &review->first;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    if (review->last == &call->next)
        review->last = at;
    review->in_line--;
}

/* ---- asking ---- */

static void on_answer(struct kube_answer *answer, void *arg);

static int ask(struct review_call *call, const char *token) {
    char *body = identity_review_body(token, call->review->audience);
    if (body == NULL)
        return -1;
    AUTO_STRBUF path = STRBUF_INIT;
    kube_path(&path, (struct kube_ref){.resource = &kube_token_reviews}, NULL);
    struct kube_request request = {
        .method = "POST",
        .path = strbuf_text(&path),
        .body = body,
        .length = strlen(body),
        .pool = POOL_REQUESTS,
        .timeout_ms = REVIEW_DEADLINE_MS,
        .verb = "create",
        .resource = &kube_token_reviews,
    };
    call->review->in_flight++;
    call->call = kube_send(call->review->kube, &request, on_answer, call);
    clear_free(body);
    return 0;
}

/* From memory: whether `done` was called. */
static bool answer_at_once(struct review *review, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now,
                           review_done *done, void *arg) {
    struct error err;
    const struct identity *known = memory_find(&review->memory, hash, now);
    if (known != NULL) {
        AUTO_ARENA arena = ARENA_INIT;
        struct identity identity = identity_copy(known, &arena); /* whoever is called may forget the pod */
        done(arg, &identity, NULL);
        return true;
    }
    if (!memory_refused(&review->memory, hash, now))
        return false;
    error_set(&err, ERROR_FORBIDDEN, "the token was refused a moment ago");
    done(arg, NULL, &err);
    return true;
}

static void overloaded(review_done *done, void *arg) {
    struct error err;
    metric_add(&reviews_total, 1, "overload");
    error_set(&err, ERROR_TRANSIENT, "too many launchers at once");
    done(arg, NULL, &err);
}

/* Those in line, as long as there is room. Each may have been answered meanwhile, by another question about its token.
 */
static void ask_next(struct review *review) {
    while (review->first != NULL && review->in_flight < REVIEW_FLIGHT_MAX) {
        struct review_call *call = review->first;
        leave_line(call);
        bool answered = answer_at_once(review, call->hash, call->asked_at, call->done, call->arg);
        if (!answered && ask(call, call->token) != 0) {
            overloaded(call->done, call->arg);
            answered = true;
        }
        clear_free(call->token);
        call->token = NULL;
        if (answered)
            call_free(call);
    }
}

/* 0 and the identity, or why not. What is wrong on our side is nothing the launcher could mend: it tries again. */
static int judge(struct kube_answer *answer, const char *audience, struct arena *arena, struct identity *ret_identity,
                 struct error *err) {
    if (answer->err.code != ERROR_NONE) {
        log_warn("report", "cannot review tokens", {"err", answer->err.text});
        return error_set(err, ERROR_TRANSIENT, "the API server cannot say who speaks");
    }
    yyjson_val *body = answer->doc != NULL ? yyjson_doc_get_root(answer->doc) : NULL;
    return identity_judge(body, audience, arena, ret_identity, err);
}

static void on_answer(struct kube_answer *answer, void *arg) {
    struct review_call call = *(struct review_call *)arg;
    struct review *review = call.review;
    free(arg);
    review->in_flight--;
    AUTO_ARENA arena = ARENA_INIT;
    struct identity identity;
    struct error err;
    int result = judge(answer, review->audience, &arena, &identity, &err);
    bool refused = result != 0 && err.code == ERROR_FORBIDDEN;
    metric_add(&reviews_total, 1, result == 0 ? "accepted" : refused ? "refused" : "failed");
    if (result == 0)
        memory_keep(&review->memory, call.hash, call.asked_at, &identity);
    else if (refused)
        memory_refuse(&review->memory, call.hash, call.asked_at);
    call.done(call.arg, result == 0 ? &identity : NULL, result == 0 ? NULL : &err);
    ask_next(review);
}

struct review_call *review_start(struct review *review, const char *token, int64_t now, review_done *done, void *arg) {
    struct error err;
    unsigned char hash[MEMORY_HASH_BYTES];
    if (!identity_token_plausible(token) || EVP_Digest(token, strlen(token), hash, NULL, EVP_sha256(), NULL) != 1) {
        error_set(&err, ERROR_FORBIDDEN, "not a service account token");
        done(arg, NULL, &err);
        return NULL;
    }
    if (answer_at_once(review, hash, now, done, arg))
        return NULL;
    struct review_call *call = calloc(1, sizeof *call);
    if (call != NULL) {
        *call = (struct review_call){.review = review, .asked_at = now, .done = done, .arg = arg};
        memcpy(call->hash, hash, MEMORY_HASH_BYTES);
        if (review->in_flight < REVIEW_FLIGHT_MAX ? ask(call, token) == 0 : stand_in_line(call, token))
            return call;
    }
    free(call);
    overloaded(done, arg);
    return NULL;
}

void review_cancel(struct review_call *call) {
    if (call == NULL)
        return;
    struct review *review = call->review;
    if (call->call == NULL) {
        leave_line(call);
    } else {
        kube_cancel(review->kube, call->call);
        review->in_flight--;
    }
    call_free(call);
    ask_next(review);
}
