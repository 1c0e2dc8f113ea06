/* Replicas and one Secret: one makes it, all serve the same, nobody writes without need. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/certificate.h"
#include "report/secret.h"
#include "report/support_kube.h"

enum { REPLICAS = 2 };

struct replica {
    struct certificate *certificate;
    struct script script;
    bool leads;
    int changes;
};

static uv_loop_t loop;
static struct web_server *server; /* of all: a loop carries one */
static struct secret_model model;
static struct replica replicas[REPLICAS];
static const char *const names[] = {"weir.weir.svc", "127.0.0.1", NULL};

static struct script_answer reply(struct script *script, const struct kube_request *request) {
    (void)script;
    return secret_answer(&model, request);
}

static bool leads(void *arg) {
    return ((struct replica *)arg)->leads;
}

static void changed(void *arg) {
    struct replica *replica = arg;
    replica->changes++;
    assert_non_null(certificate_bundle(replica->certificate));
}

static void start(struct replica *replica, bool leader) {
    *replica = (struct replica){.leads = leader};
    script_init(&replica->script, &loop, reply, NULL);
    replica->certificate = certificate_new(&(struct certificate_config){.kube = &replica->script.api,
                                                                        .loop = &loop,
                                                                        .server = server,
                                                                        .namespace = "weir",
                                                                        .secret = "weir-tls",
                                                                        .names = names,
                                                                        .leads = leads,
                                                                        .changed = changed,
                                                                        .arg = replica});
}

static void stop_loop(uv_timer_t *timer) {
    uv_stop(timer->loop);
}

/* Lets the loop turn for `ms`. */
static void turn(uint64_t ms) {
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, stop_loop, ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static int begin(void **state) {
    (void)state;
    uv_loop_init(&loop);
    memset(replicas, 0, sizeof replicas);
    struct error err;
    struct web_config config = {.loop = &loop, .address = "127.0.0.1", .ports = {-1, 0}};
    return web_server_new(&config, &server, &err);
}

static int end(void **state) {
    (void)state;
    for (size_t i = 0; i < REPLICAS; i++) {
        certificate_stop(replicas[i].certificate);
        certificate_stop(replicas[i].certificate);
    }
    web_server_stop(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    web_server_free(server);
    for (size_t i = 0; i < REPLICAS; i++)
        certificate_free(replicas[i].certificate);
    secret_model_fini(&model);
    return uv_loop_close(&loop);
}

static void same_bundle(size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_non_null(certificate_bundle(replicas[i].certificate));
        assert_string_equal(certificate_bundle(replicas[i].certificate), certificate_bundle(replicas[0].certificate));
    }
}

static void the_leader_makes_it_and_a_follower_picks_it_up(void **state) {
    (void)state;
    start(&replicas[1], false);
    turn(50);
    assert_null(certificate_bundle(replicas[1].certificate));
    assert_int_equal(model.writes, 0);
    start(&replicas[0], true);
    turn(50);
    assert_int_equal(model.writes, 1);
    assert_int_equal(replicas[0].changes, 1);
    turn(3500); /* it looks again by itself */
    same_bundle(2);
    assert_int_equal(replicas[1].changes, 1);
}

static void a_follower_that_comes_to_lead_looks_at_once(void **state) {
    (void)state;
    start(&replicas[0], false);
    turn(50);
    replicas[0].leads = true;
    certificate_check(replicas[0].certificate);
    certificate_check(replicas[0].certificate); /* one look is enough */
    turn(50);
    assert_int_equal(model.gets, 2);
    assert_int_equal(model.writes, 1);
    assert_non_null(certificate_bundle(replicas[0].certificate));
}

static void two_who_both_think_they_lead_agree(void **state) {
    (void)state;
    start(&replicas[0], true);
    start(&replicas[1], true);
    turn(500);
    assert_int_equal(model.writes, 1);
    same_bundle(2);
}

static void a_restart_writes_nothing(void **state) {
    (void)state;
    start(&replicas[0], true);
    turn(50);
    start(&replicas[1], true);
    turn(50);
    certificate_check(replicas[0].certificate);
    certificate_check(replicas[1].certificate);
    turn(50);
    same_bundle(2);
    assert_int_equal(model.writes, 1);
    assert_int_equal(replicas[0].changes, 1);
}

static void a_lost_answer_is_looked_into(void **state) {
    (void)state;
    model.lose = 1;
    start(&replicas[0], true);
    turn(50);
    assert_int_equal(model.writes, 1); /* done, but nobody knows */
    assert_null(certificate_bundle(replicas[0].certificate));
    turn(1200);
    assert_int_equal(model.writes, 1);
    assert_non_null(certificate_bundle(replicas[0].certificate));
}

static void without_permission_it_tries_again_and_goes_on_serving(void **state) {
    (void)state;
    model.refuse = 403;
    start(&replicas[0], true);
    turn(50);
    assert_null(certificate_bundle(replicas[0].certificate));
    model.refuse = 0;
    turn(1200);
    assert_non_null(certificate_bundle(replicas[0].certificate));
    model.refuse = 500;
    certificate_check(replicas[0].certificate);
    turn(50);
    assert_non_null(certificate_bundle(replicas[0].certificate));
}

/* Puts a Secret there that was made `days` ago. */
static void store_old(int64_t now, int days) {
    struct pki pki = {0};
    struct error err;
    assert_int_equal(pki_renew(&pki, names, now - days * PKI_DAY_MS, &err), 0);
    model.object = secret_body(&pki, "weir", "weir-tls", "7");
    model.version = 7;
    pki_fini(&pki);
}

static void what_is_due_is_renewed_with_the_same_ca(void **state) {
    (void)state;
    store_old(clock_wall_ms(), 61);
    char *before = strdup(model.object);
    start(&replicas[0], false);
    turn(50);
    assert_int_equal(model.writes, 0); /* a follower serves what is there */
    AUTO_PEM bundle = strdup(certificate_bundle(replicas[0].certificate));
    replicas[0].leads = true;
    certificate_check(replicas[0].certificate);
    turn(50);
    assert_int_equal(model.writes, 1);
    assert_string_not_equal(model.object, before);
    assert_string_equal(certificate_bundle(replicas[0].certificate), bundle);
    assert_int_equal(replicas[0].changes, 1);
    free(before);
}

static void rubbish_is_replaced_by_the_leader_only(void **state) {
    (void)state;
    model.object = strdup("{\"metadata\":{\"resourceVersion\":\"3\"},\"data\":{\"ca.crt\":\"!!\",\"ca.key\":7,"
                          "\"tls.crt\":\"cnViYmlzaA==\",\"tls.key\":\"\"}}");
    model.version = 3;
    start(&replicas[0], false);
    turn(50);
    assert_null(certificate_bundle(replicas[0].certificate));
    replicas[0].leads = true;
    certificate_check(replicas[0].certificate);
    turn(50);
    assert_int_equal(model.writes, 1);
    assert_non_null(certificate_bundle(replicas[0].certificate));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_leader_makes_it_and_a_follower_picks_it_up),
        TEST(a_follower_that_comes_to_lead_looks_at_once),
        TEST(two_who_both_think_they_lead_agree),
        TEST(a_restart_writes_nothing),
        TEST(a_lost_answer_is_looked_into),
        TEST(without_permission_it_tries_again_and_goes_on_serving),
        TEST(what_is_due_is_renewed_with_the_same_ca),
        TEST(rubbish_is_replaced_by_the_leader_only),
    };
    return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
