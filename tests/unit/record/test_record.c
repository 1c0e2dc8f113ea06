/* The record survives its own encoding, always fits, and decoding trusts nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/record.h"

static int decode(const char *text, struct record *ret, struct arena *arena) {
    struct error err;
    return record_decode(text, strlen(text), ret, arena, &err);
}

static void test_round_trip(void **state) {
    (void)state;
    AUTO_STRBUF out = STRBUF_INIT;
    AUTO_ARENA arena = ARENA_INIT;
    struct record back, record = {
                            .seq = 7,
                            .phase = "Running",
                            .application_id = "application_1_0002",
                            .application_ids = {"application_1_0001", "application_1_0002"},
                            .application_count = 2,
                            .tracking_url = "http://rm:8088/proxy/application_1_0002/",
                            .history_url = "http://rm:8088/cluster/app/x",
                            .job_ids = {"job_1_0002", "job_1_0003"},
                            .job_count = 2,
                            .percent = 61,
                            .progress_text = "map 100% reduce 22%",
                            .started_at = 1700000000000,
                            .final = true,
                            .exit_code = 143,
                            .signal = 15,
                            .reason = "Stopped",
                            .message = "said \"no\"\tand left\n",
                            .remains = "application_1_0002 may still run:\tleft to be adopted",
                            .finished_at = 1700000005000,
                        };
    struct error err;
    record_encode(&record, RECORD_MAX, &out);
    assert_int_equal(record_decode(out.data, out.length, &back, &arena, &err), 0);
    assert_int_equal(back.seq, 7);
    assert_string_equal(back.phase, "Running");
    assert_string_equal(back.application_id, "application_1_0002");
    assert_int_equal(back.application_count, 2);
    assert_string_equal(back.application_ids[0], "application_1_0001");
    assert_string_equal(back.application_ids[1], "application_1_0002");
    assert_string_equal(back.tracking_url, record.tracking_url);
    assert_string_equal(back.history_url, record.history_url);
    assert_int_equal(back.job_count, 2);
    assert_string_equal(back.job_ids[1], "job_1_0003");
    assert_int_equal(back.percent, 61);
    assert_string_equal(back.progress_text, "map 100% reduce 22%");
    assert_int_equal(back.started_at, 1700000000000);
    assert_true(back.final);
    assert_int_equal(back.exit_code, 143);
    assert_int_equal(back.signal, 15);
    assert_string_equal(back.reason, "Stopped");
    assert_string_equal(back.message, "said \"no\" and left ");
    assert_string_equal(back.remains, "application_1_0002 may still run: left to be adopted");
    assert_int_equal(back.finished_at, 1700000005000);
    assert_false(record_succeeded(&back));
}

static void test_empty_members_are_left_out(void **state) {
    (void)state;
    AUTO_STRBUF out = STRBUF_INIT;
    AUTO_ARENA arena = ARENA_INIT;
    struct record record = RECORD_INIT, back;
    record.phase = "Starting";
    record_encode(&record, RECORD_MAX, &out);
    assert_string_equal(out.data, "{\"version\":1,\"seq\":0,\"phase\":\"Starting\"}");
    assert_int_equal(decode(out.data, &back, &arena), 0);
    assert_string_equal(back.tracking_url, "");
    assert_string_equal(back.reason, "");
    assert_string_equal(back.remains, "");
    assert_int_equal(back.application_count, 0);
    assert_int_equal(back.percent, -1);
    assert_false(back.final);
    assert_false(record_succeeded(&back));
}

static void test_always_fits(void **state) {
    (void)state;
    char quotes[2000], wide[2000], id[90], url[RECORD_URL_MAX + 1];
    memset(quotes, '"', sizeof quotes - 1), quotes[sizeof quotes - 1] = '\0';
    for (size_t i = 0; i < sizeof wide - 2; i += 2)
        memcpy(wide + i, "\xC3\xA9", 2), wide[i + 2] = '\0';
    memset(id, '9', sizeof id - 1), id[sizeof id - 1] = '\0';
    memset(url, 'a', sizeof url - 1), url[sizeof url - 1] = '\0', memcpy(url, "http://", 7);
    const char *messages[] = {quotes, wide, "\xFF\xFE\x80\xC3", "\x01\x02\x1b[31m"};
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        AUTO_STRBUF out = STRBUF_INIT;
        AUTO_ARENA arena = ARENA_INIT;
        struct error err;
        struct record back, record = {
                                .phase = "Finished",
                                .application_id = quotes,
                                .tracking_url = url,
                                .history_url = url,
                                .percent = 1,
                                .progress_text = messages[i],
                                .final = true,
                                .exit_code = 1,
                                .reason = messages[i],
                                .message = messages[i],
                                .job_count = RECORD_JOBS_MAX,
                                .application_count = 3,
                            };
        for (size_t j = 0; j < RECORD_JOBS_MAX; j++)
            record.job_ids[j] = record.application_ids[j] = id;
        record_encode(&record, RECORD_MAX, &out);
        assert_true(out.length <= RECORD_MAX);
        assert_int_equal(record_decode(out.data, out.length, &back, &arena, &err), 0);
        assert_true(back.final);
        assert_int_equal(back.exit_code, 1);
        assert_string_equal(back.tracking_url, url);
        if (i == 1)
            assert_int_equal(strlen(back.message), RECORD_MESSAGE_MAX);
    }
}

/* What a pod of many containers leaves of a record: who runs and that something remains go last. */
static void test_little_room(void **state) {
    (void)state;
    char text[600], id[RECORD_JOBS_MAX][40];
    memset(text, 'm', sizeof text - 1), text[sizeof text - 1] = '\0';
    struct record record = {
        .seq = 1234567,
        .phase = "Finished",
        .tracking_url = "http://resourcemanager.hadoop.svc:8088/proxy/application_1732000000000_0016/",
        .percent = 100,
        .progress_text = text,
        .started_at = 1700000000000,
        .final = true,
        .exit_code = 143,
        .signal = 15,
        .reason = "RemoteUnknown",
        .message = text,
        .remains = text,
        .finished_at = 1700000005000,
        .job_count = RECORD_JOBS_MAX,
        .application_count = RECORD_JOBS_MAX,
    };
    for (size_t i = 0; i < RECORD_JOBS_MAX; i++) {
        snprintf(id[i], sizeof id[i], "application_1732000000000_%04zu", i + 1);
        record.application_ids[i] = record.job_ids[i] = id[i];
    }
    record.application_id = id[RECORD_JOBS_MAX - 1];
    static const struct {
        size_t max, applications;
        bool message;
    } steps[] = {{RECORD_MAX, 16, true}, {1536, 16, true}, {900, 4, true}, {RECORD_MIN, 1, true}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        AUTO_STRBUF out = STRBUF_INIT;
        AUTO_ARENA arena = ARENA_INIT;
        struct record back;
        record_encode(&record, steps[i].max, &out);
        assert_true(out.length <= steps[i].max);
        assert_int_equal(decode(out.data, &back, &arena), 0);
        assert_string_equal(back.application_id, record.application_id);
        assert_int_equal(back.application_count, steps[i].applications);
        assert_string_equal(back.application_ids[back.application_count - 1], record.application_id);
        assert_string_equal(back.reason, "RemoteUnknown");
        assert_true(strlen(back.remains) >= 16);
        assert_int_equal(back.message[0] != '\0', steps[i].message);
    }
}

