/* The worker on a real loop: one key after the other, nothing lost, rests kept, nothing after a stop. */

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
    struct worked answer;
    bool add_again; /* add the key from inside its own work, once */
};

static struct worked work(const char *key, void *arg) {
    struct fixture *f = arg;
    assert_true(f->count < 512);
    snprintf(f->taken[f->count++], sizeof f->taken[0], "%s", key);
    if (f->add_again) {
        f->add_again = false;
        worker_add(f->worker, key);
    }
    struct worked answer = f->answer;
    f->answer = (struct worked){.after_ms = -1};
    return answer;
}

static void begin(struct fixture *f) {
    memset(f, 0, sizeof *f);
    f->answer.after_ms = -1;
    uv_loop_init(&f->loop);
    f->worker = worker_new(&f->loop, "test", work, f);
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

static void many_keys_each_once(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    for (int i = 0; i < 600; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i % 300);
        worker_add(f.worker, key);
    }
    assert_int_equal(f.count, 0); /* never from inside the call */
    await(&f, 300);
    finish(&f);
}

static void the_answer_decides_when_it_comes_again(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    f.answer = (struct worked){.after_ms = 60};
    int64_t began = clock_boot_ms();
    worker_add(f.worker, "a");
    await(&f, 2);
    assert_in_range(clock_boot_ms() - began, 59, 5000);
    worker_add_after(f.worker, "b", 20);
    await(&f, 3);
    assert_string_equal(f.taken[2], "b");
    finish(&f);
}

static void a_rest_is_kept(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    f.answer = (struct worked){.after_ms = -1, .rest_ms = 60};
    f.add_again = true;
    int64_t began = clock_boot_ms();
    worker_add(f.worker, "a");
    await(&f, 1);
    worker_add(f.worker, "a");
    worker_add(f.worker, "b");
    await(&f, 2);
    assert_string_equal(f.taken[1], "b");
    await(&f, 3);
    assert_in_range(clock_boot_ms() - began, 59, 5000);
    finish(&f);
}

static void nothing_after_a_stop(void **state) {
    (void)state;
    struct fixture f;
    begin(&f);
    worker_add(f.worker, "a");
    worker_stop(f.worker);
    worker_add(f.worker, "b");
    for (int i = 0; i < 10; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    assert_int_equal(f.count, 0);
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_keys_each_once),
        cmocka_unit_test(the_answer_decides_when_it_comes_again),
        cmocka_unit_test(a_rest_is_kept),
        cmocka_unit_test(nothing_after_a_stop),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
