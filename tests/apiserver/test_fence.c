/* Two processes, one lease: the leader is stopped, another takes over, the first goes on. Nothing that it had begun may
 * arrive after the other has taken over. The program is its own second process. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "apiserver/support_api.h"
#include "base/clock.h"
#include "base/log.h"
#include "kube/leader.h"
#include "kube/version.h"

enum { BURST = 200, GO_ON_MS = 1500 };

static const struct lease_timing quick = {.duration_ms = 1500, .renew_deadline_ms = 1000, .retry_ms = 100};

struct candidate {
    struct api_test test;
    struct leader *leader;
    int won, lost;
    int made;
    int64_t lost_at;
};

static bool may_write(void *arg) {
    const struct candidate *self = arg;
    return self->leader != NULL && leader_held(self->leader);
}

static void on_won(void *arg) {
    ((struct candidate *)arg)->won++;
}

static void on_lost(const char *why, void *arg) {
    struct candidate *self = arg;
    assert_non_null(why);
    self->lost++;
    self->lost_at = clock_boot_ms();
}

static void stand(struct candidate *self, const char *identity) {
    struct leader_options options = {.namespace = self->test.namespace,
                                     .name = "fence",
                                     .identity = identity,
                                     .timing = quick,
                                     .won = on_won,
                                     .lost = on_lost,
                                     .arg = self};
    self->leader = leader_new(&self->test.loop, self->test.api, &options);
}

/* The process that is stopped: it always has a hundred writes on their way, as if it had not noticed anything. */

static void write_one(struct candidate *self);

static void on_written(struct kube_answer *answer, void *arg) {
    struct candidate *self = arg;
    (void)answer;
    if (self->lost == 0 || clock_boot_ms() - self->lost_at < GO_ON_MS)
        write_one(self);
}

static void write_one(struct candidate *self) {
    AUTO_STRBUF body = STRBUF_INIT;
    strbuf_printf(&body, "{\"metadata\":{\"name\":\"old-%d\",\"labels\":{\"by\":\"old\"}}}", self->made++);
    kube_create(self->test.api, api_map(&self->test, NULL), NULL, strbuf_text(&body), body.length, on_written, self);
}

static bool has_won(void *arg) {
    return ((struct candidate *)arg)->won > 0;
}

static bool has_gone_on(void *arg) {
    const struct candidate *self = arg;
    return self->lost > 0 && clock_boot_ms() - self->lost_at > GO_ON_MS;
}

static int play_old_leader(const char *namespace) {
    struct candidate self = {0};
    struct kube_config *config = NULL;
    struct error err;
    struct kube_http_options options = {.may_write = may_write, .may_write_arg = &self};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_set_level(LOG_ERROR);
    if (kube_config_load(api_kubeconfig(), NULL, &config, &err) < 0)
        return 1;
    snprintf(self.test.namespace, sizeof self.test.namespace, "%s", namespace);
    uv_loop_init(&self.test.loop);
    if (kube_http_new(&self.test.loop, config, &options, &self.test.api, &err) < 0)
        return 1;
    stand(&self, "old");
    api_until(&self.test, has_won, &self, "the old one leads");
    for (int i = 0; i < BURST; i++)
        write_one(&self);
    api_until(&self.test, has_gone_on, &self, "the old one has seen its end");
    _exit(0); /* as a process does that is killed: without tidying up */
}

/* The other one. */

static pid_t start_old_leader(const char *namespace) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/proc/self/exe", "old-leader", namespace, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void await_first_write(struct api_test *test) {
    struct reply reply = {.err = {.code = ERROR_NOT_FOUND}};
    for (int i = 0; i < 1000 && reply.err.code == ERROR_NOT_FOUND; i++) {
        kube_get(test->api, api_map(test, "old-0"), api_reply, &reply);
        api_await(test, &reply);
        usleep(10 * 1000);
    }
    assert_string_equal(reply.err.text, "");
    json_free(&reply.doc);
}

static size_t count_of_old(struct api_test *test, const char *before, size_t *ret_late) {
    struct reply reply = {0};
    size_t index = 0;
    size_t total = 0;
    yyjson_val *item = NULL;
    kube_list(test->api, api_map(test, NULL), "by=old", 100000, NULL, api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    yyjson_val *items = json_at(yyjson_doc_get_root(reply.doc), "items", NULL);
    yyjson_arr_foreach(items, index, total, item) {
        const char *version = json_text(json_at(item, "metadata", NULL), "resourceVersion", "");
        *ret_late += version_compare(version, before) != VERSION_OLDER;
    }
    total = yyjson_arr_size(items);
    json_free(&reply.doc);
    return total;
}

static void a_leader_that_was_stopped_writes_nothing_more(void **state) {
    struct candidate *self = *state;
    struct reply reply = {0};
    int status = 0;
    size_t late = 0;
    pid_t old = start_old_leader(self->test.namespace);
    await_first_write(&self->test);
    kill(old, SIGSTOP);
    stand(self, "new");
    api_until(&self->test, has_won, self, "the new one leads");
    api_create_map(&self->test, "taken-over", "1", &reply);
    assert_string_equal(api_await(&self->test, &reply)->err.text, "");
    kill(old, SIGCONT);
    while (waitpid(old, &status, 0) < 0 && errno == EINTR)
        ;
    assert_int_equal(status, 0);
    assert_true(count_of_old(&self->test, reply.version, &late) > 0);
    assert_int_equal(late, 0);
    leader_free(self->leader);
    json_free(&reply.doc);
}

static int open_test(void **state) {
    static struct candidate self;
    api_open(&self.test);
    *state = &self;
    return 0;
}

static int close_test(void **state) {
    struct candidate *self = *state;
    api_close(&self->test);
    return 0;
}

int main(int argc, char **argv) {
    api_kubeconfig();
    if (argc == 2)
        return play_old_leader(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_that_was_stopped_writes_nothing_more),
    };
    return cmocka_run_group_tests_name("fence", tests, open_test, close_test);
}
