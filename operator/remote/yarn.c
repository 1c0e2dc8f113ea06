/* See manager.h: YARN. What is known is asked anew in rounds: the list by tag, then each id that was not in it. A round
 * in which something is missing counts only when the ResourceManager was in charge before it and is the same one after
 * it: one that has just been started answers 404 and empty lists for what it will recover. Two ways to ask: REST, and
 * the command line where REST is refused or only RPC may kill. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "remote/hadoop_cluster.h"
#include "remote/hadoop_conf.h"
#include "remote/manager.h"
#include "remote/yarn_cli.h"
#include "remote/yarn_rest.h"

enum {
    RETRY_MS = 1000,
    RETRY_CLI_MS = 10 * 1000, /* a JVM each time */
    REFUSED_AGAIN_MS = 3 * 1000,
    END_ROUND_MS = 300, /* between a kill and the look whether it has worked */
    END_ROUND_CLI_MS = 2000,
    FOLLOW_CLI_MS = 15 * 1000,
    LOOK_CLI_MS = 5 * 1000,
    REFUSED_MS = 15 * 1000, /* for so long it may be somebody else's mistake, or a moment's */
    NOISE_MS = 10 * 1000,
    SUBMITTED_MS = 1000, /* an id that has just been printed may not be known yet */
};

/* Where a round is. */
enum step { STEP_NONE, STEP_LIST, STEP_STATUS, STEP_INFO, STEP_KILL };

/* Looking and ending are granted apart. */
enum right { RIGHT_LOOK, RIGHT_END, RIGHTS };

struct way {
    bool cli;              /* the command line is asked, since REST refuses; no-op when there is none */
    int64_t refused_since; /* boot ms; 0: the last one of these was not refused */
};

struct yarn {
    struct remote *remote;
    struct yarn_asker asker;
    struct yarn_rest rest;
    struct yarn_cli cli;
    struct way ways[RIGHTS];
    char kill_trouble[160]; /* why the last request to end one had no effect; "" */
    bool broken;            /* the configuration cannot be read */
    bool asking;            /* a question is on its way */
    enum step step;
    uint64_t round;    /* … and which one it is */
    int64_t round_at;  /* boot ms of the round's first question */
    int64_t heard_at;  /* boot ms when an id was last heard */
    int64_t charge;    /* of the ResourceManager that said it is in charge; 0: none has */
    int64_t charge_at; /* boot ms of that answer */
    int64_t now;
};

static struct remote_view *view_of(struct yarn *yarn) {
    return &yarn->remote->view;
}

/* --- what is learnt --- */

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

static void on_app(void *context, const struct yarn_app *app) {
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
    view_of(yarn)->changes++;
    if (job == remote_current(view_of(yarn))) {
        remote_set_application(yarn->remote, app->id);
        set_pages(yarn, app);
        set_progress(yarn, app);
    }
}

/* --- rounds --- */

static enum right right_of(enum step step) {
    return step == STEP_KILL ? RIGHT_END : RIGHT_LOOK;
}

static bool by_cli(const struct yarn *yarn, enum step step) {
    return yarn_cli_available(&yarn->cli) && (yarn->ways[right_of(step)].cli || yarn->rest.rms.count == 0);
}

static bool nobody(const struct yarn *yarn) {
    return yarn->rest.rms.count == 0 && !yarn_cli_available(&yarn->cli);
}

/* An id that was printed and that YARN has not known for a while: not asked about as long as the tag leads to others.
 */
static bool is_noise(const struct yarn *yarn, const struct remote_job *job) {
    const struct remote_job *current = remote_current(&yarn->remote->view);
    return !job->tagged && job->absent_at && yarn->now - job->absent_at >= NOISE_MS && current && current->tagged;
}

/* In this round still to be asked by its id: all that may be alive, and was in no list. */
static bool wants_status(const struct yarn *yarn, const struct remote_job *job) {
    const struct remote *remote = yarn->remote;
    if (job->ended || job->foreign || job->seen_in == yarn->round)
        return false;
    bool follow = remote->want == REMOTE_FOLLOW;
    return follow ? !job->former && !is_noise(yarn, job) : !job->absent_at;
}

static bool wants_list(const struct yarn *yarn) {
    const struct remote *remote = yarn->remote;
    if (!remote->config->tag)
        return false;
    if (remote->want != REMOTE_FOLLOW)
        return true;
    const struct remote_job *current = remote_current(&remote->view);
    return !current || !current->tagged;
}

/* The next job that this step is about in this round; NULL when there is none. Looked for anew each time: what the task
 * prints meanwhile may add jobs. */
