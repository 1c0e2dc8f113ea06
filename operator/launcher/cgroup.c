/* See cgroup.h. Reads memory.events (v2) or memory.oom_control (v1) where a container sees its own group. */

#include "launcher/cgroup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t cgroup_parse_oom_kills(const char *text) {
    static const char name[] = "oom_kill ";
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, name, sizeof name - 1) == 0)
            return strtoll(line + sizeof name - 1, NULL, 10);
    return -1;
}

int64_t cgroup_oom_kills(void) {
    static const char *const files[] = {"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char text[1024];
        int fd = open(files[i], O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (got > 0) {
            text[got] = '\0';
            return cgroup_parse_oom_kills(text);
        }
    }
    return -1;
}
