#pragma once

/* What one turn of a program's only loop waits for. Every part adds its descriptors and its next deadline, the loop
 * polls once, and every part looks up what became of its own. */

#include <poll.h>
#include <stdint.h>

enum { WAIT_MAX = 32 };

struct wait {
    struct pollfd fds[WAIT_MAX];
    nfds_t count;
    int64_t deadline; /* boot ms; INT64_MAX: none */
};

void wait_reset(struct wait *wait);
void wait_fd(struct wait *wait, int fd, short events); /* no-op when fd is negative or events is 0 */
void wait_until(struct wait *wait, int64_t at);        /* the earliest counts */
short wait_events(const struct wait *wait, int fd);    /* what happened; 0 when nothing did or nobody asked */
void wait_poll(struct wait *wait, int64_t now);        /* blocks until something happens or the deadline has come */
