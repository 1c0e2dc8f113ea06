#pragma once

/* Brings the newest snapshot to the operator over HTTPS: soon when a person waits for the news, else at the interval
 * that the operator asks for; with back-off when it is away, and not before it wants to be asked again when it says so
 * (Retry-After). The task never waits for it and never fails by it. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "base/wait.h"
#include "launcher/snapshot.h"
#include "rest/rest.h"

enum {
    REPORT_INTERVAL_MS = 10 * 1000, /* until the operator says otherwise */
    REPORT_COALESCE_MS = 100,
    REPORT_URGENT_GAP_MS = 500, /* between two reports, until the end is near */
    REPORT_BACKOFF_MIN_MS = 1000,
    REPORT_STANDBY_MS = 100, /* … after a 421: another replica of the operator leads, and a new call may find it */
    REPORT_BACKOFF_MAX_MS = 30 * 1000,
    REPORT_WISH_MAX_MS = 120 * 1000, /* of a Retry-After */
    REPORT_LAST_MS = 3000,           /* for the final report, once somebody has answered the call */
    REPORT_LAST_AWAY_MS = 800,       /* … and when nobody does */
};

/* What the operator says about an end that it may or may not have wanted. */
enum decision { DECISION_NONE, DECISION_STOP, DECISION_LEAVE };

struct report_config {
    const char *url;        /* https://HOST[:PORT]/path; NULL: do not report */
    const char *address;    /* HOST:PORT to connect to first; NULL: the URL's. When it fails, the URL's is tried too */
    const char *ca_pem;     /* certificates to trust */
    const char *token_file; /* read for each report: it is renewed while we run */
};

struct reporter {
    struct rest *rest;
    struct rest_call *call; /* NULL: none is on its way */
    struct report_config config;
    bool enabled;
    bool by_name;                             /* the address did not answer: now the URL's is tried */
    int64_t now;                              /* boot ms of this turn */
    int64_t next_at, interval_ms, backoff_ms; /* backoff 0: the last one arrived */
    int64_t sent_at, sent_seq, arrived_seq;
    const struct snapshot *snapshot;
    int64_t last_from; /* since when the final report is due; 0: not yet */
    bool answered;     /* somebody has answered since then, if only to refuse */
    bool asking;       /* the decision is wanted */
    enum decision decision;
    uint64_t random;
    struct strbuf body;
    struct error err;
};

/* ERROR_INVALID when URL, address or CA are wrong. The snapshot must outlive it. */
int reporter_init(struct reporter *reporter, struct rest *rest, const struct snapshot *snapshot,
                  const struct report_config *config, uint64_t seed, struct error *err);
bool reporter_enabled(const struct reporter *reporter);
void reporter_notify(struct reporter *reporter, enum snapshot_news news, int64_t now);
void reporter_ask(struct reporter *reporter); /* from now on the decision is wanted (the snapshot says "Stopping") */
enum decision reporter_decision(const struct reporter *reporter);
void reporter_finish(struct reporter *reporter, int64_t now); /* the snapshot is final: bring it now or never */
bool reporter_done(const struct reporter *reporter, const struct snapshot *snapshot, int64_t now);
void reporter_wait(const struct reporter *reporter, struct wait *wait);
void reporter_step(struct reporter *reporter, int64_t now);
void reporter_fini(struct reporter *reporter);
