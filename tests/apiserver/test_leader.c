/* Leader election and events against a real API server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/support_api.h"
#include "base/clock.h"
#include "base/text.h"
#include "kube/event.h"
#include "kube/leader.h"

struct candidate {
    struct leader *leader;
    int won, lost, released;
};

static void on_won(void *arg) {
    ((struct candidate *)arg)->won++;
}

static void on_lost(const char *why, void *arg) {
    assert_non_null(why);
    ((struct candidate *)arg)->lost++;
}

static void on_released(void *arg) {
    ((struct candidate *)arg)->released++;
}

static const struct lease_timing quick = {.duration_ms = 1500, .renew_deadline_ms = 1000, .retry_ms = 100};
static const struct lease_timing usual;

static void stand_with(struct api_test *test, struct candidate *candidate, const char *lease, const char *identity,
                       struct lease_timing timing) {
    struct leader_options options = {.namespace = test->namespace,
                                     .name = lease,
                                     .identity = identity,
                                     .timing = timing,
                                     .won = on_won,
                                     .lost = on_lost,
                                     .arg = candidate};
    *candidate = (struct candidate){.leader = leader_new(&test->loop, test->api, &options)};
}

static void stand(struct api_test *test, struct candidate *candidate, const char *lease, const char *identity) {
    stand_with(test, candidate, lease, identity, quick);
}

static bool has_won(void *arg) {
    return ((struct candidate *)arg)->won > 0;
}

static bool has_lost(void *arg) {
    return ((struct candidate *)arg)->lost > 0;
}

static bool has_released(void *arg) {
    return ((struct candidate *)arg)->released > 0;
}

static bool sees_holder(void *arg) {
    return leader_holder(((struct candidate *)arg)->leader)[0] != '\0';
}

static struct kube_ref lease_ref(const struct api_test *test, const char *name) {
    return (struct kube_ref){&kube_leases, test->namespace, name};
}

static void spec_of(struct api_test *test, const char *name, struct reply *reply, yyjson_val **ret_spec) {
    kube_get(test->api, lease_ref(test, name), api_reply, reply);
    assert_string_equal(api_await(test, reply)->err.text, "");
    *ret_spec = json_at(yyjson_doc_get_root(reply->doc), "spec", NULL);
}

static void a_free_lease_is_taken_at_once_and_handed_over_on_release(void **state) {
    struct api_test *test = *state;
    struct candidate first;
    struct candidate second;
    struct reply reply = {0};
    yyjson_val *spec = NULL;
    int64_t began = clock_boot_ms();
    stand(test, &first, "handover", "first");
    api_until(test, has_won, &first, "the first leads");
    assert_in_range(clock_boot_ms() - began, 0, 900);
    assert_true(leader_held(first.leader));
    stand(test, &second, "handover", "second");
    api_until(test, sees_holder, &second, "the second sees who leads");
    assert_string_equal(leader_holder(second.leader), "first");
    spec_of(test, "handover", &reply, &spec);
    assert_string_equal(json_text(spec, "holderIdentity", ""), "first");
    assert_int_equal(json_int(spec, "leaseDurationSeconds", 0), 2);
    assert_int_equal(json_int(spec, "leaseTransitions", -1), 1);
    int64_t acquired = 0;
    struct error err;
    assert_int_equal(clock_parse(json_text(spec, "acquireTime", ""), &acquired, &err), 0);

    began = clock_boot_ms();
    leader_release(first.leader, 5000, on_released, &first);
    assert_false(leader_held(first.leader));
    api_until(test, has_released, &first, "the first has released");
    api_until(test, has_won, &second, "the second leads");
    assert_in_range(clock_boot_ms() - began, 0, 900); /* not the 1.5 s that a lost leader costs */
    assert_int_equal(first.lost, 0);
    assert_int_equal(leader_transitions(second.leader), 2);
    leader_free(first.leader);
    leader_free(second.leader);
    json_free(&reply.doc);
}

static void a_dead_leader_is_replaced_after_its_time(void **state) {
    struct api_test *test = *state;
    struct candidate first;
    struct candidate second;
    stand(test, &first, "dead", "first");
    api_until(test, has_won, &first, "the first leads");
    leader_free(first.leader); /* as if killed: nothing is released */
    int64_t began = clock_boot_ms();
    stand(test, &second, "dead", "second");
    api_until(test, has_won, &second, "the second leads");
    assert_in_range(clock_boot_ms() - began, 1400, 10000);
    leader_free(second.leader);
}

static void a_restarted_container_leads_again_at_once(void **state) {
    struct api_test *test = *state;
    struct candidate before;
    struct candidate after;
    stand_with(test, &before, "restarted", "pod-1_uid-1", usual);
    api_until(test, has_won, &before, "the first process leads");
    leader_free(before.leader); /* as if killed: nothing is released */
    int64_t began = clock_boot_ms();
    stand_with(test, &after, "restarted", "pod-1_uid-1", usual);
    api_until(test, has_won, &after, "the next process leads");
    assert_in_range(clock_boot_ms() - began, 0, 2000);
    assert_int_equal(leader_transitions(after.leader), 1);
    leader_free(after.leader);
}

static bool has_won_again(void *arg) {
    return ((struct candidate *)arg)->won > 1;
}

