/* Transcripts: what happens, one line each, and what the machine is seen to do. Commands: `run MS`,
 * `check MS`, `event MS TYPE VERSION [CODE]` (VERSION `-` is none), `end MS` (of an initial list: bookmark), `page MS
 * VERSION TOKEN`, `ended MS` (by itself), `failed MS STATUS [RETRY_AFTER_MS]` (STATUS -200: too large). Jitter is shown
 * as the range it must be in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "kube/api.h"
#include "kube/watch_fsm.h"

static const char *const actions[] = {
    [WATCH_DO_WAIT] = "wait", [WATCH_DO_STREAM] = "stream", [WATCH_DO_PAGE] = "page", [WATCH_DO_WATCH] = "watch"};
static const char *const effects[] = {
    [WATCH_KEEP] = "keep", [WATCH_STAGE] = "stage", [WATCH_UNSTAGE] = "unstage", [WATCH_COMMIT] = "commit",
    [WATCH_PUT] = "put",   [WATCH_DROP] = "drop",   [WATCH_END] = "end"};

static void run(struct watch_fsm *fsm, int64_t now, char *out, size_t size) {
    struct watch_step step = watch_run(fsm, now);
    if (step.action == WATCH_DO_WAIT && step.at != INT64_MAX) {
        int64_t wait = step.at - now;
        const char *range = "?";
        for (int64_t least = WATCH_BACKOFF_MS; least <= WATCH_BACKOFF_MAX_MS; least *= 2) {
            static char text[64];
            if (wait >= least && wait <= 2 * least) {
                snprintf(text, sizeof text, "%lld..%lld", (long long)least, 2 * (long long)least);
                range = text;
                break;
            }
        }
        snprintf(out, size, "%s wait %s", watch_state_name(fsm->state),
                 wait > 40000 && range[0] == '?' ? "long" : range);
    } else if (step.action == WATCH_DO_WATCH) {
        snprintf(out, size, "%s watch %s", watch_state_name(fsm->state), fsm->version);
        assert_in_range(step.timeout_s, 300, 600);
    } else if (step.action == WATCH_DO_PAGE) {
        snprintf(out, size, "%s page %lld %s", watch_state_name(fsm->state), (long long)step.limit,
                 fsm->continue_token != NULL ? fsm->continue_token : "-");
    } else {
        snprintf(out, size, "%s %s", watch_state_name(fsm->state), actions[step.action]);
    }
}

static enum watch_effect fail_request(struct watch_fsm *fsm, int64_t now, int status, int64_t retry_after_ms) {
    struct kube_answer answer = {0};
    if (status == -200)
        error_set(&answer.err, ERROR_INVALID, "the answer is larger than 10 bytes");
    else if (status == 200 || status == 0)
        error_set(&answer.err, ERROR_TRANSIENT, "connection cut");
    else
        kube_answer_judge(&answer, status, NULL, NULL);
    return watch_ended(fsm, &answer.err, status < 0 ? -status : status, retry_after_ms, now);
}

static void play(struct watch_fsm *fsm, const char *line, char *out, size_t size) {
    long long now = 0;
    long long extra = 0;
    int code = 0;
    char type[32] = "";
    char version[64] = "";
    char token[64] = "";
    enum watch_effect effect = WATCH_KEEP;
    if (sscanf(line, "run %lld", &now) == 1) {
        run(fsm, now, out, size);
        return;
    }
    if (sscanf(line, "check %lld", &now) == 1) {
        effect = watch_check(fsm, now);
    } else if (sscanf(line, "event %lld %31s %63s %d", &now, type, version, &code) >= 3) {
        struct watch_event event = {.type = type, .version = text_equal(version, "-") ? NULL : version, .code = code};
        effect = watch_event(fsm, &event, now);
    } else if (sscanf(line, "end %lld %63s", &now, version) == 2) {
        struct watch_event event = {.type = "BOOKMARK", .version = version, .list_end = true};
        effect = watch_event(fsm, &event, now);
    } else if (sscanf(line, "page %lld %63s %63s %lld", &now, version, token, &extra) >= 3) {
        effect = watch_page(fsm, text_equal(version, "-") ? "" : version, text_equal(token, "-") ? "" : token,
                            (size_t)extra, now);
    } else if (sscanf(line, "ended %lld", &now) == 1) {
        effect = watch_ended(fsm, NULL, 200, 0, now);
    } else if (sscanf(line, "failed %lld %d %lld", &now, &code, &extra) >= 2) {
        effect = fail_request(fsm, now, code, extra);
    } else {
        fail_msg("unknown command: %s", line);
    }
    snprintf(out, size, "%s %s%s", watch_state_name(fsm->state), effects[effect],
             effect == WATCH_COMMIT && fsm->rewound ? " rewound" : "");
}

static void expect(bool stream_lists, const char *const (*script)[2], size_t count) {
    struct watch_fsm fsm;
    watch_fsm_init(&fsm, &(struct watch_settings){.stream_lists = stream_lists, .seed = 42});
    for (size_t i = 0; i < count; i++) {
        char out[256];
        play(&fsm, script[i][0], out, sizeof out);
        if (strcmp(out, script[i][1]) != 0)
            fail_msg("line %zu: '%s' gave '%s', not '%s'", i + 1, script[i][0], out, script[i][1]);
    }
    watch_fsm_fini(&fsm);
}
#define EXPECT(stream_lists, ...)                                       \
    do {                                                                \
        static const char *const script[][2] = __VA_ARGS__;             \
        expect((stream_lists), script, sizeof script / sizeof *script); \
    } while (0)

static void the_table_is_sound(void **state) {
    (void)state;
    size_t count = 0;
    const struct sm_state *table = watch_state_table(&count);
    const char *wrong = sm_check(table, count);
    if (wrong != NULL)
        fail_msg("%s", wrong);
}

static void pages_then_watches_from_the_first_pages_version(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"run 1", "PAGING wait"},
                   {"page 5 100 t1", "PAGING stage"},
                   {"run 5", "PAGING page 50 t1"},
                   {"page 6 107 t2", "PAGING stage"},
                   {"run 6", "PAGING page 50 t2"},
                   {"page 7 109 -", "LISTED commit"},
                   {"run 7", "WATCHING watch 100"},
                   {"event 8 ADDED 101", "WATCHING put"},
                   {"event 9 MODIFIED 102", "WATCHING put"},
                   {"event 9 DELETED 103", "WATCHING drop"},
                   {"event 9 BOOKMARK 150", "WATCHING keep"},
                   {"event 9 SURPRISE 160", "WATCHING keep"},
                   {"ended 400000", "LISTED keep"},
                   {"run 400000", "WATCHING watch 150"}});
}

static void a_streaming_list_becomes_the_watch(void **state) {
    (void)state;
    EXPECT(true, {{"run 0", "STREAMING stream"},
                  {"event 1 ADDED 7", "STREAMING stage"},
                  {"event 1 ADDED 5", "STREAMING stage"},
                  {"event 1 DELETED 8", "STREAMING unstage"},
                  {"event 1 BOOKMARK 8", "STREAMING keep"},
                  {"end 2 9", "WATCHING commit"},
                  {"event 3 MODIFIED 10", "WATCHING put"},
                  {"ended 5000", "LISTED keep"},
                  {"run 5000", "WATCHING watch 10"}});
}

static void streaming_is_given_up_when_the_server_will_not(void **state) {
    (void)state;
    EXPECT(true, {{"run 0", "STREAMING stream"},
                  {"event 1 ADDED 7", "STREAMING stage"},
                  {"event 1 ERROR - 500", "EMPTY end"},
                  {"run 1", "PAGING page 50 -"},
                  {"page 2 9 -", "LISTED commit"},
                  {"run 2", "WATCHING watch 9"},
                  {"event 3 ERROR - 410", "EMPTY end"},
                  {"run 3", "EMPTY wait 800..1600"},
                  {"run 9000", "PAGING page 50 -"}});
    EXPECT(true, {{"run 0", "STREAMING stream"}, {"failed 1 422", "EMPTY end"}, {"run 1", "PAGING page 50 -"}});
    EXPECT(true, {{"run 0", "STREAMING stream"}, {"ended 1", "EMPTY end"}, {"run 1", "PAGING page 50 -"}});
}

static void a_cut_or_busy_server_does_not_speak_against_streaming(void **state) {
    (void)state;
    EXPECT(true, {{"run 0", "STREAMING stream"},
                  {"failed 1 0", "EMPTY end"},
                  {"run 1", "EMPTY wait 800..1600"},
                  {"run 5000", "STREAMING stream"},
                  {"failed 5001 429 59000", "EMPTY end"},
                  {"run 5001", "EMPTY wait long"},
                  {"run 70000", "STREAMING stream"}});
}

static void compacted_history_lists_again_in_three_shapes(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 -", "LISTED commit"},
                   {"run 0", "WATCHING watch 100"},
                   {"event 5 ERROR - 410", "EMPTY end"}, /* 200 and an ERROR event */
                   {"run 5", "EMPTY wait 800..1600"},
                   {"run 2000", "PAGING page 50 -"},
                   {"page 2000 200 -", "LISTED commit"},
                   {"run 2000", "WATCHING watch 200"},
                   {"failed 2001 410", "EMPTY end"}, /* the status of the watch */
                   {"run 2001", "EMPTY wait 1600..3200"},
                   {"run 9000", "PAGING page 50 -"},
                   {"page 9000 300 t1", "PAGING stage"},
                   {"run 9000", "PAGING page 50 t1"},
                   {"failed 9001 410", "EMPTY end"}, /* an expired page token: one whole page next */
                   {"run 9001", "EMPTY wait 3200..6400"},
                   {"run 20000", "PAGING page 0 -"},
                   {"page 20000 400 -", "LISTED commit"}});
}

