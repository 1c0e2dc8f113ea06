/* See review.h. Asks the API server who holds a token, a few at once, and remembers what it says.
 *
 * Relies on the API client calling back later, once. A token is kept only as long as its question waits in line, and
 * overwritten; never logged. */

#include "report/review.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "report/memory.h"
#include "report/rate.h"

enum { FAILED_AGAIN_S = 5 };

struct review_call {
    struct review *review;
    struct kube_call *call; /* NULL: waits in line */
    char *token;            /* while it does */
    unsigned char hash[MEMORY_HASH_BYTES];
    struct turn_asker asker;
    enum turn_kind kind;
    int64_t came_at, sent_at;
    review_done *done;
    void *arg;
    struct review_call *prev, *next; /* in line */
};

struct review {
    struct kube_api *kube;
    char *audience;
    struct memory memory;
    struct turns turns;
    struct rate rate;
    size_t in_flight, in_line;
    struct review_call *lines[TURN_KINDS];
    uv_timer_t timer; /* the next question, when they would follow each other too fast */
};

static struct metric reviews_total = {
    .name = "weir_token_reviews_total",
    .help = "Token reviews, by result; later: not asked for, the launcher is to come again.",
    .type = METRIC_COUNTER,
    .labels = {"result"}};
static struct metric rate_gauge = {.name = "weir_token_reviews_per_second",
                                   .help = "Token reviews that are asked for at most, as quickly as they are answered.",
                                   .type = METRIC_GAUGE};

struct review *review_new(const struct review_config *config) {
    struct review *review = calloc(1, sizeof *review);
    if (review == NULL || (review->audience = strdup(config->audience)) == NULL)
        abort();
    review->kube = config->kube;
    rate_init(&review->rate, config->per_second, clock_boot_ms());
    uv_timer_init(config->loop, &review->timer);
    review->timer.data = review;
    return review;
}

static void timer_closed(uv_handle_t *handle) {
    free(handle->data);
}

