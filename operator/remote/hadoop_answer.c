/* See hadoop_answer.h. Relies on nothing but the text. An application's name is its user's and may hold any characters:
 * rows of the list are read from their end, and a report that says a thing twice is not believed. */

#include "remote/hadoop_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

enum { TOLD_MAX = 150 };

struct lines {
    const char *at, *end;
};

static bool next_line(struct lines *lines, const char **ret_line, size_t *ret_length) {
    if (lines->at >= lines->end)
        return false;
    const char *stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    *ret_line = lines->at;
    *ret_length = (size_t)((stop ? stop : lines->end) - lines->at);
    lines->at = stop ? stop + 1 : lines->end;
    while (*ret_length > 0 && (*ret_line)[*ret_length - 1] == '\r')
        --*ret_length;
    return true;
}

static bool is_id(const char *text, size_t length) {
    char id[YARN_ID_MAX];
    if (length >= sizeof id)
        return false;
    memcpy(id, text, length);
    id[length] = '\0';
    return yarn_id_valid(id);
}

static void trim(const char **text, size_t *length) {
    while (*length > 0 && isspace((unsigned char)**text)) {
        ++*text;
        --*length;
    }
    while (*length > 0 && isspace((unsigned char)(*text)[*length - 1]))
        --*length;
}

static bool is_among(const char *const *words, const char *text, size_t length, char out[16]) {
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(*words, text, length) == 0) {
            memcpy(out, *words, length + 1);
            return true;
        }
    return false;
}

static bool put_state(struct yarn_app *report, const char *text, size_t length) {
    static const char *const states[] = {"NEW",      "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING",
                                         "FINISHED", "FAILED",     "KILLED",    NULL};
    return !report->state[0] && is_among(states, text, length, report->state);
}

static bool put_final(struct yarn_app *report, const char *text, size_t length) {
    static const char *const finals[] = {"UNDEFINED", "SUCCEEDED", "FAILED", "KILLED", "ENDED", NULL};
    return !report->final_status[0] && is_among(finals, text, length, report->final_status);
}

static bool put_progress(struct yarn_app *report, const char *text, size_t length) {
    int percent = 0;
    for (size_t i = 0; i < length && isdigit((unsigned char)text[i]) && percent <= 100; i++)
        percent = percent * 10 + (text[i] - '0');
    report->progress = percent > 100 ? 100 : percent;
    return length > 1 && length <= 8 && text[length - 1] == '%';
}

static bool put_url(struct yarn_app *report, const char *text, size_t length) {
    if (length > RECORD_URL_MAX)
        return true;
    memcpy(report->tracking_url, text, length);
    report->tracking_url[length] = '\0';
    if (!record_url_valid(report->tracking_url)) /* "N/A" before there is one */
        report->tracking_url[0] = '\0';
    return true;
}

static bool contains(const char *text, size_t length, const char *word) {
    return memmem(text, length, word, strlen(word)) != NULL;
}

/* What a line of Java's says, without the frame around it; of an exception's text the line's end is the cause. */
static void strip_line(const char **line, size_t *size) {
    static const char *const frames[] = {"Exception in thread \"main\" ", "Caused by: ", "AccessControlException: "};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        const char *found = memmem(*line, *size, frames[i], strlen(frames[i]));
        if (found) {
            *size -= (size_t)(found - *line) + strlen(frames[i]);
            *line = found + strlen(frames[i]);
        }
    }
    trim(line, size);
}

/* The line that tells why there is no answer: YARN's own verdict, else the last cause of an exception, else what was
 * said last. */
static enum error_code choose_line(const char *text, size_t length, const char **ret_line, size_t *ret_length) {
    struct lines lines = {text, text + length};
    const char *line;
    size_t size;
    bool thrown = false;
    *ret_line = NULL;
    while (next_line(&lines, &line, &size)) {
        bool unknown = contains(line, size, "doesn't exist in RM"),
             forbidden = contains(line, size, "cannot perform operation") ||
                         contains(line, size, "SIMPLE authentication is not enabled"); /* no try brings a ticket */
        bool exception = contains(line, size, "Exception in thread") || contains(line, size, "Caused by: ");
        trim(&line, &size);
        if (!unknown && !forbidden && !exception && (thrown || size == 0))
            continue;
        thrown = thrown || exception;
        *ret_line = line;
        *ret_length = size;
        if (unknown || forbidden)
            return unknown ? ERROR_NOT_FOUND : ERROR_FORBIDDEN;
    }
    return ERROR_TRANSIENT;
}

static int not_answered(const char *text, size_t length, int exit_code, struct error *err) {
    const char *told;
    size_t size = 0;
    char clean[TOLD_MAX + 1];
    enum error_code code = choose_line(text, length, &told, &size);
    if (!told)
        return error_set(err, code, "YARN's client said nothing (exit code %d)", exit_code);
    strip_line(&told, &size);
    size = size < TOLD_MAX ? size : TOLD_MAX;
    for (size_t i = 0; i < size; i++)
        clean[i] = told[i] >= ' ' && told[i] <= '~' ? told[i] : '?';
    clean[size] = '\0';
    return error_set(err, code, "%s (exit code %d)", clean, exit_code);
}

static const struct {
    const char *name;
    bool (*put)(struct yarn_app *report, const char *text, size_t length);
} members[] = {{"State", put_state}, {"Final-State", put_final}, {"Progress", put_progress}, {"Tracking-URL", put_url}};

/* "\tNAME : VALUE" */
static bool is_member(const char *line, size_t size, const char *name, const char **ret_value, size_t *ret_length) {
    size_t length = strlen(name);
    if (size < length + 3 || line[0] != '\t' || memcmp(line + 1, name, length) != 0 ||
        memcmp(line + 1 + length, " :", 2) != 0)
        return false;
    *ret_value = line + length + 3;
    *ret_length = size - length - 3;
    trim(ret_value, ret_length);
    return true;
}

