/* See remote.h. Keeps the view, whoever fills it: the manager's file, the driver's page (spark_ui.c) and what the task
 * prints. The manager's word wins over the driver's, the driver's over a log line's. */

#include "remote/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "remote/manager.h"

enum { UI_FRESH_MS = 15 * 1000 };

static const struct remote_manager *const managers[] = {&manager_yarn};

static const struct remote_manager *find_manager(const char *name) {
    for (size_t i = 0; name && i < sizeof managers / sizeof managers[0]; i++)
        if (strcmp(managers[i]->name, name) == 0)
            return managers[i];
    return NULL;
}

bool remote_manager_known(const char *name) {
    return find_manager(name) != NULL;
}

/* --- jobs --- */

static void id_numbers(const char *id, unsigned long long out[2]) {
    char *end = NULL;
    out[0] = strtoull(id + strcspn(id, "0123456789"), &end, 10);
    out[1] = *end ? strtoull(end + 1, NULL, 10) : 0;
}

bool remote_id_older(const char *a, const char *b) {
    unsigned long long of_a[2], of_b[2];
    id_numbers(a, of_a);
    id_numbers(b, of_b);
    return of_a[0] != of_b[0] ? of_a[0] < of_b[0] : of_a[1] < of_b[1];
}

struct remote_job *remote_find(struct remote *remote, const char *id) {
    for (size_t i = 0; i < remote->view.count; i++)
        if (strcmp(remote->view.jobs[i].id, id) == 0)
            return &remote->view.jobs[i];
    return NULL;
}

/* How little is lost without it: a living one that is ours goes last, however many ids the output names. */
static int dispensable(const struct remote_job *job) {
    bool over = job->ended || job->absent_at;
    return job->tagged ? (job->ended ? 2 : 0) : over ? 3 : 1;
}

/* Makes room: of the most dispensable the oldest goes. */
static void drop_one(struct remote_view *view) {
    size_t at = 0;
    for (size_t i = 1; i < view->count; i++)
        if (dispensable(&view->jobs[i]) > dispensable(&view->jobs[at]))
            at = i;
    memmove(&view->jobs[at], &view->jobs[at + 1], (view->count - at - 1) * sizeof view->jobs[0]);
    view->count--;
}

struct remote_job *remote_job(struct remote *remote, const char *id) {
    struct remote_view *view = &remote->view;
    struct remote_job *found = remote_find(remote, id);
    if (found || strlen(id) >= REMOTE_ID_MAX)
        return found;
    if (view->count == REMOTE_JOBS_MAX)
        drop_one(view);
    size_t at = view->count;
    while (at > 0 && remote_id_older(id, view->jobs[at - 1].id))
        at--;
    memmove(&view->jobs[at + 1], &view->jobs[at], (view->count - at) * sizeof view->jobs[0]);
    view->count++;
    struct remote_job *job = &view->jobs[at];
    *job = (struct remote_job){.former = remote->last_former[0] && !remote_id_older(remote->last_former, id)};
    snprintf(job->id, sizeof job->id, "%s", id);
    view->changes++;
    return job;
}

/* Only what the manager knows says how far its numbers have come: a recorded id may be any cluster's. */
void remote_begin(struct remote *remote) {
    struct remote_view *view = &remote->view;
    for (size_t i = 0; i < view->count; i++) {
        view->jobs[i].former = true;
        if (view->jobs[i].seen_at)
            snprintf(remote->last_former, REMOTE_ID_MAX, "%s", view->jobs[i].id);
    }
    view->absent_since = 0;
}

void remote_adopt(struct remote *remote, const struct remote_job *job) {
    struct remote_job *own = remote_find(remote, job->id);
    remote_begin(remote);
    if (own)
        own->former = false;
    remote_set_application(remote, job->id);
}

