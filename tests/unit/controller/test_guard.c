/* A key in work that outlives the process: real processes that crash, and some that are killed. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/guard.h"

static char path[] = "/tmp/weir-guard-XXXXXX";

static int begin(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/weir-guard-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state) {
    (void)state;
    return unlink(path);
}

/* A life of the process that works on a run and ends by this signal; 0: it ends well. */
static void live(const char *key, int64_t generation, int number) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        struct guard *guard = guard_open(path);
        guard_enter(guard, "ns/other", 1);
        guard_leave(guard);
        guard_enter(guard, key, generation);
        if (number != 0) {
            raise(number);
            _exit(99);
        }
        guard_leave(guard);
        guard_close(guard);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(number != 0 ? WTERMSIG(status) : WEXITSTATUS(status), number);
}

static bool held(const char *key, int64_t generation) {
    struct guard *guard = guard_open(path);
    bool holds = guard_holds(guard, key, generation);
    guard_close(guard);
    return holds;
}

static void a_crash_holds_the_run_and_nobody_else(void **state) {
    (void)state;
    live("ns/bad", 4, SIGSEGV);
    assert_true(held("ns/bad", 4));
    assert_false(held("ns/other", 1));
    assert_false(held("ns/bad", 5)); /* edited: another try */
    live("ns/good", 1, 0);
    assert_true(held("ns/bad", 4)); /* through later lives */
    assert_false(held("ns/good", 1));
}

/* A kill from outside says nothing against the run that happened to be in work; twice the same one is no chance. */
static void a_kill_counts_only_twice(void **state) {
    (void)state;
    live("ns/big", 1, SIGKILL);
    assert_false(held("ns/big", 1));
    live("ns/big", 1, SIGKILL);
    assert_true(held("ns/big", 1));
}

static void nonsense_in_the_file_is_begun_anew(void **state) {
    (void)state;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < 20000; i++)
        fputc('x', file);
    fclose(file);
    assert_false(held("ns/bad", 1));
    live("ns/bad", 1, SIGSEGV);
    assert_true(held("ns/bad", 1));
}

static void without_a_file_nobody_is_held(void **state) {
    (void)state;
    struct guard *guard = guard_open("/nowhere/guard");
    guard_enter(guard, "ns/a", 1);
    guard_leave(guard);
    assert_false(guard_holds(guard, "ns/a", 1));
    guard_close(guard);
    guard = guard_open(NULL);
    guard_enter(guard, "ns/a", 1);
    guard_close(guard);
}

static void many_are_held(void **state) {
    (void)state;
    char key[32];
    for (int i = 0; i < GUARD_HELD_MAX; i++) {
        snprintf(key, sizeof key, "ns/bad-%d", i);
        live(key, 1, SIGSEGV);
    }
    assert_true(held("ns/bad-0", 1));
    assert_true(held("ns/bad-63", 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_crash_holds_the_run_and_nobody_else, begin, end),
        cmocka_unit_test_setup_teardown(a_kill_counts_only_twice, begin, end),
        cmocka_unit_test_setup_teardown(nonsense_in_the_file_is_begun_anew, begin, end),
        cmocka_unit_test_setup_teardown(without_a_file_nobody_is_held, begin, end),
        cmocka_unit_test_setup_teardown(many_are_held, begin, end),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
