/* See turns.h. A table of pods, each with a few askers; old ones go as new ones come, two looked at each time. Never
 * sees a token. */

#include "report/turns.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"

enum {
    LATE_MS = 60 * 1000,   /* a turn is kept so long for who comes late */
    OVERDUE_MS = 5000,     /* and no longer when others of its pod want its place */
    EARLY_PART = 8,        /* and is due this part of the wait before its time: launchers do not come on the second */
    APART_MS = 500,        /* turns of a pod whose token was refused */
    REFUSED_MS = 1000,     /* the address that sent it waits so long, twice as long each time */
    REFUSED_DOUBLINGS = 6, /* up to a minute */
    SUSPECT_MS = 60 * 1000,
    SUSPECT_AGAIN_MS = 5000,
};

#define BOOKED_PART 0.9 /* of what is reviewed: the rest is for who may go at once */

struct asker {
    struct in6_addr peer;
    int64_t told_at, turn; /* turn 0: none */
    int64_t quiet_until;   /* after refusals */
    unsigned refusals;
    bool used, in_line;
};

struct turns_pod {
    char uid[sizeof((struct turn_asker *)0)->pod_uid];
    int64_t quiet_until; /* the next turn that nobody of it has, after refusals */
    struct asker askers[TURNS_OF_POD];
    UT_hash_handle hh;
};

struct suspect {
    struct in6_addr peer;
    int64_t until;
    UT_hash_handle hh;
};

/* ---- the table ---- */

static bool is_stale(const struct asker *asker, int64_t now) {
    int64_t until = asker->turn > asker->quiet_until ? asker->turn : asker->quiet_until;
    return !asker->used || (!asker->in_line && now > until + LATE_MS);
}

static bool is_empty(const struct turns_pod *pod, int64_t now) {
    for (size_t i = 0; i < TURNS_OF_POD; i++)
        if (!is_stale(&pod->askers[i], now))
            return false;
    return true;
}

static void drop(struct turns *turns, struct turns_pod *pod) {
    HASH_DEL(turns->pods, pod);
    free(pod);
}

/* The hand of a clock: the first goes, or becomes the last. */
static void sweep(struct turns *turns, int64_t now) {
    for (int i = 0; i < 2 && turns->pods != NULL; i++) {
        struct turns_pod *pod = turns->pods;
        if (is_empty(pod, now)) {
            drop(turns, pod);
        } else {
            HASH_DEL(turns->pods, pod);
            HASH_ADD_STR(turns->pods, uid, pod);
        }
    }
}

static struct turns_pod *find_pod(const struct turns *turns, const char *uid) {
    struct turns_pod *pod = NULL;
    HASH_FIND_STR(turns->pods, uid, pod);
    return pod;
}

static struct turns_pod *add_pod(struct turns *turns, const char *uid) {
    if (HASH_COUNT(turns->pods) >= TURNS_PODS_MAX)
        return NULL;
    struct turns_pod *pod = calloc(1, sizeof *pod);
    if (pod == NULL)
        abort();
    memcpy(pod->uid, uid, strnlen(uid, sizeof pod->uid - 1));
    HASH_ADD_STR(turns->pods, uid, pod);
    return pod;
}

static struct asker *find_asker(struct turns_pod *pod, const struct in6_addr *peer) {
    for (size_t i = 0; pod != NULL && i < TURNS_OF_POD; i++)
        if (pod->askers[i].used && memcmp(&pod->askers[i].peer, peer, sizeof *peer) == 0)
            return &pod->askers[i];
    return NULL;
}

/* It has a turn, and is not known to have let it pass, or to send bad tokens. */
static bool is_waited_for(const struct asker *asker, int64_t now) {
    return asker->used && (asker->in_line || (asker->refusals == 0 && now <= asker->turn + OVERDUE_MS));
}

/* A place for one more of the pod; NULL when there is none. Who was refused most goes for it. */
static struct asker *add_asker(struct turns_pod *pod, const struct in6_addr *peer, int64_t now) {
    struct asker *place = NULL;
    for (size_t i = 0; i < TURNS_OF_POD; i++) {
        struct asker *asker = &pod->askers[i];
        if (is_waited_for(asker, now))
            continue;
        if (place == NULL || is_stale(asker, now) || (place->used && asker->refusals > place->refusals))
            place = asker;
    }
    if (place != NULL)
        *place = (struct asker){.peer = *peer, .used = true};
    return place;
}

/* ---- suspects ---- */

static void drop_suspect(struct turns *turns, struct suspect *suspect) {
    HASH_DEL(turns->suspects, suspect);
    free(suspect);
}

static bool is_suspect(struct turns *turns, const struct in6_addr *peer, int64_t now) {
    struct suspect *suspect = NULL;
    HASH_FIND(hh, turns->suspects, peer, sizeof *peer, suspect);
    return suspect != NULL && now < suspect->until;
}

static void suspect_peer(struct turns *turns, const struct in6_addr *peer, int64_t now) {
    struct suspect *suspect = NULL;
    HASH_FIND(hh, turns->suspects, peer, sizeof *peer, suspect);
    if (suspect != NULL)
        drop_suspect(turns, suspect);
    else if (HASH_COUNT(turns->suspects) >= TURNS_SUSPECTS_MAX)
        drop_suspect(turns, turns->suspects);
    suspect = calloc(1, sizeof *suspect);
    if (suspect == NULL)
        abort();
    *suspect = (struct suspect){.peer = *peer, .until = now + SUSPECT_MS};
    HASH_ADD(hh, turns->suspects, peer, sizeof suspect->peer, suspect);
}