static void test_whatever_it_holds_it_fits_the_least_room(void **state) {
    (void)state;
    char raw[200];
    memset(raw, '\xff', sizeof raw - 1), raw[sizeof raw - 1] = '\0';
    for (size_t length = 1; length < sizeof raw; length += 9) {
        const char *text = raw + sizeof raw - 1 - length;
        AUTO_STRBUF out = STRBUF_INIT;
        AUTO_ARENA arena = ARENA_INIT;
        struct record back, record = {
                                .seq = INT64_MAX,
                                .phase = "Finished",
                                .application_id = text,
                                .application_ids = {text, text, text},
                                .application_count = 3,
                                .percent = 100,
                                .progress_text = text,
                                .started_at = 1700000000000,
                                .final = true,
                                .exit_code = 255,
                                .signal = 64,
                                .reason = text,
                                .message = text,
                                .remains = text,
                                .finished_at = 1700000005000,
                            };
        record_encode(&record, RECORD_MIN, &out);
        assert_true(out.length <= RECORD_MIN);
        assert_int_equal(decode(out.data, &back, &arena), 0);
        assert_true(back.final);
        assert_true(back.remains[0] != '\0' && back.reason[0] != '\0');
    }
}

/* One application is said once, and is the newest of a list of one. */
static void test_applications(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_STRBUF one = STRBUF_INIT, older = STRBUF_INIT;
    struct record back, record = RECORD_INIT;
    record.application_id = record.application_ids[0] = "application_1_2";
    record.application_count = 1;
    record_encode(&record, RECORD_MAX, &one);
    assert_string_equal(one.data, "{\"version\":1,\"seq\":0,\"applicationID\":\"application_1_2\"}");
    assert_int_equal(decode(one.data, &back, &arena), 0);
    assert_int_equal(back.application_count, 1);
    assert_string_equal(back.application_ids[0], "application_1_2");
    record.application_ids[0] = "application_1_1";
    record_encode(&record, RECORD_MAX, &older);
    assert_int_equal(decode(older.data, &back, &arena), 0);
    assert_int_equal(back.application_count, 1);
    assert_string_equal(back.application_ids[0], "application_1_1");
}

