/* What is remembered of runs, without a loop: what was asked for, refusals and their back-off, looks, strays. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "controller/hashes.h"
#include "controller/pace.h"
#include "controller/runs.h"
#include "pipeline/reasons.h"

enum { BOOT = 1000 * 1000 };
static const int64_t wall = INT64_C(1800000000000);

static void fill(const struct runs *runs, const struct run_state *state, int64_t boot, struct arena *arena,
                 struct run *run) {
    *run = (struct run){.generation = 3};
    runs_fill(runs, state, wall + boot - BOOT, boot, arena, run);
}

static void what_was_asked_for_is_asked_for_once(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct runs runs = {0};
    struct run run;
    struct run_state *known = runs_want(&runs, "u");
    assert_ptr_equal(runs_want(&runs, "u"), known);
    assert_true(run_ask(known, ASKED_CREATE, "a", 2));
    assert_false(run_ask(known, ASKED_CREATE, "a", 2));
    assert_true(run_ask(known, ASKED_DELETE, "pod-1", 0));
    assert_true(run_ask(known, ASKED_RELEASE, "pod-1", 0));
    fill(&runs, known, BOOT, &arena, &run);
    assert_int_equal(run.creating_count, 1);
    assert_string_equal(run.creating[0].task, "a");
    assert_int_equal(run.creating[0].attempt, 2);
    assert_int_equal(run.create_room, 15);
    assert_true(run_asked(known, ASKED_DELETE, "pod-1"));
    run_answered(known, ASKED_CREATE, "a");
    run_answered(known, ASKED_CREATE, "a"); /* no-op */
    run_answered(known, ASKED_DELETE, "pod-1");
    fill(&runs, known, BOOT, &arena, &run);
    assert_int_equal(run.creating_count, 0);
    assert_int_equal(run.create_room, 16);
    assert_false(run_asked(known, ASKED_DELETE, "pod-1"));
    runs_forget(&runs, "u");
    runs_forget(&runs, "u");
    assert_null(runs_find(&runs, "u"));
}

static void no_run_asks_for_everything_at_once(void **state) {
    (void)state;
    struct runs runs = {0};
    struct run_state *run = runs_want(&runs, "u");
    char uid[16];
    size_t asked = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(uid, sizeof uid, "pod-%d", i);
        asked += run_ask(run, ASKED_RELEASE, uid, 0);
    }
    assert_int_equal(asked, 4);
    assert_true(run_ask(run, ASKED_CREATE, "a", 1)); /* creations go first and wait for nobody */
    run_answered(run, ASKED_RELEASE, "pod-0");
    assert_true(run_ask(run, ASKED_RELEASE, "pod-50", 0));
    runs_clear(&runs);
}

/* The task waits ever longer, whatever wakes its run; another task of the run goes on, after a moment. */
static void refusals_back_off(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct runs runs = {0};
    struct run run;
    struct run_state *known = runs_want(&runs, "u");
    const struct refusal refusal = {
        .task = "a", .attempt = 2, .reason = REASON(QuotaExceeded), .message = "exceeded quota"};
    int64_t now = BOOT;
    int64_t delays[8];
    for (int i = 0; i < 8; i++) {
        run_refused(known, &refusal, 3, now);
        fill(&runs, known, now, &arena, &run);
        assert_int_equal(run.failure_count, 1);
        assert_int_equal(run.failures[0].attempt, 2);
        assert_string_equal(run.failures[0].reason, "QuotaExceeded");
        assert_int_equal(run.create_room, 1);
        delays[i] = run.failures[0].next_at - (wall + now - BOOT);
        assert_in_range(run.create_at - (wall + now - BOOT), 1, 1000);
        now += delays[i];
    }
    assert_int_equal(delays[0], 1000);
    assert_int_equal(delays[1], 2000);
    assert_int_equal(delays[7], 30000);
    run_refused(known, &(struct refusal){.task = "b", .reason = "x", .message = "y", .not_before_ms = 45000}, 3, now);
    fill(&runs, known, now, &arena, &run);
    assert_int_equal(run.create_at, wall + now - BOOT + 45000); /* the server asked for that */
    run_created(known, "b");
    fill(&runs, known, now, &arena, &run);
    assert_int_equal(run.failure_count, 1);
    assert_int_equal(run.create_room, 16);
    run.generation = 4; /* an edit may have mended it */
    run.failure_count = 0;
    runs_fill(&runs, known, wall, now, &arena, &run);
    assert_int_equal(run.failure_count, 0);
    runs_clear(&runs);
}

