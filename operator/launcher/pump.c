/* See pump.h. Reads only into an empty buffer, so order is kept and memory is bounded. Our own end is made non-blocking
 * when it is a pipe, a socket or a terminal, and given back as it was, since it may be shared with others. */

#include "launcher/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 16 }; /* pieces in one turn, so that neither stream starves the other */

void pump_init(struct pump *pump, int in, int out, lines_each each, void *context) {
    struct stat about;
    pump->in = in;
    pump->out = out;
    pump->out_flags = -1;
    pump->broken = false;
    pump->at = pump->length = 0;
    pump->lines.each = each;
    pump->lines.context = context;
    pump->lines.length = 0;
    pump->lines.shown = false;
    if (fstat(out, &about) == 0 && !S_ISREG(about.st_mode)) {
        pump->out_flags = fcntl(out, F_GETFL);
        if (pump->out_flags >= 0)
            fcntl(out, F_SETFL, pump->out_flags | O_NONBLOCK);
    }
}

void pump_fini(struct pump *pump) {
    if (pump->in >= 0)
        close(pump->in);
    if (pump->out_flags >= 0)
        fcntl(pump->out, F_SETFL, pump->out_flags);
    pump->in = pump->out_flags = -1;
}

bool pump_done(const struct pump *pump) {
    return pump->in < 0 && pump->length == 0;
}

void pump_wait(const struct pump *pump, struct wait *wait) {
    if (pump->length > 0)
        wait_fd(wait, pump->out, POLLOUT);
    else
        wait_fd(wait, pump->in, POLLIN);
}

/* False when the stream has nothing now. */
static bool fill(struct pump *pump) {
    ssize_t got = read(pump->in, pump->buffer, sizeof pump->buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0) {
        lines_end(&pump->lines);
        close(pump->in);
        pump->in = -1;
        return false;
    }
    lines_add(&pump->lines, pump->buffer, (size_t)got);
    pump->at = 0;
    pump->length = pump->broken ? 0 : (size_t)got;
    return true;
}

/* False when the reader of our end has to be waited for. */
static bool drain(struct pump *pump) {
    while (pump->length > 0) {
        ssize_t put = write(pump->out, pump->buffer + pump->at, pump->length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EAGAIN)
            return false;
        if (put < 0) {
            pump->broken = true;
            pump->length = 0;
            return true;
        }
        pump->at += (size_t)put;
        pump->length -= (size_t)put;
    }
    return true;
}

void pump_step(struct pump *pump, const struct wait *wait) {
    int fd = pump->length > 0 ? pump->out : pump->in;
    if (!wait_events(wait, fd))
        return;
    for (int round = 0; round < ROUNDS && drain(pump) && pump->in >= 0 && fill(pump); round++)
        ;
    drain(pump);
}