/* ---- turns ---- */

static struct turn come_again(int64_t at, int64_t now, bool own_doing) {
    int64_t seconds = at > now ? (at - now + 999) / 1000 : 1;
    return (struct turn){.own_doing = own_doing,
                         .again_s = seconds < TURNS_AGAIN_MAX_S ? (int)seconds : TURNS_AGAIN_MAX_S};
}

static size_t room(const struct turn_load *load, enum turn_kind kind) {
    static const size_t quarters[] = {[TURN_URGENT] = 4, [TURN_DUE] = 3, [TURN_NEW] = 1};
    double length = load->per_second * TURNS_LINE_MS / 1000;
    size_t most = length > TURNS_LINE_MAX ? TURNS_LINE_MAX : length < TURNS_LINE_MIN ? TURNS_LINE_MIN : (size_t)length;
    return most * quarters[kind] / 4;
}

static int64_t drained_at(const struct turn_load *load, int64_t now) {
    return now + (int64_t)((double)load->in_line * 1000 / load->per_second);
}

/* The first turn that is free, behind those who stand in line. */
static int64_t book(struct turns *turns, const struct turn_load *load, int64_t now) {
    double first = (double)drained_at(load, now);
    if (turns->next_free < first)
        turns->next_free = first;
    int64_t turn = (int64_t)turns->next_free;
    turns->next_free += 1000 / (load->per_second * BOOKED_PART);
    return turn > now ? turn : now + 1;
}

static bool is_due(const struct asker *asker, int64_t now) {
    return asker->turn != 0 && now >= asker->turn - (asker->turn - asker->told_at) / EARLY_PART;
}

/* Refusals keep it quiet: its own, or its pod's, in which those of the pod follow each other. Whoever comes by many
 * addresses makes that no longer than for all that are remembered. */
static struct turn keep_quiet(struct turns_pod *pod, struct asker *asker, int64_t now) {
    int64_t last = now + (int64_t)TURNS_OF_POD * APART_MS;
    if (asker->turn == 0) {
        bool own = asker->quiet_until > now;
        asker->turn = own ? asker->quiet_until : pod->quiet_until;
        asker->told_at = now;
        if (!own && pod->quiet_until < last)
            pod->quiet_until += APART_MS;
    }
    return come_again(asker->turn, now, true);
}

static struct turn seat(struct turns *turns, struct turns_pod *pod, struct asker *asker, bool urgent,
                        const struct turn_load *load, int64_t now) {
    if (asker->turn != 0 && now > asker->turn + LATE_MS)
        asker->turn = 0;
    bool due = is_due(asker, now);
    if (!due && (now < asker->quiet_until || now < pod->quiet_until))
        return keep_quiet(pod, asker, now);
    enum turn_kind kind = urgent ? TURN_URGENT : due ? TURN_DUE : TURN_NEW;
    if (load->in_line < room(load, kind)) {
        asker->in_line = true;
        return (struct turn){.now = true, .kind = kind};
    }
    if (asker->turn == 0) {
        asker->turn = book(turns, load, now);
        asker->told_at = now;
    }
    return come_again(due ? drained_at(load, now) : asker->turn, now, false);
}

struct turn turns_ask(struct turns *turns, const struct turn_asker *asker, const struct turn_load *load, int64_t now) {
    sweep(turns, now);
    struct turns_pod *pod = find_pod(turns, asker->pod_uid);
    if (pod == NULL && (pod = add_pod(turns, asker->pod_uid)) == NULL)
        return (struct turn){.again_s = TURNS_AGAIN_MAX_S};
    struct asker *known = find_asker(pod, &asker->peer);
    if (known == NULL && now < pod->quiet_until && is_suspect(turns, &asker->peer, now))
        return come_again(now + SUSPECT_AGAIN_MS, now, true);
    if (known == NULL)
        known = add_asker(pod, &asker->peer, now);
    if (known == NULL || known->in_line)
        return come_again(drained_at(load, now), now, true);
    return seat(turns, pod, known, asker->urgent, load, now);
}

void turns_end(struct turns *turns, const struct turn_asker *asker, enum turn_end end, int64_t now) {
    struct turns_pod *pod = find_pod(turns, asker->pod_uid);
    struct asker *known = find_asker(pod, &asker->peer);
    if (known == NULL)
        return;
    known->in_line = false;
    if (end == TURN_ACCEPTED) {
        drop(turns, pod); /* what was held against it was not its doing */
    } else if (end == TURN_REFUSED) {
        unsigned doublings = known->refusals < REFUSED_DOUBLINGS ? known->refusals : REFUSED_DOUBLINGS;
        int64_t quiet_ms = (int64_t)REFUSED_MS << doublings;
        known->refusals++;
        suspect_peer(turns, &asker->peer, now);
        known->turn = 0;
        known->quiet_until = now + (quiet_ms < LATE_MS ? quiet_ms : LATE_MS);
        if (pod->quiet_until < now + APART_MS)
            pod->quiet_until = now + APART_MS;
    } else if (known->turn == 0) {
        known->turn = known->told_at = now; /* it comes again, and has waited */
    }
}

void turns_fini(struct turns *turns) {
    while (turns->pods != NULL)
        drop(turns, turns->pods);
    while (turns->suspects != NULL)
        drop_suspect(turns, turns->suspects);
}
