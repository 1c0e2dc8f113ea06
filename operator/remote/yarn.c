/* See manager.h: YARN, as its configuration names it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/hadoop_cluster.h"
#include "remote/hadoop_conf.h"
#include "remote/yarn.h"

static void step(void *state, int64_t now) {
    yarn_round_step(state, now);
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
        if (!yarn->asking && remote->want == REMOTE_FOLLOW && now + YARN_SUBMITTED_MS < remote->next_at)
            remote->next_at = now + YARN_SUBMITTED_MS;
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
    yarn->asker = (struct yarn_asker){yarn_learn, yarn_answered, yarn};
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
