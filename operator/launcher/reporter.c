/* See reporter.h. Snapshots are level-based: only the newest is ever sent, and a lost or repeated one does no harm. The
 * token is read anew for each report and wiped after it. */

#include "launcher/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "rest/origins.h"

enum {
    TIMEOUT_MS = 10 * 1000,
    TOKEN_MAX = 16 * 1024,
    ANSWER_MAX = 32 * 1024,
    LAST_RETRY_MS = 200,
    INTERVAL_MAX_S = 3600
};
enum { DECISION_AGAIN_MS = 500 }; /* the operator does not know yet */
enum { STATUS_STANDBY = 421, STATUS_AWAY = 503 };

int reporter_init(struct reporter *reporter, struct rest *rest, const struct snapshot *snapshot,
                  const struct report_config *config, uint64_t seed, struct error *err) {
    struct origin origin;
    *reporter = (struct reporter){.rest = rest,
                                  .config = *config,
                                  .snapshot = snapshot,
                                  .interval_ms = REPORT_INTERVAL_MS,
                                  .next_at = INT64_MAX,
                                  .random = seed | 1,
                                  .body = STRBUF_INIT};
    if (!config->url)
        return 0;
    if (origin_of(config->url, &origin, err) < 0)
        return error_wrap(err, "--report");
    if (!origin.tls)
        return error_set(err, ERROR_INVALID, "--report: the URL must begin with https://");
    if (config->address && origin_of_address(config->address, 0, &origin, err) < 0)
        return error_wrap(err, "--report-address");
    if (text_empty(config->ca_pem))
        return error_set(err, ERROR_INVALID, "WEIR_REPORT_CA is not set: there is nothing to trust --report by");
    if (!strstr(config->ca_pem, "-----BEGIN CERTIFICATE-----"))
        return error_set(err, ERROR_INVALID, "WEIR_REPORT_CA holds no certificate");
    reporter->enabled = true;
    return 0;
}

void reporter_fini(struct reporter *reporter) {
    rest_cancel(&reporter->call);
    strbuf_fini(&reporter->body);
}

bool reporter_enabled(const struct reporter *reporter) {
    return reporter->enabled;
}

