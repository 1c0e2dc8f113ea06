#pragma once

/* Brings the newest snapshot to the operator over HTTPS: soon when a person waits for the news, else at the interval
 * that the operator asks for, with back-off when it is away. The task never waits for it and never fails by it. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "launcher/http.h"
#include "launcher/snapshot.h"
#include "base/wait.h"

enum {
    REPORT_ANSWER_MAX = 32 * 1024,
    REPORT_INTERVAL_MS = 10 * 1000, /* until the operator says otherwise */
    REPORT_COALESCE_MS = 100,
    REPORT_BACKOFF_MIN_MS = 1000,
    REPORT_STANDBY_MS = 100, /* … after a 503: another replica of the operator leads, and a new call may find it */
    REPORT_BACKOFF_MAX_MS = 30 * 1000,
    REPORT_LAST_MS = 3000,     /* for the final report, once somebody has answered the call */
    REPORT_LAST_AWAY_MS = 800, /* … and when nobody does */
};

struct report_config {
    const char *url;        /* https://HOST[:PORT]/path; NULL: do not report */
    const char *address;    /* HOST:PORT to connect to instead; NULL: the URL's */
    const char *ca_pem;     /* certificates to trust */
    const char *token_file; /* read for each report: it is renewed while we run */
};

struct reporter {
    struct http http;
    struct report_config config;
    struct endpoint endpoint, connect;
    const char *path;
    bool enabled;
    int64_t next_at, interval_ms, backoff_ms; /* backoff 0: the last one arrived */
    int64_t sent_seq, arrived_seq;
    int64_t last_from; /* since when the final report is due; 0: not yet */
    uint64_t random;
    struct strbuf body;
    struct error err;
};

/* ERROR_INVALID when URL, address or CA are wrong. `buffer` of REPORT_ANSWER_MAX. Allocates all that it will need. */
int reporter_init(struct reporter *reporter, char *buffer, const struct report_config *config, uint64_t seed,
                  struct error *err);
void reporter_notify(struct reporter *reporter, enum snapshot_news news, int64_t now);
void reporter_finish(struct reporter *reporter, int64_t now); /* the snapshot is final: bring it now or never */
bool reporter_done(const struct reporter *reporter, const struct snapshot *snapshot, int64_t now);
void reporter_wait(const struct reporter *reporter, struct wait *wait);
void reporter_step(struct reporter *reporter, const struct snapshot *snapshot, const struct wait *wait, int64_t now);
void reporter_fini(struct reporter *reporter);
