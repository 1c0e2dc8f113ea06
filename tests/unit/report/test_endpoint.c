/* The endpoint as launchers see it, over real TLS. The child process is the operator; the test is its launchers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "report/endpoint.h"
#include "report/support_kube.h"
#include "report/support_operator.h"
#include "web/support_client.h"

enum { PARALLEL = 48, PATIENCE_MS = 20000 };

static struct child child;
static SSL_CTX *tls;

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* The body of a GET on the plain port; the caller frees. */
static char *get(const struct child *of, const char *path) {
    struct peer peer = peer_open(of->ports[WEB_PLAIN], NULL, NULL);
    peer_puts(&peer, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    peer_close(&peer);
    assert_int_not_equal(reply.status, 0);
    return reply.body;
}

/* Comes to say `part` within two seconds: less than what the deadline of a report would bring about. */
static void expect_state(const char *part) {
    char *state = get(&child, "/state");
    for (int i = 0; i < 100 && strstr(state, part) == NULL; i++) {
        free(state);
        pause_ms(20);
        state = get(&child, "/state");
    }
    if (strstr(state, part) == NULL)
        fail_msg("no '%s' in '%s'", part, state);
    free(state);
}

static SSL_CTX *trust(const struct child *of) {
    char *bundle = get(of, "/bundle");
    for (int i = 0; i < 50 && strstr(bundle, "BEGIN CERTIFICATE") == NULL; i++) {
        free(bundle);
        pause_ms(20);
        bundle = get(of, "/bundle");
    }
    SSL_CTX *context = client_tls(bundle);
    free(bundle);
    return context;
}

static int start(void **state) {
    (void)state;
    child = child_start(&operator_parts);
    tls = trust(&child);
    return 0;
}

static int stop(void **state) {
    (void)state;
    SSL_CTX_free(tls);
    return child_end(&child);
}

static struct peer launcher(void) {
    return peer_open(child.ports[WEB_TLS], tls, OPERATOR_NAME);
}

static const char record[] = "{\"version\":1,\"seq\":7,\"phase\":\"Running\",\"trackingURL\":\"http://rm:8088/x\"}";

/* A pod's token when there is a dash in it, else as it is. */
static void post(struct peer *peer, const char *name, const char *body) {
    char *token = name != NULL && strchr(name, '-') != NULL ? script_pod_token(name) : NULL;
    peer_post(peer, REPORT_PATH, token != NULL ? token : name, body);
    free(token);
}

/* Posts on the connection; checks the status and that the body contains `part`. */
static void expect_post(struct peer *peer, const char *token, const char *body, int status, const char *part) {
    post(peer, token, body);
    struct reply reply = peer_read(peer, PATIENCE_MS, false);
    if (reply.status != status)
        fail_msg("token %s: %d, not %d", token != NULL ? token : "none", reply.status, status);
    if (strstr(reply.body, part) == NULL)
        fail_msg("token %s: no '%s' in '%s'", token != NULL ? token : "none", part, reply.body);
    if (status == 503)
        assert_non_null(strstr(reply.headers, "retry-after: "));
    if (status == 401)
        assert_non_null(strstr(reply.headers, "www-authenticate: Bearer\r\n"));
    reply_free(&reply);
}

static void a_launcher_speaks_for_its_own_pod(void **state) {
    (void)state;
    struct peer peer = launcher();
    expect_post(&peer, "good-wordcount-1", record, 200, "{\"intervalSeconds\":15}");
    expect_state("flows/wordcount-1 uid-of-wordcount-1 spark seq 7;");
    expect_post(&peer, "slow-wordcount-2", record, 200, "{\"intervalSeconds\":15}");
    expect_state("flows/wordcount-2 uid-of-wordcount-2 spark seq 7;");
    expect_post(&peer, "good-wordcount-1", record, 200, "intervalSeconds"); /* known by now */
    peer_close(&peer);
}

static void who_stops_is_told_what_becomes_of_its_job(void **state) {
    (void)state;
    static const char stopping[] = "{\"version\":1,\"seq\":8,\"phase\":\"Stopping\"}";
    static const char ended[] = "{\"version\":1,\"seq\":9,\"phase\":\"Stopping\",\"final\":{\"exitCode\":143}}";
    struct peer peer = launcher();
    expect_post(&peer, "good-deleted", stopping, 200, "{\"intervalSeconds\":15,\"decision\":\"stop\"}");
    expect_post(&peer, "good-drained", stopping, 200, "{\"intervalSeconds\":15,\"decision\":\"leave\"}");
    expect_post(&peer, "good-unknown", stopping, 200, "{\"intervalSeconds\":15}\n"); /* not known yet */
    expect_post(&peer, "good-deleted", record, 200, "{\"intervalSeconds\":15}\n");   /* it runs */
    expect_post(&peer, "good-deleted", ended, 200, "{\"intervalSeconds\":15}\n");
    peer_close(&peer);
}

static void others_are_refused(void **state) {
    (void)state;
    struct peer peer = launcher();
    expect_post(&peer, NULL, record, 401, "Authorization: Bearer");
    expect_post(&peer, "", record, 401, "not a service account token");
    expect_post(&peer, "bad-token", record, 401, "the token is not valid");
    expect_post(&peer, "no\"quotes\"", record, 401, "not a service account token");
    expect_post(&peer, "good-stranger", record, 403, "not a launcher of this operator");
    expect_post(&peer, "good-early", record, 503, "not ready");
    expect_post(&peer, "down-other", record, 503, "the API server cannot say who speaks");
    expect_post(&peer, "good-one", "{\"version\":99}", 400, "version");
    expect_post(&peer, "good-one", "not json", 400, "");
    expect_post(&peer, "good-one", "", 400, "");
    expect_post(&peer, "good-one", record, 200, "intervalSeconds");
    peer_close(&peer);
}

static int reviewed(void) {
    char *state = get(&child, "/state");
    int count = (int)strtol(strstr(state, "reviewed ") + 9, NULL, 10);
    free(state);
    return count;
}

static void nobody_is_asked_about_tokens_made_up(void **state) {
    (void)state;
    struct peer peer = launcher();
    char token[64];
    int before = reviewed();
    for (int i = 0; i < 20; i++) {
        snprintf(token, sizeof token, "junk%d.aaaaaaaa.aaaaaaaa", i);
        expect_post(&peer, token, record, 401, "not a service account token");
        snprintf(token, sizeof token, "signed%d-nobody", i);
        expect_post(&peer, token, record, 403, "not a launcher of this operator");
    }
    char *foreign = script_token("{\"aud\":\"https://kubernetes.default.svc\",\"exp\":9999999999}", "good");
    expect_post(&peer, foreign, record, 401, "not for audience");
    char *unbound = script_token("{\"aud\":\"weir-report\",\"exp\":9999999999}", "good");
    expect_post(&peer, unbound, record, 401, "not bound to a pod");
    char *old = script_token("{\"aud\":\"weir-report\",\"exp\":1700000000}", "good");
    expect_post(&peer, old, record, 401, "expired");
    assert_int_equal(reviewed(), before);
    expect_post(&peer, "forged-one", record, 401, "the token is not valid"); /* says of itself what is right */
    for (int i = 0; i < 20; i++)
        expect_post(&peer, "forged-one", record, 401, "refused a moment ago");
    assert_int_equal(reviewed(), before + 1);
    free(foreign);
    free(unbound);
    free(old);
    peer_close(&peer);
}

static void what_is_no_report_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /v1/report HTTP/1.1\r\nHost: x\r\n\r\n", 405},
        {"POST /v1/report HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good-one\r\nContent-Length: 2\r\n\r\n{}", 415},
        {"POST /v1/report HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good-one\r\nContent-Type: text/plain\r\n"
         "Content-Length: 2\r\n\r\n{}",
         415},
        {"POST /v1/report HTTP/1.1\r\nHost: x\r\nAuthorization: Basic good-one\r\nContent-Length: 2\r\n\r\n{}", 401},
        {"POST /v1/report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411},
        {"POST /v1/report HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n", 0}, /* 413 once the body is there */
        {"POST /v1/report HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n", 413},
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404}, /* of the other port */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer peer = launcher();
        peer_puts(&peer, "%s", cases[i].request);
        if (cases[i].status == 0) {
            char body[4098] = "";
            memset(body, ' ', 4097);
            peer_send(&peer, body, 4097);
        }
        struct reply reply = peer_read(&peer, PATIENCE_MS, false);
        assert_int_equal(reply.status, cases[i].status != 0 ? cases[i].status : 413);
        reply_free(&reply);
        peer_close(&peer);
    }
}