enum decision reporter_decision(const struct reporter *reporter) {
    return reporter->decision;
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

/* Soon, but the output may bring such news with every line. */
static int64_t urgent_at(const struct reporter *reporter, int64_t now) {
    int64_t soon = now + REPORT_COALESCE_MS, gap = reporter->sent_at + REPORT_URGENT_GAP_MS;
    return soon < gap && !reporter->asking && !reporter->last_from ? gap : soon;
}

void reporter_notify(struct reporter *reporter, enum snapshot_news news, int64_t now) {
    if (!reporter->enabled || news == NEWS_NONE || reporter->backoff_ms > 0)
        return;
    int64_t at = news == NEWS_URGENT ? urgent_at(reporter, now) : now + reporter->interval_ms;
    if (at < reporter->next_at)
        reporter->next_at = at;
}

/* What is under way does not ask, and a pause was chosen while nobody waited for the answer. */
void reporter_ask(struct reporter *reporter) {
    rest_cancel(&reporter->call);
    reporter->asking = true;
    reporter->backoff_ms = 0;
    reporter->next_at = reporter->now;
}

void reporter_finish(struct reporter *reporter, int64_t now) {
    rest_cancel(&reporter->call); /* what is under way is out of date */
    reporter->next_at = now;
    reporter->last_from = now;
    reporter->answered = false;
}

static int64_t last_until(const struct reporter *reporter) {
    return reporter->last_from + (reporter->answered ? REPORT_LAST_MS : REPORT_LAST_AWAY_MS);
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

/* `wish` is what the operator asked for; -1: nothing. */
static void failed(struct reporter *reporter, int64_t least_ms, int64_t wish) {
    int64_t next = reporter->backoff_ms * 2;
    next = next < least_ms ? least_ms : next > REPORT_BACKOFF_MAX_MS ? REPORT_BACKOFF_MAX_MS : next;
    reporter->backoff_ms = next;
    if (wish > REPORT_WISH_MAX_MS)
        wish = REPORT_WISH_MAX_MS;
    bool hurry = reporter->last_from || reporter->asking;
    int64_t pause = hurry ? LAST_RETRY_MS : wish > next ? wish + jitter(reporter, wish) / 10 : jitter(reporter, next);
    reporter->next_at = reporter->now + pause;
}

static void take_answer(struct reporter *reporter, const struct rest_answer *answer) {
    AUTO_JSON *doc = NULL;
    struct error ignored;
    if (json_parse(answer->body, answer->length, &doc, &ignored) < 0)
        return;
    yyjson_val *root = yyjson_doc_get_root(doc);
    int64_t seconds = json_int(root, "intervalSeconds", 0);
    if (seconds >= 1 && seconds <= INTERVAL_MAX_S)
        reporter->interval_ms = seconds * 1000;
    const char *decision = json_text(root, "decision", "");
    if (strcmp(decision, "stop") == 0)
        reporter->decision = DECISION_STOP;
    else if (strcmp(decision, "leave") == 0 && reporter->decision != DECISION_STOP)
        reporter->decision = DECISION_LEAVE;
}

static void on_arrived(struct reporter *reporter, const struct rest_answer *answer) {
    int64_t seq = reporter->snapshot->record.seq;
    reporter->backoff_ms = 0;
    reporter->arrived_seq = reporter->sent_seq;
    take_answer(reporter, answer);
    reporter->next_at = reporter->now + jitter(reporter, reporter->interval_ms);
    bool undecided = reporter->asking && !reporter->last_from && reporter->decision == DECISION_NONE;
    if (reporter->snapshot->news == NEWS_URGENT || (reporter->last_from && reporter->arrived_seq != seq))
        reporter->next_at = urgent_at(reporter, reporter->now);
    else if (undecided)
        reporter->next_at = reporter->now + DECISION_AGAIN_MS;
}

static void on_done(void *context, const struct rest_answer *answer, const struct error *err) {
    struct reporter *reporter = context;
    reporter->call = NULL;
    if (!answer) {
        reporter->err = *err;
        reporter->by_name = reporter->config.address && !reporter->by_name;
        failed(reporter, REPORT_BACKOFF_MIN_MS, -1);
        return;
    }
    reporter->answered = true;
    if (answer->status >= 200 && answer->status <= 299) {
        on_arrived(reporter, answer);
        return;
    }
    bool standby = answer->status == STATUS_STANDBY || (answer->status == STATUS_AWAY && answer->retry_after_ms < 0);
    error_set(&reporter->err, ERROR_TRANSIENT, "the operator answers with status %d", answer->status);
    failed(reporter, standby ? REPORT_STANDBY_MS : REPORT_BACKOFF_MIN_MS, answer->retry_after_ms);
}

static void send_snapshot(struct reporter *reporter) {
    strbuf_reset(&reporter->body);
    record_encode(&reporter->snapshot->record, RECORD_MAX, &reporter->body);
    char *token = read_token(reporter->config.token_file, &reporter->err);
    struct rest_request request = {
        .method = "POST",
        .url = reporter->config.url,
        .connect_to = reporter->by_name ? NULL : reporter->config.address,
        .ca_pem = reporter->config.ca_pem,
        .token = token,
        .body = strbuf_text(&reporter->body),
        .body_length = reporter->body.length,
        .timeout_ms = TIMEOUT_MS,
        .direct = true,
        .max_bytes = ANSWER_MAX,
    };
    reporter->next_at = INT64_MAX;
    reporter->sent_seq = reporter->snapshot->record.seq;
    reporter->sent_at = reporter->now;
    if (!token || strbuf_failed(&reporter->body) ||
        rest_start(reporter->rest, &request, on_done, reporter, &reporter->call, &reporter->err) < 0)
        failed(reporter, REPORT_BACKOFF_MIN_MS, -1);
    if (token)
        explicit_bzero(token, strlen(token));
}

void reporter_wait(const struct reporter *reporter, struct wait *wait) {
    if (!reporter->enabled)
        return;
    if (!reporter->call)
        wait_until(wait, reporter->next_at);
    if (reporter->last_from)
        wait_until(wait, last_until(reporter));
}

void reporter_step(struct reporter *reporter, int64_t now) {
    reporter->now = now;
    if (reporter->enabled && !reporter->call && now >= reporter->next_at)
        send_snapshot(reporter);
}
