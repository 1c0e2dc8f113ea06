/* See wait.h. Relies on poll(); holds nothing between turns. */

#include "base/wait.h"

#include <limits.h>

void wait_reset(struct wait *wait) {
    wait->count = 0;
    wait->deadline = INT64_MAX;
}

void wait_fd(struct wait *wait, int fd, short events) {
    if (fd >= 0 && events && wait->count < WAIT_MAX)
        wait->fds[wait->count++] = (struct pollfd){.fd = fd, .events = events};
}

void wait_until(struct wait *wait, int64_t at) {
    if (at < wait->deadline)
        wait->deadline = at;
}

short wait_events(const struct wait *wait, int fd) {
    for (nfds_t i = 0; i < wait->count && fd >= 0; i++)
        if (wait->fds[i].fd == fd)
            return wait->fds[i].revents;
    return 0;
}

void wait_poll(struct wait *wait, int64_t now) {
    int64_t left = wait->deadline == INT64_MAX ? -1 : wait->deadline <= now ? 0 : wait->deadline - now;
    if (left > INT_MAX)
        left = INT_MAX;
    if (poll(wait->fds, wait->count, (int)left) < 0) /* EINTR or ENOMEM: nothing happened, look at the clock again */
        for (nfds_t i = 0; i < wait->count; i++)
            wait->fds[i].revents = 0;
}
