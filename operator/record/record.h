#pragma once

/* What a launcher tells of its task: the body of its reports and the pod's termination message, the same JSON object
 * both ways. A *snapshot*: everything known so far, so that a lost, late or repeated one does no harm.
 *
 *   {"version":1, "seq":7, "phase":"Running", "applicationID":"application_1_2", "trackingURL":"http://…",
 *    "applicationIDs":["application_1_1","application_1_2"], "historyURL":"", "jobIDs":["job_1_2"],
 *    "progress":{"percent":61,"text":"map 100% reduce 22%"}, "startedAt":"…",
 *    "detached":true,
 *    "final":{"exitCode":1,"signal":0,"reason":"ExitCode","message":"…","remains":"…","finishedAt":"…"}}
 *
 * Empty members are left out, and so are applicationIDs that name no other than applicationID. At most as many bytes as
 * the writer may use: a container's termination message holds RECORD_MAX (Kubernetes core/v1 ContainerStateTerminated),
 * and all containers of a pod share 12 KiB. jobIDs are dropped first, then the texts are cut, then the URLs and the
 * oldest applicationIDs go; that something remains is always said. Decoding trusts nothing: wrong types count as
 * absent, texts are cleaned and cut, URLs must be http or https, unknown versions are refused. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

enum {
    RECORD_VERSION = 1,
    RECORD_MAX = 4096, /* bytes of one */
    RECORD_MIN = 512,  /* a writer needs at least so many */
    RECORD_JOBS_MAX = 16,
    RECORD_MESSAGE_MAX = 512,
    RECORD_URL_MAX = 512,
};

struct record {
    int64_t seq;                                  /* grows with every change; the higher one is the newer */
    const char *phase;                            /* Starting, Running, Stopping, Finished */
    const char *application_id;                   /* the newest */
    const char *application_ids[RECORD_JOBS_MAX]; /* all remote applications of this attempt, newest last */
    size_t application_count;
    const char *tracking_url;
    const char *history_url;
    const char *job_ids[RECORD_JOBS_MAX];
    size_t job_count;
    int percent;               /* -1: unknown */
    const char *progress_text; /* NULL or "" when unknown */
    int64_t started_at;        /* wall ms; 0: unknown */
    bool detached;             /* its verdict is the cluster's: what runs there does not need the launcher */
    bool final;                /* the rest holds */
    int exit_code;             /* the child's; 128 + signal when it died of one */
    int signal;                /* 0: none */
    const char
        *reason; /* "" on success; else ExitCode, Signal, Timeout, Stopped, YarnFailed, YarnKilled, StartFailed, … */
    const char *message; /* one line for a person */
    const char *remains; /* what may be left running at the remote side, on purpose or not, and why; "": nothing is */
    int64_t finished_at;
};

#define RECORD_INIT \
    { .percent = -1 }

/* Appends at most `max` bytes, RECORD_MIN to RECORD_MAX of them; always valid UTF-8. Allocates nothing but room in
 * `out`. */
void record_encode(const struct record *record, size_t max, struct strbuf *out);
/* application_ids is never without application_id, when only that was told. Texts live in the arena; absent ones are
 * "", never NULL. ERROR_INVALID when it is no record of a known version. */
int record_decode(const char *text, size_t length, struct record *ret_record, struct arena *arena, struct error *err);
/* Success is the launcher's word, not the exit code alone. */
bool record_succeeded(const struct record *record);
/* http or https, a host, printable ASCII without quotes and the like, at most RECORD_URL_MAX bytes. NULL is not valid.
 */
bool record_url_valid(const char *url);
