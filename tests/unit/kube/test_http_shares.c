/* What a namespace may take of a pool that others need too. No I/O: slots are taken and given back by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>

#include "kube/http_slots.h"

enum { CALLS = 600 };

struct fixture {
    struct http_slots slots;
    struct kube_call *running;
    struct kube_call calls[CALLS];
    struct kube_call **lines[CALLS];
    size_t count;
};

static void ask(struct fixture *f, const char *namespace, enum kube_urgency urgency, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_true(f->count < CALLS);
        struct kube_call *call = &f->calls[f->count++];
        call->urgency = urgency;
        call->namespace = namespace;
        call->list = slots_join(&f->slots, call);
        DL_APPEND(*call->list, call);
    }
}

/* Starts what may start; of how many that is. */
static size_t start(struct fixture *f) {
    struct kube_call *call = NULL;
    size_t count = 0;
    for (; (call = slots_next(&f->slots)) != NULL; count++) {
        DL_DELETE(*call->list, call);
        call->list = &f->running;
        DL_APPEND(f->running, call);
        slots_take(&f->slots, call);
    }
    return count;
}

static size_t running(const struct fixture *f, const char *namespace, enum kube_urgency urgency) {
    const struct kube_call *call = NULL;
    size_t count = 0;
    DL_FOREACH(f->running, call) {
        count += strcmp(call->group->name, namespace) == 0 && call->urgency == urgency;
    }
    return count;
}

static void end(struct fixture *f, struct kube_call *call) {
    DL_DELETE(*call->list, call);
    if (call->list == &f->running)
        slots_give(&f->slots, call);
    slots_leave(&f->slots, call);
}

/* The one of the namespace that runs longest. */
static void end_one(struct fixture *f, const char *namespace) {
    struct kube_call *call = NULL;
    DL_FOREACH(f->running, call) {
        if (strcmp(call->group->name, namespace) == 0)
            break;
    }
    assert_non_null(call);
    end(f, call);
    memset(call, 0, sizeof *call);
}

static struct fixture *begin(void) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->slots.max = 40;
    return f;
}

static void finish(struct fixture *f) {
    for (size_t i = 0; i < f->count; i++)
        if (f->calls[i].group != NULL)
            end(f, &f->calls[i]);
    assert_null(f->slots.groups);
    assert_int_equal(f->slots.held, 0);
    free(f);
}

static void a_namespace_alone_uses_nearly_all(void **state) {
    (void)state;
    struct fixture *f = begin();
    ask(f, "a", URGENCY_URGENT, 100);
    assert_int_equal(start(f), 32);
    ask(f, "a", URGENCY_NORMAL, 100);
    assert_int_equal(start(f), 4);
    finish(f);
}

static void normal_and_lazy_requests_alone_leave_room_for_urgent_ones(void **state) {
    (void)state;
    struct fixture *f = begin();
    ask(f, "a", URGENCY_LAZY, 100);
    assert_int_equal(start(f), 10);
    ask(f, "a", URGENCY_NORMAL, 100);
    assert_int_equal(start(f), 14);
    ask(f, "a", URGENCY_URGENT, 100);
    assert_int_equal(start(f), 12);
    finish(f);
}

/* Whatever urgency the hanging requests of one have, another one's find room at once. */
static void a_namespace_that_hangs_stops_no_other(void **state) {
    (void)state;
    static const enum kube_urgency hanging[] = {URGENCY_URGENT, URGENCY_NORMAL, URGENCY_LAZY};
    for (size_t i = 0; i < 3; i++) {
        for (int urgency = 0; urgency < URGENCY_COUNT; urgency++) {
            struct fixture *f = begin();
            ask(f, "a", URGENCY_NORMAL, i == 0 ? 100 : 0);
            ask(f, "a", hanging[i], 200);
            start(f);
            ask(f, "b", (enum kube_urgency)urgency, 1);
            assert_int_equal(start(f), 1);
            assert_int_equal(running(f, "b", (enum kube_urgency)urgency), 1);
            finish(f);
        }
    }
}

static void what_a_greedy_one_gives_back_goes_to_who_has_less_than_its_share(void **state) {
    (void)state;
    struct fixture *f = begin();
    ask(f, "a", URGENCY_URGENT, 100);
    start(f);
    ask(f, "b", URGENCY_NORMAL, 20);
    ask(f, "c", URGENCY_LAZY, 20);
    assert_int_equal(start(f), 8);
    for (size_t i = 0; i < 12; i++) {
        end_one(f, "a");
        start(f);
    }
    assert_int_equal(running(f, "b", URGENCY_NORMAL), 10);
    assert_int_equal(running(f, "c", URGENCY_LAZY), 10);
    assert_int_equal(running(f, "a", URGENCY_URGENT), 20);
    for (size_t i = 0; i < 5; i++) {
        end_one(f, "a");
        start(f);
    }
    assert_int_equal(running(f, "a", URGENCY_URGENT), 16); /* the last tenth is not for it */
    finish(f);
}

static void those_that_wait_are_served_by_turns(void **state) {
    (void)state;
    struct fixture *f = begin();
    f->slots.max = 1;
    ask(f, "a", URGENCY_NORMAL, 3);
    ask(f, "b", URGENCY_NORMAL, 2);
    ask(f, "c", URGENCY_NORMAL, 1);
    ask(f, "c", URGENCY_URGENT, 1);
    static const char *const order[] = {"c", "a", "b", "c", "a", "b", "a"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(start(f), 1);
        end_one(f, order[i]);
    }
    finish(f);
}

static void what_is_in_no_namespace_is_one_group_with_a_limit(void **state) {
    (void)state;
    struct fixture *f = begin();
    ask(f, NULL, URGENCY_NORMAL, 100);
    assert_int_equal(start(f), 8);
    ask(f, "a", URGENCY_NORMAL, 100);
    assert_int_equal(start(f), 16);
    ask(f, NULL, URGENCY_URGENT, 1);
    assert_int_equal(start(f), 0);
    finish(f);
}

static void a_pool_of_one_serves_all(void **state) {
    (void)state;
    for (int urgency = 0; urgency < URGENCY_COUNT; urgency++) {
        struct fixture *f = begin();
        f->slots.max = 1;
        ask(f, urgency == 0 ? NULL : "a", (enum kube_urgency)urgency, 2);
        assert_int_equal(start(f), 1);
        finish(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_namespace_alone_uses_nearly_all),
        cmocka_unit_test(normal_and_lazy_requests_alone_leave_room_for_urgent_ones),
        cmocka_unit_test(a_namespace_that_hangs_stops_no_other),
        cmocka_unit_test(what_a_greedy_one_gives_back_goes_to_who_has_less_than_its_share),
        cmocka_unit_test(those_that_wait_are_served_by_turns),
        cmocka_unit_test(what_is_in_no_namespace_is_one_group_with_a_limit),
        cmocka_unit_test(a_pool_of_one_serves_all),
    };
    return cmocka_run_group_tests_name("http shares", tests, NULL, NULL);
}
