/* See yarn_cli.h. Relies on hadoop_client.h for what to run and hadoop_answer.h for what it says. A client without a
 * ticket hangs silently, so each question has a deadline. */

#include "remote/yarn_cli.h"

#include <stdio.h>
#include <string.h>

#include "remote/hadoop_answer.h"

enum { TIMEOUT_MS = 25 * 1000 }; /* a kill is told at once, and then only waited for */

void yarn_cli_open(struct yarn_cli *cli, const struct hadoop_conf *conf) {
    struct error ignored;
    if (hadoop_client_find(conf, environment_get(cli->env, "KRB5_CONFIG"), &cli->client, &ignored) < 0)
        cli->client = NULL;
}

bool yarn_cli_available(const struct yarn_cli *cli) {
    return cli->client != NULL;
}

static void tell(struct yarn_cli *cli, enum yarn_result result, const char *text) {
    struct yarn_answer answer = {.question = cli->question, .result = result, .text = text};
    cli->asker->on_answer(cli->asker->context, &answer);
}

static void tell_error(struct yarn_cli *cli, const struct error *err) {
    enum yarn_result result = err->code == ERROR_NOT_FOUND   ? YARN_NOT_THERE
                              : err->code == ERROR_FORBIDDEN ? YARN_REFUSED
                                                             : YARN_FAILED;
    tell(cli, result, err->text);
}

static void on_listed(void *context, const struct yarn_app *listed) {
    struct yarn_cli *cli = context;
    static struct yarn_app app; /* large */
    app = *listed;
    snprintf(app.tags, sizeof app.tags, "%s", cli->subject); /* that is what was asked for */
    app.tags_known = true;
    if (cli->question == YARN_LIST || !yarn_app_ended(&app))
        cli->asker->on_app(cli->asker->context, &app);
}

static void on_done(void *context, const struct helper_result *result) {
    struct yarn_cli *cli = context;
    static struct yarn_app app;
    struct error err;
    int read = -1;
    if (!result->started || result->timed_out) {
        error_set(&err, ERROR_TRANSIENT, "YARN's command line %s",
                  result->timed_out ? "does not answer (is there a Kerberos ticket?)" : "cannot be started");
    } else if (cli->question == YARN_STATUS) {
        read = hadoop_answer_status(result->output, result->length, result->exit_code, cli->subject, &app, &err);
        if (read == 0)
            cli->asker->on_app(cli->asker->context, &app);
    } else if (cli->question == YARN_KILL) {
        read = hadoop_answer_kill(result->output, result->length, result->exit_code, cli->subject, &err);
    } else {
        read = hadoop_answer_list(result->output, result->length, result->exit_code, on_listed, cli, &err);
    }
    if (read < 0)
        tell_error(cli, &err);
    else
        tell(cli, YARN_ANSWERED, "");
}

void yarn_cli_ask(struct yarn_cli *cli, enum yarn_question question, const char *subject) {
    static const enum hadoop_question questions[] = {[YARN_LIST] = HADOOP_LIST,
                                                     [YARN_LIST_ALIVE] = HADOOP_LIST,
                                                     [YARN_STATUS] = HADOOP_STATUS,
                                                     [YARN_KILL] = HADOOP_KILL};
    struct error err;
    cli->question = question;
    snprintf(cli->subject, sizeof cli->subject, "%s", subject);
    const char *const *argv = hadoop_client_argv(cli->client, questions[question], cli->subject);
    if (!argv)
        error_set(&err, ERROR_INVALID, "\"%.100s\" cannot be asked for", cli->subject);
    if (!argv || helpers_start(cli->helpers, argv, cli->env->items, TIMEOUT_MS, on_done, cli, &err) < 0)
        tell_error(cli, &err);
}

void yarn_cli_stop(struct yarn_cli *cli) {
    helpers_cancel(cli->helpers, cli);
}

void yarn_cli_close(struct yarn_cli *cli) {
    yarn_cli_stop(cli);
    cli->client = hadoop_client_free(cli->client);
}