static void a_body_may_be_as_large_as_a_record(void **state) {
    (void)state;
    struct peer peer = launcher();
    char body[REPORT_BODY_MAX + 2];
    memset(body, ' ', sizeof body);
    memcpy(body, record, sizeof record - 1);
    body[REPORT_BODY_MAX + 1] = '\0';
    expect_post(&peer, "good-large", body, 413, "too large");
    body[REPORT_BODY_MAX] = '\0';
    expect_post(&peer, "good-large", body, 200, "intervalSeconds");
    peer_close(&peer);
}

static void a_body_in_one_large_tls_record_is_read_to_its_end(void **state) {
    (void)state;
    enum { TLS_RECORD = 16 * 1024 };
    struct peer peer = launcher();
    char body[TLS_RECORD];
    memset(body, ' ', sizeof body);
    peer_puts(&peer,
              "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n"
              "Content-Length: %d\r\n\r\n",
              REPORT_PATH, TLS_RECORD);
    pause_ms(50);
    peer_send(&peer, body, sizeof body);
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    assert_int_equal(reply.status, 413);
    reply_free(&reply);
    expect_post(&peer, "good-one", record, 200, "intervalSeconds");
    peer_close(&peer);
}

static void a_review_that_does_not_end_is_cut_off(void **state) {
    (void)state;
    struct peer peer = launcher();
    expect_post(&peer, "never-answered", record, 503, "too slow");
    expect_state("waiting 0,");
    expect_post(&peer, "good-one", record, 200, "intervalSeconds");
    peer_close(&peer);
}

