/* See reporter.h. Snapshots are level-based: only the newest is ever sent, and a lost or repeated one does no harm. The
 * token is read anew for each report and wiped after it. */

#include "launcher/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "launcher/tls.h"

enum { TIMEOUT_MS = 10 * 1000, TOKEN_MAX = 16 * 1024, LAST_RETRY_MS = 200, INTERVAL_MAX_S = 3600 };

int reporter_init(struct reporter *reporter, char *buffer, const struct report_config *config, uint64_t seed,
                  struct error *err) {
    *reporter = (struct reporter){.config = *config,
                                  .interval_ms = REPORT_INTERVAL_MS,
                                  .next_at = INT64_MAX,
                                  .random = seed | 1,
                                  .body = STRBUF_INIT};
    http_init(&reporter->http, buffer, REPORT_ANSWER_MAX);
    if (!config->url)
        return 0;
    if (endpoint_parse_url(config->url, &reporter->endpoint, &reporter->path, err) < 0)
        return error_wrap(err, "--report");
    if (!reporter->endpoint.tls)
        return error_set(err, ERROR_INVALID, "--report: the URL must begin with https://");
    reporter->connect = reporter->endpoint;
    if (config->address && endpoint_parse(config->address, 0, &reporter->connect, err) < 0)
        return error_wrap(err, "--report-address");
    if (text_empty(config->ca_pem))
        return error_set(err, ERROR_INVALID, "WEIR_REPORT_CA is not set: there is nothing to trust --report by");
    if (tls_context_new(config->ca_pem, &reporter->http.tls, err) < 0)
        return error_wrap(err, "WEIR_REPORT_CA");
    reporter->enabled = true;
    return 0;
}

void reporter_fini(struct reporter *reporter) {
    http_close(&reporter->http);
    tls_context_free(reporter->http.tls);
    reporter->http.tls = NULL;
    strbuf_fini(&reporter->body);
}

/* Within a tenth around `ms`, so that launchers do not march in step. */
static int64_t jitter(struct reporter *reporter, int64_t ms) {
    uint64_t x = reporter->random; /* xorshift64: spread, not secrecy */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    reporter->random = x;
    return ms - ms / 10 + (int64_t)(x % (uint64_t)(ms / 5 + 1));
}

void reporter_notify(struct reporter *reporter, enum snapshot_news news, int64_t now) {
    if (!reporter->enabled || news == NEWS_NONE || reporter->backoff_ms > 0)
        return;
    int64_t at = news == NEWS_URGENT ? now + REPORT_COALESCE_MS : now + reporter->interval_ms;
    if (at < reporter->next_at)
        reporter->next_at = at;
}

void reporter_finish(struct reporter *reporter, int64_t now) {
    http_close(&reporter->http); /* what is under way is out of date */
    reporter->next_at = now;
    reporter->last_from = now;
}

static int64_t last_until(const struct reporter *reporter) {
    bool talking = reporter->http.state >= HTTP_HANDSHAKE;
    return reporter->last_from + (talking ? REPORT_LAST_MS : REPORT_LAST_AWAY_MS);
}

bool reporter_done(const struct reporter *reporter, const struct snapshot *snapshot, int64_t now) {
    return !reporter->enabled || reporter->arrived_seq == snapshot->record.seq || now >= last_until(reporter);
}

/* The first line of the file; NULL with an error when it cannot be used. Static: one at a time, wiped by the caller. */
static char *read_token(const char *path, struct error *err) {
    static char token[TOKEN_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, token, sizeof token - 1);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0) {
        error_set(err, ERROR_TRANSIENT, "token %.150s: %s", path, strerror(saved));
        return NULL;
    }
    token[got] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    for (const unsigned char *p = (const unsigned char *)token; *p; p++)
        if (*p <= ' ' || *p >= 0x7F)
            token[0] = '\0';
    if (!token[0]) {
        error_set(err, ERROR_TRANSIENT, "token %.150s: holds no token", path);
        return NULL;
    }
    return token;
}

static void failed(struct reporter *reporter, int64_t least_ms, int64_t now) {
    int64_t next = reporter->backoff_ms * 2;
    reporter->backoff_ms = next < least_ms ? least_ms : next > REPORT_BACKOFF_MAX_MS ? REPORT_BACKOFF_MAX_MS : next;
    reporter->next_at = now + (reporter->last_from ? LAST_RETRY_MS : jitter(reporter, reporter->backoff_ms));
}

static void send_snapshot(struct reporter *reporter, const struct snapshot *snapshot, int64_t now) {
    strbuf_reset(&reporter->body);
    record_encode(&snapshot->record, RECORD_MAX, &reporter->body);
    char *token = read_token(reporter->config.token_file, &reporter->err);
    struct http_request request = {
        .method = "POST",
        .endpoint = &reporter->endpoint,
        .connect = &reporter->connect,
        .target = reporter->path[0] == '/' ? reporter->path : "/",
        .token = token,
        .body = strbuf_text(&reporter->body),
        .body_length = reporter->body.length,
        .timeout_ms = TIMEOUT_MS,
    };
    reporter->next_at = INT64_MAX;
    reporter->sent_seq = snapshot->record.seq;
    if (!token || strbuf_failed(&reporter->body) || http_start(&reporter->http, &request, now, &reporter->err) < 0)
        failed(reporter, REPORT_BACKOFF_MIN_MS, now);
    if (token)
        explicit_bzero(token, strlen(token));
}

static void on_answer(struct reporter *reporter, const struct snapshot *snapshot, int64_t now) {
    const struct http_response *response = &reporter->http.response;
    AUTO_JSON *doc = NULL;
    struct error ignored;
    if (response->status < 200 || response->status > 299) {
        error_set(&reporter->err, ERROR_TRANSIENT, "the operator answers with status %d", response->status);
        failed(reporter, response->status == 503 ? REPORT_STANDBY_MS : REPORT_BACKOFF_MIN_MS, now);
        return;
    }
    reporter->backoff_ms = 0;
    reporter->arrived_seq = reporter->sent_seq;
    if (json_parse(response->body, response->length, &doc, &ignored) == 0) {
        int64_t seconds = json_int(yyjson_doc_get_root(doc), "intervalSeconds", 0);
        if (seconds >= 1 && seconds <= INTERVAL_MAX_S)
            reporter->interval_ms = seconds * 1000;
    }
    reporter->next_at = now + jitter(reporter, reporter->interval_ms);
    if (snapshot->news == NEWS_URGENT || (reporter->last_from && reporter->arrived_seq != snapshot->record.seq))
        reporter->next_at = now + REPORT_COALESCE_MS;
}

void reporter_wait(const struct reporter *reporter, struct wait *wait) {
    if (!reporter->enabled)
        return;
    http_wait(&reporter->http, wait);
    if (!http_busy(&reporter->http))
        wait_until(wait, reporter->next_at);
    if (reporter->last_from)
        wait_until(wait, last_until(reporter));
}

void reporter_step(struct reporter *reporter, const struct snapshot *snapshot, const struct wait *wait, int64_t now) {
    if (!reporter->enabled)
        return;
    enum http_result result = http_step(&reporter->http, wait, now, &reporter->err);
    if (result == HTTP_FAILED)
        failed(reporter, REPORT_BACKOFF_MIN_MS, now);
    else if (result == HTTP_DONE)
        on_answer(reporter, snapshot, now);
    if (!http_busy(&reporter->http) && now >= reporter->next_at)
        send_snapshot(reporter, snapshot, now);
}
