/* See yarn.h. What YARN says of an application, into the view of the task's jobs. */

#include <stdio.h>
#include <string.h>

#include "remote/yarn.h"

static enum remote_verdict verdict_of(const struct yarn_app *app) {
    if (!yarn_app_ended(app))
        return REMOTE_UNDECIDED;
    if (strcmp(app->state, "KILLED") == 0 || strcmp(app->final_status, "KILLED") == 0)
        return REMOTE_KILLED;
    return strcmp(app->final_status, "SUCCEEDED") == 0 ? REMOTE_SUCCEEDED : REMOTE_FAILED;
}

/* The ResourceManager's own page of the application: still there when its proxy leads nowhere any more. */
static void set_pages(struct yarn *yarn, const struct yarn_app *app) {
    char origin[ORIGIN_TEXT_MAX], url[RECORD_URL_MAX + 1];
    const struct origin *rm = origins_current(&yarn->rest.rms);
    struct origin shown;
    struct error ignored;
    remote_set_url(yarn->remote, app->tracking_url);
    if (!yarn_app_ended(app) || (!rm && origin_of(app->tracking_url, &shown, &ignored) < 0))
        return;
    snprintf(url, sizeof url, "%s/cluster/app/%s", origin_url(rm ? rm : &shown, origin), app->id);
    remote_set_history(yarn->remote, url);
}

static void set_progress(struct yarn *yarn, const struct yarn_app *app) {
    struct remote *remote = yarn->remote;
    const struct remote_view *view = &remote->view;
    static const char waits[] = "accepted by YARN, waits for room";
    bool running = strcmp(app->state, "RUNNING") == 0;
    if (strcmp(app->state, "ACCEPTED") == 0)
        remote_set_progress(remote, view->percent, waits);
    else if (running && !remote->has_ui && strncmp(view->progress, "map ", 4) != 0)
        remote_set_progress(remote, (int)app->progress, "running on YARN");
    else if (strcmp(view->progress, waits) == 0)
        remote_set_progress(remote, view->percent, "");
    const struct origin *rm = origins_current(&yarn->rest.rms);
    if (running && remote->has_ui && rm)
        spark_ui_proxy(&remote->ui, rm, app->id, yarn->now);
}

void yarn_learn(void *context, const struct yarn_app *app) {
    struct yarn *yarn = context;
    const char *tag = yarn->remote->config->tag;
    bool tagged = tag && yarn_app_tagged(app, tag);
    if (yarn->step == STEP_LIST && !tagged)
        return;
    struct remote_job *job = remote_job(yarn->remote, app->id);
    if (!job)
        return;
    job->tagged = tagged || (!app->tags_known && job->tagged);
    job->foreign = !tagged && app->tags_known && yarn_app_tagged_like(app, "weir-");
    job->seen_at = yarn->round_at;
    job->seen_in = yarn->round;
    job->absent_at = 0;
    job->ended = yarn_app_ended(app);
    job->verdict = verdict_of(app);
    snprintf(job->state, sizeof job->state, "%s", app->state);
    if (job->ended)
        yarn_app_explain(app, job->why, sizeof job->why);
    yarn->remote->view.changes++;
    if (job == remote_current(&yarn->remote->view)) {
        remote_set_application(yarn->remote, app->id);
        set_pages(yarn, app);
        set_progress(yarn, app);
    }
}