static void a_launcher_that_leaves_is_not_waited_for(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct peer peer = launcher();
        post(&peer, "never-answered", record);
        pause_ms(30);
        peer_close(&peer);
    }
    pause_ms(30);
    expect_state("waiting 0,");
}

static void bytes_after_a_report_under_review_do_no_harm(void **state) {
    (void)state;
    struct peer peer = launcher();
    post(&peer, "slow-pipelined", record);
    peer_puts(&peer, "POST /v1/report HTTP/1.1\r\nAuthorization: Bearer good-other\r\n");
    struct reply reply = peer_read(&peer, PATIENCE_MS, false);
    assert_true(reply.status == 0 || reply.status == 200);
    reply_free(&reply);
    peer_close(&peer);
    expect_state("waiting 0,");
}

/* As the answer says; 0 when it says nothing. */
static long retry_after(const struct reply *reply) {
    const char *after = strstr(reply->headers, "retry-after: ");
    return after != NULL ? strtol(after + 13, NULL, 10) : 0;
}

static void many_at_once_are_all_answered(void **state) {
    (void)state;
    static struct peer peers[PARALLEL];
    char token[32];
    for (int i = 0; i < PARALLEL; i++) {
        peers[i] = launcher();
        snprintf(token, sizeof token, "slow-many-%d", i);
        post(&peers[i], token, record);
    }
    for (int i = 0; i < PARALLEL; i++) {
        struct reply reply = peer_read(&peers[i], PATIENCE_MS, false);
        peer_close(&peers[i]);
        while (reply.status == 503) { /* they are reviewed a few at once */
            assert_in_range(retry_after(&reply), 1, 60);
            pause_ms(retry_after(&reply) * 1000);
            reply_free(&reply);
            peers[i] = launcher();
            snprintf(token, sizeof token, "slow-many-%d", i);
            post(&peers[i], token, record);
            reply = peer_read(&peers[i], PATIENCE_MS, false);
            peer_close(&peers[i]);
        }
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
    }
    expect_state("waiting 0,");
}