static void an_edited_lease_ends_leadership(void **state) {
    struct api_test *test = *state;
    struct candidate first;
    struct reply reply = {0};
    static const char patch[] =
        "{\"spec\":{\"holderIdentity\":\"somebody\",\"renewTime\":\"2026-01-01T00:00:00.000000Z\"}}";
    stand(test, &first, "edited", "first");
    api_until(test, has_won, &first, "the first leads");
    kube_patch(test->api, lease_ref(test, "edited"), NULL, PATCH_MERGE, patch, strlen(patch), api_reply, &reply);
    api_until(test, has_lost, &first, "the first has noticed");
    assert_false(leader_held(first.leader));
    api_await(test, &reply);
    int64_t began = clock_boot_ms();
    api_until(test, has_won_again, &first, "nobody renews it: it is taken again");
    assert_in_range(clock_boot_ms() - began, 1000, 10000);
    assert_int_equal(first.lost, 1);
    leader_free(first.leader);
    json_free(&reply.doc);
}

static void waited(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

static bool is_true(void *arg) {
    return *(bool *)arg;
}

static void wait_ms(struct api_test *test, uint64_t ms) {
    bool over = false;
    uv_timer_t timer;
    uv_timer_init(&test->loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, waited, ms, 0);
    api_until(test, is_true, &over, "time passes");
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&test->loop, UV_RUN_NOWAIT);
}

/* A label put on it makes our version old; a deletion leaves nothing to renew. Both end well within the deadline. */
static void a_touched_or_deleted_lease_is_kept(void **state) {
    struct api_test *test = *state;
    struct candidate first;
    struct reply reply = {0};
    static const char patch[] = "{\"metadata\":{\"labels\":{\"touched\":\"yes\"}}}";
    struct kube_delete options = {.grace_s = -1};
    yyjson_val *spec = NULL;
    stand(test, &first, "touched", "first");
    api_until(test, has_won, &first, "the first leads");
    kube_patch(test->api, lease_ref(test, "touched"), NULL, PATCH_MERGE, patch, strlen(patch), api_reply, &reply);
    api_await(test, &reply);
    wait_ms(test, 1500); /* longer than the renew deadline */
    assert_true(leader_held(first.leader));
    spec_of(test, "touched", &reply, &spec);
    yyjson_val *labels = json_at(yyjson_doc_get_root(reply.doc), "metadata", "labels", NULL);
    assert_string_equal(json_text(labels, "touched", ""), "yes");
    kube_delete(test->api, lease_ref(test, "touched"), &options, api_reply, &reply);
    api_await(test, &reply);
    wait_ms(test, 1500);
    assert_true(leader_held(first.leader));
    assert_int_equal(first.lost, 0);
    spec_of(test, "touched", &reply, &spec);
    assert_string_equal(json_text(spec, "holderIdentity", ""), "first");
    leader_free(first.leader);
    json_free(&reply.doc);
}

static bool nothing_pending(void *arg) {
    return recorder_pending(arg) == 0;
}

static void an_event_is_written_and_counted(void **state) {
    struct api_test *test = *state;
    struct reply reply = {0};
    api_create_map(test, "subject", "1", &reply);
    api_await(test, &reply);
    struct recorder *recorder = recorder_new(&test->loop, test->api, "weir.dev/operator", "test");
    char note[3000];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    memcpy(note, "bad \xff byte", strlen("bad \xff byte"));
    struct event event = {.regarding = {&kube_configmaps, test->namespace, "subject", reply.uid},
                          .warning = true,
                          .reason = "TaskFailed",
                          .action = "Retry",
                          .note = note};
    recorder_emit(recorder, &event);
    api_until(test, nothing_pending, recorder, "the event is written");
    recorder_emit(recorder, &event);
    api_until(test, nothing_pending, recorder, "the series is written");
    event.note = "something else";
    recorder_emit(recorder, &event);
    api_until(test, nothing_pending, recorder, "another event is written");

    kube_list(test->api, (struct kube_ref){&kube_events, test->namespace, NULL}, NULL, 10, NULL, api_reply, &reply);
    assert_string_equal(api_await(test, &reply)->err.text, "");
    yyjson_val *items = json_at(yyjson_doc_get_root(reply.doc), "items", NULL);
    assert_int_equal(yyjson_arr_size(items), 2);
    for (size_t i = 0; i < 2; i++) {
        yyjson_val *item = yyjson_arr_get(items, i);
        bool is_series = json_at(item, "series", NULL) != NULL;
        assert_string_equal(json_text(item, "type", ""), "Warning");
        assert_string_equal(json_text(item, "reason", ""), "TaskFailed");
        assert_string_equal(json_text(json_at(item, "regarding", NULL), "name", ""), "subject");
        assert_string_equal(json_text(json_at(item, "regarding", NULL), "kind", ""), "ConfigMap");
        if (is_series) {
            assert_int_equal(json_int(json_at(item, "series", NULL), "count", 0), 2);
            assert_int_equal(strlen(json_text(item, "note", "")), 1024);
        }
    }
    recorder_free(recorder);
    json_free(&reply.doc);
}

static int open_test(void **state) {
    static struct api_test test;
    api_open(&test);
    *state = &test;
    return 0;
}

static int close_test(void **state) {
    api_close(*state);
    return 0;
}

int main(void) {
    api_kubeconfig();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_lease_is_taken_at_once_and_handed_over_on_release),
        cmocka_unit_test(a_dead_leader_is_replaced_after_its_time),
        cmocka_unit_test(a_restarted_container_leads_again_at_once),
        cmocka_unit_test(an_edited_lease_ends_leadership),
        cmocka_unit_test(a_touched_or_deleted_lease_is_kept),
        cmocka_unit_test(an_event_is_written_and_counted),
    };
    return cmocka_run_group_tests_name("leader", tests, open_test, close_test);
}
