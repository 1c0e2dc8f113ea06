/* See copy.h. What the init container does; relies on /proc/self/exe. */

#include "launcher/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_bytes(int from, int to, struct error *err) {
    struct stat about;
    if (fstat(from, &about) < 0)
        return error_set(err, ERROR_TRANSIENT, "read /proc/self/exe: %s", strerror(errno));
    for (off_t left = about.st_size; left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return error_set(err, ERROR_TRANSIENT, "write: %s", sent < 0 ? strerror(errno) : "it became shorter");
        left -= sent;
    }
    if (fchmod(to, 0755) < 0)
        return error_set(err, ERROR_TRANSIENT, "set its mode: %s", strerror(errno));
    return 0;
}

int copy_self(const char *directory, struct error *err) {
    char path[4096], temporary[4096 + 32];
    int size = snprintf(path, sizeof path, "%s/weir-launcher", directory);
    if (size < 0 || (size_t)size >= sizeof path)
        return error_set(err, ERROR_INVALID, "copy: the directory's name is too long");
    snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid());
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set(err, ERROR_TRANSIENT, "open /proc/self/exe: %s", strerror(errno));
    int result = 0, to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (to < 0)
        result = error_set(err, ERROR_TRANSIENT, "create %.150s: %s", temporary, strerror(errno));
    else
        result = copy_bytes(from, to, err);
    if (to >= 0 && close(to) < 0 && result == 0)
        result = error_set(err, ERROR_TRANSIENT, "write %.150s: %s", temporary, strerror(errno));
    close(from);
    if (result == 0 && rename(temporary, path) < 0)
        result = error_set(err, ERROR_TRANSIENT, "rename to %.150s: %s", path, strerror(errno));
    if (result < 0 && to >= 0)
        unlink(temporary);
    return result;
}
