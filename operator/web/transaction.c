/* One request from its headers to the end of its answer.
 *
 * Relies on libwebsockets calling begin, body…, complete, write… in this order on one thread, and drop at the end of
 * every transaction or connection, whichever way it ends. What is kept lives in a block of our own: the library frees
 * and renews its per-session memory in between. Never reads a body that route.c has refused, never logs. */

#include "web/transaction.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "web/peer.h"
#include "web/route.h"

enum { DEADLINE_DEFAULT_MS = 10 * 1000, SEND_TIMEOUT_S = 10, PIECE_MAX = 8 * 1024, HEADERS_MAX = 1024 };

enum stage {
    RECEIVING, /* the body is on its way */
    WAITING,   /* a handler has it */
    ANSWERED,  /* the answer is ready to be sent */
    SENDING,   /* its headers are sent */
};

struct transaction {
    struct web_request request; /* first: a request is its transaction */
    struct lws *wsi;
    struct route_choice choice;
    enum stage stage;
    bool complete; /* the body has ended once */
    bool head;     /* the method is HEAD */
    char *authorization, *content_type;

    int status, retry_after;
    char type[64];
    unsigned char *out; /* LWS_PRE free bytes, then the answer's body */
    size_t out_length, out_sent;
};

/* ---- headers ---- */

static char *header_copy(struct lws *wsi, enum lws_token_indexes token) {
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0)
        return NULL;
    char *value = malloc((size_t)length + 1);
    if (value != NULL && lws_hdr_copy(wsi, value, length + 1, token) < 0)
        value[0] = '\0';
    return value;
}

