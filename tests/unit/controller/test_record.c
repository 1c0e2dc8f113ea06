/* What is recorded, when it is lost or cannot be taken, and what of it ends a run's life. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/guard.h"
#include "controller/support_cluster.h"

static void begin(struct cluster *c) {
    cluster_start(c);
    controller_begin(c);
    cluster_settle(c);
}

/* --- a status that is wiped --- */

/* "a Succeeded" is only known from its pod, which is let go and which no watch shows. */
static void a_wiped_status_is_made_again_from_the_pods(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    cluster_settle(&c);
    strbuf_reset(&c.transcript);
    store_edit(&c.api.store, chain, "{\"status\":null}");
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    assert_int_equal(cluster_pods_made(&c, "b", 1), 1);
    cluster_finish(&c);
}

static void so_is_that_of_a_finished_run_also_after_a_restart(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    struct object *chain = cluster_submit(&c, "chain", "a ba", "");
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    controller_end(&c);
    store_edit(&c.api.store, chain, "{\"status\":{\"observedGeneration\":-1}}"); /* as a CRD's default leaves it */
    store_edit(
        &c.api.store, chain,
        "{\"status\":{\"phase\":null,\"tasks\":null,\"conditions\":null,\"finishedAt\":null,\"startedAt\":null}}");
    controller_begin(&c);
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    assert_int_equal(cluster_pods_made(&c, "a", 1), 1);
    assert_int_equal(cluster_pods_made(&c, "b", 1), 1);
    cluster_finish(&c);
}

/* --- a status that is too large --- */

enum { TASKS = 500 };

static size_t writes, sizes[8];

static void measure(const struct target *target, int status, void *arg) {
    (void)status;
    (void)arg;
    AUTO_ARENA arena = ARENA_INIT;
    if (text_equal(target->verb, "update") && writes < 8)
        json_write_value(yyjson_obj_get(target->body, "status"), &arena, &sizes[writes++]);
}

#define ADDRESS "http://resourcemanager.example.com:8088/proxy/application_1795215362262_0014/and/so/on"

/* All but the last have ended and have addresses; the last is added now. */
static void submit_large(struct cluster *c) {
    AUTO_STRBUF json = STRBUF_INIT;
    strbuf_puts(&json,
                "{\"apiVersion\":\"" WEIR_API_VERSION "\",\"kind\":\"Pipeline\",\"metadata\":{\"name\":\"large\"},"
                "\"spec\":{\"suspend\":true,\"defaults\":{\"image\":\"busybox\"},\"tasks\":[");
    for (int i = 0; i <= TASKS; i++)
        strbuf_printf(&json, "%s{\"name\":\"t%d\",\"command\":{\"command\":[\"true\"]}}", i == 0 ? "" : ",", i);
    strbuf_puts(&json, "]}}");
    struct object *large = store_add(&c->api.store, "pipelines", "lab", strbuf_text(&json));
    strbuf_reset(&json);
    strbuf_puts(&json, "{\"status\":{\"observedGeneration\":1,\"phase\":\"Running\",\"tasks\":[");
    for (int i = 0; i < TASKS; i++)
        strbuf_printf(&json,
                      "%s{\"name\":\"t%d\",\"phase\":\"Succeeded\",\"attempt\":1,\"podUID\":\"uid-of-t%d\","
                      "\"trackingURL\":\"" ADDRESS "\",\"historyURL\":\"" ADDRESS "\"}",
                      i == 0 ? "" : ",", i, i);
    strbuf_puts(&json, "]}}");
    store_edit(&c->api.store, large, strbuf_text(&json));
}

static void a_status_that_is_too_large_is_written_with_less_detail(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    c.api.seen = measure;
    writes = 0;
    api_fail(&c.api,
             (struct api_fault){"update", "pipelines", .times = 1, .status = 413, .reason = "RequestEntityTooLarge",
                                .message = "etcdserver: request is too large"});
    submit_large(&c);
    for (int i = 0; i < 200 && writes < 2; i++)
        cluster_settle(&c);
    assert_in_range(sizes[1], 1, sizes[0] * 2 / 3);
    const struct object *pipeline = store_find(&c.api.store, "pipelines", "lab", "large");
    assert_string_equal(json_text(json_at(object_root(pipeline), "status", NULL), "phase", ""), "Suspended");
    for (int i = 0; i < 20; i++)
        cluster_settle(&c);
    assert_in_range(writes, 2, 3); /* what was left out may leave room for other details */
    cluster_finish(&c);
}

/* --- the end of a run's life --- */

static void a_finished_run_goes_after_its_ttl(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    const struct object *chain = cluster_submit(&c, "chain", "a ", "\"ttlSecondsAfterFinished\":0,");
    cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    strbuf_reset(&c.transcript);
    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    cluster_settle(&c);
    EXPECT(&c, "status Succeeded: a Succeeded", "done pod a/1", "delete pipeline");
    assert_true(chain->gone);
    cluster_finish(&c);
}

