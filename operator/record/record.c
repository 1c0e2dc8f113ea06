/* See record.h. Encoding appends to a bounded string and allocates nothing else, since the launcher calls it when
 * memory may be scarce; decoding puts every text through text_clean(). Relies on base/json; never looks at a clock. */

#include "record/record.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

enum { ID_MAX = 96, REASON_MAX = 64, PROGRESS_MAX = 160, TEXT_ROOM = 2048, ALL = RECORD_JOBS_MAX };

static const char *const phases[] = {"Starting", "Running", "Stopping", "Finished"};

/* What is given up, step by step, until a record fits. Whatever the texts hold, the last one fits RECORD_MIN: a byte
 * that is not UTF-8 becomes three. */
struct limits {
    size_t jobs, applications;
    size_t url, message, remains, progress, id, reason; /* bytes */
};
static const struct limits limit_steps[] = {
    {ALL, ALL, RECORD_URL_MAX, RECORD_MESSAGE_MAX, RECORD_MESSAGE_MAX, PROGRESS_MAX, ID_MAX, REASON_MAX},
    {0, ALL, RECORD_URL_MAX, RECORD_MESSAGE_MAX, RECORD_MESSAGE_MAX, PROGRESS_MAX, ID_MAX, REASON_MAX},
    {0, ALL, RECORD_URL_MAX, 256, 160, 64, ID_MAX, REASON_MAX},
    {0, ALL, 256, 128, 96, 32, ID_MAX, REASON_MAX},
    {0, 4, 0, 128, 96, 0, ID_MAX, REASON_MAX},
    {0, 0, 0, 96, 64, 0, ID_MAX, REASON_MAX},
    {0, 0, 0, 0, 16, 0, 40, 32},
};

bool record_url_valid(const char *url) {
    if (text_empty(url) || strlen(url) > RECORD_URL_MAX)
        return false;
    size_t scheme = text_starts_with(url, "http://") ? 7 : text_starts_with(url, "https://") ? 8 : 0;
    if (!scheme || !url[scheme] || url[scheme] == '/')
        return false;
    for (const unsigned char *p = (const unsigned char *)url; *p; p++)
        if (*p <= ' ' || *p >= 0x7F || strchr("\"'<>\\`{}|^", *p))
            return false;
    return true;
}

/* --- encode --- */

static const char *known_phase(const char *phase) {
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        if (text_equal(phase, phases[i]))
            return phases[i];
    return "";
}