static void a_failed_page_is_asked_for_again(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"failed 0 500", "PAGING keep"},
                   {"run 0", "PAGING wait 800..1600"},
                   {"run 2000", "PAGING page 50 -"},
                   {"page 2000 100 t1", "PAGING stage"},
                   {"run 2000", "PAGING page 50 t1"},
                   {"failed 2001 0", "PAGING keep"},
                   {"run 9000", "PAGING page 50 t1"},
                   {"failed 9001 403", "EMPTY end"}});
}

static void pages_are_of_about_a_megabyte(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 t1 1400000", "PAGING stage"}, /* 28 kB each */
                   {"run 0", "PAGING page 37 t1"},
                   {"page 0 100 t2 37000000", "PAGING stage"}, /* 1 MB each */
                   {"run 0", "PAGING page 10 t2"},
                   {"page 0 100 t3 1000", "PAGING stage"}, /* hardly anything; but who knows what follows */
                   {"run 0", "PAGING page 40 t3"},
                   {"page 0 100 t4 1000", "PAGING stage"},
                   {"run 0", "PAGING page 160 t4"},
                   {"page 0 100 t5 1000", "PAGING stage"},
                   {"run 0", "PAGING page 500 t5"},
                   {"failed 0 500", "PAGING keep"},
                   {"run 9000", "PAGING page 500 t5"},
                   {"page 9000 100 t6 1000000", "PAGING stage"},
                   {"run 9000", "PAGING page 500 t6"},
                   {"page 9000 100 - 100", "LISTED commit"},
                   {"run 9000", "WATCHING watch 100"},
                   {"event 9001 ERROR - 410", "EMPTY end"},
                   {"run 20000", "PAGING page 50 -"}}); /* carefully, each time */
}

