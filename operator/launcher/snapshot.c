/* See snapshot.h. Fixed buffers, no allocation: it is used after the task has been started. */

#include "launcher/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void changed(struct snapshot *snapshot, enum snapshot_news news) {
    snapshot->record.seq++;
    if (news > snapshot->news)
        snapshot->news = news;
}

static bool set_text(char *slot, size_t size, const char *text) {
    if (strcmp(slot, text) == 0 || strlen(text) >= size)
        return false;
    memcpy(slot, text, strlen(text) + 1);
    return true;
}

void snapshot_init(struct snapshot *snapshot, int64_t wall_now) {
    *snapshot = (struct snapshot){.record = RECORD_INIT};
    snapshot->record.phase = "Starting";
    snapshot->record.started_at = wall_now;
    snapshot->record.application_id = snapshot->application_id;
    snapshot->record.tracking_url = snapshot->tracking_url;
    snapshot->record.history_url = snapshot->history_url;
    snapshot->record.progress_text = snapshot->progress;
    snapshot->record.reason = snapshot->reason;
    snapshot->record.message = snapshot->message;
    snapshot->record.remains = snapshot->remains;
    changed(snapshot, NEWS_URGENT);
}

void snapshot_set_phase(struct snapshot *snapshot, const char *phase) {
    if (text_equal(snapshot->record.phase, phase))
        return;
    snapshot->record.phase = phase;
    changed(snapshot, NEWS_URGENT);
}

void snapshot_set_application(struct snapshot *snapshot, const char *id) {
    if (set_text(snapshot->application_id, sizeof snapshot->application_id, id))
        changed(snapshot, NEWS_URGENT);
}

void snapshot_set_url(struct snapshot *snapshot, const char *url) {
    if (record_url_valid(url) && set_text(snapshot->tracking_url, sizeof snapshot->tracking_url, url))
        changed(snapshot, NEWS_URGENT);
}

void snapshot_set_history(struct snapshot *snapshot, const char *url) {
    if (record_url_valid(url) && set_text(snapshot->history_url, sizeof snapshot->history_url, url))
        changed(snapshot, NEWS_PROGRESS);
}

/* At the end of a list of ids; false when it is there already or too long. Beyond RECORD_JOBS_MAX the oldest goes. */
static bool add_id(char *slots, size_t size, const char **ids, size_t *count, const char *id) {
    for (size_t i = 0; i < *count; i++)
        if (strcmp(ids[i], id) == 0)
            return false;
    if (strlen(id) >= size || !*id)
        return false;
    if (*count == RECORD_JOBS_MAX) {
        memmove(slots, slots + size, (RECORD_JOBS_MAX - 1) * size);
        (*count)--;
    }
    char *slot = slots + *count * size;
    memcpy(slot, id, strlen(id) + 1);
    ids[(*count)++] = slot;
    return true;
}

void snapshot_add_application(struct snapshot *snapshot, const char *id) {
    struct record *record = &snapshot->record;
    if (add_id(snapshot->applications[0], sizeof snapshot->applications[0], record->application_ids,
               &record->application_count, id))
        changed(snapshot, NEWS_URGENT);
}

void snapshot_add_job(struct snapshot *snapshot, const char *id) {
    struct record *record = &snapshot->record;
    if (add_id(snapshot->jobs[0], sizeof snapshot->jobs[0], record->job_ids, &record->job_count, id))
        changed(snapshot, NEWS_URGENT);
}

void snapshot_set_progress(struct snapshot *snapshot, int percent, const char *text) {
    bool moved = percent != snapshot->record.percent;
    snapshot->record.percent = percent;
    if (set_text(snapshot->progress, sizeof snapshot->progress, text) || moved)
        changed(snapshot, NEWS_PROGRESS);
}

void snapshot_finish(struct snapshot *snapshot, int exit_code, int signal, const char *reason, const char *message,
                     const char *remains, int64_t wall_now) {
    struct record *record = &snapshot->record;
    record->phase = "Finished";
    record->final = true;
    record->exit_code = exit_code;
    record->signal = signal;
    record->finished_at = wall_now;
    snprintf(snapshot->reason, sizeof snapshot->reason, "%s", reason);
    snprintf(snapshot->message, sizeof snapshot->message, "%s", message);
    snprintf(snapshot->remains, sizeof snapshot->remains, "%s", remains);
    changed(snapshot, NEWS_URGENT);
}

enum snapshot_news snapshot_take_news(struct snapshot *snapshot) {
    enum snapshot_news news = snapshot->news;
    snapshot->news = NEWS_NONE;
    return news;
}