/* A task is added in the moment in which the run is deleted: the version that is deleted must be the one decided on. */
static void add_a_task(const struct target *target, int status, void *arg) {
    struct cluster *c = arg;
    (void)status;
    if (!text_equal(target->verb, "patch") || !text_equal(target->plural, "pods"))
        return;
    c->api.seen = NULL;
    store_edit(&c->api.store, store_find(&c->api.store, "pipelines", "lab", "chain"),
               "{\"metadata\":{\"generation\":2},\"spec\":{\"ttlSecondsAfterFinished\":3600,\"tasks\":[{\"name\":\"a\","
               "\"command\":{\"command\":[\"true\"]}},{\"name\":\"b\",\"command\":{\"command\":[\"true\"]}}]}}");
}

static void a_run_that_was_edited_meanwhile_stays(void **state) {
    (void)state;
    struct cluster c;
    begin(&c);
    c.api.lagging = "pipelines";
    c.api.watch_lag_ms = 3000;
    const struct object *chain = cluster_submit(&c, "chain", "a ", "\"ttlSecondsAfterFinished\":0,");
    while (cluster_pod(&c, "a", 1) == NULL)
        cluster_settle(&c);
    pod_starts(&c, cluster_pod(&c, "a", 1));
    cluster_settle(&c);
    c.api.seen = add_a_task;
    pod_ends(&c, cluster_pod(&c, "a", 1), "");
    while (cluster_pod(&c, "b", 1) == NULL && !chain->gone)
        cluster_settle(&c);
    assert_false(chain->gone);
    kubelet_run(&c);
    expect_status(chain, "Succeeded: a Succeeded, b Succeeded");
    cluster_finish(&c);
}

/* --- an object that ends the process --- */

static void crash_on(const char *path, const char *uid) {
    for (int i = 0; i < 2; i++) { /* a kill counts twice */
        struct guard *guard = guard_open(path);
        guard_enter(guard, uid, 1);
        guard_close(guard);
    }
}

static void a_run_that_crashes_the_operator_is_left_alone_and_said(void **state) {
    (void)state;
    struct cluster c;
    char path[] = "/tmp/weir-guard-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    cluster_start(&c);
    struct object *bad = cluster_submit(&c, "bad", "x ", "");
    const struct object *good = cluster_submit(&c, "good", "a ba", "");
    crash_on(path, json_text(json_at(object_root(bad), "metadata", NULL), "uid", ""));
    c.guard_file = path;
    controller_begin(&c);
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(good, "Succeeded: a Succeeded, b Succeeded");
    assert_null(cluster_pod(&c, "x", 1));
    assert_int_equal(cluster_events(&c, "Pipeline", "Quarantined"), 1);
    const char *message = json_text(json_at(object_root(bad), "status", NULL), "message", "");
    assert_non_null(strstr(message, "leaves it alone"));
    store_edit(&c.api.store, bad, "{\"metadata\":{\"generation\":2},\"spec\":{\"parallelism\":1}}");
    cluster_settle(&c);
    kubelet_run(&c);
    expect_status(bad, "Succeeded: x Succeeded");
    cluster_finish(&c);
    unlink(path);
}

/* Recreated under the same name, its generation is 1 again. */
static void a_new_pipeline_is_not_held_for_its_former_namesake(void **state) {
    (void)state;
    char path[] = "/tmp/weir-guard-XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    struct cluster c;
    cluster_start(&c);
    struct object *bad = cluster_submit(&c, "chain", "a ", "");
    crash_on(path, json_text(json_at(object_root(bad), "metadata", NULL), "uid", ""));
    c.guard_file = path;
    controller_begin(&c);
    cluster_settle(&c);
    assert_null(cluster_pod(&c, "a", 1)); /* left alone */
    store_delete(&c.api.store, bad, true);
    cluster_settle(&c);
    cluster_submit(&c, "chain", "a ", "\"parallelism\":3,"); /* mended, and made anew */
    cluster_settle(&c);
    assert_non_null(cluster_pod(&c, "a", 1));
    cluster_finish(&c);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wiped_status_is_made_again_from_the_pods),
        cmocka_unit_test(so_is_that_of_a_finished_run_also_after_a_restart),
        cmocka_unit_test(a_status_that_is_too_large_is_written_with_less_detail),
        cmocka_unit_test(a_finished_run_goes_after_its_ttl),
        cmocka_unit_test(a_run_that_was_edited_meanwhile_stays),
        cmocka_unit_test(a_run_that_crashes_the_operator_is_left_alone_and_said),
        cmocka_unit_test(a_new_pipeline_is_not_held_for_its_former_namesake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