static void too_large_a_page_is_asked_for_in_parts(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 t1 1", "PAGING stage"},
                   {"run 0", "PAGING page 200 t1"},
                   {"failed 1 -200", "EMPTY end"},
                   {"run 1", "PAGING page 50 -"},
                   {"page 1 100 t1 1", "PAGING stage"},
                   {"run 1", "PAGING page 50 t1"},
                   {"failed 1 -200", "EMPTY end"},
                   {"run 1", "PAGING page 12 -"},
                   {"page 2 100 - 1", "LISTED commit"},
                   {"run 2", "WATCHING watch 100"},
                   {"event 3 ERROR - 410", "EMPTY end"},
                   {"run 9000", "PAGING page 12 -"},
                   {"failed 9001 -200", "EMPTY end"},
                   {"run 9001", "PAGING page 3 -"},
                   {"failed 9002 -200", "EMPTY end"},
                   {"run 9002", "PAGING page 1 -"},
                   {"failed 9003 -200", "EMPTY end"},
                   {"run 9003", "EMPTY wait 1600..3200"}});
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 t1", "PAGING stage"},
                   {"run 0", "PAGING page 50 t1"},
                   {"failed 1 410", "EMPTY end"},
                   {"run 9000", "PAGING page 0 -"},
                   {"failed 9001 -200", "EMPTY end"}, /* all in one is too much */
                   {"run 9001", "PAGING page 50 -"}});
}

