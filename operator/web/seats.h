#pragma once

/* The seats of one port: who gets one, and who gets up for it. Pure; a visitor is a pointer that nobody looks into.
 *
 * Whoever says nothing must keep nobody out, and no address all others. While there is room anybody may sit down. When
 * all seats are taken, a newcomer gets that of the longest silent visitor of the address that has most; visitors whose
 * request is complete stay, unless their address has more than its share. Those of an address that has its share
 * already get seats of their own address only. Who came a moment ago, or was answered then, stays, or in a crowd nobody
 * would be listened to: unless its address has far more seats than the newcomer's. Times are boot ms. */

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

struct seat {
    void *who;
    struct in6_addr from;
    uint64_t turn; /* the lower, the longer silent */
    int64_t since;
    int shared; /* seats of this address */
    bool asked; /* its request is complete, and not answered yet */
};

struct seats {
    struct seat *list;
    int count, max;
    int share; /* of one address */
    int moment_ms;
    uint64_t turn;
};

void seats_init(struct seats *seats, int max, int share, int moment_ms);
void seats_fini(struct seats *seats);

/* May somebody come in from there? `*ret_leaves` has lost its seat for it and is to be closed; NULL: nobody has. The
 * newcomer has none before seats_take(). */
bool seats_admit(struct seats *seats, const struct in6_addr *from, int64_t now, void **ret_leaves);
/* No-op when all are taken. */
void seats_take(struct seats *seats, void *who, const struct in6_addr *from, int64_t now);

/* No-ops for those who have no seat. */
void seats_asked(struct seats *seats, const void *who);                 /* the request is complete */
void seats_answered(struct seats *seats, const void *who, int64_t now); /* silent from now on */
void seats_leave(struct seats *seats, const void *who);
