/* The worker on a real loop: never more than allowed at once, nothing lost, a drain that waits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/support_server.h"
#include "kube/worker.h"

struct fixture {
    uv_loop_t loop;
    struct worker *worker;
    char taken[512][16]; /* every key that was handed out, in order */
    size_t count, wanted;
    bool inside; /* answer from inside the callback */
    bool drained;
    enum worker_result result;
    int64_t delay_ms;
};

static void work(const char *key, void *arg) {
    struct fixture *f = arg;
    assert_true(f->count < 512);
    snprintf(f->taken[f->count++], sizeof f->taken[0], "%s", key);
    if (f->inside)
        worker_done(f->worker, key, f->result, f->delay_ms);
}

static void begin(struct fixture *f, unsigned parallel) {
    static const struct queue_options options = {.name = "test"};
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    f->worker = worker_new(&f->loop, &options, parallel, work, f);
}

static void finish(struct fixture *f) {
    worker_free(f->worker);
    loop_finish(&f->loop);
}

static bool has_count(void *arg) {
    const struct fixture *f = arg;
    return f->count >= f->wanted;
}

static void await(struct fixture *f, size_t count) {
    f->wanted = count;
    loop_until(&f->loop, has_count, f, "keys handed out");
    assert_int_equal(f->count, count);
}

static void no_more_than_allowed_at_once(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, 2);
    worker_add(f.worker, "a");
    worker_add(f.worker, "b");
    worker_add(f.worker, "c");
    assert_int_equal(f.count, 0); /* never from inside the call */
    await(&f, 2);
    for (int i = 0; i < 10; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.count, 2);
    worker_add(f.worker, "a"); /* it is being worked on */
    worker_done(f.worker, "b", WORKER_DONE, 0);
    await(&f, 3);
    assert_string_equal(f.taken[2], "c");
    worker_done(f.worker, "a", WORKER_DONE, 0);
    await(&f, 4);
    assert_string_equal(f.taken[3], "a");
    finish(&f);
}

static void many_keys_answered_at_once(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, 4);
    f.inside = true;
    for (int i = 0; i < 300; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        worker_add(f.worker, key);
    }
    await(&f, 300);
    assert_int_equal(worker_depth(f.worker), 0);
    finish(&f);
}

static void results_decide_when_it_comes_again(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, 1);
    worker_add(f.worker, "a");
    await(&f, 1);
    int64_t began = clock_boot_ms();
    worker_done(f.worker, "a", WORKER_AFTER, 60);
    await(&f, 2);
    assert_in_range(clock_boot_ms() - began, 59, 5000);
    began = clock_boot_ms();
    worker_done(f.worker, "a", WORKER_RETRY, 0);
    await(&f, 3);
    worker_done(f.worker, "a", WORKER_RETRY, 80); /* what the server asked for */
    await(&f, 4);
    assert_in_range(clock_boot_ms() - began, 84, 5000);
    worker_done(f.worker, "a", WORKER_DONE, 0);
    worker_add_after(f.worker, "b", 20);
    await(&f, 5);
    assert_string_equal(f.taken[4], "b");
    finish(&f);
}

static void on_drained(void *arg) {
    ((struct fixture *)arg)->drained = true;
}

static bool is_drained(void *arg) {
    return ((struct fixture *)arg)->drained;
}

static void a_drain_waits_for_what_runs(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, 1);
    worker_add(f.worker, "a");
    worker_add(f.worker, "b");
    await(&f, 1);
    worker_drain(f.worker, on_drained, &f);
    for (int i = 0; i < 10; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_false(f.drained);
    worker_done(f.worker, "a", WORKER_RETRY, 0);
    assert_false(f.drained); /* later, from the loop */
    loop_until(&f.loop, is_drained, &f, "drained");
    assert_int_equal(f.count, 1);
    finish(&f);
    begin(&f, 1);
    worker_drain(f.worker, on_drained, &f);
    loop_until(&f.loop, is_drained, &f, "an idle worker is drained");
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_allowed_at_once),
        cmocka_unit_test(many_keys_answered_at_once),
        cmocka_unit_test(results_decide_when_it_comes_again),
        cmocka_unit_test(a_drain_waits_for_what_runs),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