static void back_off_doubles_to_its_bound_and_starts_over(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"failed 0 0", "PAGING keep"},
                   {"run 0", "PAGING wait 800..1600"},
                   {"run 10000", "PAGING page 50 -"},
                   {"failed 10000 0", "PAGING keep"},
                   {"run 10000", "PAGING wait 1600..3200"},
                   {"run 20000", "PAGING page 50 -"},
                   {"failed 20000 0", "PAGING keep"},
                   {"run 20000", "PAGING wait 3200..6400"},
                   {"run 200001", "PAGING page 50 -"},
                   {"failed 200001 0", "PAGING keep"},
                   {"run 200001", "PAGING wait 800..1600"}});
    struct watch_fsm fsm;
    watch_fsm_init(&fsm, &(struct watch_settings){.seed = 1});
    int64_t now = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(watch_run(&fsm, now).action, WATCH_DO_PAGE);
        fail_request(&fsm, now, 0, 0);
        int64_t at = watch_run(&fsm, now).at;
        assert_in_range(at - now, WATCH_BACKOFF_MS, 2 * WATCH_BACKOFF_MAX_MS);
        if (i > 6)
            assert_in_range(at - now, WATCH_BACKOFF_MAX_MS, 2 * WATCH_BACKOFF_MAX_MS);
        now = at;
    }
    watch_fsm_fini(&fsm);
}

static void a_very_short_watch_is_a_failure(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 -", "LISTED commit"},
                   {"run 0", "WATCHING watch 100"},
                   {"ended 900", "LISTED keep"},
                   {"run 900", "LISTED wait 800..1600"},
                   {"run 3000", "WATCHING watch 100"},
                   {"event 3001 ADDED 101", "WATCHING put"},
                   {"ended 3002", "LISTED keep"}, /* it had news: no failure, and yet one a second is enough */
                   {"run 3002", "LISTED wait 800..1600"},
                   {"run 4000", "WATCHING watch 101"},
                   {"event 5000 ADDED 102", "WATCHING put"},
                   {"ended 5000", "LISTED keep"},
                   {"run 5000", "WATCHING watch 102"}});
}

/* A proxy that cuts what stands still, and a server that begins each watch with a bookmark. */
static void a_bookmark_of_the_same_version_is_no_news(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 -", "LISTED commit"},
                   {"run 0", "WATCHING watch 100"},
                   {"event 1 BOOKMARK 100", "WATCHING keep"},
                   {"ended 2", "LISTED keep"},
                   {"run 2", "LISTED wait 800..1600"},
                   {"run 2000", "WATCHING watch 100"},
                   {"event 2001 BOOKMARK 100", "WATCHING keep"},
                   {"ended 2002", "LISTED keep"},
                   {"run 2002", "LISTED wait 1600..3200"}});
}

static void a_cut_watch_goes_on_where_it_was(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 -", "LISTED commit"},
                   {"run 0", "WATCHING watch 100"},
                   {"event 1 ADDED 105", "WATCHING put"},
                   {"failed 5000 200", "LISTED keep"}, /* cut, or past its deadline */
                   {"run 5000", "WATCHING watch 105"},
                   {"failed 5001 0", "LISTED keep"}, /* refused */
                   {"run 5001", "LISTED wait 800..1600"},
                   {"run 9000", "WATCHING watch 105"},
                   {"failed 9001 429 59000", "LISTED keep"},
                   {"run 9001", "LISTED wait long"},
                   {"run 70000", "WATCHING watch 105"},
                   {"event 70001 ERROR - 429", "LISTED end"},
                   {"run 80000", "WATCHING watch 105"},
                   {"failed 80001 403", "EMPTY end"}, /* a list will say when it is allowed again */
                   {"run 80001", "EMPTY wait 6400..12800"}});
}

