#pragma once

/* Who waits for a slot of a pool, and who gets the next one: private to kube/http_pool.c.
 *
 * The requests of one namespace are a group; those of no namespace are one group. A group's share
 * is a quarter of the slots. It may have more, up to nine tenths, while no other one that has less than its share waits
 * for what it could take; the last tenth is for those. Within that go the limits of urgency (http_slots.c). What is
 * free goes to the most urgent, of these to the group that holds the fewest slots, of these by turns. */

#include "kube/http_call.h"

struct http_group {
    struct http_group *prev, *next;
    struct kube_call *waiting[URGENCY_COUNT];
    unsigned held, members; /* slots; calls that joined */
    char name[];            /* of the namespace; "": none */
};

struct http_slots {
    struct http_group *groups; /* the one that was served last is the last */
    unsigned max;
    unsigned held, held_by[URGENCY_COUNT];
};

/* The list where the call waits; it stays until the call has left. */
struct kube_call **slots_join(struct http_slots *slots, struct kube_call *call);
void slots_leave(struct http_slots *slots, struct kube_call *call); /* it is in no list and holds no slot */
struct kube_call *slots_waiting(const struct http_slots *slots);    /* any one of those that wait; NULL: none does */
/* The call that may take a slot now; NULL: none may. */
struct kube_call *slots_next(const struct http_slots *slots);
void slots_take(struct http_slots *slots, const struct kube_call *call);
void slots_give(struct http_slots *slots, const struct kube_call *call);