/* A member with a text of at most `max` bytes, control characters as blanks, cut at a character boundary. */
static void put_text(struct strbuf *out, const char *name, const char *text, size_t max) {
    char clean[TEXT_ROOM];
    if (text_empty(text) || max == 0)
        return;
    if (max >= sizeof clean)
        max = sizeof clean - 1;
    size_t length = strnlen(text, max + 1);
    if (length > max) {
        length = max;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    for (size_t i = 0; i < length; i++)
        clean[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? ' ' : text[i];
    if (name)
        strbuf_printf(out, ",\"%s\":", name);
    json_quote(out, clean, length);
}

static void put_url(struct strbuf *out, const char *name, const char *url, size_t max) {
    if (record_url_valid(url) && strlen(url) <= max) /* half a URL is worse than none */
        put_text(out, name, url, max);
}

static void put_time(struct strbuf *out, const char *name, int64_t wall_ms) {
    char text[CLOCK_TEXT_MAX];
    if (wall_ms <= 0)
        return;
    clock_format(wall_ms, text);
    put_text(out, name, text, sizeof text);
}

/* Half an id is worse than none. */
static bool id_fits(const char *id, size_t max) {
    return !text_empty(id) && strlen(id) <= max;
}

static void put_id(struct strbuf *out, const char *name, const char *id, size_t max) {
    if (id_fits(id, max))
        put_text(out, name, id, max);
}

/* The newest, which come last, when there are more than `max`. */
static void put_ids(struct strbuf *out, const char *name, const char *const *ids, size_t count, size_t max) {
    size_t put = 0;
    for (size_t i = count > max ? count - max : 0; i < count; i++) {
        if (!id_fits(ids[i], ID_MAX))
            continue;
        strbuf_printf(out, put++ ? "," : ",\"%s\":[", name);
        put_id(out, NULL, ids[i], ID_MAX);
    }
    if (put)
        strbuf_putc(out, ']');
}

static void put_applications(struct strbuf *out, const struct record *record, const struct limits *limits) {
    const char *const *ids = record->application_ids;
    size_t count = record->application_count;
    put_id(out, "applicationID", record->application_id, limits->id);
    bool told =
        count > 0 && id_fits(record->application_id, limits->id) && text_equal(ids[count - 1], record->application_id);
    if (!told || (count > 1 && limits->applications > 1))
        put_ids(out, "applicationIDs", ids, count, limits->applications);
}

static void put_progress(struct strbuf *out, const struct record *record, size_t max) {
    if (record->percent < 0 && text_empty(record->progress_text))
        return;
    strbuf_printf(out, ",\"progress\":{\"percent\":%d", record->percent);
    put_text(out, "text", record->progress_text, max);
    strbuf_putc(out, '}');
}

static void put_final(struct strbuf *out, const struct record *record, const struct limits *limits) {
    strbuf_printf(out, ",\"final\":{\"exitCode\":%d,\"signal\":%d", record->exit_code, record->signal);
    put_text(out, "reason", record->reason, limits->reason);
    put_text(out, "message", record->message, limits->message);
    put_text(out, "remains", record->remains, limits->remains);
    put_time(out, "finishedAt", record->finished_at);
    strbuf_putc(out, '}');
}

static void put_record(struct strbuf *out, const struct record *record, const struct limits *limits) {
    const char *phase = known_phase(record->phase);
    strbuf_printf(out, "{\"version\":%d,\"seq\":%lld", RECORD_VERSION, (long long)record->seq);
    put_text(out, "phase", phase, strlen(phase));
    put_applications(out, record, limits);
    put_url(out, "trackingURL", record->tracking_url, limits->url);
    put_url(out, "historyURL", record->history_url, limits->url);
    put_ids(out, "jobIDs", record->job_ids, record->job_count, limits->jobs);
    put_progress(out, record, limits->progress);
    put_time(out, "startedAt", record->started_at);
    if (record->detached && !record->final) /* else the end is told, and by whom does not matter */
        strbuf_puts(out, ",\"detached\":true");
    if (record->final)
        put_final(out, record, limits);
    strbuf_putc(out, '}');
}

void record_encode(const struct record *record, size_t max, struct strbuf *out) {
    size_t before = out->length;
    for (size_t i = 0; i < sizeof limit_steps / sizeof limit_steps[0]; i++) {
        if (i > 0)
            strbuf_cut(out, before);
        put_record(out, record, &limit_steps[i]);
        if (out->length - before <= max)
            return;
    }
}

/* --- decode --- */

static const char *get_url(yyjson_val *object, const char *name, struct arena *arena) {
    const char *raw = json_text(object, name, "");
    return record_url_valid(raw) ? arena_strdup(arena, raw) : "";
}

static int get_int(yyjson_val *object, const char *name, int low, int high, int fallback) {
    int64_t value = json_int(object, name, fallback);
    return value < low || value > high ? fallback : (int)value;
}

static int64_t get_time(yyjson_val *object, const char *name) {
    int64_t wall_ms = json_time(object, name);
    return wall_ms > 0 ? wall_ms : 0;
}

static size_t get_ids(yyjson_val *root, const char *name, const char **ids, struct arena *arena) {
    yyjson_val *list = json_at(root, name, NULL), *id;
    size_t i, count, got = 0;
    if (!yyjson_is_arr(list))
        return 0;
    yyjson_arr_foreach(list, i, count, id) {
        if (got < RECORD_JOBS_MAX && yyjson_is_str(id) && yyjson_get_len(id) > 0)
            ids[got++] = text_clean(yyjson_get_str(id), yyjson_get_len(id), ID_MAX, arena);
    }
    return got;
}

static void get_applications(yyjson_val *root, struct record *record, struct arena *arena) {
    record->application_id = json_clean(root, "applicationID", ID_MAX, arena);
    record->application_count = get_ids(root, "applicationIDs", record->application_ids, arena);
    if (record->application_count == 0 && !text_empty(record->application_id))
        record->application_ids[record->application_count++] = record->application_id;
}

int record_decode(const char *text, size_t length, struct record *ret_record, struct arena *arena, struct error *err) {
    AUTO_JSON *doc = NULL;
    if (length > RECORD_MAX)
        return error_set(err, ERROR_INVALID, "record of %zu bytes: at most %d are allowed", length, RECORD_MAX);
    if (json_parse(text, length, &doc, err) < 0)
        return error_wrap(err, "record");
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (json_int(root, "version", 0) != RECORD_VERSION)
        return error_set(err, ERROR_INVALID, "record: version %lld is not known (this reads version %d)",
                         (long long)json_int(root, "version", 0), RECORD_VERSION);

    yyjson_val *progress = json_at(root, "progress", NULL), *final = json_at(root, "final", NULL);
    struct record record = {
        .seq = json_int(root, "seq", 0) > 0 ? json_int(root, "seq", 0) : 0,
        .phase = known_phase(json_text(root, "phase", "")),
        .tracking_url = get_url(root, "trackingURL", arena),
        .history_url = get_url(root, "historyURL", arena),
        .percent = get_int(progress, "percent", -1, 100, -1),
        .progress_text = json_clean(progress, "text", PROGRESS_MAX, arena),
        .started_at = get_time(root, "startedAt"),
        .detached = json_bool(root, "detached", false),
        .final = yyjson_is_obj(final),
        .exit_code = get_int(final, "exitCode", 0, 255, 1),
        .signal = get_int(final, "signal", 0, 64, 0),
        .reason = json_clean(final, "reason", REASON_MAX, arena),
        .message = json_clean(final, "message", RECORD_MESSAGE_MAX, arena),
        .remains = json_clean(final, "remains", RECORD_MESSAGE_MAX, arena),
        .finished_at = get_time(final, "finishedAt"),
    };
    get_applications(root, &record, arena);
    record.job_count = get_ids(root, "jobIDs", record.job_ids, arena);
    *ret_record = record;
    return 0;
}

bool record_succeeded(const struct record *record) {
    return record->final && text_empty(record->reason) && record->exit_code == 0;
}
