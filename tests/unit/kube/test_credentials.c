/* Exec plugins: shell scripts of the test, run in the background on its loop. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/credentials.h"
#include "kube/support_config.h"
#include "kube/support_pem.h"
#include "kube/support_server.h"

/* Notes what it is told, prints what the test put into a file, exits with $2. */
#define PRINTS \
    "#!/bin/sh\necho \"$KUBERNETES_EXEC_INFO $2 $EXTRA\" >>\"$1/runs\"\ncat \"$1/output\"\nexit \"${3:-0}\"\n"

struct fixture {
    uv_loop_t loop;
    struct kube_config *config;
    struct credentials *credentials;
    int ready;
    struct error err; /* of the last ask() */
    size_t wanted;
};

static void on_ready(void *arg) {
    ((struct fixture *)arg)->ready++;
}

static void begin(struct fixture *f, const char *script, const char *args, int64_t limit_ms) {
    memset(f, 0, sizeof *f);
    unlink(file_at("runs"));
    uv_loop_init(&f->loop);
    f->config = config_with_plugin("https://a", script, args);
    f->credentials = credentials_new(&f->loop, f->config, 3, limit_ms, on_ready, f);
}

static void finish(struct fixture *f) {
    credentials_free(f->credentials);
    loop_finish(&f->loop);
    kube_config_free(f->config);
}

/* The token as of `later` ms from now; NULL: it must be waited for. */
static const char *ask(struct fixture *f, int64_t later) {
    const char *token = NULL;
    int64_t began = clock_boot_ms();
    int got = credentials_token(f->credentials, began + later, &token, &f->err);
    assert_in_range(clock_boot_ms() - began, 0, 400); /* never waits for the plugin */
    assert_int_not_equal(got, -1);
    return got == 0 ? token != NULL ? token : "" : NULL;
}

static bool is_ready(void *arg) {
    const struct fixture *f = arg;
    return f->ready >= (int)f->wanted;
}

static void await_ready(struct fixture *f, size_t times) {
    f->wanted = times;
    loop_until(&f->loop, is_ready, f, "a credential");
}

static bool has_failed(void *arg) {
    struct fixture *f = arg;
    ask(f, 0);
    return strstr(f->err.text, "has not come yet") == NULL;
}

static bool never(void *arg) {
    return clock_boot_ms() > *(int64_t *)arg;
}

static void pass_time(struct fixture *f, int64_t ms) {
    int64_t until = clock_boot_ms() + ms;
    loop_until(&f->loop, never, &until, "time passes");
}

/* `in_s`: when the token ends; the wall clock has full seconds there. */
static void print_token(const char *token, int64_t in_s) {
    char end[CLOCK_TEXT_MAX];
    AUTO_STRBUF text = STRBUF_INIT;
    clock_format(clock_wall_ms() + in_s * 1000, end);
    strbuf_printf(&text, CREDENTIAL("\"token\":\"%s\",\"expirationTimestamp\":\"%s\""), token, end);
    file_write("output", strbuf_text(&text));
}

static void a_plugin_runs_when_it_is_asked_for(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, PRINTS, ", 'a b;$(x)'", 60000);
    file_write("output", CREDENTIAL("\"token\":\"first\""));
    pass_time(&f, 50);
    assert_int_equal(file_lines("runs"), 0);
    assert_null(ask(&f, 0));
    assert_null(ask(&f, 0));
    assert_int_equal(f.err.code, ERROR_TRANSIENT);
    await_ready(&f, 1);
    assert_string_equal(ask(&f, 0), "first");
    assert_string_equal(ask(&f, INT32_MAX), "first"); /* it named no end */
    pass_time(&f, 50);
    assert_int_equal(file_lines("runs"), 1);
    char said[512] = "";
    FILE *file = fopen(file_at("runs"), "r");
    assert_non_null(fgets(said, sizeof said, file));
    fclose(file);
    assert_string_equal(said,
                        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":"
                        "{\"interactive\":false,\"cluster\":{\"server\":\"https://a\"}}} a b;$(x) yes-it-is\n");
    finish(&f);
}

static void the_loop_goes_on_while_it_runs(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "#!/bin/sh\nsleep 0.6\ncat \"$1/output\"\n", "", 60000);
    file_write("output", CREDENTIAL("\"token\":\"late\""));
    int64_t began = clock_boot_ms();
    assert_null(ask(&f, 0));
    pass_time(&f, 50);
    assert_null(ask(&f, 0));
    await_ready(&f, 1);
    assert_in_range(clock_boot_ms() - began, 590, 10000);
    assert_string_equal(ask(&f, 0), "late");
    finish(&f);
}

