/* See http_slots.h. Counts and lists only: it starts and ends nothing. */

#include "kube/http_slots.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* Tenths of the slots: of an urgency (with the lazier ones, but for the urgent) for groups that have their share, and
 * one more for the others; of the group without a namespace. */
static const unsigned limits[] = {[URGENCY_NORMAL] = 6, [URGENCY_URGENT] = 8, [URGENCY_LAZY] = 2};
enum { NO_NAMESPACE_LIMIT = 2, ALL_BUT_LAST = 9, WHOLE = 10 };

static unsigned tenths(const struct http_slots *slots, unsigned count) {
    return (unsigned)(((uint64_t)slots->max * count + 9) / 10);
}

static struct http_group *group_of(struct http_slots *slots, const char *name) {
    struct http_group *group = NULL;
    DL_FOREACH(slots->groups, group) {
        if (strcmp(group->name, name) == 0)
            return group;
    }
    group = calloc(1, sizeof *group + strlen(name) + 1);
    if (group == NULL)
        abort();
    memcpy(group->name, name, strlen(name) + 1);
    DL_APPEND(slots->groups, group);
    return group;
}

struct kube_call **slots_join(struct http_slots *slots, struct kube_call *call) {
    call->group = group_of(slots, call->namespace != NULL ? call->namespace : "");
    call->group->members++;
    return &call->group->waiting[call->urgency];
}

void slots_leave(struct http_slots *slots, struct kube_call *call) {
    struct http_group *group = call->group;
    call->group = NULL;
    if (--group->members > 0)
        return;
    DL_DELETE(slots->groups, group);
    free(group);
}

static bool urgency_has_room(const struct http_slots *slots, enum kube_urgency urgency, bool within_share) {
    unsigned held = slots->held_by[urgency];
    if (urgency == URGENCY_NORMAL)
        held += slots->held_by[URGENCY_LAZY];
    bool lazy = urgency == URGENCY_LAZY;
    return held < tenths(slots, limits[urgency] + within_share) &&
           (!lazy || urgency_has_room(slots, URGENCY_NORMAL, within_share));
}

static bool group_has_room(const struct http_slots *slots, const struct http_group *group, bool within_share) {
    if (group->name[0] == '\0' && group->held >= tenths(slots, NO_NAMESPACE_LIMIT))
        return false;
    return !within_share || group->held < slots->max / 4 || group->held == 0;
}

static struct kube_call *first_of(const struct http_slots *slots, enum kube_urgency urgency, bool within_share) {
    struct http_group *best = NULL;
    struct http_group *group = NULL;
    if (!urgency_has_room(slots, urgency, within_share))
        return NULL;
    DL_FOREACH(slots->groups, group) {
        bool may = group->waiting[urgency] != NULL && group_has_room(slots, group, within_share);
        if (may && (best == NULL || group->held < best->held))
            best = group;
    }
    return best == NULL ? NULL : best->waiting[urgency];
}

struct kube_call *slots_next(const struct http_slots *slots) {
    static const enum kube_urgency order[] = {URGENCY_URGENT, URGENCY_NORMAL, URGENCY_LAZY};
    static const bool within[] = {true, false};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++)
        for (size_t j = 0; j < sizeof order / sizeof *order; j++) {
            bool room = slots->held < tenths(slots, within[i] ? WHOLE : ALL_BUT_LAST);
            struct kube_call *call = room ? first_of(slots, order[j], within[i]) : NULL;
            if (call != NULL)
                return call;
        }
    return NULL;
}

struct kube_call *slots_waiting(const struct http_slots *slots) {
    const struct http_group *group = NULL;
    DL_FOREACH(slots->groups, group) {
        for (int urgency = 0; urgency < URGENCY_COUNT; urgency++)
            if (group->waiting[urgency] != NULL)
                return group->waiting[urgency];
    }
    return NULL;
}

void slots_take(struct http_slots *slots, const struct kube_call *call) {
    slots->held++;
    slots->held_by[call->urgency]++;
    call->group->held++;
    DL_DELETE(slots->groups, call->group);
    DL_APPEND(slots->groups, call->group);
}

void slots_give(struct http_slots *slots, const struct kube_call *call) {
    slots->held--;
    slots->held_by[call->urgency]--;
    call->group->held--;
}
