/* See seats.h. One array without an order, looked through each time: it has some hundred entries. Never closes anything
 * itself. */

#include "web/seats.h"

#include <stdlib.h>
#include <string.h>

enum { FAR_MORE_PART = 16 }; /* of a share */

void seats_init(struct seats *seats, int max, int share, int moment_ms) {
    *seats = (struct seats){
        .list = calloc((size_t)max, sizeof *seats->list), .max = max, .share = share, .moment_ms = moment_ms};
    if (seats->list == NULL)
        abort();
}

void seats_fini(struct seats *seats) {
    free(seats->list);
    *seats = (struct seats){0};
}

static struct seat *find(const struct seats *seats, const void *who) {
    for (int i = 0; i < seats->count; i++)
        if (seats->list[i].who == who)
            return &seats->list[i];
    return NULL;
}

static bool same(const struct in6_addr *a, const struct in6_addr *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

/* How many the address has, after `change` to it. */
static int count_shared(struct seats *seats, const struct in6_addr *from, int change) {
    int shared = 0;
    for (int i = 0; i < seats->count; i++)
        if (same(&seats->list[i].from, from))
            shared = seats->list[i].shared += change;
    return shared;
}

static void vacate(struct seats *seats, struct seat *seat) {
    count_shared(seats, &seat->from, -1);
    *seat = seats->list[--seats->count];
}

static bool is_new(const struct seats *seats, const struct seat *seat, int has, int64_t now) {
    int more = seats->share / FAR_MORE_PART > 0 ? seats->share / FAR_MORE_PART : 1;
    return now - seat->since < seats->moment_ms && seat->shared <= has + more;
}

/* May it be taken by one more of an address that has `has`? */
static bool may_go(const struct seats *seats, const struct seat *seat, const struct in6_addr *from, int has,
                   int64_t now) {
    if (is_new(seats, seat, has, now))
        return false;
    if (has >= seats->share)
        return !seat->asked && same(&seat->from, from);
    return !seat->asked || seat->shared > seats->share;
}

/* Of those who have more seats the one that is silent for longest; who is being answered goes last. */
static bool goes_before(const struct seat *a, const struct seat *b) {
    if (b == NULL || a->shared != b->shared)
        return b == NULL || a->shared > b->shared;
    return a->asked != b->asked ? b->asked : a->turn < b->turn;
}

bool seats_admit(struct seats *seats, const struct in6_addr *from, int64_t now, void **ret_leaves) {
    *ret_leaves = NULL;
    if (seats->count < seats->max)
        return true;
    int has = count_shared(seats, from, 0);
    struct seat *chosen = NULL;
    for (int i = 0; i < seats->count; i++)
        if (may_go(seats, &seats->list[i], from, has, now) && goes_before(&seats->list[i], chosen))
            chosen = &seats->list[i];
    if (chosen == NULL)
        return false;
    *ret_leaves = chosen->who;
    vacate(seats, chosen);
    return true;
}

void seats_take(struct seats *seats, void *who, const struct in6_addr *from, int64_t now) {
    if (seats->count == seats->max)
        return;
    int shared = count_shared(seats, from, 1);
    seats->list[seats->count++] = (struct seat){
        .who = who, .from = *from, .turn = seats->turn++, .since = now, .shared = shared > 0 ? shared : 1};
}

void seats_asked(struct seats *seats, const void *who) {
    struct seat *seat = find(seats, who);
    if (seat != NULL)
        seat->asked = true;
}

void seats_answered(struct seats *seats, const void *who, int64_t now) {
    struct seat *seat = find(seats, who);
    if (seat == NULL)
        return;
    seat->asked = false;
    seat->turn = seats->turn++;
    seat->since = now;
}

void seats_leave(struct seats *seats, const void *who) {
    struct seat *seat = find(seats, who);
    if (seat != NULL)
        vacate(seats, seat);
}