/* More than the port has, without a word of TLS, from the launchers' own address and another. */
static void silent_connections_keep_no_launcher_out(void **state) {
    (void)state;
    static struct peer silent[300];
    for (int i = 0; i < 300; i++) {
        silent[i] = peer_open_from(i % 2 == 0 ? "127.0.0.2" : "127.0.0.1", child.ports[WEB_TLS]);
        if (i % 10 != 0)
            continue;
        struct peer peer = launcher();
        expect_post(&peer, "good-one", record, 200, "intervalSeconds");
        peer_close(&peer);
    }
    for (int i = 0; i < 300; i++)
        peer_close(&silent[i]);
}

/* A byte now and then: in the handshake, in the headers, in the body. Each would be here for minutes. */
static void the_slow_are_cut(void **state) {
    (void)state;
    static const char hello[] = "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03";
    struct peer peers[] = {peer_open_from("127.0.0.3", child.ports[WEB_TLS]), launcher(), launcher()};
    bool cut[3] = {false};
    peer_send(&peers[0], hello, sizeof hello - 1);
    peer_puts(&peers[1], "POST /v1/report HTTP/1.1\r\nHost: x\r\nX-Long: ");
    peer_puts(&peers[2], "POST /v1/report HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n");
    for (int i = 0; i < 60 && !(cut[0] && cut[1] && cut[2]); i++) {
        for (int j = 0; j < 3; j++) {
            if (cut[j])
                continue;
            peer_send(&peers[j], "x", 1);
            cut[j] = peer_closed(&peers[j], 80);
        }
    }
    for (int j = 0; j < 3; j++) {
        peer_close(&peers[j]);
        if (!cut[j])
            fail_msg("the %d. is still there", j + 1);
    }
}

static void away_it_tells_nobody_who_leads(void **state) {
    (void)state;
    struct peer peer = launcher();
    free(get(&child, "/away"));
    expect_post(&peer, "good-one", record, 421, "no reports are taken here now\n");
    expect_post(&peer, NULL, record, 421, "no reports are taken here now\n");
    free(get(&child, "/away"));
    expect_post(&peer, "good-one", record, 200, "intervalSeconds");
    peer_close(&peer);
}

static char *serial(const struct peer *peer) {
    X509 *leaf = SSL_get1_peer_certificate(peer->ssl);
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
    char *text = BN_bn2hex(number);
    BN_free(number);
    X509_free(leaf);
    return text;
}

static void a_new_certificate_cuts_nobody_off(void **state) {
    (void)state;
    struct peer open = launcher();
    struct peer waiting = launcher();
    expect_post(&open, "good-one", record, 200, "intervalSeconds");
    post(&waiting, "slow-waiting", record);
    free(get(&child, "/rotate"));
    pause_ms(50);
    struct peer fresh = launcher(); /* trusts the same bundle */
    char *old = serial(&open), *new = serial(&fresh);
    assert_string_not_equal(old, new);
    OPENSSL_free(old);
    OPENSSL_free(new);
    expect_post(&open, "good-one", record, 200, "intervalSeconds");
    expect_post(&fresh, "good-one", record, 200, "intervalSeconds");
    struct reply reply = peer_read(&waiting, PATIENCE_MS, false);
    assert_int_equal(reply.status, 200);
    reply_free(&reply);
    peer_close(&open);
    peer_close(&waiting);
    peer_close(&fresh);
    expect_state("written 1"); /* the other replica's certificate is taken as it is */
}