static void the_old_token_is_used_until_the_new_one_is_there(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, PRINTS, "", 60000);
    print_token("first", 100);
    ask(&f, 0);
    await_ready(&f, 1);
    print_token("second", 100);
    assert_string_equal(ask(&f, 80 * 1000), "first");
    assert_int_equal(file_lines("runs"), 1);
    assert_string_equal(ask(&f, 91 * 1000), "first"); /* near its end: the next one is being got */
    await_ready(&f, 2);
    assert_string_equal(ask(&f, 0), "second");
    assert_int_equal(file_lines("runs"), 2);
    finish(&f);
}

/* Also when the server never takes what the plugin gives. */
static void a_401_runs_it_again_but_not_in_a_hot_loop(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, PRINTS, "", 60000);
    file_write("output", CREDENTIAL("\"token\":\"t\""));
    ask(&f, 0);
    await_ready(&f, 1);
    int64_t end = clock_boot_ms() + 3500;
    while (clock_boot_ms() < end) {
        int64_t now = clock_boot_ms();
        assert_string_equal(ask(&f, 0), "t");
        credentials_refused(f.credentials, now - 100000, now); /* began before it was got: old news */
        credentials_refused(f.credentials, now, now);
        pass_time(&f, 10);
    }
    assert_in_range(file_lines("runs"), 2, 3); /* 1 to 2 s, then 2 to 4 s */
    finish(&f);
}

static void what_ends_at_once_is_not_got_in_a_hot_loop(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, PRINTS, "", 60000);
    print_token("old", -100); /* or our clock is wrong: it is used all the same */
    ask(&f, 0);
    await_ready(&f, 1);
    int64_t end = clock_boot_ms() + 900;
    while (clock_boot_ms() < end) {
        assert_string_equal(ask(&f, 0), "old");
        pass_time(&f, 10);
    }
    assert_int_equal(file_lines("runs"), 1);
    finish(&f);
}

static void a_failure_is_tried_again_by_itself(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, PRINTS, "", 60000);
    file_write("output", "");
    int64_t began = clock_boot_ms();
    loop_until(&f.loop, has_failed, &f, "a failure");
    file_write("output", CREDENTIAL("\"token\":\"at-last\""));
    await_ready(&f, 1);
    assert_in_range(clock_boot_ms() - began, 1000, 10000);
    assert_string_equal(ask(&f, 0), "at-last");
    assert_int_equal(file_lines("runs"), 2);
    finish(&f);
}

static pid_t pid_in(const char *name) {
    FILE *file = fopen(file_at(name), "r");
    int pid = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    return pid;
}

static bool is_gone(void *arg) {
    return kill(*(pid_t *)arg, 0) < 0 && errno == ESRCH;
}

/* Gone, or a zombie of whoever adopted it. */
static bool is_dead(void *arg) {
    AUTO_ARENA arena = ARENA_INIT;
    FILE *file = fopen(arena_printf(&arena, "/proc/%d/stat", *(pid_t *)arg), "r");
    char state = 'Z';
    if (file == NULL)
        return true;
    bool read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    fclose(file);
    return !read || state == 'Z';
}

static void one_that_hangs_is_killed_with_its_children(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "#!/bin/sh\nsleep 1000 &\necho $! >\"$1/child\"\necho $$ >\"$1/parent\"\nwait\n", "", 300);
    loop_until(&f.loop, has_failed, &f, "a failure");
    assert_non_null(strstr(f.err.text, "plugin: it took longer than 0.3 s"));
    pid_t parent = pid_in("parent");
    pid_t child = pid_in("child");
    loop_until(&f.loop, is_gone, &parent, "the plugin is reaped");
    loop_until(&f.loop, is_dead, &child, "its child is dead");
    finish(&f);
}

/* As some leave a keeper of their cache, which holds their output. */
static void what_a_plugin_leaves_running_costs_no_credential(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "#!/bin/sh\ncat \"$1/output\"\nsleep 30 &\necho $! >\"$1/child\"\n", "", 60000);
    file_write("output", CREDENTIAL("\"token\":\"good\""));
    assert_null(ask(&f, 0));
    int64_t began = clock_boot_ms();
    await_ready(&f, 1);
    assert_in_range(clock_boot_ms() - began, 0, 5000);
    assert_string_equal(ask(&f, 0), "good");
    pid_t child = pid_in("child");
    loop_until(&f.loop, is_dead, &child, "what it left is dead");
    finish(&f);
}

static void what_the_kubeconfig_sets_wins_in_a_shell_too(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "#!/bin/sh\necho \"$EXTRA,$OTHER\" >\"$1/runs\"\ncat \"$1/output\"\n", "", 60000);
    file_write("output", CREDENTIAL("\"token\":\"good\""));
    setenv("EXTRA", "of-the-operator", 1);
    setenv("OTHER", "inherited", 1);
    assert_null(ask(&f, 0));
    await_ready(&f, 1);
    unsetenv("EXTRA");
    unsetenv("OTHER");
    char said[64] = "";
    FILE *file = fopen(file_at("runs"), "r");
    assert_non_null(fgets(said, sizeof said, file));
    fclose(file);
    assert_string_equal(said, "yes-it-is,inherited\n");
    finish(&f);
}