/* From here to the member that follows; a cut keeps the end, where causes are. */
static void put_diagnostics(struct yarn_app *report, const char *begin, const char *end) {
    const char *stop = memmem(begin, (size_t)(end - begin), "\n\tUnmanaged Application :", 25);
    size_t length = (size_t)((stop ? stop : end) - begin);
    trim(&begin, &length);
    if (length == 3 && memcmp(begin, "N/A", 3) == 0)
        length = 0;
    size_t skip = length >= YARN_DIAGNOSTICS_MAX ? length - YARN_DIAGNOSTICS_MAX + 1 : 0;
    memcpy(report->diagnostics, begin + skip, length - skip);
    report->diagnostics[length - skip] = '\0';
}

/* The members that stand before the diagnostics, each once. */
static bool read_report(struct lines *lines, struct yarn_app *report) {
    const char *line, *value;
    size_t size, length;
    bool seen[sizeof members / sizeof members[0]] = {0};
    while (next_line(lines, &line, &size)) {
        if (is_member(line, size, "Diagnostics", &value, &length)) {
            put_diagnostics(report, value, lines->end);
            break;
        }
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            if (is_member(line, size, members[i].name, &value, &length)) {
                if (seen[i] || !members[i].put(report, value, length))
                    return false;
                seen[i] = true;
            }
    }
    return report->state[0] && report->final_status[0];
}

int hadoop_answer_status(const char *text, size_t length, int exit_code, const char *id, struct yarn_app *ret,
                         struct error *err) {
    struct lines lines = {text, text + length};
    struct yarn_app report = {0};
    const char *line, *value;
    size_t size, value_length;
    if (exit_code != 0)
        return not_answered(text, length, exit_code, err);
    bool found = false;
    while (!found && next_line(&lines, &line, &size))
        found = is_member(line, size, "Application-Id", &value, &value_length);
    if (!found || !is_id(value, value_length) || strlen(id) != value_length || memcmp(value, id, value_length) != 0)
        return error_set(err, ERROR_INVALID, "YARN's client gave no report of %.60s", id);
    memcpy(report.id, value, value_length);
    if (!read_report(&lines, &report))
        return error_set(err, ERROR_INVALID, "YARN's client gave a report of %s that is not well-formed", id);
    *ret = report;
    return 0;
}

/* The field before *at, which then is where it begins; tabs are between fields. */
static bool last_field(const char *line, size_t *at, const char **ret_text, size_t *ret_length) {
    size_t end = *at, begin = end;
    while (begin > 0 && line[begin - 1] != '\t')
        begin--;
    if (begin == 0)
        return false;
    *at = begin - 1;
    *ret_text = line + begin;
    *ret_length = end - begin;
    trim(ret_text, ret_length);
    return true;
}

static bool read_row(const char *line, size_t size, struct yarn_app *report) {
    static bool (*const put[])(struct yarn_app *, const char *, size_t) = {put_url, put_progress, put_final, put_state};
    const char *field = line;
    size_t length = 0, at = size;
    *report = (struct yarn_app){0};
    while (length < size && line[length] != '\t')
        length++;
    trim(&field, &length);
    if (!is_id(field, length))
        return false;
    memcpy(report->id, field, length);
    for (size_t i = 0; i < sizeof put / sizeof put[0]; i++)
        if (!last_field(line, &at, &field, &length) || !put[i](report, field, length))
            return false;
    return true;
}

/* "Total number of applications (application-types: [], states: [] and tags: [x]):3" */
static bool read_total(const char *line, size_t size, long *ret) {
    static const char begin[] = "Total number of applications (";
    const char *colon = size > 0 ? memrchr(line, ':', size) : NULL;
    if (size < sizeof begin || memcmp(line, begin, sizeof begin - 1) != 0 || !colon || colon[-1] != ')')
        return false;
    *ret = 0;
    for (const char *at = colon + 1; at < line + size && *ret < 1000000; at++) {
        if (!isdigit((unsigned char)*at))
            return false;
        *ret = *ret * 10 + (*at - '0');
    }
    return colon + 1 < line + size;
}

int hadoop_answer_list(const char *text, size_t length, int exit_code, hadoop_answer_each *each, void *context,
                       struct error *err) {
    struct lines lines = {text, text + length};
    struct yarn_app report;
    const char *line;
    size_t size;
    long total = -1, count = 0;
    if (exit_code != 0)
        return not_answered(text, length, exit_code, err);
    while (total < 0 && next_line(&lines, &line, &size))
        if (!read_total(line, size, &total))
            total = -1;
    if (total < 0)
        return error_set(err, ERROR_INVALID, "YARN's client gave no list of applications");
    while (next_line(&lines, &line, &size))
        if (read_row(line, size, &report)) {
            each(context, &report);
            count++;
        }
    if (count != total)
        return error_set(err, ERROR_INVALID, "YARN's client listed %ld applications, of which %ld are well-formed",
                         total, count);
    return 0;
}

int hadoop_answer_kill(const char *text, size_t length, int exit_code, const char *id, struct error *err) {
    char killing[YARN_ID_MAX + 32], finished[YARN_ID_MAX + 48];
    if (exit_code != 0)
        return not_answered(text, length, exit_code, err);
    snprintf(killing, sizeof killing, "Killing application %.63s", id);
    snprintf(finished, sizeof finished, "Application %.63s has already finished", id);
    if (!contains(text, length, killing) && !contains(text, length, finished))
        return error_set(err, ERROR_INVALID, "YARN's client did not say that it killed %.60s", id);
    return 0;
}