static void clear_free(char *text) {
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static struct route_choice choose(struct lws *wsi, const char *path) {
    const struct port *port = port_of(wsi);
    char *length = header_copy(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    struct route_head head = {
        .port = port->name,
        .get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0,
        .head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0,
        .post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0,
        .path = path,
        .content_length = length,
        .transfer_encoding = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0,
    };
    struct route_choice choice = route_choose(port->server->routes, port->server->route_count, &head);
    free(length);
    return choice;
}

/* ---- life ---- */

/* The request is complete: to its handler, or to its refusal. */
static void hand_over(struct transaction *t) {
    seats_asked(&port_of(t->wsi)->seats, t->wsi);
    const struct web_route *route = t->choice.route;
    if (route == NULL) {
        web_answer_text(&t->request, t->choice.status, "%s\n", t->choice.text);
        return;
    }
    t->stage = WAITING;
    t->request.received_at = clock_boot_ms();
    route->handle(route->arg, &t->request);
}

/* A refused body is waited for too, unless the connection is to be closed: an answer that overtakes it would leave
 * the library unsure where the next request begins. */
int transaction_begin(struct lws *wsi, struct transaction_slot *slot, const char *path) {
    struct transaction *t = calloc(1, sizeof *t);
    slot->transaction = t;
    if (t == NULL)
        return -1;
    t->wsi = wsi;
    t->choice = choose(wsi, path);
    peer_of_socket(lws_get_socket_fd(wsi), &t->request.peer);
    t->head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    const struct web_route *route = t->choice.route;
    if (route != NULL) {
        t->request.authorization = t->authorization = header_copy(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
        t->request.content_type = t->content_type = header_copy(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
    }
    int64_t deadline_ms = route != NULL && route->deadline_ms != 0 ? route->deadline_ms : DEADLINE_DEFAULT_MS;
    lws_set_timer_usecs(wsi, deadline_ms * 1000);
    bool body_follows = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    if (!body_follows || (route == NULL && t->choice.close)) {
        hand_over(t);
        return 0;
    }
    if (route != NULL)
        t->request.body = malloc(t->choice.length + 1);
    return route == NULL || t->request.body != NULL ? 0 : -1;
}

int transaction_body(struct transaction_slot *slot, const void *bytes, size_t length) {
    struct transaction *t = slot->transaction;
    if (t == NULL || t->stage != RECEIVING || length == 0)
        return 0;
    if (length > t->choice.length - t->request.length)
        return -1;
    if (t->request.body != NULL)
        memcpy(t->request.body + t->request.length, bytes, length);
    t->request.length += length;
    return 0;
}

/* libwebsockets 4.1 calls this again for what follows a body before it is answered (4.3 drops those bytes). A launcher
 * sends none, so whoever does is cut off: flow control here would make the loop spin. */
int transaction_complete(struct transaction_slot *slot) {
    struct transaction *t = slot->transaction;
    if (t == NULL)
        return 0;
    if (t->complete)
        return -1;
    t->complete = true;
    if (t->stage != RECEIVING)
        return 0;
    if (t->request.body != NULL)
        t->request.body[t->request.length] = '\0';
    hand_over(t);
    return 0;
}

/* The handler's work ends here, if it is still at it. */
static void cancel(struct transaction *t) {
    if (t->stage == WAITING && t->request.dropped != NULL)
        t->request.dropped(&t->request);
    t->request.dropped = NULL;
}

int transaction_expire(struct transaction_slot *slot) {
    struct transaction *t = slot->transaction;
    if (t == NULL || t->stage >= ANSWERED)
        return 0;
    if (t->stage == RECEIVING)
        return -1;
    cancel(t);
    web_answer(&t->request, &(struct web_answer){.status = 503, .retry_after = 2, .body = "too slow\n", .length = 9});
    return 0;
}

void transaction_drop(struct transaction_slot *slot) {
    struct transaction *t = slot->transaction;
    if (t == NULL)
        return;
    slot->transaction = NULL;
    seats_answered(&port_of(t->wsi)->seats, t->wsi, clock_boot_ms());
    cancel(t);
    clear_free(t->authorization);
    free(t->content_type);
    free(t->request.body);
    free(t->out);
    free(t);
}

/* ---- answer ---- */

static int add_header(struct transaction *t, const char *name, const char *value, unsigned char **at,
                      unsigned char *end) {
    return lws_add_http_header_by_name(t->wsi, (const unsigned char *)name, (const unsigned char *)value,
                                       (int)strlen(value), at, end);
}

static int send_headers(struct transaction *t) {
    unsigned char buffer[LWS_PRE + HEADERS_MAX];
    unsigned char *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", t->retry_after);
    if (lws_add_http_common_headers(t->wsi, (unsigned)t->status, t->type, t->out_length, &at, end) != 0 ||
        add_header(t, "cache-control:", "no-store", &at, end) != 0 ||
        (t->choice.allow != NULL && add_header(t, "allow:", t->choice.allow, &at, end) != 0) ||
        (t->status == 401 && add_header(t, "www-authenticate:", "Bearer", &at, end) != 0) ||
        (t->retry_after != 0 && add_header(t, "retry-after:", seconds, &at, end) != 0) ||
        (t->choice.close && add_header(t, "connection:", "close", &at, end) != 0) ||
        lws_finalize_http_header(t->wsi, &at, end) != 0)
        return -1;
    bool last = t->head || t->out_length == 0;
    enum lws_write_protocol how = last ? LWS_WRITE_HTTP_HEADERS | LWS_WRITE_H2_STREAM_END : LWS_WRITE_HTTP_HEADERS;
    return lws_write(t->wsi, start, (size_t)(at - start), how) < 0 ? -1 : 0;
}

static int finish(struct transaction *t) {
    struct lws *wsi = t->wsi;
    lws_set_timer_usecs(wsi, LWS_SET_TIMER_USEC_CANCEL);
    if (t->choice.close)
        return -1;
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int send_piece(struct transaction *t) {
    size_t length = t->out_length - t->out_sent;
    if (length > PIECE_MAX)
        length = PIECE_MAX;
    unsigned char *piece = t->out + LWS_PRE + t->out_sent;
    t->out_sent += length;
    bool last = t->out_sent == t->out_length;
    return lws_write(t->wsi, piece, length, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)length ? -1 : 0;
}

/* Neither the slot nor what it holds may be touched after finish(): the library frees both in there. */
int transaction_write(struct transaction_slot *slot) {
    struct transaction *t = slot->transaction;
    if (t == NULL || t->stage < ANSWERED)
        return 0;
    int result = t->stage == ANSWERED ? send_headers(t) : send_piece(t);
    if (result != 0)
        return -1;
    t->stage = SENDING;
    if (t->head || t->out_sent == t->out_length)
        return finish(t);
    lws_set_timeout(t->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S); /* anew for each piece that goes out */
    lws_callback_on_writable(t->wsi);
    return 0;
}

void web_answer(struct web_request *request, const struct web_answer *answer) {
    struct transaction *t = (struct transaction *)request;
    t->stage = ANSWERED;
    t->status = answer->status;
    t->retry_after = answer->retry_after;
    snprintf(t->type, sizeof t->type, "%s", answer->type != NULL ? answer->type : "text/plain; charset=utf-8");
    t->out = malloc(LWS_PRE + answer->length);
    if (t->out != NULL) {
        t->out_length = answer->length;
        if (answer->length > 0)
            memcpy(t->out + LWS_PRE, answer->body, answer->length);
    } else {
        t->status = 503;
    }
    lws_callback_on_writable(t->wsi);
}

void web_answer_text(struct web_request *request, int status, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t room = sizeof text - 1;
    struct web_answer answer = {.status = status, .body = text, .length = length < 0 ? 0 : (size_t)length};
    if (answer.length > room)
        answer.length = room;
    web_answer(request, &answer);
}