static struct remote_job *next_job(struct yarn *yarn, enum step step) {
    struct remote_view *view = view_of(yarn);
    for (size_t i = 0; i < view->count; i++) {
        struct remote_job *job = &view->jobs[i];
        bool status = step == STEP_STATUS && wants_status(yarn, job) && job->asked_in != yarn->round;
        bool living = !job->ended && job->tagged && job->seen_in == yarn->round;
        if (status || (step == STEP_KILL && living && job->told_in != yarn->round))
            return job;
    }
    return NULL;
}

/* What the question is about: the next job, which then has had its question of this round; or the tag. */
static const char *subject_of(struct yarn *yarn, enum step step) {
    struct remote_job *job = next_job(yarn, step);
    if (!job)
        return yarn->remote->config->tag;
    if (step == STEP_STATUS)
        job->asked_in = yarn->round;
    else
        job->told_in = yarn->round;
    if (step == STEP_KILL && !job->told_at)
        job->told_at = yarn->now;
    return job->id;
}

static void ask(struct yarn *yarn, enum step step) {
    static const enum yarn_question questions[] = {
        [STEP_LIST] = YARN_LIST, [STEP_STATUS] = YARN_STATUS, [STEP_INFO] = YARN_INFO, [STEP_KILL] = YARN_KILL};
    struct remote *remote = yarn->remote;
    enum yarn_question question = questions[step];
    const char *subject = subject_of(yarn, step);
    if (step == STEP_LIST && remote->want == REMOTE_END)
        question = YARN_LIST_ALIVE;
    yarn->step = step;
    yarn->asking = true;
    if (by_cli(yarn, step))
        yarn_cli_ask(&yarn->cli, question, subject);
    else
        yarn_rest_ask(&yarn->rest, question, subject);
}

static void rest_until(struct yarn *yarn, int64_t ms) {
    yarn->step = STEP_NONE;
    if (yarn->heard_at > yarn->round_at && ms > SUBMITTED_MS) /* an id came while this round was asked */
        ms = SUBMITTED_MS;
    yarn->remote->next_at = yarn->now + ms;
}

/* Nothing of ours is alive, or what was known is not there: it takes a ResourceManager in charge to say so. */
static bool surprising(const struct yarn *yarn) {
    const struct remote *remote = yarn->remote;
    bool alive = false, missing = false;
    for (size_t i = 0; i < remote->view.count; i++) {
        const struct remote_job *job = &remote->view.jobs[i];
        bool seen = job->seen_in == yarn->round;
        alive = alive || (seen && job->tagged && !job->ended);
        missing = missing || wants_status(yarn, job);
    }
    return missing || (remote->want == REMOTE_FOLLOW ? !remote_current(&remote->view) : !alive);
}

static bool refused_for_long(const struct yarn *yarn, enum right right) {
    int64_t since = yarn->ways[right].refused_since;
    return since && yarn->now - since >= REFUSED_MS;
}

/* All of a round is answered, and believed. */
static void conclude(struct yarn *yarn) {
    struct remote_view *view = view_of(yarn);
    bool alive = false, known = false;
    for (size_t i = 0; i < view->count; i++) {
        struct remote_job *job = &view->jobs[i];
        if (wants_status(yarn, job) && !job->absent_at)
            job->absent_at = yarn->round_at;
        alive = alive || (job->tagged && !job->ended && !job->absent_at);
        known = known || (!job->foreign && !job->former && job->seen_at > 0 && !job->absent_at);
    }
    view->answered_at = yarn->round_at;
    view->failing_since = 0;
    snprintf(view->trouble, sizeof view->trouble, "%s", alive ? yarn->kill_trouble : "");
    view->deaf = alive && refused_for_long(yarn, RIGHT_END);
    view->clear_at = alive ? 0 : yarn->round_at;
    view->absent_since = known ? 0 : view->absent_since ? view->absent_since : yarn->round_at;
    view->changes++;
}

static int64_t interval_of(const struct yarn *yarn) {
    static const int64_t least[] = {
        [REMOTE_LOOK] = LOOK_CLI_MS, [REMOTE_FOLLOW] = FOLLOW_CLI_MS, [REMOTE_END] = END_ROUND_CLI_MS};
    const struct remote *remote = yarn->remote;
    int64_t interval = remote->want == REMOTE_END ? END_ROUND_MS : remote->interval_ms;
    return by_cli(yarn, STEP_STATUS) && interval < least[remote->want] ? least[remote->want] : interval;
}

static void after_round(struct yarn *yarn) {
    struct remote *remote = yarn->remote;
    conclude(yarn);
    if (remote->want == REMOTE_END && next_job(yarn, STEP_KILL)) {
        yarn->step = STEP_KILL; /* yarn_step() goes on */
        remote->next_at = yarn->now;
        return;
    }
    rest_until(yarn, interval_of(yarn));
}