void review_free(struct review *review) {
    if (review == NULL)
        return;
    memory_fini(&review->memory);
    turns_fini(&review->turns);
    free(review->audience);
    uv_close((uv_handle_t *)&review->timer, timer_closed);
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

static void stand_in_line(struct review_call *call) {
    DL_APPEND(call->review->lines[call->kind], call);
    call->review->in_line++;
}

static void leave_line(struct review_call *call) {
    DL_DELETE(call->review->lines[call->kind], call);
    call->review->in_line--;
}

static struct review_call *first_in_line(const struct review *review) {
    for (int kind = 0; kind < TURN_KINDS; kind++)
        if (review->lines[kind] != NULL)
            return review->lines[kind];
    return NULL;
}

/* ---- answers ---- */

static bool is_remembered(struct review *review, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now) {
    return memory_find(&review->memory, hash, now) != NULL || memory_refused(&review->memory, hash, now);
}

/* From memory: whether `done` was called. */
static bool answer_at_once(struct review *review, const unsigned char hash[MEMORY_HASH_BYTES], int64_t now,
                           review_done *done, void *arg) {
    const struct identity *known = memory_find(&review->memory, hash, now);
    if (known != NULL) {
        AUTO_ARENA arena = ARENA_INIT;
        struct identity identity = identity_copy(known, &arena); /* whoever is called may forget the pod */
        done(arg, &(struct review_answer){.identity = &identity});
        return true;
    }
    if (!memory_refused(&review->memory, hash, now))
        return false;
    done(arg, &(struct review_answer){.status = 401, .text = "the token was refused a moment ago"});
    return true;
}

static void send_away(const struct turn *turn, review_done *done, void *arg) {
    metric_add(&reviews_total, 1, "later");
    done(arg, &(struct review_answer){.status = turn->own_doing ? 429 : 503,
                                      .retry_after_s = turn->again_s,
                                      .text = turn->own_doing ? "too many questions about this pod's token"
                                                              : "too many launchers at once"});
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

static void remember(struct review *review, const struct review_call *call, enum turn_end end,
                     const struct identity *identity, int64_t now) {
    static const char *const results[] = {
        [TURN_ACCEPTED] = "accepted", [TURN_REFUSED] = "refused", [TURN_UNTOLD] = "failed"};
    metric_add(&reviews_total, 1, results[end]);
    rate_answered(&review->rate, now - call->sent_at, end == TURN_UNTOLD, now);
    metric_set(&rate_gauge, review->rate.per_second);
    turns_end(&review->turns, &call->asker, end, now);
    if (end == TURN_ACCEPTED)
        memory_keep(&review->memory, call->hash, call->came_at, identity);
    else if (end == TURN_REFUSED)
        memory_refuse(&review->memory, call->hash, call->came_at);
}

static void ask_next(struct review *review, int64_t now);

static void on_answer(struct kube_answer *answer, void *arg) {
    struct review_call call = *(struct review_call *)arg;
    struct review *review = call.review;
    int64_t now = clock_boot_ms();
    free(arg);
    review->in_flight--;
    AUTO_ARENA arena = ARENA_INIT;
    struct identity identity;
    struct error err;
    bool known = judge(answer, review->audience, &arena, &identity, &err) == 0;
    enum turn_end end = known ? TURN_ACCEPTED : err.code == ERROR_FORBIDDEN ? TURN_REFUSED : TURN_UNTOLD;
    remember(review, &call, end, &identity, now);
    struct review_answer told = {.status = end == TURN_REFUSED ? 401 : 503,
                                 .retry_after_s = end == TURN_UNTOLD ? FAILED_AGAIN_S : 0,
                                 .text = err.text};
    call.done(call.arg, known ? &(struct review_answer){.identity = &identity} : &told);
    ask_next(review, now);
}

/* ---- asking ---- */

static void ask(struct review_call *call, int64_t now) {
    char *body = identity_review_body(call->token, call->review->audience);
    if (body == NULL)
        abort(); /* state is in the API server: a restart loses nothing */
    AUTO_STRBUF path = STRBUF_INIT;
    kube_path(&path, (struct kube_ref){.resource = &kube_token_reviews}, NULL);
    struct kube_request request = {
        .method = "POST",
        .path = strbuf_text(&path),
        .body = body,
        .length = strlen(body),
        .pool = POOL_REVIEWS,
        .timeout_ms = REVIEW_DEADLINE_MS,
        .verb = "create",
        .resource = &kube_token_reviews,
    };
    call->review->in_flight++;
    call->sent_at = now;
    call->call = kube_send(call->review->kube, &request, on_answer, call);
    clear_free(body);
    clear_free(call->token);
    call->token = NULL;
}

static void on_timer(uv_timer_t *timer) {
    ask_next(timer->data, clock_boot_ms());
}

/* Those in line, as long as there is room. Each may have been answered meanwhile, by another question about its token.
 */
static void ask_next(struct review *review, int64_t now) {
    struct review_call *call = NULL;
    while (review->in_flight < REVIEW_FLIGHT_MAX && (call = first_in_line(review)) != NULL) {
        bool known = is_remembered(review, call->hash, call->came_at);
        if (!known && !rate_take(&review->rate, now)) {
            uv_update_time(review->timer.loop); /* the loop's time is that of its last turn */
            uv_timer_start(&review->timer, on_timer, (uint64_t)rate_wait_ms(&review->rate, now), 0);
            return;
        }
        leave_line(call);
        if (!known) {
            ask(call, now);
            continue;
        }
        turns_end(&review->turns, &call->asker, TURN_UNTOLD, now);
        answer_at_once(review, call->hash, call->came_at, call->done, call->arg);
        call_free(call);
    }
    uv_timer_stop(&review->timer);
}

static struct review_call *call_new(struct review *review, const char *token, const struct turn_asker *asker,
                                    int64_t now) {
    struct review_call *call = calloc(1, sizeof *call);
    if (call == NULL || (call->token = strdup(token)) == NULL)
        abort();
    call->review = review;
    call->asker = *asker;
    call->came_at = now;
    return call;
}

static bool digest(const char *token, unsigned char hash[MEMORY_HASH_BYTES]) {
    return identity_token_plausible(token) && EVP_Digest(token, strlen(token), hash, NULL, EVP_sha256(), NULL) == 1;
}

struct review_call *review_start(struct review *review, const char *token, const struct turn_asker *asker, int64_t now,
                                 review_done *done, void *arg) {
    unsigned char hash[MEMORY_HASH_BYTES];
    if (!digest(token, hash)) {
        done(arg, &(struct review_answer){.status = 401, .text = "not a service account token"});
        return NULL;
    }
    if (answer_at_once(review, hash, now, done, arg))
        return NULL;
    struct turn_load load = {.in_line = review->in_line, .per_second = review->rate.per_second};
    struct turn turn = turns_ask(&review->turns, asker, &load, now);
    if (!turn.now) {
        send_away(&turn, done, arg);
        return NULL;
    }
    struct review_call *call = call_new(review, token, asker, now);
    call->kind = turn.kind;
    call->done = done;
    call->arg = arg;
    memcpy(call->hash, hash, MEMORY_HASH_BYTES);
    stand_in_line(call);
    ask_next(review, clock_boot_ms());
    return call;
}

void review_cancel(struct review_call *call) {
    if (call == NULL)
        return;
    struct review *review = call->review;
    int64_t now = clock_boot_ms();
    if (call->call == NULL) {
        leave_line(call);
    } else {
        kube_cancel(review->kube, call->call);
        review->in_flight--;
    }
    turns_end(&review->turns, &call->asker, TURN_UNTOLD, now);
    call_free(call);
    ask_next(review, now);
}