/* The tag is proof; an id that nobody was asked about yet may be of a job that has it. */
static int standing(const struct remote_job *job) {
    bool unasked = !job->seen_at && !job->absent_at;
    return job->tagged || unasked ? 2 : !job->absent_at;
}

const struct remote_job *remote_current(const struct remote_view *view) {
    const struct remote_job *best = NULL;
    for (size_t i = view->count; i > 0; i--) {
        const struct remote_job *job = &view->jobs[i - 1];
        if (!job->former && !job->foreign && (!best || standing(job) > standing(best)))
            best = job;
    }
    return best;
}

bool remote_ended_by_itself(const struct remote_job *job) {
    return job->ended && !(job->told_at && job->verdict == REMOTE_KILLED);
}

bool remote_alive(const struct remote_view *view, char *out, size_t size) {
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < view->count; i++) {
        const struct remote_job *job = &view->jobs[i];
        if (job->ended || job->absent_at || job->foreign)
            continue;
        int put = snprintf(out + length, size - length, "%s%s", length ? ", " : "", job->id);
        if (put > 0 && (size_t)put < size - length)
            length += (size_t)put;
        else
            out[length] = '\0';
    }
    return length > 0;
}

/* --- for a person --- */

static bool set_text(struct remote *remote, char *slot, size_t size, const char *text) {
    if (strcmp(slot, text) == 0 || strlen(text) >= size)
        return false;
    memcpy(slot, text, strlen(text) + 1);
    remote->view.changes++;
    return true;
}

void remote_set_url(struct remote *remote, const char *url) {
    if (record_url_valid(url))
        set_text(remote, remote->view.tracking_url, sizeof remote->view.tracking_url, url);
}

void remote_set_history(struct remote *remote, const char *url) {
    if (record_url_valid(url))
        set_text(remote, remote->view.history_url, sizeof remote->view.history_url, url);
}

void remote_set_application(struct remote *remote, const char *id) {
    set_text(remote, remote->view.application_id, sizeof remote->view.application_id, id);
}

void remote_set_progress(struct remote *remote, int percent, const char *text) {
    struct remote_view *view = &remote->view;
    view->changes += view->percent != percent;
    view->percent = percent;
    set_text(remote, view->progress, sizeof view->progress, text);
}

void remote_fail(struct remote *remote, int64_t now, const char *text) {
    struct remote_view *view = &remote->view;
    view->failing_since = view->failing_since ? view->failing_since : now;
    snprintf(view->trouble, sizeof view->trouble, "%s", text);
}

/* --- what the task prints --- */

/* A driver in this pod: its page is reached by the pod's address, unless the manager's proxy stands before it. */
static void on_ui_port(struct remote *remote, int port, int64_t now) {
    char url[128];
    const char *ip = remote->config->pod_ip;
    if (!remote->has_ui)
        return;
    spark_ui_driver(&remote->ui, (unsigned)port, now);
    if (text_empty(ip) || (remote->manager && remote_current(&remote->view)))
        return;
    snprintf(url, sizeof url, strchr(ip, ':') ? "http://[%s]:%d" : "http://%s:%d", ip, port);
    remote_set_url(remote, url);
}

static void on_progress(struct remote *remote, const struct fact *fact, int64_t now) {
    char text[64];
    if (fact->type == FACT_MAP_REDUCE) {
        snprintf(text, sizeof text, "map %d%% reduce %d%%", fact->number, fact->total);
        remote_set_progress(remote, (fact->number + fact->total) / 2, text);
    } else if (!remote->ui.answered_at || now - remote->ui.answered_at >= UI_FRESH_MS) {
        snprintf(text, sizeof text, "stage %.20s, %d/%d tasks", fact->text, fact->number, fact->total);
        remote_set_progress(remote, (int)((int64_t)fact->number * 100 / fact->total), text);
    }
}