static void only_the_right_name_and_ca_are_trusted(void **state) {
    (void)state;
    struct peer peer;
    const char *reason = NULL;
    assert_int_equal(peer_try(&peer, child.ports[WEB_TLS], tls, "weir.other.svc", &reason), -1);
    assert_string_equal(reason, "hostname mismatch");
    SSL_CTX *nobody = client_tls("");
    assert_int_equal(peer_try(&peer, child.ports[WEB_TLS], nobody, OPERATOR_NAME, &reason), -1);
    SSL_CTX_free(nobody);
    peer = peer_open(child.ports[WEB_TLS], tls, "127.0.0.1");
    peer_close(&peer);

    SSL_CTX *old = client_tls("");
    SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
    SSL_CTX_set_security_level(old, 0);
    SSL_CTX_set_verify(old, SSL_VERIFY_NONE, NULL);
    assert_int_equal(peer_try(&peer, child.ports[WEB_TLS], old, OPERATOR_NAME, &reason), -1);
    SSL_CTX_free(old);
}

static void everything_is_counted(void **state) {
    (void)state;
    struct peer peer = launcher();
    expect_post(&peer, "bad-token", record, 401, "");
    peer_close(&peer);
    char *metrics = get(&child, "/metrics");
    static const char *const parts_of[] = {
        "weir_reports_total{code=\"200\"} ",
        "weir_reports_total{code=\"401\"} ",
        "weir_reports_total{code=\"403\"} ",
        "weir_reports_total{code=\"dropped\"} ",
        "weir_token_reviews_total{result=\"accepted\"} ",
        "weir_token_reviews_total{result=\"refused\"} ",
        "weir_token_reviews_total{result=\"failed\"} ",
    };
    for (size_t i = 0; i < sizeof parts_of / sizeof *parts_of; i++)
        if (strstr(metrics, parts_of[i]) == NULL)
            fail_msg("no %s in the metrics", parts_of[i]);
    free(metrics);
}

static void a_stop_under_load_is_clean(void **state) {
    (void)state;
    struct child other = child_start(&operator_parts);
    SSL_CTX *context = trust(&other);
    struct peer peers[8];
    for (size_t i = 0; i < 8; i++) {
        peers[i] = peer_open(other.ports[WEB_TLS], context, OPERATOR_NAME);
        post(&peers[i], i % 2 == 0 ? "never-answered" : "good-one", record);
    }
    pause_ms(50);
    assert_int_equal(child_end(&other), 0);
    for (size_t i = 0; i < 8; i++)
        peer_close(&peers[i]);
    SSL_CTX_free(context);
}

static void the_interval_grows_with_the_launchers(void **state) {
    (void)state;
    static const struct {
        size_t running;
        int seconds;
    } cases[] = {{0, 5}, {1, 5}, {100, 5}, {119, 5}, {120, 6}, {600, 30}, {1200, 60}, {1201, 60}, {SIZE_MAX, 60}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(report_interval_s(cases[i].running), cases[i].seconds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launcher_speaks_for_its_own_pod),
        cmocka_unit_test(who_stops_is_told_what_becomes_of_its_job),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(nobody_is_asked_about_tokens_made_up),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(a_body_may_be_as_large_as_a_record),
        cmocka_unit_test(a_body_in_one_large_tls_record_is_read_to_its_end),
        cmocka_unit_test(a_review_that_does_not_end_is_cut_off),
        cmocka_unit_test(a_launcher_that_leaves_is_not_waited_for),
        cmocka_unit_test(bytes_after_a_report_under_review_do_no_harm),
        cmocka_unit_test(many_at_once_are_all_answered),
        cmocka_unit_test(silent_connections_keep_no_launcher_out),
        cmocka_unit_test(the_slow_are_cut),
        cmocka_unit_test(away_it_tells_nobody_who_leads),
        cmocka_unit_test(a_new_certificate_cuts_nobody_off),
        cmocka_unit_test(only_the_right_name_and_ca_are_trusted),
        cmocka_unit_test(everything_is_counted),
        cmocka_unit_test(a_stop_under_load_is_clean),
        cmocka_unit_test(the_interval_grows_with_the_launchers),
    };
    return cmocka_run_group_tests_name("endpoint", tests, start, stop);
}