/* What comes after the step that was answered; asks nothing itself. */
static void advance(struct yarn *yarn) {
    if (yarn->step == STEP_KILL) {
        yarn->kill_trouble[0] = '\0';
        if (!next_job(yarn, STEP_KILL))
            rest_until(yarn, by_cli(yarn, STEP_KILL) ? END_ROUND_CLI_MS : END_ROUND_MS);
        return;
    }
    if (yarn->step == STEP_LIST || yarn->step == STEP_STATUS) {
        yarn->step = STEP_STATUS;
        if (next_job(yarn, STEP_STATUS))
            return;
        yarn->step = surprising(yarn) && !by_cli(yarn, STEP_INFO) ? STEP_INFO : STEP_NONE;
        if (yarn->step == STEP_INFO)
            return;
    }
    after_round(yarn);
}

/* Was the ResourceManager in charge before this round, and is it the same one now? Else the round is asked again. */
static void on_info(struct yarn *yarn, const struct yarn_answer *answer) {
    bool same =
        answer->in_charge && answer->charge == yarn->charge && yarn->charge_at <= yarn->round_at && yarn->round_at > 0;
    yarn->charge = answer->in_charge ? answer->charge : 0;
    yarn->charge_at = yarn->now;
    if (same) {
        after_round(yarn);
        return;
    }
    if (!answer->in_charge)
        remote_fail(yarn->remote, yarn->now, "the ResourceManager has not taken charge yet");
    rest_until(yarn, answer->in_charge ? 0 : RETRY_MS);
}

/* What would have to be different. */
static const char *advice(const struct yarn *yarn, enum right right) {
    if (nobody(yarn))
        return "set HADOOP_CONF_DIR to a configuration that names it";
    if (right == RIGHT_END)
        return "the task's user must be allowed to end its applications";
    return "YARN's own client in the image and a ticket (kerberos) would let weir ask";
}

static void say_deaf(struct yarn *yarn, enum right right) {
    struct remote_view *view = view_of(yarn);
    char text[REMOTE_TEXT_MAX];
    if (view->deaf)
        return;
    snprintf(text, sizeof text, "%.180s (%s)", *view->trouble ? view->trouble : "no ResourceManager is known",
             advice(yarn, right));
    memcpy(view->trouble, text, sizeof text);
    view->deaf = true;
    view->nobody = nobody(yarn) && !yarn->broken;
    view->changes++;
}

/* By the other way next time, if there is one; refused for long by all of them, there is nobody to ask. */
static void on_refused(struct yarn *yarn, const struct yarn_answer *answer) {
    enum right right = right_of(yarn->step);
    struct way *way = &yarn->ways[right];
    bool cli = by_cli(yarn, yarn->step), first = !way->refused_since,
         other = yarn->rest.rms.count > 0 && yarn_cli_available(&yarn->cli);
    way->refused_since = first ? yarn->now : way->refused_since;
    way->cli = !way->cli;
    if (right == RIGHT_END)
        snprintf(yarn->kill_trouble, sizeof yarn->kill_trouble, "%s", answer->text);
    if (!view_of(yarn)->deaf && (cli || !other || first)) /* its own client's words tell more than a status */
        remote_fail(yarn->remote, yarn->now, answer->text);
    if (refused_for_long(yarn, right))
        say_deaf(yarn, right);
    rest_until(yarn, first && other ? 0 : by_cli(yarn, yarn->step) ? RETRY_CLI_MS : REFUSED_AGAIN_MS);
}

static void on_answer(void *context, const struct yarn_answer *answer) {
    struct yarn *yarn = context;
    bool absent = answer->result == YARN_NOT_THERE;
    yarn->asking = false;
    if (yarn->step == STEP_KILL && answer->result == YARN_FAILED)
        snprintf(yarn->kill_trouble, sizeof yarn->kill_trouble, "%s", answer->text);
    if (answer->result == YARN_REFUSED) {
        on_refused(yarn, answer);
        return;
    }
    if (answer->result != YARN_FAILED)
        yarn->ways[right_of(yarn->step)].refused_since = 0;
    if (answer->result == YARN_FAILED || (absent && yarn->step != STEP_STATUS && yarn->step != STEP_KILL)) {
        bool cli = by_cli(yarn, yarn->step);
        remote_fail(yarn->remote, yarn->now, answer->text);
        rest_until(yarn, cli ? RETRY_CLI_MS : RETRY_MS);
    } else if (yarn->step == STEP_INFO) {
        on_info(yarn, answer);
    } else {
        advance(yarn);
    }
}

/* --- the manager's interface --- */

