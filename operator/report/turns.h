#pragma once

/* Whose token is reviewed when: who may stand in line now, and when the others come again.
 *
 * An asker is a pod, as its token names it, and the address that it speaks from: anybody can name any pod, but not from
 * its address. One that is sent away has a turn from then on: the first that is free, since turns follow each other as
 * fast as reviews are made, up to a minute away or more. Who comes back when it is due goes before all newcomers, and
 * who comes early keeps it, so nobody who does as told starves. A pod that bad tokens speak of gets its turns apart,
 * and who sent one waits longer each time; an address that did so lately gets no turn of a pod that is quiet for that
 * reason. Pure; bounded; times are boot ms. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

enum {
    TURNS_PODS_MAX = 16 * 1024,
    TURNS_OF_POD = 4, /* askers of one pod that are remembered */
    TURNS_SUSPECTS_MAX = 1024,
    TURNS_LINE_MAX = 64, /* who waits holds a connection: most must be free for others */
    TURNS_LINE_MIN = 8,
    TURNS_LINE_MS = 2000, /* the line is as long as what is reviewed in that time */
    TURNS_AGAIN_MAX_S = 60,
};

/* In the order in which they go. Urgent: says that it ends; a claim too, so these are bounded like the others. */
enum turn_kind { TURN_URGENT, TURN_DUE, TURN_NEW, TURN_KINDS };

struct turn_asker {
    char pod_uid[48];     /* cut when longer */
    struct in6_addr peer; /* as web/peer.h has it */
    bool urgent;
};

struct turn_load {
    size_t in_line;
    double per_second; /* reviews */
};

struct turn {
    bool now;            /* it stands in line: turns_end() must follow */
    enum turn_kind kind; /* when now */
    bool own_doing;      /* else: the pod itself asked too much */
    int again_s;         /* else: come again after, 1 to TURNS_AGAIN_MAX_S */
};

enum turn_end { TURN_ACCEPTED, TURN_REFUSED, TURN_UNTOLD /* nobody could say, or the asker has left */ };

struct turns {
    struct turns_pod *pods;   /* the one that was looked at last is the last */
    struct suspect *suspects; /* addresses that sent bad tokens lately, in the order of their coming */
    double next_free;         /* when the next turn is that nobody has */
};

struct turn turns_ask(struct turns *turns, const struct turn_asker *asker, const struct turn_load *load, int64_t now);
void turns_end(struct turns *turns, const struct turn_asker *asker, enum turn_end end, int64_t now);
void turns_fini(struct turns *turns);