void remote_hear(struct remote *remote, const struct fact *fact, int64_t now) {
    struct remote_view *view = &remote->view;
    switch (fact->type) {
    case FACT_APPLICATION: remote_set_application(remote, fact->text); break;
    case FACT_TRACKING_URL: remote_set_url(remote, fact->text); break;
    case FACT_MAP_REDUCE:
    case FACT_TASKS: on_progress(remote, fact, now); break;
    case FACT_UI_PORT: on_ui_port(remote, fact->number, now); break;
    case FACT_FINAL_STATUS: snprintf(view->client_verdict, sizeof view->client_verdict, "%.15s", fact->text); break;
    case FACT_LOST_CONTACT: view->client_lost = true; break;
    case FACT_JOB:
    case FACT_STATE: break;
    }
    if (remote->manager)
        remote->manager->heard(remote->state, fact, now);
}

/* --- life --- */

int remote_new(const struct remote_config *config, struct rest *rest, struct helpers *helpers,
               const struct environment *env, struct remote **ret, struct error *err) {
    struct remote *remote = calloc(1, sizeof *remote);
    if (!remote)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    remote->config = config;
    remote->rest = rest;
    remote->helpers = helpers;
    remote->env = env;
    remote->has_ui = text_equal(config->kind, "sparkSubmit");
    remote->manager = find_manager(config->manager);
    remote->view.percent = -1;
    remote->next_at = INT64_MAX;
    spark_ui_init(&remote->ui, rest);
    if (remote->manager && remote->manager->open(remote, &remote->state, err) < 0) {
        free(remote);
        return -1;
    }
    for (size_t i = 0; remote->manager && i < config->earlier_count; i++)
        if (remote->manager->is_id(config->earlier[i]))
            remote_job(remote, config->earlier[i]);
    *ret = remote;
    return 0;
}

void remote_free(struct remote *remote) {
    if (!remote)
        return;
    spark_ui_stop(&remote->ui);
    if (remote->manager)
        remote->manager->close(remote->state);
    free(remote);
}

const struct remote_view *remote_view(const struct remote *remote) {
    return &remote->view;
}

const struct remote_words *remote_words(const struct remote *remote) {
    static const struct remote_words nobody = {"nobody", "ExitCode", "ExitCode", "ExitCode"};
    return remote->manager ? &remote->manager->words : &nobody;
}

void remote_want(struct remote *remote, enum remote_want want, int64_t interval_ms, int64_t now) {
    bool shorter = now + interval_ms < remote->next_at;
    remote->interval_ms = interval_ms;
    if (want == REMOTE_IDLE || want == REMOTE_END)
        spark_ui_stop(&remote->ui);
    if (remote->want == want) {
        if (want == REMOTE_FOLLOW && shorter)
            remote->next_at = now + interval_ms;
        return;
    }
    remote->want = want;
    remote->next_at = now;
    remote->view.clear_at = 0;
    if (remote->manager)
        remote->manager->wanted(remote->state, now);
}

void remote_ask_now(struct remote *remote, int64_t now) {
    remote->next_at = now;
    if (remote->manager)
        remote->manager->wanted(remote->state, now);
}

void remote_ask_later(struct remote *remote, int64_t at) {
    remote->next_at = at;
}

void remote_wait(const struct remote *remote, struct wait *wait) {
    spark_ui_wait(&remote->ui, wait);
    if (remote->manager)
        remote->manager->wait(remote->state, wait);
}

static void take_ui(struct remote *remote) {
    struct spark_ui *ui = &remote->ui;
    if (!ui->news)
        return;
    ui->news = false;
    if (ui->id[0] && !remote->view.application_id[0])
        remote_set_application(remote, ui->id);
    if (ui->answered_at && ui->progress.percent >= 0)
        remote_set_progress(remote, ui->progress.percent, ui->progress.text);
}

void remote_step(struct remote *remote, int64_t now) {
    if (remote->manager)
        remote->manager->step(remote->state, now);
    spark_ui_step(&remote->ui, now);
    take_ui(remote);
}
