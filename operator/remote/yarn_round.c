/* See yarn.h. What is known is asked anew in rounds: the list by tag, then each id that was not in it. A round in which
 * something is missing counts only when the ResourceManager was in charge before it and is the same one after it: one
 * that has just been started answers 404 and empty lists for what it will recover. Two ways to ask: REST, and the
 * command line where REST is refused or only RPC may kill. A refusal is believed only when it lasts. */

#include <stdio.h>
#include <string.h>

#include "remote/yarn.h"

enum {
    RETRY_MS = 1000,
    RETRY_CLI_MS = 10 * 1000, /* a JVM each time */
    REFUSED_AGAIN_MS = 3 * 1000,
    END_ROUND_MS = 300, /* between a kill and the look whether it has worked */
    END_ROUND_CLI_MS = 2000,
    FOLLOW_CLI_MS = 15 * 1000,
    LOOK_CLI_MS = 5 * 1000,
    REFUSED_MS = 15 * 1000, /* for so long it may be somebody else's mistake, or a moment's */
    SILENT_MS = 2 * 60 * 1000,
    NOISE_MS = 10 * 1000,
};

static struct remote_view *view_of(struct yarn *yarn) {
    return &yarn->remote->view;
}

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
    if (yarn->heard_at > yarn->round_at && ms > YARN_SUBMITTED_MS) /* an id came while this round was asked */
        ms = YARN_SUBMITTED_MS;
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

static bool refused_since(const struct yarn *yarn, enum right right, int64_t ms) {
    int64_t since = yarn->ways[right].refused_since;
    return since && yarn->now - since >= ms;
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
    view->deaf = alive && refused_since(yarn, RIGHT_END, REFUSED_MS);
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
    if (refused_since(yarn, right, REFUSED_MS))
        say_deaf(yarn, right);
    rest_until(yarn, first && other ? 0 : by_cli(yarn, yarn->step) ? RETRY_CLI_MS : REFUSED_AGAIN_MS);
}

void yarn_answered(void *context, const struct yarn_answer *answer) {
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
        enum right right = right_of(yarn->step);
        bool cli = by_cli(yarn, yarn->step);
        if (!view_of(yarn)->deaf)
            remote_fail(yarn->remote, yarn->now, answer->text);
        if (cli && refused_since(yarn, right, SILENT_MS)) /* REST has refused, and the command line never answers */
            say_deaf(yarn, right);
        rest_until(yarn, cli ? RETRY_CLI_MS : RETRY_MS);
    } else if (yarn->step == STEP_INFO) {
        on_info(yarn, answer);
    } else {
        advance(yarn);
    }
}

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

void yarn_round_step(struct yarn *yarn, int64_t now) {
    yarn->now = now;
    if (yarn->asking || yarn->remote->want == REMOTE_IDLE || now < yarn->remote->next_at)
        return;
    if (yarn->step == STEP_NONE)
        begin_round(yarn);
    else
        ask(yarn, yarn->step);
}