static void one_that_runs_at_the_end_is_killed(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "#!/bin/sh\necho $$ >\"$1/parent\"\nexec sleep 1000\n", "", 60000);
    ask(&f, 0);
    pass_time(&f, 200);
    pid_t parent = pid_in("parent");
    int64_t began = clock_boot_ms();
    finish(&f);
    assert_true(is_gone(&parent));
    assert_in_range(clock_boot_ms() - began, 0, 5000);
}

static void one_that_prints_for_ever_is_killed(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "#!/bin/sh\nexec yes hunter2\n", "", 60000);
    loop_until(&f.loop, has_failed, &f, "a failure");
    assert_non_null(strstr(f.err.text, "it printed more than"));
    finish(&f);
}

static void a_plugin_can_give_a_certificate(void **state) {
    (void)state;
    struct fixture f;
    char *cert = NULL;
    char *key = NULL;
    struct kube_tls tls;
    pem_make("client", &cert, &key);
    begin(&f, PRINTS, "", 60000);
    AUTO_STRBUF output = STRBUF_INIT;
    strbuf_puts(&output, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":"
                         "{\"clientCertificateData\":");
    json_quote(&output, cert, strlen(cert));
    strbuf_puts(&output, ",\"clientKeyData\":");
    json_quote(&output, key, strlen(key));
    strbuf_puts(&output, "}}");
    file_write("output", strbuf_text(&output));
    assert_null(ask(&f, 0));
    await_ready(&f, 1);
    assert_string_equal(ask(&f, 0), "");
    kube_config_tls(f.config, &tls);
    assert_string_equal(tls.cert_pem, cert);
    assert_string_equal(tls.key_pem, key);
    file_write("output", CREDENTIAL("\"token\":\"instead\""));
    credentials_refused(f.credentials, clock_boot_ms() + 1, clock_boot_ms());
    await_ready(&f, 2);
    assert_string_equal(ask(&f, 0), "instead");
    kube_config_tls(f.config, &tls);
    assert_null(tls.cert_pem);
    assert_null(tls.key_pem);
    finish(&f);
    free(cert);
    free(key);
}

static void a_plugin_that_fails_is_named_and_its_output_is_not(void **state) {
    (void)state;
    static const struct {
        const char *output, *args, *wanted;
    } cases[] = {
        {"hunter2", "", "its output is no JSON"},
        {"{\"kind\":\"hunter2\"}", "", "its output is no ExecCredential"},
        {CREDENTIAL("\"user\":\"hunter2\""), "", "neither a token nor a certificate"},
        {CREDENTIAL("\"token\":\"hunter2\\r\\nX: y\""), "", "characters that no token has"},
        {CREDENTIAL("\"token\":\"hunter2\",\"expirationTimestamp\":\"soon\""), "", "status.expirationTimestamp"},
        {CREDENTIAL("\"token\":\"hunter2\""), ", '', '3'", "it failed (exit code 3)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        begin(&f, PRINTS, cases[i].args, 60000);
        file_write("output", cases[i].output);
        loop_until(&f.loop, has_failed, &f, cases[i].wanted);
        assert_null(strstr(f.err.text, "hunter2"));
        if (strstr(f.err.text, cases[i].wanted) == NULL || strstr(f.err.text, "plugin") == NULL)
            fail_msg("'%s' does not say '%s'", f.err.text, cases[i].wanted);
        finish(&f);
    }
    struct fixture f;
    begin(&f, PRINTS, "", 60000);
    unlink(file_at("plugin"));
    ask(&f, 0);
    assert_non_null(strstr(f.err.text, "no such file or directory. Is it installed?"));
    finish(&f);
}

int main(void) {
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_runs_when_it_is_asked_for),
        cmocka_unit_test(the_loop_goes_on_while_it_runs),
        cmocka_unit_test(the_old_token_is_used_until_the_new_one_is_there),
        cmocka_unit_test(a_401_runs_it_again_but_not_in_a_hot_loop),
        cmocka_unit_test(what_ends_at_once_is_not_got_in_a_hot_loop),
        cmocka_unit_test(a_failure_is_tried_again_by_itself),
        cmocka_unit_test(one_that_hangs_is_killed_with_its_children),
        cmocka_unit_test(what_a_plugin_leaves_running_costs_no_credential),
        cmocka_unit_test(what_the_kubeconfig_sets_wins_in_a_shell_too),
        cmocka_unit_test(one_that_runs_at_the_end_is_killed),
        cmocka_unit_test(one_that_prints_for_ever_is_killed),
        cmocka_unit_test(a_plugin_can_give_a_certificate),
        cmocka_unit_test(a_plugin_that_fails_is_named_and_its_output_is_not),
    };
    return cmocka_run_group_tests_name("credentials", tests, files_open, files_close);
}
