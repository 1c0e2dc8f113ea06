/* See review.h. Asks the API server who holds a token, and keeps good answers by the token's hash.
 *
 * Relies on the API client calling back later, once. Two indexes hold the same entries: by token hash, in the order of
 * their reviews, and by pod UID. Never keeps or logs a token. */

#include "report/review.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "base/metrics.h"

enum { HASH_BYTES = 32 };

struct known {
    unsigned char hash[HASH_BYTES];
    int64_t reviewed_at;
    struct identity identity; /* texts in `arena` */
    struct arena arena;
    UT_hash_handle by_token, by_pod;
};

struct review {
    struct kube_api *kube;
    char *audience;
    struct known *by_token, *by_pod;
    unsigned in_flight;
};

struct review_call {
    struct review *review;
    struct kube_call *call;
    unsigned char hash[HASH_BYTES];
    int64_t asked_at;
    review_done *done;
    void *arg;
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
    return review;
}

/* ---- what is known ---- */

static void drop(struct review *review, struct known *known) {
    HASH_DELETE(by_token, review->by_token, known);
    HASH_DELETE(by_pod, review->by_pod, known);
    arena_fini(&known->arena);
    free(known);
}

static struct known *find_pod(struct review *review, const char *pod_uid) {
    struct known *known = NULL;
    HASH_FIND(by_pod, review->by_pod, pod_uid, strlen(pod_uid), known);
    return known;
}

void review_forget(struct review *review, const char *pod_uid) {
    struct known *known = find_pod(review, pod_uid);
    if (known != NULL)
        drop(review, known);
}

static struct known *find_token(struct review *review, const unsigned char hash[HASH_BYTES], int64_t now) {
    struct known *known = NULL;
    HASH_FIND(by_token, review->by_token, hash, HASH_BYTES, known);
    if (known == NULL || now - known->reviewed_at < REVIEW_AGE_MS)
        return known;
    drop(review, known);
    return NULL;
}

static struct identity copy(const struct identity *identity, struct arena *arena) {
    return (struct identity){
        .namespace = arena_strdup(arena, identity->namespace),
        .service_account = arena_strdup(arena, identity->service_account),
        .pod_name = arena_strdup(arena, identity->pod_name),
        .pod_uid = arena_strdup(arena, identity->pod_uid),
    };
}

static void remember(struct review *review, const struct review_call *call, const struct identity *identity) {
    review_forget(review, identity->pod_uid); /* its token was renewed */
    struct known *known = NULL;
    HASH_FIND(by_token, review->by_token, call->hash, HASH_BYTES, known);
    if (known != NULL) /* two questions about one token were on their way */
        drop(review, known);
    if (HASH_CNT(by_token, review->by_token) >= REVIEW_CACHE_MAX)
        drop(review, review->by_token); /* the head: the oldest review */
    known = calloc(1, sizeof *known);
    if (known == NULL)
        return;
    memcpy(known->hash, call->hash, HASH_BYTES);
    known->reviewed_at = call->asked_at;
    known->identity = copy(identity, &known->arena);
    HASH_ADD(by_token, review->by_token, hash, HASH_BYTES, known);
    HASH_ADD_KEYPTR(by_pod, review->by_pod, known->identity.pod_uid, strlen(known->identity.pod_uid), known);
}

void review_free(struct review *review) {
    if (review == NULL)
        return;
    while (review->by_token != NULL)
        drop(review, review->by_token);
    free(review->audience);
    free(review);
}

/* ---- asking ---- */

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
    struct review_call *call = arg;
    struct review *review = call->review;
    review->in_flight--;
    AUTO_ARENA arena = ARENA_INIT;
    struct identity identity;
    struct error err;
    int result = judge(answer, review->audience, &arena, &identity, &err);
    metric_add(&reviews_total, 1, result == 0 ? "accepted" : err.code == ERROR_FORBIDDEN ? "refused" : "failed");
    if (result == 0)
        remember(review, call, &identity);
    review_done *done = call->done;
    void *done_arg = call->arg;
    free(call);
    done(done_arg, result == 0 ? &identity : NULL, result == 0 ? NULL : &err);
}

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
    OPENSSL_cleanse(body, strlen(body));
    free(body);
    return 0;
}

struct review_call *review_start(struct review *review, const char *token, int64_t now, review_done *done, void *arg) {
    struct error err;
    unsigned char hash[HASH_BYTES];
    if (!identity_token_plausible(token) || EVP_Digest(token, strlen(token), hash, NULL, EVP_sha256(), NULL) != 1) {
        error_set(&err, ERROR_FORBIDDEN, "not a service account token");
        done(arg, NULL, &err);
        return NULL;
    }
    struct known *known = find_token(review, hash, now);
    if (known != NULL) {
        AUTO_ARENA arena = ARENA_INIT;
        struct identity identity = copy(&known->identity, &arena); /* whoever is called may forget the pod */
        done(arg, &identity, NULL);
        return NULL;
    }
    struct review_call *call = review->in_flight < REVIEW_FLIGHT_MAX ? calloc(1, sizeof *call) : NULL;
    if (call != NULL) {
        *call = (struct review_call){.review = review, .asked_at = now, .done = done, .arg = arg};
        memcpy(call->hash, hash, HASH_BYTES);
        if (ask(call, token) == 0)
            return call;
    }
    free(call);
    metric_add(&reviews_total, 1, "overload");
    error_set(&err, ERROR_TRANSIENT, "too many launchers at once");
    done(arg, NULL, &err);
    return NULL;
}

void review_cancel(struct review_call *call) {
    if (call == NULL)
        return;
    kube_cancel(call->review->kube, call->call);
    call->review->in_flight--;
    free(call);
}
