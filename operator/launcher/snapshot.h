#pragma once

/* The launcher's record as it grows: owns the texts, counts the changes, and knows which of them a person waits for. */

#include <stdbool.h>
#include <stdint.h>

#include "record/record.h"

enum snapshot_news { NEWS_NONE, NEWS_PROGRESS, NEWS_URGENT };

struct snapshot {
    struct record record;    /* points into this struct: do not copy */
    enum snapshot_news news; /* since snapshot_take_news() */
    char application_id[96], applications[RECORD_JOBS_MAX][96], tracking_url[RECORD_URL_MAX + 1],
        history_url[RECORD_URL_MAX + 1];
    char jobs[RECORD_JOBS_MAX][64];
    char progress[128], reason[64], message[RECORD_MESSAGE_MAX + 1];
    char remains[RECORD_MESSAGE_MAX + 1];
};

void snapshot_init(struct snapshot *snapshot, int64_t wall_now);
/* Each is a no-op when nothing changes by it; `phase` must be a literal. */
void snapshot_set_phase(struct snapshot *snapshot, const char *phase);
void snapshot_set_application(struct snapshot *snapshot, const char *id);
void snapshot_add_application(struct snapshot *snapshot, const char *id); /* beyond RECORD_JOBS_MAX the oldest goes */
void snapshot_set_url(struct snapshot *snapshot, const char *url);
void snapshot_set_history(struct snapshot *snapshot, const char *url);
void snapshot_add_job(struct snapshot *snapshot, const char *id); /* beyond RECORD_JOBS_MAX the oldest goes */
void snapshot_set_progress(struct snapshot *snapshot, int percent, const char *text); /* percent -1: unknown */
void snapshot_finish(struct snapshot *snapshot, int exit_code, int signal, const char *reason, const char *message,
                     const char *remains, int64_t wall_now);
enum snapshot_news snapshot_take_news(struct snapshot *snapshot);