static void a_silent_watch_goes_on_from_the_same_version(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"check 500000", "PAGING keep"}, /* requests have time-outs of their own */
                   {"page 0 100 -", "LISTED commit"},
                   {"check 500000", "LISTED keep"},
                   {"run 0", "WATCHING watch 100"},
                   {"check 119999", "WATCHING keep"},
                   {"event 100000 BOOKMARK 105", "WATCHING keep"},
                   {"check 219999", "WATCHING keep"},
                   {"check 280001", "LISTED end"},
                   {"run 280001", "WATCHING watch 105"}, /* at once: it took minutes to get here */
                   {"event 300000 SURPRISE 1", "WATCHING keep"},
                   {"check 419999", "WATCHING keep"},
                   {"check 480001", "LISTED end"}});
    EXPECT(true, {{"run 0", "STREAMING stream"},
                  {"event 100000 ADDED 7", "STREAMING stage"},
                  {"check 219999", "STREAMING keep"},
                  {"check 280001", "EMPTY end"},
                  {"run 280001", "EMPTY wait 800..1600"},
                  {"run 290000", "STREAMING stream"}});
}

static void silence_is_judged_by_each_watch_at_its_own_time(void **state) {
    (void)state;
    int64_t ends[3];
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct watch_fsm fsm;
        watch_fsm_init(&fsm, &(struct watch_settings){.stream_lists = true, .seed = seed});
        watch_run(&fsm, 1000);
        ends[seed] = watch_run(&fsm, 1000).at;
        assert_in_range(ends[seed], 121000, 181000);
        watch_fsm_fini(&fsm);
    }
    assert_true(ends[0] != ends[1] && ends[1] != ends[2] && ends[0] != ends[2]);
}

static void internal_errors_list_again_after_a_while(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 -", "LISTED commit"},
                   {"run 0", "WATCHING watch 100"},
                   {"event 1 ERROR - 500", "LISTED end"},
                   {"run 5000", "WATCHING watch 100"},
                   {"event 5001 ERROR - 500", "LISTED end"},
                   {"run 40000", "WATCHING watch 100"},
                   {"event 40001 ERROR - 500", "EMPTY end"},
                   {"run 90000", "PAGING page 50 -"}});
}

static void a_restored_store_is_noticed(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"},
                   {"page 0 100 -", "LISTED commit"},
                   {"run 0", "WATCHING watch 100"},
                   {"event 1 ADDED 120", "WATCHING put"},
                   {"event 2 ADDED 119", "WATCHING put"}, /* late or twice: the cache drops it, nothing moves back */
                   {"event 3 BOOKMARK 60", "EMPTY end"},
                   {"run 9000", "PAGING page 50 -"},
                   {"page 9000 61 -", "LISTED commit rewound"},
                   {"run 9000", "WATCHING watch 61"},
                   {"failed 9001 504", "EMPTY end"},
                   {"run 20000", "PAGING page 50 -"},
                   {"page 20000 62 -", "LISTED commit"}});
}

static void a_list_without_a_version_is_no_list(void **state) {
    (void)state;
    EXPECT(false, {{"run 0", "PAGING page 50 -"}, {"page 0 - -", "EMPTY end"}, {"run 0", "EMPTY wait 800..1600"}});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(pages_then_watches_from_the_first_pages_version),
        cmocka_unit_test(a_streaming_list_becomes_the_watch),
        cmocka_unit_test(streaming_is_given_up_when_the_server_will_not),
        cmocka_unit_test(a_cut_or_busy_server_does_not_speak_against_streaming),
        cmocka_unit_test(compacted_history_lists_again_in_three_shapes),
        cmocka_unit_test(a_failed_page_is_asked_for_again),
        cmocka_unit_test(pages_are_of_about_a_megabyte),
        cmocka_unit_test(too_large_a_page_is_asked_for_in_parts),
        cmocka_unit_test(back_off_doubles_to_its_bound_and_starts_over),
        cmocka_unit_test(a_very_short_watch_is_a_failure),
        cmocka_unit_test(a_bookmark_of_the_same_version_is_no_news),
        cmocka_unit_test(a_cut_watch_goes_on_where_it_was),
        cmocka_unit_test(a_silent_watch_goes_on_from_the_same_version),
        cmocka_unit_test(silence_is_judged_by_each_watch_at_its_own_time),
        cmocka_unit_test(internal_errors_list_again_after_a_while),
        cmocka_unit_test(a_restored_store_is_noticed),
        cmocka_unit_test(a_list_without_a_version_is_no_list),
    };
    return cmocka_run_group_tests_name("watch_fsm", tests, NULL, NULL);
}
