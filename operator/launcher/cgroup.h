#pragma once

#include <stdint.h>

/* How many processes of this container the kernel has killed for lack of memory; -1 when it cannot be told. */
int64_t cgroup_oom_kills(void);
int64_t cgroup_parse_oom_kills(const char *text); /* the number behind a line's "oom_kill"; -1 when there is none */