static void test_encode_appends(void **state) {
    (void)state;
    AUTO_STRBUF out = STRBUF_INIT;
    struct record record = RECORD_INIT;
    strbuf_puts(&out, "head ");
    record_encode(&record, RECORD_MAX, &out);
    assert_string_equal(out.data, "head {\"version\":1,\"seq\":0}");
}

static void test_hostile_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "7",
        "{",
        "{}",
        "{\"version\":2}",
        "{\"version\":\"1\"}",
        "{\"version\":1}x",
        "\xff\xfe",
        "{\"version\":1,\"seq\":1,}",
        "{\"version\":1.5}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_ARENA arena = ARENA_INIT;
        struct record record;
        struct error err;
        assert_int_equal(record_decode(bad[i], strlen(bad[i]), &record, &arena, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID);
    }
    AUTO_ARENA arena = ARENA_INIT;
    char *large = malloc(RECORD_MAX + 10);
    struct record record;
    struct error err;
    memset(large, ' ', RECORD_MAX + 10);
    memcpy(large, "{\"version\":1}", 13);
    assert_int_equal(record_decode(large, RECORD_MAX, &record, &arena, &err), 0);
    assert_int_equal(record_decode(large, RECORD_MAX + 1, &record, &arena, &err), -1);
    free(large);
}

static void test_wrong_types_count_as_absent(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct record back;
    assert_int_equal(decode("{\"version\":1,\"seq\":-4,\"phase\":\"Dancing\",\"applicationID\":7,\"trackingURL\":"
                            "\"javascript:alert(1)\",\"historyURL\":[],\"jobIDs\":[1,\"\",\"job_1_2\",{}],"
                            "\"progress\":{\"percent\":900,\"text\":null},\"startedAt\":\"soon\",\"final\":"
                            "{\"exitCode\":-3,\"signal\":9999,\"reason\":{},\"message\":\"a\\u0000b\\nc\"}}",
                            &back, &arena),
                     0);
    assert_int_equal(back.seq, 0);
    assert_string_equal(back.phase, "");
    assert_string_equal(back.application_id, "");
    assert_string_equal(back.tracking_url, "");
    assert_string_equal(back.history_url, "");
    assert_int_equal(back.job_count, 1);
    assert_string_equal(back.job_ids[0], "job_1_2");
    assert_int_equal(back.percent, -1);
    assert_string_equal(back.progress_text, "");
    assert_int_equal(back.started_at, 0);
    assert_true(back.final);
    assert_int_equal(back.exit_code, 1);
    assert_int_equal(back.signal, 0);
    assert_null(strchr(back.message, '\n'));
}

static void test_many_jobs_are_cut(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    AUTO_STRBUF text = STRBUF_INIT;
    struct record back;
    strbuf_puts(&text, "{\"version\":1,\"jobIDs\":[\"j\"");
    for (int i = 0; i < 100; i++)
        strbuf_puts(&text, ",\"j\"");
    strbuf_puts(&text, "],\"final\":7}");
    assert_int_equal(decode(text.data, &back, &arena), 0);
    assert_int_equal(back.job_count, RECORD_JOBS_MAX);
    assert_false(back.final);
}

static void test_success_is_a_word_not_a_code(void **state) {
    (void)state;
    struct record record = {.final = true, .reason = ""};
    assert_true(record_succeeded(&record));
    record.reason = "YarnFailed";
    assert_false(record_succeeded(&record));
    record.reason = NULL, record.final = false;
    assert_false(record_succeeded(&record));
}

static void test_url(void **state) {
    (void)state;
    assert_true(record_url_valid("http://rm:8088/proxy/application_1_2/"));
    assert_true(record_url_valid("https://[::1]:4040"));
    assert_false(record_url_valid(NULL));
    assert_false(record_url_valid("http://"));
    assert_false(record_url_valid("http:///path"));
    assert_false(record_url_valid("ftp://host/"));
    assert_false(record_url_valid("http://a b/"));
    assert_false(record_url_valid("http://a/\"onclick"));
    assert_false(record_url_valid("http://a/<script>"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_empty_members_are_left_out),
        cmocka_unit_test(test_always_fits),
        cmocka_unit_test(test_little_room),
        cmocka_unit_test(test_whatever_it_holds_it_fits_the_least_room),
        cmocka_unit_test(test_applications),
        cmocka_unit_test(test_encode_appends),
        cmocka_unit_test(test_hostile_is_refused),
        cmocka_unit_test(test_wrong_types_count_as_absent),
        cmocka_unit_test(test_many_jobs_are_cut),
        cmocka_unit_test(test_success_is_a_word_not_a_code),
        cmocka_unit_test(test_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