static void a_cleaner_is_refused_since_the_first_time(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct runs runs = {0};
    struct run run;
    struct run_state *known = runs_want(&runs, "u");
    struct refusal refusal = {.task = "a", .attempt = 2, .reason = REASON(QuotaExceeded), .message = "exceeded quota"};
    run_cleaner_refused(known, &refusal, BOOT);
    run_cleaner_refused(known, &refusal, BOOT + 5000);
    fill(&runs, known, BOOT + 5000, &arena, &run);
    assert_int_equal(run.cleaner_failures[0].since, wall);
    run_cleaner_made(known, "a");
    run_cleaner_refused(known, &refusal, BOOT + 9000);
    fill(&runs, known, BOOT + 9000, &arena, &run);
    assert_int_equal(run.cleaner_failures[0].since, wall + 9000);
    refusal.attempt = 3;
    run_cleaner_refused(known, &refusal, BOOT + 10000);
    fill(&runs, known, BOOT + 10000, &arena, &run);
    assert_int_equal(run.cleaner_failures[0].since, wall + 10000);
    runs_clear(&runs);
}

static void what_live_looks_told_is_kept(void **state) {
    (void)state;
    AUTO_ARENA arena = ARENA_INIT;
    struct runs runs = {0};
    struct run run;
    struct run_state *known = runs_want(&runs, "u");
    run_looked(known, "pod-1", false, BOOT);
    run_looked(known, "pod-1", false, BOOT + 1000);
    run_looked(known, "pod-2", true, BOOT);
    run_taken(known, "a", 3);
    run_taken(known, "a", 2);
    run_collision(known, "pl-a-1-x");
    fill(&runs, known, BOOT, &arena, &run);
    assert_int_equal(run.look_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool first = strcmp(run.looks[i].pod_uid, "pod-1") == 0;
        assert_int_equal(run.looks[i].gone, !first);
        assert_int_equal(run.looks[i].next_at, wall + (first ? 3000 : 1000));
    }
    assert_int_equal(run.taken_count, 1);
    assert_int_equal(run.taken[0].attempt, 3);
    assert_string_equal(run.collisions.items[0], "pl-a-1-x");
    runs_clear(&runs);
}

static void windows_grow_with_size_and_load(void **state) {
    (void)state;
    struct runs runs = {.window_ms = PACE_MIN_MS};
    struct run run;
    AUTO_ARENA arena = ARENA_INIT;
    struct run_state *small = runs_want(&runs, "small");
    small->status_bytes = 2000;
    runs_due(&runs, small, true, BOOT);
    fill(&runs, small, BOOT, &arena, &run);
    assert_int_equal(run.window_ms, PACE_MIN_MS);
    assert_int_equal(run.changed_at, wall);
    runs_due(&runs, small, true, BOOT + 100); /* still the same change */
    fill(&runs, small, BOOT + 100, &arena, &run);
    assert_int_equal(run.changed_at, wall);
    char uid[16];
    for (int i = 0; i < 200; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        struct run_state *other = runs_want(&runs, uid);
        other->status_bytes = 2000;
        runs_due(&runs, other, true, BOOT);
    }
    fill(&runs, small, BOOT, &arena, &run);
    assert_in_range(run.window_ms, 2000, PACE_MAX_MS);
    for (int i = 0; i < 200; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        runs_forget(&runs, uid);
    }
    runs_due(&runs, small, false, BOOT);
    assert_true(runs.due_cost < 0.001 && runs.due_cost > -0.001);
    assert_in_range(pace_window_ms(pace_cost_ms(300 * 1000), 0, PACE_MIN_MS), 2000, 3000);
    assert_int_equal(pace_window_ms(pace_cost_ms(10 * 1000 * 1000), 0, PACE_MIN_MS), PACE_MAX_MS);
    assert_int_equal(pace_rest_ms(300), 0);
    assert_int_equal(pace_rest_ms(2400), 7);
    runs_clear(&runs);
}

static void a_set_of_hashes_keeps_the_last_ones(void **state) {
    (void)state;
    struct hashes hashes = {0};
    for (uint64_t i = 0; i < HASHES_MAX + 10; i++) {
        hashes_add(&hashes, i);
        hashes_add(&hashes, i);
    }
    assert_false(hashes_have(&hashes, 9));
    assert_true(hashes_have(&hashes, 10));
    assert_true(hashes_have(&hashes, HASHES_MAX + 9));
    hashes_clear(&hashes);
    assert_false(hashes_have(&hashes, 10));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_for_is_asked_for_once),
        cmocka_unit_test(no_run_asks_for_everything_at_once),
        cmocka_unit_test(refusals_back_off),
        cmocka_unit_test(a_cleaner_is_refused_since_the_first_time),
        cmocka_unit_test(what_live_looks_told_is_kept),
        cmocka_unit_test(windows_grow_with_size_and_load),
        cmocka_unit_test(a_set_of_hashes_keeps_the_last_ones),
    };
    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