static void begin_round(struct yarn *yarn) {
    bool rest = yarn->rest.rms.count > 0 && !by_cli(yarn, STEP_INFO);
    if (yarn->remote->want == REMOTE_LOOK && !yarn->charge && rest) {
        ask(yarn, STEP_INFO);
        return;
    }
    yarn->round++;
    yarn->round_at = yarn->now;
    bool list = wants_list(yarn);
    if (!list && !next_job(yarn, STEP_STATUS)) { /* nothing to ask about */
        after_round(yarn);
        return;
    }
    if (nobody(yarn)) {
        say_deaf(yarn, RIGHT_LOOK);
        rest_until(yarn, RETRY_CLI_MS);
        return;
    }
    ask(yarn, list ? STEP_LIST : STEP_STATUS);
}

static void step(void *state, int64_t now) {
    struct yarn *yarn = state;
    yarn->now = now;
    if (yarn->asking || yarn->remote->want == REMOTE_IDLE || now < yarn->remote->next_at)
        return;
    if (yarn->step == STEP_NONE)
        begin_round(yarn);
    else
        ask(yarn, yarn->step);
}

static void wait_for(const void *state, struct wait *wait) {
    const struct yarn *yarn = state;
    if (!yarn->asking && yarn->remote->want != REMOTE_IDLE)
        wait_until(wait, yarn->remote->next_at);
}

/* What is on its way may be about something else by now; a request to kill is left to arrive. */
static void wanted(void *state, int64_t now) {
    struct yarn *yarn = state;
    yarn->now = now;
    if (yarn->asking && yarn->step == STEP_KILL && yarn->remote->want == REMOTE_END)
        return;
    yarn_rest_stop(&yarn->rest);
    yarn_cli_stop(&yarn->cli);
    yarn->asking = false;
    yarn->step = STEP_NONE;
}

static void heard(void *state, const struct fact *fact, int64_t now) {
    struct yarn *yarn = state;
    struct remote *remote = yarn->remote;
    struct error ignored;
    bool unknown = fact->type == FACT_APPLICATION && yarn_id_valid(fact->text) && !remote_find(remote, fact->text);
    if (unknown && remote_job(remote, fact->text)) {
        yarn->heard_at = now;
        if (!yarn->asking && remote->want == REMOTE_FOLLOW && now + SUBMITTED_MS < remote->next_at)
            remote->next_at = now + SUBMITTED_MS;
    }
    /* the tracking URL names the ResourceManager when nothing else did */
    if (fact->type == FACT_TRACKING_URL && yarn->rest.rms.count == 0 && strstr(fact->text, "/proxy/application_")) {
        struct origin rm;
        char text[ORIGIN_TEXT_MAX];
        if (origin_of(fact->text, &rm, &ignored) == 0)
            origins_add(&yarn->rest.rms, origin_url(&rm, text), rm.tls, &ignored);
    }
}

static void read_cluster(struct yarn *yarn) {
    struct remote *remote = yarn->remote;
    struct hadoop_cluster cluster = {0};
    struct hadoop_conf *conf = NULL;
    struct error err;
    if (hadoop_conf_load(remote->config->hadoop_conf, &conf, &err) < 0 ||
        hadoop_cluster_read(conf, &cluster, &err) < 0) {
        yarn->broken = true;
        snprintf(remote->view.trouble, sizeof remote->view.trouble, "%.290s", err.text);
    }
    for (size_t i = 0; i < cluster.manager_count; i++)
        origins_add(&yarn->rest.rms, cluster.managers[i], false, &err);
    yarn->ways[RIGHT_LOOK].cli = cluster.web_kerberos;
    yarn->ways[RIGHT_END].cli = cluster.web_kerberos || !cluster.rest_kills; /* rest/ knows no SPNEGO */
    if (!cluster.web_kerberos)
        yarn_rest_set_user(&yarn->rest);
    if (conf && cluster.manager_count > 0)
        yarn_cli_open(&yarn->cli, conf);
    hadoop_conf_free(conf);
}

static int open_yarn(struct remote *remote, void **ret_state, struct error *err) {
    struct yarn *yarn = calloc(1, sizeof *yarn);
    if (!yarn)
        return error_set(err, ERROR_TRANSIENT, "out of memory");
    yarn->remote = remote;
    yarn->asker = (struct yarn_asker){on_app, on_answer, yarn};
    yarn->rest.rest = remote->rest;
    yarn->rest.asker = yarn->cli.asker = &yarn->asker;
    yarn->cli.helpers = remote->helpers;
    yarn->cli.env = remote->env;
    read_cluster(yarn);
    *ret_state = yarn;
    return 0;
}

static void close_yarn(void *state) {
    struct yarn *yarn = state;
    yarn_rest_stop(&yarn->rest);
    yarn_cli_close(&yarn->cli);
    free(yarn);
}

const struct remote_manager manager_yarn = {
    .name = "yarn",
    .words = {"YARN", "YarnFailed", "YarnKilled", "YarnLost"},
    .open = open_yarn,
    .close = close_yarn,
    .is_id = yarn_id_valid,
    .wanted = wanted,
    .heard = heard,
    .wait = wait_for,
    .step = step,
};
